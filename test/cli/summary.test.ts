// Proves, with the command itself: --summary writes a comment however the command ends, and the exit codes are those that docs/ci.md lists.
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '../../src/cli/exitCode';
import { type Desk, desk } from './assay';

let here: Desk;
beforeAll(() => {
  here = desk();
  for (const [name, wrong] of [
    ['main', 5],
    ['equal', 5],
    ['worse', 90],
  ] as const)
    here.write(`${name}.csv`, predictions(wrong));
});
afterAll(() => here.remove());

const comment = (name: string): string => readFileSync(join(here.folder, name), 'utf8');

test('a comparison leaves its comment, and a verdict that --fail-on names is exit code 4', async () => {
  const rule = ['--test', 'non-inferiority', '--margin', '0.05', '--resamples', '1000', '--fail-on', 'harm,keep,inconclusive'];
  const worse = await here.run(['compare', 'main.csv', 'worse.csv', ...rule, '--summary', 'out/worse.md']);
  expect([worse.code, worse.err]).toEqual([4, '']);
  expect(comment('out/worse.md')).toMatch(/^<!-- assay:compare -->\n## ■ Keep the control/);
  expect(comment('out/worse.md')).toMatch(/\| \*\*accuracy\*\* \(primary\) \| worse − main \| −\d/);
  expect(readdirSync(join(here.folder, 'out'))).toEqual(['worse.md']);
  const equal = await here.run(['compare', 'main.csv', 'equal.csv', ...rule, '--summary', 'out/worse.md']);
  expect(equal.code).toBe(0);
  expect(comment('out/worse.md')).toMatch(/^<!-- assay:compare -->\n## ✓ Adopt/);
}, 60_000);

test('wrong input is exit code 2, and the comment has its words and the name that the file gives', async () => {
  const missing = await here.run(['compare', 'main.csv', 'absent.csv', '--summary', 'missing.md']);
  expect(missing.code).toBe(2);
  expect(comment('missing.md')).toMatch(/^<!-- assay:compare -->\n## ✕ No verdict: compare\n\n\*\*The input is wrong/);
  expect(comment('missing.md')).toContain('absent.csv');
  here.write('wrong.yaml', 'name: digits\nvariants: 3\n');
  expect((await here.run(['run', 'wrong.yaml', '--summary', 'wrong.md'])).code).toBe(2);
  expect(comment('wrong.md')).toMatch(/^<!-- assay:digits -->\n## ✕ No verdict: digits\n/);
  expect((await here.run(['run', 'wrong.yaml', '--set', 'name=other', '--summary', 'wrong.md'])).code).toBe(2);
  expect(comment('wrong.md')).toMatch(/^<!-- assay:other -->\n/);
  expect((await here.run(['watch', 'digits-20261122-030000-abcd', '--summary', 'watch.md'])).code).toBe(2);
  expect(comment('watch.md')).toMatch(/^<!-- assay:digits -->\n## ✕ No verdict: digits\n/);
  const detached = await here.run(['run', 'wrong.yaml', '--detach', '--summary', 'detached.md']);
  expect([detached.code, detached.err]).toEqual([2, expect.stringContaining('--summary needs the verdict')]);
}, 60_000);

test('a comment that cannot be written is an error of its own, and leaves no draft', async () => {
  mkdirSync(join(here.folder, 'taken.md', 'inside'), { recursive: true });
  const ended = await here.run(['compare', 'main.csv', 'equal.csv', '--resamples', '1000', '--summary', 'taken.md']);
  expect([ended.code, ended.err]).toEqual([3, expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/)]);
  expect(readdirSync(here.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}, 60_000);

test('docs/ci.md lists the exit codes that the command has, and the outcomes that --fail-on takes', async () => {
  const page = readFileSync(join(__dirname, '../../docs/ci.md'), 'utf8');
  const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(exitCodes));
  const { err } = await here.run(['compare', 'main.csv', 'equal.csv', '--fail-on', 'nonsense']);
  const outcomes = /expected (.*)$/m.exec(err)?.[1]?.split(', ') ?? [];
  expect(outcomes.length).toBe(6);
  for (const outcome of outcomes) expect(page).toContain(`\`${outcome}\``);
});

/** 300 rows of two classes, of which every model gets the first `wrong` wrong. */
function predictions(wrong: number): string {
  const rows = Array.from({ length: 300 }, (_, i) => {
    const right = i % 2 === 0 ? 0.9 : 0.1;
    const yes = i < wrong ? 1 - right : right;
    return `r${i},${i % 2 === 0 ? 'yes' : 'no'},${yes.toFixed(2)},${(1 - yes).toFixed(2)}`;
  });
  return `id,label,yes,no\n${rows.join('\n')}\n`;
}
