import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as stats from '../../src/stats';

interface Golden {
  function: string;
  args: unknown[];
  expected: number | Record<string, number | number[]>;
  tolerance: number;
}

const { values } = JSON.parse(readFileSync(join(__dirname, '../reference/drift.json'), 'utf8')) as { values: Golden[] };
const functions = stats as unknown as Record<string, (...args: unknown[]) => unknown>;

describe('agrees with scipy, numpy and scikit-learn', () => {
  test.each(values.map((golden, i) => [golden.function, i, golden] as const))('%s, case %i', (name, _, { args, expected, tolerance }) => {
    const found = functions[name]!(...args);
    const pairs =
      typeof expected === 'number'
        ? [[found, expected]]
        : Object.entries(expected).flatMap(([key, value]) => {
            const own = (found as Record<string, unknown>)[key];
            return Array.isArray(value) ? value.map((one, i) => [(own as ArrayLike<number>)[i], one]) : [[own, value]];
          });
    for (const [own, value] of pairs)
      expect(Math.abs((own as number) - (value as number))).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value as number)));
  });
});

describe('importance mean', () => {
  test('equal weights give the plain mean, and every row counts', () => {
    expect(stats.importanceMean([1, 2, 6], [2, 2, 2])).toMatchObject({ hajek: 3, effectiveSampleSize: 3, largestShare: 1 / 3 });
  });
  test('weights below 0 and weights that are all 0 are refused', () => {
    expect(() => stats.importanceMean([1, 2], [1, -1])).toThrow('weights[1] must be at least 0, got -1');
    expect(() => stats.importanceMean([1, 2], [0, 0])).toThrow('weights must not all be 0');
  });
});

describe('classifier two-sample test', () => {
  const generator = new stats.Generator(4);
  const normals = (n: number, shift: number): number[] =>
    Array.from({ length: n }, () => stats.normalQuantile(generator.uniform()) + shift);
  const side = Uint8Array.from({ length: 400 }, (_, i) => (i < 200 ? 0 : 1));

  test('finds a shift, and the feature that it lies in', () => {
    const features = [
      { values: normals(400, 0), column: 0, continuous: true },
      { values: [...normals(200, 0), ...normals(200, 1)], column: 1, continuous: true },
    ];
    const { auc, pValue, contributions } = stats.crossFit(features, side);
    expect(auc).toBeGreaterThan(0.7);
    expect(pValue).toBeLessThan(1e-4);
    expect(contributions[0]!.features).toEqual([1]);
    expect(contributions.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  test('constant features tell nothing', () => {
    const { auc, pValue } = stats.crossFit([{ values: new Float64Array(400).fill(7), column: 0, continuous: false }], side);
    expect(auc).toBe(0.5);
    expect(pValue).toBe(0.5);
  });

  test('too few rows of a side are refused', () => {
    expect(() => stats.crossFit([{ values: [1, 2, 3], column: 0, continuous: true }], Uint8Array.of(0, 0, 1))).toThrow(
      'side must hold at least 10 rows of each side, got 2 of 0',
    );
  });
});

test('equal samples have no mean discrepancy beyond chance', () => {
  const generator = new stats.Generator(5);
  const column = (n: number): number[] => Array.from({ length: n }, () => generator.uniform());
  const { statistic, pValue, rows } = stats.mmd([column(80)], [column(60)], { sample: 50, permutations: 99 });
  expect(Math.abs(statistic)).toBeLessThan(0.1);
  expect(pValue).toBeGreaterThan(0.01);
  expect(rows).toEqual({ reference: 50, current: 50 });
});
