import { plainText } from '../../src/api/plainText';

test.each([
  ['colours', '\x1b[1;32mok\x1b[0m and \x1b[38;5;196mred\x1b[m', 'ok and red'],
  ['a title of the window', '\x1b]0;training\x07loss 1\n\x1b]8;;http://a.example\x1b\\link\x1b]8;;\x1b\\', 'loss 1\nlink'],
  ['moves of the cursor and cleared lines', 'a\x1b[2K\x1b[1A\x1b[?25lb\x1b(B', 'ab'],
  ['a line that was drawn anew', ' 10 %\r 50 %\r100 %\nnext', '100 %\nnext'],
  ['lines that end as on Windows', 'one\r\ntwo\r\n', 'one\ntwo\n'],
  ['other control characters', 'a\x00b\x08c\td\x9b', 'abc\td'],
  ['a sequence that is cut off', 'end\x1b[3', 'end'],
  ['markup, which is text', '<b>&amp;</b> ünïcödé 🙂', '<b>&amp;</b> ünïcödé 🙂'],
])('what a terminal would show of %s', (_what, written, shown) => {
  expect(plainText(written)).toBe(shown);
});

test('a trainer that returned to the start of its line for ever holds nobody up', () => {
  const began = performance.now();
  expect(plainText(`${'\r'.repeat(5_000_000)}x`)).toBe('x');
  expect(plainText('a\r\r\r\nb\r\r')).toBe('a\nb');
  expect(performance.now() - began).toBeLessThan(10_000);
});
