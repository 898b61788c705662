// Properties of the tests of samples, blocks and tables over random inputs, ties and edges included.
import fc from 'fast-check';
import * as stats from '../../src/stats';
import { column, shuffled } from './shuffled';

const value = fc.integer({ min: -6, max: 6 });
const sample = fc.array(value, { minLength: 1, maxLength: 12 });
const twoSamples = fc.tuple(sample, sample);
const pairedSamples = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 });
const methods = ['exact', 'asymptotic'] as const;

describe('Mann-Whitney', () => {
  test('swapping the samples mirrors the statistic and the side, and leaves the two-sided p', () => {
    fc.assert(
      fc.property(twoSamples, fc.constantFrom(...methods), ([x, y], method) => {
        const one = stats.mannWhitneyU(x, y, { method });
        const other = stats.mannWhitneyU(y, x, { method });
        expect(one.statistic + other.statistic).toBe(x.length * y.length);
        expect(one.pValue).toBeCloseTo(other.pValue, 12);
        const less = stats.mannWhitneyU(x, y, { method, alternative: 'less' }).pValue;
        expect(less).toBeCloseTo(stats.mannWhitneyU(y, x, { method, alternative: 'greater' }).pValue, 12);
      }),
    );
  });

  test('the order of values and a rising transform change nothing', () => {
    fc.assert(
      fc.property(twoSamples, fc.integer(), ([x, y], seed) => {
        const curve = (values: number[]) => shuffled(values, seed).map((entry) => entry ** 3 + entry);
        expect(stats.mannWhitneyU(curve(x), curve(y), { method: 'exact' })).toEqual(stats.mannWhitneyU(x, y, { method: 'exact' }));
      }),
    );
  });

  test('the statistic counts the pairs that x wins, ties half', () => {
    fc.assert(
      fc.property(twoSamples, ([x, y]) => {
        const wins = x.flatMap((a) => y.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0))).reduce((sum, win) => sum + win, 0);
        expect(stats.mannWhitneyU(x, y)).toMatchObject({ statistic: wins, effect: wins / (x.length * y.length) });
      }),
    );
  });

  test('equal samples, and samples of one value throughout, have p = 1', () => {
    expect(stats.mannWhitneyU([1, 2, 3], [1, 2, 3]).pValue).toBe(1);
    for (const method of methods) expect(stats.mannWhitneyU([4, 4], [4, 4, 4], { method }).pValue).toBe(1);
  });

  test('auto takes the exact law of 8 values without ties and no larger one', () => {
    const rising = (n: number, from: number) => Array.from({ length: n }, (_, i) => 2 * i + from);
    expect(stats.mannWhitneyU(rising(8, 0), rising(100, 1)).method).toBe('exact');
    expect(stats.mannWhitneyU(rising(9, 0), rising(9, 1)).method).toBe('asymptotic');
    expect(stats.mannWhitneyU([1, 1, 2], [3, 4]).method).toBe('asymptotic');
  });

  test('an exact law too large to compute is refused with the way out', () => {
    const x = Array.from({ length: 1000 }, (_, i) => i);
    expect(() => stats.mannWhitneyU(x, x, { method: 'exact' })).toThrow('method exact takes too long for 1000 and 1000 values');
    expect(() => stats.mannWhitneyU([], [1])).toThrow('x must have at least 1 value, got 0');
    expect(() => stats.mannWhitneyU([1], [NaN])).toThrow('y[0] must be a finite number, got NaN');
  });
});

describe('Wilcoxon signed rank', () => {
  const zeros = fc.constantFrom('wilcox', 'pratt', 'zsplit');

  test('swapping the samples mirrors the rank sums and the side, and leaves the two-sided p', () => {
    fc.assert(
      fc.property(pairedSamples, fc.constantFrom(...methods), zeros, fc.boolean(), (pairs, method, rule, correction) => {
        const options = { method, zeros: rule, correction };
        const [x, y] = [column(pairs, 0), column(pairs, 1)];
        const one = stats.wilcoxonSignedRank(x, y, options);
        const other = stats.wilcoxonSignedRank(y, x, options);
        expect([one.rankSumPlus, one.rankSumMinus]).toEqual([other.rankSumMinus, other.rankSumPlus]);
        expect(one.pValue).toBe(other.pValue);
        const less = stats.wilcoxonSignedRank(x, y, { ...options, alternative: 'less' }).pValue;
        expect(less).toBe(stats.wilcoxonSignedRank(y, x, { ...options, alternative: 'greater' }).pValue);
      }),
    );
  });

  test('the order of pairs changes nothing, and the rank sums fill what the rule for zeros leaves', () => {
    fc.assert(
      fc.property(pairedSamples, zeros, fc.integer(), (pairs, rule, seed) => {
        const found = stats.wilcoxonSignedRank(column(pairs, 0), column(pairs, 1), { zeros: rule });
        const mixed = shuffled(pairs, seed);
        expect(stats.wilcoxonSignedRank(column(mixed, 0), column(mixed, 1), { zeros: rule })).toEqual(found);
        const triangle = (n: number) => (n * (n + 1)) / 2;
        const none = pairs.length - found.pairs;
        const whole = { wilcox: triangle(found.pairs), pratt: triangle(pairs.length) - triangle(none), zsplit: triangle(pairs.length) }[
          rule
        ];
        expect(found.rankSumPlus + found.rankSumMinus).toBe(whole);
      }),
    );
  });

  test('equal samples have p = 1 under every rule and method', () => {
    for (const method of methods)
      for (const rule of ['wilcox', 'pratt', 'zsplit'] as const)
        expect(stats.wilcoxonSignedRank([3, 1], [3, 1], { method, zeros: rule })).toMatchObject({ pValue: 1, pairs: 0 });
  });

  test('a thousand differences of one sign reach the far tail of the exact law, and more are refused', () => {
    const x = Array.from({ length: 1001 }, (_, i) => i + 1);
    const none = x.map(() => 0);
    const found = stats.wilcoxonSignedRank(x.slice(1), none.slice(1), { method: 'exact' });
    expect(found.pValue / 2 ** -999).toBeCloseTo(1, 10);
    expect(() => stats.wilcoxonSignedRank(x, none, { method: 'exact' })).toThrow('method exact takes at most 1000 differences, got 1001');
    expect(() => stats.wilcoxonSignedRank([1, 2], [1])).toThrow('x and y must have the same length, got 2 and 1');
  });
});

describe('Welch', () => {
  const spread = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 12 });

  test('swapping the samples negates the difference and the interval, and leaves p', () => {
    fc.assert(
      fc.property(spread, spread, (x, y) => {
        const one = stats.welchTTest(x, y);
        const other = stats.welchTTest(y, x);
        expect(one.difference).toBeCloseTo(-other.difference, 12);
        expect(one.low).toBeCloseTo(-other.high, 9);
        expect(one.pValue).toBeCloseTo(other.pValue, 12);
      }),
    );
  });

  test('the degrees of freedom lie between the smaller sample less 1 and both less 2', () => {
    fc.assert(
      fc.property(spread, spread, (x, y) => {
        const { df } = stats.welchTTest(x, y);
        expect(df).toBeGreaterThanOrEqual(Math.min(x.length, y.length) - 1 - 1e-9);
        expect(df).toBeLessThanOrEqual(x.length + y.length - 2 + 1e-9);
      }),
    );
  });

  test('samples without spread are certain, and one value is too few', () => {
    expect(stats.welchTTest([2, 2], [2, 2, 2])).toMatchObject({ difference: 0, pValue: 1, low: 0, high: 0, df: 3 });
    expect(stats.welchTTest([2, 2], [1, 1])).toMatchObject({ difference: 1, pValue: 0, low: 1, high: 1 });
    expect(() => stats.welchTTest([1], [1, 2])).toThrow('x must have at least 2 values, got 1');
  });
});

describe('Friedman and Cochran', () => {
  const table = fc
    .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 10 }))
    .chain(([k, n]) => fc.array(fc.array(value, { minLength: n, maxLength: n }), { minLength: k, maxLength: k }));
  const transposed = (rows: readonly (readonly number[])[]) => rows[0]!.map((_, j) => column(rows, j));

  test('neither the order of treatments, nor that of blocks, nor a rising transform changes the statistic', () => {
    fc.assert(
      fc.property(table, fc.integer(), (samples, seed) => {
        const found = stats.friedman(samples);
        const mixed = transposed(shuffled(transposed(shuffled(samples, seed)), seed + 1)).map((row) => row.map((entry) => entry ** 3));
        expect(stats.friedman(mixed).statistic).toBeCloseTo(found.statistic, 12);
        expect(found.kendallW).toBeGreaterThanOrEqual(0);
        expect(found.kendallW).toBeLessThanOrEqual(1 + 1e-12);
        expect(found.meanRanks.reduce((sum, rank) => sum + rank, 0)).toBeCloseTo((samples.length * (samples.length + 1)) / 2, 10);
      }),
    );
  });

  test('of values 0 and 1, Friedman corrected for ties is Cochran Q', () => {
    const binary = table.map((samples) => samples.map((row) => row.map((entry) => (entry > 0 ? 1 : 0))));
    fc.assert(
      fc.property(binary, (samples) => {
        const q = stats.cochranQ(transposed(samples));
        const found = stats.friedman(samples);
        expect(q.statistic).toBeCloseTo(found.statistic, 10);
        expect(q.df).toBe(found.df);
      }),
    );
  });

  test('of two classifiers Cochran Q is McNemar without correction', () => {
    const rows = [...new Array<number[]>(9).fill([1, 0]), ...new Array<number[]>(3).fill([0, 1]), [1, 1], [0, 0]];
    const { statistic, pValue } = stats.mcnemar(
      [
        [1, 9],
        [3, 1],
      ],
      { method: 'asymptotic' },
    );
    expect(stats.cochranQ(rows).statistic).toBeCloseTo(statistic, 12);
    expect(stats.cochranQ(rows).pValue).toBeCloseTo(pValue, 12);
  });

  test('treatments that are alike have statistic 0 and p = 1', () => {
    const alike = [
      [1, 5, 2],
      [1, 5, 2],
      [1, 5, 2],
    ];
    expect(stats.friedman(alike)).toMatchObject({ statistic: 0, pValue: 1, kendallW: 0, meanRanks: [2, 2, 2] });
    expect(
      stats.cochranQ([
        [1, 1, 1],
        [0, 0, 0],
      ]),
    ).toEqual({ statistic: 0, pValue: 1, df: 2 });
  });

  test('ragged tables, single treatments and values other than 0 and 1 are refused by name', () => {
    expect(() => stats.friedman([[1, 2]])).toThrow('samples must have at least 2 treatments, got 1');
    expect(() => stats.friedman([[1, 2], [1]])).toThrow('samples[0] and samples[1] must have the same length, got 2 and 1');
    expect(() =>
      stats.cochranQ([
        [1, 0],
        [2, 0],
      ]),
    ).toThrow('matrix[1][0] must be 0 or 1, got 2');
    expect(() => stats.cochranQ([[1, 0], [1]])).toThrow('matrix[0] and matrix[1] must have the same length, got 2 and 1');
    expect(() => stats.cochranQ([])).toThrow('matrix must have at least one row');
  });
});

describe('Bowker and Stuart-Maxwell', () => {
  const square = fc
    .integer({ min: 2, max: 5 })
    .chain((k) => fc.array(fc.array(fc.nat(9), { minLength: k, maxLength: k }), { minLength: k, maxLength: k }));
  const transposed = (table: number[][]) => table.map((_, j) => column(table, j));

  test('swapping the arms and naming the classes anew change nothing', () => {
    fc.assert(
      fc.property(square, fc.integer(), (table, seed) => {
        const order = shuffled(
          table.map((_, i) => i),
          seed,
        );
        const renamed = order.map((i) => order.map((j) => table[i]![j]!));
        for (const test of [stats.bowker, stats.stuartMaxwell]) {
          const found = test(table);
          for (const other of [test(transposed(table)), test(renamed)]) {
            expect(other.statistic).toBeCloseTo(found.statistic, 8);
            expect(other.df).toBe(found.df);
          }
          expect(found.statistic).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('of 2 x 2 tables both are McNemar without correction', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 50 }), (b, c) => {
        const table = [
          [7, b],
          [c, 2],
        ];
        const { statistic } = stats.mcnemar(table, { method: 'asymptotic' });
        expect(stats.bowker(table).statistic).toBeCloseTo(statistic, 10);
        expect(stats.stuartMaxwell(table).statistic).toBeCloseTo(statistic, 10);
      }),
    );
  });

  test('a symmetric table has statistic 0 and p = 1', () => {
    const table = [
      [5, 2, 0],
      [2, 1, 4],
      [0, 4, 9],
    ];
    expect(stats.bowker(table)).toEqual({ statistic: 0, pValue: 1, df: 3, pairs: 2 });
    expect(stats.stuartMaxwell(table)).toEqual({ statistic: 0, pValue: 1, df: 2 });
  });

  test('a class without moves changes nothing, and unlinked sets of classes add up', () => {
    const small = [
      [3, 8, 1],
      [2, 5, 6],
      [4, 0, 7],
    ];
    const found = stats.stuartMaxwell(small);
    const wider = [...small.map((row) => [...row, 0]), [0, 0, 0, 30]];
    expect(stats.stuartMaxwell(wider)).toEqual(found);
    const pair = [
      [1, 9],
      [2, 1],
    ];
    const apart = [...small.map((row) => [...row, 0, 0]), [0, 0, 0, ...pair[0]!], [0, 0, 0, ...pair[1]!]];
    expect(stats.stuartMaxwell(apart).statistic).toBeCloseTo(found.statistic + stats.stuartMaxwell(pair).statistic, 12);
    expect(stats.stuartMaxwell(apart).df).toBe(3);
    expect(
      stats.stuartMaxwell([
        [4, 0],
        [0, 4],
      ]),
    ).toEqual({ statistic: 0, pValue: 1, df: 0 });
  });

  test('tables that are not square or hold negative counts are refused', () => {
    expect(() => stats.bowker([[1, 2]])).toThrow('table must be square, row 0 has 2 of 1 columns');
    expect(() =>
      stats.stuartMaxwell([
        [1, -2],
        [0, 1],
      ]),
    ).toThrow('table[0][1] must be at least 0, got -2');
  });
});
