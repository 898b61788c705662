import type { Leaks } from '../../src/contract';
import { leakChecks } from '../../src/checks/leaks';
import { overlapCheck } from '../../src/checks/overlap';
import { splitRatioCheck } from '../../src/checks/splitRatio';

const none: Leaks = {
  nearDuplicates: {
    bound: 0.95,
    method: 'MinHash',
    pairs: [
      { splits: ['train', 'test'], rows: 0, examples: [] },
      { splits: ['validation', 'test'], rows: 0, examples: [] },
      { splits: ['train', 'validation'], rows: 0, examples: [] },
    ],
  },
  unitsAcross: [],
  revealing: [],
};
const checkOf = (name: string, leaks: Partial<Leaks>) => leakChecks({ ...none, ...leaks }).find((check) => check.name === name);

test('data without leaks pass, with nothing to mend', () => {
  const checks = leakChecks(none);
  expect(checks.map(({ name, status, gate }) => [name, status, gate])).toEqual([
    ['near-duplicates', 'pass', false],
    ['units-across', 'pass', true],
    ['label-leak', 'pass', false],
  ]);
  for (const check of checks) expect(check.mend).toBeUndefined();
});

test('a search that was left out is no check', () => {
  expect(leakChecks({ ...none, nearDuplicates: null }).map(({ name }) => name)).toEqual(['units-across', 'label-leak']);
});

test('near duplicates warn, with their pairs and similarity', () => {
  const pairs: NonNullable<Leaks['nearDuplicates']>['pairs'] = [
    { splits: ['train', 'test'], rows: 7, examples: [['a', 'b', 0.98]] },
    { splits: ['train', 'validation'], rows: 1, examples: [['c', 'd', 1]] },
  ];
  expect(checkOf('near-duplicates', { nearDuplicates: { bound: 0.95, method: 'MinHash', pairs } })).toMatchObject({
    status: 'warn',
    gate: false,
    statistic: 7,
    detail:
      '7 rows of test are almost a row of train (a ~ b (0.98), ...); 1 row of validation is almost a row of train (c ~ d (1.00)): similarity of 0.95 or more, MinHash.',
    mend: expect.stringContaining('data.unit'),
  });
});

test('a unit of the test split that stands in another fails the gate', () => {
  expect(checkOf('units-across', { unitsAcross: [{ splits: ['train', 'test'], units: 1, examples: ['u7'] }] })).toMatchObject({
    status: 'fail',
    gate: true,
    statistic: 1,
    detail: '1 unit stands in train and in test (u7).',
    mend: expect.any(String),
  });
});

test('a unit of train and validation alone warns', () => {
  expect(checkOf('units-across', { unitsAcross: [{ splits: ['train', 'validation'], units: 2, examples: ['u1', 'u2'] }] })).toMatchObject({
    status: 'warn',
    statistic: 0,
  });
});

test('a column that tells a class warns, with its area and what to do', () => {
  const revealing = [
    { column: 'outcome', class: 'ill', auc: 1 },
    { column: 'ward', class: 'well', auc: 0.9967 },
  ];
  expect(checkOf('label-leak', { revealing })).toMatchObject({
    status: 'warn',
    gate: false,
    statistic: 1,
    detail: 'By itself "outcome" tells class "ill" (AUC 1.0000), "ward" tells class "well" (AUC 0.9967), on the training rows.',
    mend: expect.stringContaining('known before the answer'),
  });
});

test('the mend of shared rows and of wrong shares stands apart from what was found', () => {
  const shared = overlapCheck({ pairs: [{ splits: ['train', 'test'], rows: 1, examples: [['a', 'b']] }] });
  expect(shared.detail).toBe('1 row of test has the features of a row of train (a = b).');
  expect(shared.mend).toContain('Remove the copies');
  const lost = splitRatioCheck({ train: 70_000, validation: 10_000, test: 18_000 }, { train: 0.7, validation: 0.1, test: 0.2 }, 0.001);
  expect(lost.mend).toContain('lost or counted twice');
});
