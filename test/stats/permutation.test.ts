import fc from 'fast-check';
import * as stats from '../../src/stats';
import { column, shuffled } from './shuffled';

const value = fc.integer({ min: -6, max: 6 });
const pairedSamples = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 });

describe('paired permutation', () => {
  const generator = new stats.Generator(31);
  const n = 90;
  const labels = Int32Array.from({ length: n }, () => generator.below(3));
  const arm = (right: number) => labels.map((label) => (generator.uniform() < right ? label : generator.below(3)));
  const [a, b] = [
    [arm(0.6), arm(0.6)],
    [arm(0.75), arm(0.75)],
  ];
  const scores = () =>
    Float64Array.from({ length: n * 3 }, (_, k) => (0.1 + generator.uniform() + (k % 3 === labels[Math.floor(k / 3)] ? 0.3 : 0)) / 10);
  const [scoresA, scoresB] = [[scores()], [scores()]];
  const units = Int32Array.from({ length: n }, (_, i) => i % 30);
  const metrics = ['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr', 'log_loss', 'ece'] as const;
  const input = { labels, predictionsA: a, predictionsB: b, scoresA, scoresB, classes: 3 };
  const swapped = { labels, predictionsA: b, predictionsB: a, scoresA: scoresB, scoresB: scoresA, classes: 3 };
  const options = { resamples: 500 };

  describe.each(metrics)('%s', (metric) => {
    test.each([
      ['rows', undefined],
      ['units', units],
    ])('swapping the arms of %s negates the statistic and leaves p to the bit', (_, unit) => {
      const given = unit === undefined ? { metric } : { metric, units: unit };
      const one = stats.pairedPermutation({ ...input, ...given }, options);
      const other = stats.pairedPermutation({ ...swapped, ...given }, options);
      expect(one.statistic).toBe(-other.statistic);
      expect(one.statistic).not.toBe(0);
      expect(one.pValue).toBe(other.pValue);
    });

    test('the order of rows changes nothing', () => {
      const order = shuffled(
        Array.from({ length: n }, (_, i) => i),
        5,
      );
      const rows = (values: ArrayLike<number>) => Float64Array.from(order.flatMap((i) => [0, 1, 2].map((c) => values[3 * i + c]!)));
      const pick = (values: Int32Array) => Int32Array.from(order, (i) => values[i]!);
      const mixed = {
        labels: pick(labels),
        predictionsA: a.map(pick),
        predictionsB: b.map(pick),
        scoresA: scoresA.map(rows),
        scoresB: scoresB.map(rows),
        classes: 3,
      };
      for (const [one, other] of [
        [
          { ...input, metric },
          { ...mixed, metric },
        ],
        [
          { ...input, metric, units },
          { ...mixed, metric, units: pick(units) },
        ],
      ] as const) {
        const found = stats.pairedPermutation(one, options);
        const again = stats.pairedPermutation(other, options);
        expect(again.pValue).toBe(found.pValue);
        expect(again.statistic).toBeCloseTo(found.statistic, 12);
      }
    });

    test('arms alike on every row have statistic 0 and p = 1', () => {
      expect(stats.pairedPermutation({ ...input, predictionsB: a, scoresB: scoresA, metric }, options)).toEqual({
        statistic: 0,
        pValue: 1,
        method: 'exact',
        resamples: 0,
      });
    });

    test('of few rows or units it is the share of all swaps', () => {
      // The definition, written out.
      const few = 9;
      const part = (values: Int32Array) => values.slice(0, few);
      const table = (values: ArrayLike<number>) => Float64Array.from({ length: few * 3 }, (_, k) => values[k]!);
      const small = {
        labels: part(labels),
        classes: 3,
        predictionsA: [part(a[0]!)],
        predictionsB: [part(b[0]!)],
        scoresA: [table(scoresA[0]!)],
        scoresB: [table(scoresB[0]!)],
      };
      const isLabel = metric === 'accuracy' || metric === 'f1_macro' || metric === 'recall_macro';
      const width = isLabel ? 1 : 3;
      const one = isLabel ? small.predictionsA[0]! : small.scoresA[0]!;
      const two = isLabel ? small.predictionsB[0]! : small.scoresB[0]!;
      const gap = (set: number, unit: (row: number) => number) => {
        const mix = (x: ArrayLike<number>, y: ArrayLike<number>) =>
          Float64Array.from({ length: few * width }, (_, k) => (((set >> unit(Math.floor(k / width))) & 1) === 1 ? y : x)[k]!);
        return stats.metricValue(metric, small.labels, mix(two, one), 3)! - stats.metricValue(metric, small.labels, mix(one, two), 3)!;
      };
      for (const [unitOf, count] of [
        [(row: number) => row, few],
        [(row: number) => row % 5, 5],
      ] as const) {
        const seen = Math.abs(gap(0, unitOf));
        let hits = 0;
        for (let set = 0; set < 2 ** count; set++) if (Math.abs(gap(set, unitOf)) >= seen - 1e-12) hits++;
        const given =
          count === few ? { ...small, metric } : { ...small, metric, units: Int32Array.from({ length: few }, (_, row) => unitOf(row)) };
        const exact = stats.pairedPermutation(given);
        expect(exact.method).toBe('exact');
        expect(exact.statistic).toBeCloseTo(gap(0, unitOf), 12);
        expect(exact.pValue).toBeCloseTo(hits / 2 ** count, 12);
      }
    });
  });

  test('accuracy of one seed is exact McNemar, at any number of rows', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), fc.nat(20), (onlyA, onlyB, both) => {
        const rows = [
          ...new Array<number[]>(onlyA).fill([1, 0]),
          ...new Array<number[]>(onlyB).fill([0, 1]),
          ...new Array<number[]>(both + 1).fill([1, 1]),
        ];
        const found = stats.pairedPermutation({
          labels: Int32Array.from(rows, () => 1),
          predictionsA: [column(rows, 0)],
          predictionsB: [column(rows, 1)],
          classes: 2,
          metric: 'accuracy',
        });
        const { pValue } = stats.mcnemar([
          [both + 1, onlyA],
          [onlyB, 0],
        ]);
        expect(found.method).toBe('exact');
        expect(Math.abs(found.pValue / pValue - 1)).toBeLessThan(1e-9);
      }),
    );
  });

  test('whole numbers by convolution agree with enumeration', () => {
    fc.assert(
      fc.property(pairedSamples, (pairs) => {
        const [x, y] = [column(pairs, 0), column(pairs, 1)];
        const whole = stats.pairedPermutation({ a: x, b: y });
        // Quarters of a third are no whole numbers: these are enumerated.
        const third = (values: number[]) => values.map((entry) => entry / 12);
        expect(stats.pairedPermutation({ a: third(x), b: third(y) }).pValue).toBeCloseTo(whole.pValue, 12);
      }),
    );
  });

  test('drawn permutations come close to the exact p, and never give 0', () => {
    const size = 60;
    const x = Array.from({ length: size }, (_, i) => (i * 37) % 11);
    const y = x.map((entry, i) => entry + ((i * 29) % 7) - 2);
    const exact = stats.pairedPermutation({ a: x, b: y });
    const third = (values: number[]) => values.map((entry) => entry / 12);
    const drawn = stats.pairedPermutation({ a: third(x), b: third(y) }, { resamples: 20_000, seed: 4 });
    expect([exact.method, drawn.method, drawn.resamples]).toEqual(['exact', 'sampled', 20_000]);
    // Five standard errors of a share near the exact p.
    expect(Math.abs(drawn.pValue - exact.pValue)).toBeLessThan(5 * Math.sqrt(exact.pValue / 20_000) + 1e-4);
    const far = Array.from({ length: 60 }, (_, i) => 1 + i / 7);
    expect(stats.pairedPermutation({ a: far.map(() => 0), b: far }, { resamples: 99 }).pValue).toBe(1 / 100);
  });

  test('rows copied within units leave p as it was', () => {
    const x = [3, 1, 4, 1, 5, 9, 2, 6];
    const y = [2, 7, 1, 8, 2, 8, 1, 8];
    const twice = stats.pairedPermutation({ a: [...x, ...x], b: [...y, ...y], units: Int32Array.from({ length: 16 }, (_, i) => i % 8) });
    expect(twice).toEqual(stats.pairedPermutation({ a: x, b: y }));
  });

  test('an AUC of one class is refused, not passed', () => {
    const one = { ...input, labels: labels.map(() => 1), classes: 3, metric: 'auc_ovr' as const };
    expect(() => stats.pairedPermutation(one)).toThrow('labels must hold what auc_ovr needs: it is 0/0 on this sample');
    expect(() => stats.pairedPermutation({ a: [1, 2], b: [1] })).toThrow('a and b must have the same length, got 2 and 1');
  });

  test('of 400 A/A experiments with macro F1 no more than the band of 5 % is below 0.05', () => {
    const draw = new stats.Generator(77);
    let alarms = 0;
    for (let e = 0; e < 400; e++) {
      const truth = Int32Array.from({ length: 60 }, () => (draw.uniform() < 0.15 ? 2 : draw.below(2)));
      const predict = () => [truth.map((label) => (draw.uniform() < 0.7 ? label : draw.below(3)))];
      const found = stats.pairedPermutation(
        { labels: truth, predictionsA: predict(), predictionsB: predict(), classes: 3, metric: 'f1_macro' },
        { resamples: 99, seed: e },
      );
      if (found.pValue <= 0.05) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(stats.binomialQuantile(0.995, 400, 0.05));
    expect(alarms).toBeGreaterThan(0);
  });
});
