// Proves: the rows told to differ most are those of a count by hand, whatever ties, failed runs and classes there are.
import { type DisagreementInput, findDisagreements, type ScoredRun, withContents } from '../../src/activities/disagreements';
import { seeded } from '../gpu/helpers';

const classes = ['a', 'b', 'c'];

test('the rows of the largest gaps are those of a count by hand, for five variants at once', async () => {
  const names = ['control', 'v1', 'v2', 'v3', 'v4'];
  const n = 700;
  const test = rowsOf(n);
  const runs = names.flatMap((variant, v) => [1, 2, 3].map((seed) => ({ variant, seed, scores: drawnScores(n, 3, 100 * v + seed) })));
  const found = await findDisagreements({ ...base, test, runs, candidates: names.slice(1) });
  expect(found.map(({ variant }) => variant)).toEqual(names.slice(1));
  for (const one of found) {
    const [own, other] = [meansOf(runs, 'control', n), meansOf(runs, one.variant, n)];
    const gaps = test.map((row, i) => ({ ...row, i, gap: sum(classes.map((_, c) => Math.abs(own[i]![c]! - other[i]![c]!))) / 2 }));
    const expected = gaps.toSorted((p, q) => q.gap - p.gap || p.i - q.i).slice(0, 20);
    expect(one.rows.map(({ id, at }) => [id, at])).toEqual(expected.map(({ id, i }) => [id, i]));
    for (const [k, row] of one.rows.entries()) {
      const at = expected[k]!.i;
      expect(row.gap).toBeCloseTo(expected[k]!.gap, 12);
      for (const [arm, means] of [
        ['control', own],
        ['variant', other],
      ] as const) {
        const best = argmax(means[at]!);
        const seeds = runs.filter(
          ({ variant, scores }) =>
            variant === (arm === 'control' ? 'control' : one.variant) && argmax([...scores.subarray(3 * at, 3 * at + 3)]) === best,
        );
        expect(row[arm]).toEqual({ class: classes[best], score: expect.closeTo(means[at]![best]!, 12), seeds: seeds.length });
      }
    }
    expect(one).toMatchObject({ of: n, differing: test.filter((_, i) => argmax(own[i]!) !== argmax(other[i]!)).length });
  }
});

test('rows of equal gaps come in the order of the test split', async () => {
  const n = 60;
  const scores = (far: boolean): Float64Array =>
    Float64Array.from({ length: 3 * n }, (_, i) => (i % 3 === (far && Math.floor(i / 3) % 2 === 0 ? 1 : 0) ? 1 : 0));
  const [found] = await findDisagreements({
    ...base,
    test: rowsOf(n),
    runs: [run('control', 1, scores(false)), run('v', 1, scores(true))],
  });
  expect(found?.rows.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
  expect(found).toMatchObject({ differing: 30 });
});

test('variants that answer alike have no rows, also where one has more seeds', async () => {
  const scores = drawnScores(50, 3, 1);
  const runs = [1, 2, 3].map((seed) => run('control', seed, scores)).concat(run('v', 1, scores));
  expect(await findDisagreements({ ...base, test: rowsOf(50), runs })).toEqual([
    { control: 'control', variant: 'v', of: 50, differing: 0, rows: [] },
  ]);
});

test('one class leaves nothing to disagree on', async () => {
  const runs = ['control', 'v'].map((variant) => run(variant, 1, new Float64Array(9).fill(1)));
  expect(await findDisagreements({ ...base, classes: ['only'], test: rowsOf(9), runs })).toMatchObject([{ differing: 0, rows: [] }]);
});

test('a candidate without scores is left out, and without those of the control there is nothing to compare', async () => {
  const runs = [run('control', 1, drawnScores(5, 3, 1)), run('v', 1, drawnScores(5, 3, 2))];
  const candidates = ['failed', 'v'];
  expect((await findDisagreements({ ...base, candidates, test: rowsOf(5), runs })).map(({ variant }) => variant)).toEqual(['v']);
  expect(await findDisagreements({ ...base, test: rowsOf(5), runs: runs.slice(1) })).toEqual([]);
});

test('the order of the runs and no rows wanted change neither the counts nor a bit of the rows', async () => {
  const runs = [3, 1, 2].flatMap((seed) =>
    ['v', 'control'].map((variant) => run(variant, seed, drawnScores(40, 3, seed + variant.length))),
  );
  const input = { ...base, test: rowsOf(40), runs };
  const found = await findDisagreements(input);
  expect(await findDisagreements({ ...input, runs: runs.toReversed() })).toEqual(found);
  expect(await findDisagreements({ ...input, rows: 0 })).toEqual([{ ...found[0], rows: [] }]);
});

test('content goes to its row, null where there is none, and is left out on request', async () => {
  const runs = [run('control', 1, Float64Array.of(1, 0, 0, 1, 0, 0)), run('v', 1, Float64Array.of(0, 1, 0, 0.5, 0.5, 0))];
  const found = await findDisagreements({ ...base, test: rowsOf(2), runs });
  const text = { kind: 'text', text: 'one', cut: false } as const;
  expect(withContents(found, new Map([[1, text]]))).toMatchObject([
    {
      withContent: true,
      rows: [
        { id: 'r0', content: null },
        { id: 'r1', content: text },
      ],
    },
  ]);
  expect(withContents(found, null)).toMatchObject([{ withContent: false, rows: [{ content: null }, { content: null }] }]);
  expect(withContents(found, null)[0]?.rows[0]).not.toHaveProperty('at');
});

const base: Omit<DisagreementInput, 'test' | 'runs'> = { classes, control: 'control', candidates: ['v'], rows: 20 };
const run = (variant: string, seed: number, scores: Float64Array): ScoredRun => ({ variant, seed, scores });
const rowsOf = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `r${i}`, label: classes[i % 3]! }));
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const argmax = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** Rows that sum to one; every tenth a clear answer, so that there are ties of whole scores. */
function drawnScores(n: number, k: number, seed: number): Float64Array {
  const random = seeded(seed);
  const scores = new Float64Array(n * k);
  for (let row = 0; row < n; row++) {
    const weights = Array.from({ length: k }, (_, c) => (row % 10 === 0 ? (c === Math.floor(random() * k) ? 1 : 1e-12) : random()));
    for (const [c, weight] of weights.entries()) scores[row * k + c] = weight / sum(weights);
  }
  return scores;
}

const meansOf = (runs: readonly ScoredRun[], variant: string, n: number): number[][] => {
  const own = runs.filter((one) => one.variant === variant);
  return Array.from({ length: n }, (_, row) => classes.map((_c, c) => sum(own.map(({ scores }) => scores[3 * row + c]!)) / own.length));
};
