import { type Predictions, servingConsistency } from '../../src/checks/serving';
import { draws } from './samples';

const random = draws(1);
const classes = ['cat', 'dog', 'owl'];
const ids = Array.from({ length: 200 }, (_, i) => `r${i}`);
const offline: Predictions = {
  ids,
  classes,
  scores: ids.flatMap(() => {
    const powers = classes.map(() => Math.exp(2 * random.normal()));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  }),
};
const served = (change: Partial<Predictions>): Predictions => ({ ...offline, ...change });
const mapped = (change: (score: number, place: number) => number): number[] => Array.from(offline.scores, change);
const offlineRow = (row: number): number[] => Array.from({ length: 3 }, (_, c) => offline.scores[3 * row + c]!);

test('the same answers in another order of rows and of named classes pass', () => {
  const order = ids.map((_, i) => ids.length - 1 - i);
  const check = servingConsistency({
    offline,
    served: {
      ids: order.map((i) => ids[i]!),
      classes: ['owl', 'cat', 'dog'],
      scores: order.flatMap((i) => [2, 0, 1].map((c) => offline.scores[3 * i + c]! + 1e-7)),
    },
  });
  expect(check).toMatchObject({ name: 'serving-consistency', status: 'pass', gate: true });
  expect(check.detail).toBe('The served model answers all 200 rows as offline: the same labels, scores at most 1e-7 apart.');
});

test('scores beyond the tolerance with the same labels warn, with quantiles and the first rows', () => {
  const check = servingConsistency({ offline, served: served({ scores: mapped((score, i) => (i % 30 === 0 ? score + 1e-3 : score)) }) });
  expect(check.status).toBe('warn');
  expect(check.findings).toHaveLength(1);
  expect(check.findings![0]).toMatchObject({ column: 'score of cat', effect: { value: 0.1, bound: 0 }, sizes: { rows: 20, median: 0 } });
  expect(check.findings![0]!.sizes['largest']).toBeCloseTo(1e-3, 9);
  expect(check.findings![0]!.where?.rows.slice(0, 3)).toEqual(['r0', 'r10', 'r20']);
});

test('one other label fails, and names the row and both labels', () => {
  const scores = mapped((score) => score);
  scores.splice(3 * 17, 3, ...offlineRow(17).reverse());
  const check = servingConsistency({ offline, served: served({ scores }) });
  expect(check.status).toBe('fail');
  expect(check.detail).toMatch(
    /^1 of 200 rows got another label from the served model \(0\.5 %; most often \w+ became \w+, 1\): r17 \(\w+, served \w+\)\./,
  );
  expect(check.mend).toContain('Compare weights, preprocessing and precision');
});

test('ids of one side and repeated ids fail and are named', () => {
  const check = servingConsistency({
    offline,
    served: { ids: [...ids.slice(0, 198), 'r0', 'x1'], classes, scores: mapped((score) => score) },
  });
  expect(check.status).toBe('fail');
  expect(check.findings!.slice(0, 3).map(({ detail }) => detail)).toEqual([
    '2 rows are without an answer of the served model: r198, r199.',
    '1 row is answered by the served model, but not predicted offline: x1.',
    '1 row is repeated on a side: r0.',
  ]);
});

describe('one cause for all differences is told', () => {
  test.each([
    [
      'the order of the classes',
      served({ scores: ids.flatMap((_, i) => [offlineRow(i)[2]!, offlineRow(i)[0]!, offlineRow(i)[1]!]) }),
      'Another order of the classes explains all of it: what is served as cat, dog, owl are the scores of owl, cat, dog.',
    ],
    ['a constant factor', served({ scores: mapped((score) => 100 * score) }), 'the offline scores are 0.01 times the served ones'],
    [
      'logits',
      served({ scores: mapped((score) => Math.log(score) + 3) }),
      'The served scores are logits: their softmax is the offline scores.',
    ],
    ['the order of the rows', served({ ids: [...ids.slice(1), ids[0]!] }), 'Another order of the rows explains all of it'],
  ])('%s', (_, other, told) => {
    const check = servingConsistency({ offline, served: other });
    expect(check.detail).toContain(told);
    expect(check.status).not.toBe('pass');
  });

  test('and nothing is claimed where none explains it', () => {
    const check = servingConsistency({ offline, served: served({ scores: mapped((score) => score * (0.5 + random.uniform())) }) });
    expect(check.detail).not.toMatch(/explains|logits/);
  });
});

test('scores that are no numbers fail', () => {
  const check = servingConsistency({ offline, served: served({ scores: mapped((score, i) => (i === 4 ? Number.NaN : score)) }) });
  expect(check.status).toBe('fail');
  expect(check.detail).toContain('1 rows hold no number on one side');
});

test('labels that were given count, whatever the scores', () => {
  const labels = ids.map((_, i) => classes[offlineRow(i).indexOf(Math.max(...offlineRow(i)))]!);
  expect(servingConsistency({ offline: served({ labels }), served: offline }).status).toBe('pass');
  const other = labels.map((label, i) => (i === 3 ? (label === 'cat' ? 'dog' : 'cat') : label));
  expect(servingConsistency({ offline, served: served({ labels: other }) })).toMatchObject({ status: 'fail', statistic: 0 });
});

test('other classes, a wrong number of scores and no common row fail in a sentence', () => {
  expect(servingConsistency({ offline, served: served({ classes: ['cat', 'dog', 'emu'] }) })).toMatchObject({
    status: 'fail',
    detail: 'The served model knows other classes than the offline one; not served: owl; served alone: emu.',
  });
  expect(servingConsistency({ offline, served: served({ scores: [1, 2] }) }).detail).toBe(
    'The served predictions hold 2 scores, expected 200 rows times 3 classes.',
  );
  expect(servingConsistency({ offline, served: { ids: [], classes, scores: [] } }).status).toBe('fail');
});
