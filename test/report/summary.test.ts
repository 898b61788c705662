import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../../src/contract';
import { costOf, failuresOf, renderNoVerdict, renderSummary, type Summarised } from '../../src/report';

const result = (): Result => JSON.parse(readFileSync(join(__dirname, 'result.fixture.json'), 'utf8'));
const about = (change: Partial<Summarised> = {}): Summarised => ({
  ...result(),
  ...{ failures: failuresOf(result()), cost: costOf(result()), links: ['[Report](https://assay.example.org/r)'] },
  ...change,
});

test('a summary has the marker, the verdict, a row for each comparison, what needs a look, the cost and the links', () => {
  const text = renderSummary(about());
  expect(text).toMatch(/^<!-- assay:digits -->\n## ✓ Adopt: digits\n\n\*\*Adopt mlp: /);
  expect(text).toContain('| **accuracy** (primary) | mlp − logistic | +2.14 pp | [+0.77, +3.51] pp | ▲ better | 0.008 |');
  expect(text.split('\n').filter((line) => line.startsWith('| ')).length).toBe(2 + result().comparisons.length);
  expect(text).toContain('### Checks that need a look\n\n- ! **covariates** (warn)');
  expect(text).toContain('### Where it differs (exploratory)\n\n- ');
  expect(text).toMatch(/\nCost: \d+ runs · .* of training/);
  expect(text).toMatch(/\n\[Report\]\(https:\/\/assay\.example\.org\/r\)\n$/);
});

test('it is shorter than the report in Markdown is allowed to be, however many comparisons, checks and reasons there are', () => {
  const { comparisons, checks, verdict } = result();
  const many = <T>(items: T[]): T[] => Array.from({ length: 3000 }, (_, i) => items[i % items.length] as T);
  const long = { ...verdict, sentence: 'x'.repeat(100_000), reasons: many(verdict.reasons.map((reason) => reason.repeat(50))) };
  const failing = checks.map((check) => ({ ...check, status: 'fail' as const, detail: check.detail.repeat(500) }));
  const text = renderSummary(about({ comparisons: many(comparisons), checks: many(failing), verdict: long }));
  expect(text.length).toBeLessThan(65_536);
  expect(text).toMatch(/- and 2994 more reasons in the report/);
  const names = comparisons.map((each) => ({ ...each, variant: '|'.repeat(590), control: '<'.repeat(590) }));
  const cut = renderSummary(about({ comparisons: many(names), checks: many(failing), verdict: long }));
  expect(cut.length).toBeLessThan(65_536);
  for (const line of cut.split('\n').filter((row) => row.startsWith('| '))) expect(line.match(/(?<!\\)\|/g)).toHaveLength(7);
});

test('names and messages cannot become cells, markup, comments, mentions or the marker of another experiment', () => {
  const evil = '--> <img src=x>|[a](javascript:x)\n# @team `x`';
  const { comparisons, checks, verdict } = result();
  const text = renderSummary(
    about({
      name: evil,
      comparisons: comparisons.map((each) => ({ ...each, variant: evil })),
      checks: checks.map((check) => ({ ...check, status: 'fail', detail: evil })),
      verdict: { ...verdict, sentence: evil, reasons: [evil] },
      failures: [evil],
    }),
  );
  expect(text.split('\n', 1)[0]).toBe('<!-- assay:-img-src-x-a-javascript-x-team-x- -->');
  expect(text.slice(text.indexOf('\n'))).not.toMatch(/-->|<img|[^\\]\[a|@team|\n# /);
  for (const line of text.split('\n').filter((row) => row.startsWith('| '))) expect(line.match(/(?<!\\)\|/g)).toHaveLength(7);
});

test('without a verdict it says so, with the message in a fence that the message cannot leave', () => {
  const text = renderNoVerdict({ name: 'digits', title: 'It failed (DataInvalid).', message: '```\n@team <b>\n````', links: [] });
  expect(text).toBe(
    '<!-- assay:digits -->\n## ✕ No verdict: digits\n\n**It failed (DataInvalid).**\n\n`````\n```\n@team <b>\n````\n`````\n',
  );
  expect(renderNoVerdict({ name: 'digits', title: 'x', message: 'y'.repeat(1e6), links: [] }).length).toBeLessThan(10_000);
});

test('the cost counts runs, starts again and failures, and a failed run is told with its reason', () => {
  const { variants } = result();
  const [first] = variants;
  const run = first?.runs[0];
  if (!first || !run) throw new Error('no run');
  const failed = {
    ...run,
    status: 'failed' as const,
    attempts: 3,
    seconds: 10,
    failure: { type: 'TrainerFailed', message: 'it died\n\nlog line\nKeyError: x' },
  };
  const gpu = { ...run, attempts: 1, seconds: 7190, device: { kind: 'cuda' as const, model: 'H100', uuids: ['a', 'b'] } };
  const few = { variants: [{ ...first, runs: [failed, gpu] }] };
  expect(costOf(few)).toEqual(['2 runs', '2 h 00 min of training', '4.0 GPU-hours', '2 started again', '1 failed']);
  expect(failuresOf(few)).toEqual([`${first.name} seed ${run.seed}: it died … KeyError: x`]);
});
