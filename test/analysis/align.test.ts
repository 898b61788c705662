import { alignRun } from '../../src/analysis';

const ids = ['a', 'b', 'c'];
const labels = [0, 1, 0];
const good = { ids, labels, classes: 2, predIds: ['c', 'a', 'b'], predLabels: [0, 0, 1], predScores: [0.5, 0.5, 0.9, 0.1, 0.2, 0.8] };

test('rows are paired by id, whatever their order in the file', () => {
  expect(alignRun(good)).toEqual({ scores: Float64Array.from([0.9, 0.1, 0.2, 0.8, 0.5, 0.5]), problem: null });
});

test('integer ids of an array are the text ids of a table', () => {
  const aligned = alignRun({ ...good, ids: ['1', '2', '3'], predIds: BigInt64Array.from([3n, 1n, 2n]) });
  expect(aligned.problem).toBeNull();
});

const wrong: [string, Partial<Parameters<typeof alignRun>[0]>, string][] = [
  ['missing ids', { predIds: ['c', 'a'], predLabels: [0, 0], predScores: [0.5, 0.5, 0.9, 0.1] }, '1 id of the test split missing: b'],
  ['an id given twice', { predIds: ['c', 'a', 'a'] }, '1 id given twice: a'],
  [
    'ids nobody asked for',
    { predIds: ['c', 'a', 'b', 'z'], predLabels: [0, 0, 1, 1], predScores: [...good.predScores, 0.5, 0.5] },
    '1 id not in the test split: z',
  ],
  ['other labels', { predLabels: [1, 0, 1] }, 'labels of 1 id disagree with the test split: c'],
  ['another number of classes', { classes: 3 }, 'scores have 2 columns for 3 ids, expected 3, one a class'],
  [
    'a score that is NaN',
    { predScores: [0.5, 0.5, Number.NaN, 0.1, 0.2, 0.8] },
    'the score of id a, class 0, is NaN, expected a finite number',
  ],
  [
    'scores that do not sum to 1',
    { predScores: [0.5, 0.6, 0.9, 0.1, 0.2, 0.8] },
    'the scores of id c sum to 1.10000, expected 1 within 0.0001',
  ],
];

test.each(wrong)('%s are refused with the place', (_, change, problem) => {
  expect(alignRun({ ...good, ...change })).toEqual({ scores: null, problem });
});

test('a long list of missing ids is counted and its first five are named', () => {
  const many = Array.from({ length: 12 }, (_, i) => `r${i}`);
  const aligned = alignRun({ ...good, ids: many, labels: many.map(() => 0), predIds: [], predLabels: [], predScores: [] });
  expect(aligned.problem).toBe('12 ids of the test split missing: r0, r1, r2, r3, r4, ...');
});
