// Proves: what people wrote fits a server's limits and cannot break Markdown.
import { cutTo, plain, summaryText, tableOf } from '../../src/contract/describe';

test('a summary is one line, and cut between characters where a server would refuse it', () => {
  expect(summaryText('  A hypothesis\n of two lines ')).toBe('A hypothesis of two lines');
  const long = summaryText('ü"😀'.repeat(500));
  expect(Buffer.byteLength(JSON.stringify(long))).toBeLessThanOrEqual(320);
  expect(Buffer.byteLength(JSON.stringify(long))).toBeGreaterThan(310);
  expect(long).toMatch(/^(ü"😀)+(ü"?)?…$/u);
});

test('text that fits is not cut', () => {
  expect(cutTo('short', 7)).toBe('short');
  expect(cutTo('short!', 7)).toBe('sh…');
});

test('Markdown of others is shown as it was written', () => {
  expect(plain('a|b `c` *d* [e](f) <g> \\')).toBe('a\\|b \\`c\\` \\*d\\* \\[e\\](f) &lt;g&gt; \\\\');
  expect(plain('f1_macro')).toBe('f1_macro');
});

test('a table without rows is nothing', () => {
  expect(tableOf(['a'], [])).toEqual([]);
  expect(tableOf(['a', 'b'], [['1', '2']])).toEqual(['| a | b |', '| --- | --- |', '| 1 | 2 |']);
});
