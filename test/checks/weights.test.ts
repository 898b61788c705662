import { reweight, weightedMetric } from '../../src/checks/weights';
import { category, draws, number, sample } from './samples';

/** Rows whose accuracy falls with x: right with probability 1 / (1 + e^(x - 1)). */
function cases(seed: number, n: number, shift: number) {
  const random = draws(seed);
  const x = random.normals(n, shift);
  const right = x.map((value) => (random.uniform() < 1 / (1 + Math.exp(value - 1)) ? 1 : 0));
  const kind = Array.from(x, (value) => (random.uniform() < 1 / (1 + Math.exp(-value)) ? 'new' : 'old'));
  return { rows: sample(number('x', x), category('kind', kind), number('noise', random.normals(n))), right };
}
const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value / values.length, 0);

const source = cases(1, 4000, 0);
const target = cases(2, 4000, 0.8);
const truth = meanOf(cases(3, 200_000, 0.8).right);

describe.each([
  ['density-ratio', undefined, 0.04],
  // Within a fifth of the rows x still varies: bins are coarse.
  ['bins', ['x', 'kind'], 0.12],
] as const)('%s', (method, columns, left) => {
  const options = { method, ...(columns === undefined ? {} : { columns }) };
  const found = reweight({ source: source.rows, target: target.rows }, options);

  test('gives the accuracy under the target, which the plain mean misses', () => {
    const { value, low, high } = weightedMetric(source.right, found);
    expect(Math.abs(meanOf(source.right) - truth)).toBeGreaterThan(0.1);
    expect(Math.abs(value - truth)).toBeLessThan(0.03);
    expect(low).toBeLessThan(value);
    expect(high - low).toBeLessThan(0.1);
  });

  test('brings the columns into balance, and says what it cost', () => {
    for (const { before, after, column } of found.balance) {
      if (column !== 'noise') expect(before).toBeGreaterThan(0.2);
      expect(after).toBeLessThan(column === 'x' ? left + 0.05 : 0.1);
    }
    expect(found.effectiveSampleSize).toBeGreaterThan(1000);
    expect(found.effectiveSampleSize).toBeLessThan(3600);
    expect(meanOf(found.weights)).toBeCloseTo(1, 9);
    expect(found.detail).toMatch(/^The 4000 source rows count as \d+ under the target/);
  });

  test('leaves alike sides almost as they are', () => {
    const alike = reweight({ source: source.rows, target: cases(5, 4000, 0).rows }, options);
    expect(alike.effectiveSampleSize).toBeGreaterThan(3800);
  });

  test('refuses where the target has a category that the source lacks, and names it', () => {
    const rows = target.rows.columns.map((column) =>
      column.kind === 'category' ? { ...column, values: column.values.map((value, i) => (i % 10 === 0 ? 'partner' : value)) } : column,
    );
    expect(() => reweight({ source: source.rows, target: { columns: rows } }, options)).toThrow(
      'No overlap in column "kind": 10 % of the target rows lie at kind = partner, where the source has no row',
    );
  });

  test('refuses where the target lies beyond the source, and names the bound', () => {
    expect(() => reweight({ source: source.rows, target: cases(6, 1000, 5).rows }, options)).toThrow(
      /No overlap in column "x": \d+ % of the target rows lie at x > \d/,
    );
  });
});

test('crossed cells without a source row are refused above the share, and told below it', () => {
  const random = draws(7);
  const side = (rows: number, both: number) => {
    const pairs = Array.from({ length: rows }, (_, i) =>
      i < both
        ? ['b', 'y']
        : random.pick([
            ['a', 'x'],
            ['b', 'x'],
            ['a', 'y'],
          ]),
    );
    return sample(
      category(
        'p',
        pairs.map(([p]) => p!),
      ),
      category(
        'q',
        pairs.map(([, q]) => q!),
      ),
    );
  };
  expect(() => reweight({ source: side(600, 0), target: side(600, 60) }, { method: 'bins' })).toThrow(
    /columns "p" and "q": 10 % of the target rows lie in 1 cells without a source row, first p = b and q = y/,
  );
  const told = reweight({ source: side(600, 0), target: side(600, 60) }, { method: 'bins', maxUncovered: 0.2 });
  expect(told.uncovered).toEqual({ share: 0.1, regions: ['p = b and q = y'] });
  expect(told.detail).toContain('10 % of the target lies where the source has no row and is left out (p = b and q = y)');
});

test('a source of which hardly a row counts is refused with the rows that would count', () => {
  const random = draws(8);
  const of = (share: number) =>
    sample(
      category(
        'kind',
        Array.from({ length: 2000 }, () => (random.uniform() < share ? 'rare' : 'common')),
      ),
    );
  expect(() => reweight({ source: of(0.01), target: of(0.99) }, { method: 'bins' })).toThrow(
    /The source hardly overlaps the target: of 2000 rows only \d+\.\d would count \(at least 100 must\)\. Column "kind" differs most, and the most weight lies on few rows at kind = rare/,
  );
});

test('weights of the density ratio that are cut are told', () => {
  const found = reweight({ source: source.rows, target: target.rows }, { method: 'density-ratio', maxWeight: 3 });
  expect(found.clipped.share).toBeGreaterThan(0.01);
  expect(found.clipped.at).toBe(3);
  expect(found.detail).toMatch(/of the weights were cut at 3\.0 times the mean/);
});

test('a column of one side only is refused by name', () => {
  expect(() => reweight({ source: source.rows, target: target.rows }, { method: 'bins', columns: ['age'] })).toThrow(
    'Column "age" is not on both sides with the same kind: name one of "x", "kind", "noise".',
  );
});
