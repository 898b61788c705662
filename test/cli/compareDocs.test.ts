// Proves: docs/compare.md lists each option of `assay compare` and no other, with its default.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Desk, desk } from './assay';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'compare.md'), 'utf8');
let at: Desk;
let help: string;
beforeAll(async () => {
  at = desk();
  help = (await at.run(['compare', '--help'])).out;
});
afterAll(() => at.remove());

test('every option stands in the table, and nothing else', () => {
  const own = help.replace(/^Global options:[^]*/im, '');
  const options = [...own.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name);
  const listed = [...page.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, name]) => name);
  expect(listed).toEqual(options);
});

test('defaults of the table are those of the command', () => {
  const folded = help.replace(/\s+/g, ' ');
  for (const [, name, value] of page.matchAll(/^\| `(--(?:test|margin|question|confidence|correction|resamples)) [^|]*\| `([^`]+)`/gm))
    expect(folded).toMatch(new RegExp(`${name} <[^>]*> (?:(?! --).)*default: "?${value}"?\\)`));
});
