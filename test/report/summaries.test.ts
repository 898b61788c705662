import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Result } from '../../src/contract';
import { renderMarkdown, terminalSummary } from '../../src/report';

const fixture = (): Result => JSON.parse(readFileSync(join(__dirname, 'result.fixture.json'), 'utf8'));

test('the terminal summary gives verdict, differences, reasons and the checks that did not pass in at most 22 lines', () => {
  const text = terminalSummary(fixture(), { colour: false });
  expect(text).toContain('✓ Adopt  Adopt mlp: it is 2.1 points more accurate');
  expect(text).toMatch(/accuracy +mlp +\+2\.14 pp +\[\+0\.77, \+3\.51\] pp +▲ better +p = 0\.008/);
  expect(text).toContain('the interval [+0.77, +3.51] pp lies above the margin');
  expect(text).toContain('! warn  covariates');
  expect(text).not.toContain('class-balance');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(22);
});

test.each([true, false])('a summary is broken at spaces to the width of the terminal, coloured or not (%s)', (colour) => {
  const result = fixture();
  const lines = stripVTControlCharacters(terminalSummary(result, { colour, columns: 60 }))
    .trim()
    .split('\n');
  expect(lines.filter((line) => line.length > 60)).toEqual([]);
  const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
  expect(words(lines.join(' '))).toEqual(words(terminalSummary(result, { colour: false })));
  expect(lines[1]).toMatch(/^ {2}\S/);
});

test('colour is a matter of the option alone', () => {
  expect(terminalSummary(fixture(), { colour: false })).not.toContain('\u001b');
  expect(terminalSummary(fixture(), { colour: true })).toContain('\u001b[32m');
});

test('control characters of a name do not reach the terminal', () => {
  const result = fixture();
  result.verdict.sentence = 'evil\u001b[2J\u0007name';
  for (const comparison of result.comparisons) comparison.variant = 'a\u001b]0;x\u0007';
  expect(terminalSummary(result, { colour: false })).not.toMatch(/[^\P{Cc}\n]/u);
});

test('a terminal summary without comparisons says so', () => {
  expect(terminalSummary({ ...fixture(), comparisons: [] }, { colour: false })).toContain('no comparison could be made');
});

test('the Markdown has the verdict, a row for each comparison and the way to the rest', () => {
  const text = renderMarkdown(fixture());
  expect(text).toMatch(/^## ✓ Adopt: digits\n/);
  expect(text).toContain('| **accuracy** (primary) | mlp − logistic | +2.14 pp | [+0.77, +3.51] pp | ▲ better | 0.004 | 0.008 | 359 |');
  expect(text.split('\n').filter((line) => line.startsWith('| ')).length).toBe(2 + fixture().comparisons.length);
  expect(text).toContain('**covariates** (warn)');
  expect(text).toContain('assay report digits-20261121-140312-k3f9 --open');
});

test('names cannot break out of the Markdown table or become markup, links or mentions', () => {
  const result = fixture();
  const evil = '<img src=x>|[a](javascript:x)\n# @team `x`';
  result.verdict.sentence = evil;
  for (const comparison of result.comparisons) comparison.variant = evil;
  const text = renderMarkdown(result);
  expect(text).not.toMatch(/<img|[^\\]\[a|@team|\n# /);
  for (const line of text.split('\n').filter((row) => row.startsWith('| '))) expect(line.match(/(?<!\\)\|/g)).toHaveLength(9);
});

test('undefined numbers are named in both summaries', () => {
  const result = fixture();
  for (const comparison of result.comparisons) Object.assign(comparison, { difference: null, low: null, high: null, pValue: null });
  for (const text of [renderMarkdown(result), terminalSummary(result, { colour: false })]) {
    expect(text).toContain('not defined');
    expect(text).not.toMatch(/NaN|null|undefined/);
  }
});
