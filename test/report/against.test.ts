import type { Comparison, Result } from '../../src/contract';
import { compareResults, renderAgainst, renderAgainstMarkdown } from '../../src/report';
import { makeResult } from './fixture';
import { againstFixture, later } from './fixtureAgainst';

const side = (result: Result): { result: Result; spec: unknown } => ({ result, spec: null });
const primaryOf = (result: Result): Comparison => result.comparisons[0] as Comparison;

test('names what changed: keys of the spec by the names of the variants, data, seeds, versions, and nothing that is the same', () => {
  const { changes } = againstFixture();
  expect(changes.map(({ about, key, before, after }) => [about, key, before, after])).toEqual([
    ['spec', 'variants.mlp.params.lr', 0.01, 0.02],
    ['data', 'digest', makeResult().snapshot.digest, `sha256:${'1'.repeat(64)}`],
    ['data', 'rows of test', 359, 420],
    ['seeds', 'seeds', [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]],
    ['environment', 'numpy', '2.4.1', '2.5.0'],
  ]);
});

test('a key that only one has, another image and another trainer’s version are changes; an order of variants is none', () => {
  const after = later();
  const before = makeResult();
  for (const run of after.variants.flatMap(({ runs }) => runs)) Object.assign(run, { image: null, environment: { torch: '2.9' } });
  const variants = [{ name: 'a', params: { x: 1 } }, { name: 'b' }];
  const { changes } = compareResults(
    { result: after, spec: { variants, extra: { on: true } } },
    { result: before, spec: { variants: [...variants].reverse() } },
    { sharedTestRows: 0 },
  );
  expect(changes.filter(({ about }) => about === 'spec')).toEqual([{ about: 'spec', key: 'extra.on', after: true }]);
  expect(changes.find(({ about }) => about === 'image')).toMatchObject({ after: 'none: a process of its host' });
  expect(changes.find(({ key }) => key === 'trainer: torch')).toEqual({ about: 'environment', key: 'trainer: torch', after: '2.9' });
});

test('of independent estimates the change has an interval of their own level, by the squares of their distances', () => {
  const { effects } = againstFixture(0, (after, before) => {
    Object.assign(primaryOf(after), { difference: 0.05, low: 0.02, high: 0.07 });
    Object.assign(primaryOf(before), { difference: 0.02, low: -0.02, high: 0.05 });
  });
  expect(effects[0]?.change).toMatchObject({ independent: true, method: 'mover', confidence: 0.95, why: 'no test row is in both' });
  expect(effects[0]?.change.difference).toBeCloseTo(0.03, 12);
  expect(effects[0]?.change.low).toBeCloseTo(0.03 - Math.hypot(0.03, 0.03), 12);
  expect(effects[0]?.change.high).toBeCloseTo(0.03 + Math.hypot(0.02, 0.04), 12);
});

test.each([
  [120, '120 test rows are in both, of 359'],
  [null, 'nobody knows any more which test rows they share'],
])('where they share %s rows the interval holds whatever they share, at a lower level, and the page says why', (shared, why) => {
  const against = againstFixture(shared);
  const { change, before, after } = against.effects[0] as (typeof against.effects)[number];
  expect(change).toMatchObject({ independent: false, method: 'union', confidence: 0.9, why });
  expect(change.low).toBe((after.low ?? 0) - (before.high ?? 0));
  expect(change.high).toBe((after.high ?? 0) - (before.low ?? 0));
  expect(renderAgainst(against)).toContain(`The two are not independent: ${why}.`);
  expect(against.effects.find(({ metric }) => metric === 'latency_p95')?.change.independent).toBe(true);
});

test('without an interval on either side the change has none, and without a difference no number', () => {
  const { effects } = againstFixture(0, (after, before) => {
    Object.assign(primaryOf(after), { low: null, high: null });
    Object.assign(before.comparisons[1] as Comparison, { difference: null, low: null, high: null });
  });
  expect(effects[0]?.change).toMatchObject({ low: null, high: null, confidence: null, method: 'none' });
  expect(effects.some(({ change }) => change.difference === null)).toBe(true);
});

test('a single candidate of each is one pair whatever it is called; of several those of one name', () => {
  const renamed = JSON.parse(JSON.stringify(makeResult({ candidates: ['mlp'] })).replaceAll('"mlp"', '"mlp2"')) as Result;
  renamed.experiment = 'other';
  const one = compareResults(side(renamed), side(makeResult({ candidates: ['mlp'] })), { sharedTestRows: 0 });
  expect(new Set(one.effects.map(({ variant }) => `${variant.before} ${variant.after}`))).toEqual(new Set(['mlp mlp2']));
  renamed.experiment = 'third';
  const several = compareResults(side(later()), side(makeResult({ candidates: ['mlp', 'cnn'] })), { sharedTestRows: 0 });
  expect(new Set(several.effects.map(({ variant }) => variant.after))).toEqual(new Set(['mlp']));
});

test('checks that came to the same are not told, those of another status or finding are', () => {
  const { checks } = againstFixture(0, (after) => {
    after.checks = after.checks.filter(({ name }) => name !== 'pairs');
  });
  expect(checks.map(({ name, before, after }) => [name, before?.status, after?.status])).toEqual([
    ['covariates', 'warn', 'pass'],
    ['pairs', 'pass', undefined],
  ]);
});

test('what cannot be compared is an error that says what each compares', () => {
  expect(() => compareResults(side(makeResult()), side(makeResult()), { sharedTestRows: 0 })).toThrow(/cannot be compared with itself/);
  const other = later();
  other.comparisons = other.comparisons.filter(({ metric }) => metric === 'log_loss');
  const before = makeResult();
  before.comparisons = before.comparisons.filter(({ metric }) => metric === 'accuracy');
  expect(() => compareResults(side(other), side(before), { sharedTestRows: 0 })).toThrow(
    /the first compares log_loss of mlp, log_loss of boosting, the second accuracy of mlp, accuracy of boosting; expected a metric/,
  );
});

test('the page opens with both verdicts and the change of the primary effect, and says of which series they are', () => {
  const against = { ...againstFixture(), series: { name: 'nightly', looks: [4, 3] as [number, number] } };
  const page = renderAgainst(against);
  expect(page).toMatch(
    /<h1>The verdict is the same, adopt mlp; the difference in accuracy of mlp went from \+2\.14 pp to \+3\.14 pp: changed by \+1\.00 pp \(95 % interval \[−0\.94, \+2\.94\] pp\), not settled\.<\/h1>/,
  );
  expect(page).toContain('Both are looks of the series <bdi>nightly</bdi>: look 3, then look 4.');
  expect(renderAgainst(against)).toBe(page);
  against.against.verdict.outcome = 'inconclusive';
  against.against.verdict.variant = null;
  expect(renderAgainst(against)).toContain('<h1>The verdict went from inconclusive to adopt mlp');
});

test('the Markdown has the same tables, and whatever a user wrote in them is text', () => {
  const against = againstFixture(0, (after) => {
    after.experiment = '<b>|evil|</b>';
    after.provenance.environment['a|b'] = '`x`\n# y';
  });
  const markdown = renderAgainstMarkdown(against);
  for (const title of ['What changed between them', 'The effects', 'Metrics by variant', 'Checks that changed'])
    expect(markdown).toContain(`### ${title}`);
  expect(markdown).not.toMatch(/<b>|^# y/m);
  const cells = markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.replace(/\\./g, '').split('|').length);
  expect(new Set(cells).size).toBeLessThanOrEqual(4);
});

test('results of earlier versions, without what came later, can be compared', () => {
  const old = JSON.parse(JSON.stringify(makeResult()), (key, value: unknown) =>
    ['usage', 'restarts', 'disagreements', 'contents', 'audit'].includes(key) ? undefined : value,
  ) as Result;
  expect(renderAgainst(compareResults(side(later()), side(old), { sharedTestRows: null }))).not.toMatch(/NaN|undefined/);
});
