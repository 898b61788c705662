import fc from 'fast-check';
import * as stats from '../../src/stats';
import { column, shuffled } from './shuffled';

const probability = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });
const parameter = fc.double({ min: -3, max: 5, noNaN: true }).map((exponent) => 10 ** exponent);
const shape = fc.double({ min: -1, max: 4, noNaN: true }).map((exponent) => 10 ** exponent);
const samples = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 2, maxLength: 25 });
const rows = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 30 });
const close = (found: number, expected: number, tolerance: number): void =>
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(tolerance * Math.abs(expected));

describe('distributions', () => {
  test('a quantile is where the distribution function takes the probability', () => {
    fc.assert(
      fc.property(probability, shape, shape, (p, a, b) => {
        // Rounding of the quantile alone moves the probability by up to some 1e-16 times the slope.
        close(stats.normalCdf(stats.normalQuantile(p)), p, 1e-11);
        for (const [cdf, survival, quantile] of [
          [stats.tCdf, stats.tSurvival, stats.tQuantile],
          [stats.chiSquareCdf, stats.chiSquareSurvival, stats.chiSquareQuantile],
        ] as const) {
          if (p < 0.5) close(cdf(quantile(p, a), a), p, 1e-9);
          else close(survival(quantile(p, a), a), 1 - p, 1e-9);
          close(survival(quantile(p, a, { tail: 'upper' }), a), p, p < 0.5 ? 1e-9 : 1e-6);
        }
        const x = stats.betaQuantile(p, a, b);
        if (x > 1e-300 && x < 0.5) close(stats.betaCdf(x, a, b), p, 1e-9);
        const f = stats.fQuantile(p, a, b);
        if (f > 1e-300 && f < 1e300 && p < 0.5) close(stats.fCdf(f, a, b), p, 1e-9);
      }),
    );
  });

  test('both tails add up to 1, and mirrored arguments swap them', () => {
    fc.assert(
      fc.property(fc.double({ min: -40, max: 40, noNaN: true }), parameter, parameter, probability, (z, a, b, x) => {
        const pairs: [number, number][] = [
          [stats.normalCdf(z), stats.normalSurvival(z)],
          [stats.tCdf(z, a), stats.tSurvival(z, a)],
          [stats.chiSquareCdf(Math.abs(z), a), stats.chiSquareSurvival(Math.abs(z), a)],
          [stats.betaCdf(x, a, b), stats.betaSurvival(x, a, b)],
          [stats.fCdf(Math.abs(z), a, b), stats.fSurvival(Math.abs(z), a, b)],
          [stats.kolmogorovCdf(Math.abs(z)), stats.kolmogorovSurvival(Math.abs(z))],
        ];
        for (const [lower, upper] of pairs) {
          expect(lower + upper).toBeCloseTo(1, 13);
          expect(Math.min(lower, upper)).toBeGreaterThanOrEqual(0);
        }
        expect(stats.tSurvival(-z, a)).toBe(stats.tCdf(z, a));
        const y = 1 - x;
        if (1 - y === x) close(stats.betaSurvival(y, b, a), stats.betaCdf(x, a, b), 1e-11);
        if (Math.abs(z) > 1e-100) close(stats.fSurvival(1 / Math.abs(z), b, a), stats.fCdf(Math.abs(z), a, b), 1e-9);
      }),
    );
  });

  test('binomial tails are sums of its weights, and the quantile is the first count that reaches the probability', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), probability, (n, p, q) => {
        let sum = 0;
        for (let k = 0; k <= n; k++) {
          sum += stats.binomialPmf(k, n, p);
          expect(stats.binomialCdf(k, n, p)).toBeCloseTo(sum, 12);
          expect(stats.binomialSurvival(k, n, p)).toBeCloseTo(1 - sum, 12);
        }
        const k = stats.binomialQuantile(q, n, p);
        expect(stats.binomialCdf(k, n, p)).toBeGreaterThanOrEqual(q * (1 - 1e-14));
        if (k > 0) expect(stats.binomialCdf(k - 1, n, p)).toBeLessThan(q);
      }),
    );
  });

  test('what a double cannot hold is 0, 1 or infinite, and no NaN', () => {
    expect(stats.tQuantile(1e-10, 1e-3)).toBe(-Infinity);
    expect(stats.tQuantile(1e-10, 1e-3, { tail: 'upper' })).toBe(Infinity);
    expect(stats.tSurvival(Infinity, 3)).toBe(0);
    expect(stats.chiSquareSurvival(1e6, 4)).toBe(0);
    expect(stats.fCdf(Infinity, 3, 4)).toBe(1);
    expect(stats.betaQuantile(0.3, 1e-4, 1)).toBe(0);
    expect([stats.betaCdf(-1, 2, 3), stats.betaCdf(2, 2, 3), stats.betaSurvival(2, 2, 3)]).toEqual([0, 1, 0]);
  });

  test.each([
    ['df must be a positive finite number, got 0', () => stats.tCdf(1, 0)],
    ['x must be a number, got NaN', () => stats.chiSquareCdf(NaN, 2)],
    ['p must be between 0 and 1, got 1.5', () => stats.betaQuantile(1.5, 1, 1)],
    ['a must be a positive finite number, got -1', () => stats.betaSurvival(0.3, -1, 1)],
    ['n must be a whole number of at least 0, got 2.5', () => stats.binomialPmf(1, 2.5, 0.5)],
    ['tail must be one of lower, upper; got left', () => stats.fQuantile(0.1, 1, 1, { tail: 'left' as 'upper' })],
  ])('a bad argument is named: %s', (message, call) => {
    expect(call).toThrow(message);
  });
});

describe('tests', () => {
  test('swapping the groups swaps the one-sided p values and leaves the two-sided one', () => {
    fc.assert(
      fc.property(samples, samples, (x, y) => {
        for (const test of [stats.ksTwoSample, stats.mannWhitneyU]) {
          expect(test(x, y, { alternative: 'greater' }).pValue).toBeCloseTo(test(y, x, { alternative: 'less' }).pValue, 12);
          expect(test(x, y).pValue).toBeCloseTo(test(y, x).pValue, 12);
        }
      }),
    );
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), fc.nat(30), fc.nat(30), (a, b, c, d) => {
        const [table, swapped] = [
          [
            [a, b],
            [c, d],
          ],
          [
            [c, d],
            [a, b],
          ],
        ];
        expect(stats.fisherExact(table!, { alternative: 'less' }).pValue).toBeCloseTo(
          stats.fisherExact(swapped!, { alternative: 'greater' }).pValue,
          12,
        );
        expect(stats.fisherExact(table!).pValue).toBeCloseTo(stats.fisherExact(swapped!).pValue, 12);
        expect(stats.mcnemar(table!).pValue).toBe(
          stats.mcnemar([
            [a, c],
            [b, d],
          ]).pValue,
        );
        expect(stats.binomialTest(a, a + b, 0.3, { alternative: 'less' }).pValue).toBeCloseTo(
          stats.binomialTest(b, a + b, 0.7, { alternative: 'greater' }).pValue,
          12,
        );
      }),
    );
  });

  test('p values lie in 0..1, and of a sample against itself p is 1', () => {
    fc.assert(
      fc.property(samples, samples, (x, y) => {
        for (const test of [stats.ksTwoSample, stats.mannWhitneyU, stats.welchTTest]) {
          const { pValue } = test(x, y);
          expect(pValue).toBeGreaterThanOrEqual(0);
          expect(pValue).toBeLessThanOrEqual(1);
          expect(test(x, x).pValue).toBe(1);
        }
        expect(stats.pairedTTest(x, x)).toMatchObject({ difference: 0, pValue: 1, low: 0, high: 0 });
        expect(stats.wilcoxonSignedRank(x, x).pValue).toBe(1);
      }),
    );
  });

  const methods = ['bonferroni', 'holm', 'hochberg', 'hommel', 'benjamini-hochberg', 'benjamini-yekutieli'] as const;
  test.each(methods)('adjusting by %s keeps the order, never lowers p, and follows its values wherever they stand', (method) => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), fc.integer(), (p, seed) => {
        const adjusted = stats.adjustPValues(p, method);
        p.forEach((value, i) => {
          expect(adjusted[i]!).toBeGreaterThanOrEqual(value * (1 - 1e-15));
          expect(adjusted[i]!).toBeLessThanOrEqual(1);
          p.forEach((other, j) => {
            if (value < other) expect(adjusted[i]!).toBeLessThanOrEqual(adjusted[j]! * (1 + 1e-12));
          });
        });
        const order = shuffled(
          p.map((_, i) => i),
          seed,
        );
        const mixed = stats.adjustPValues(
          order.map((i) => p[i]!),
          method,
        );
        order.forEach((from, i) => expect(mixed[i]).toBeCloseTo(adjusted[from]!, 12));
      }),
    );
  });
});

describe('intervals', () => {
  test('hold the estimate and widen with the confidence', () => {
    const levels = [0.5, 0.8, 0.95, 0.999];
    const widening = (of: (confidence: number) => stats.Interval, estimate?: number): void => {
      let last: stats.Interval | undefined;
      for (const confidence of levels) {
        const found = of(confidence);
        expect(found.low).toBeLessThanOrEqual(found.high);
        if (estimate !== undefined) {
          expect(found.low).toBeLessThanOrEqual(estimate + 1e-12);
          expect(found.high).toBeGreaterThanOrEqual(estimate - 1e-12);
        }
        if (last !== undefined) {
          expect(found.low).toBeLessThanOrEqual(last.low + 1e-12);
          expect(found.high).toBeGreaterThanOrEqual(last.high - 1e-12);
        }
        last = found;
      }
    };
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), samples, fc.integer(), (hits, misses, x, seed) => {
        const n = hits + misses + 1;
        const y = shuffled(x, seed).map((value, i) => value + (i % 3));
        for (const method of ['wilson', 'clopper-pearson', 'wald'] as const)
          widening((confidence) => stats.proportionInterval(hits, n, { method, confidence }), hits / n);
        for (const method of ['agresti-coull', 'jeffreys'] as const)
          widening((confidence) => stats.proportionInterval(hits, n, { method, confidence }));
        widening((confidence) => stats.twoProportionInterval(hits, n, misses, n, { confidence }), (hits - misses) / n);
        widening((confidence) => stats.welchTTest(x, y, { confidence }), stats.welchTTest(x, y).difference);
        widening((confidence) => stats.pairedTTest(x, y, { confidence }), stats.pairedTTest(x, y).difference);
        widening((confidence) => stats.probabilityOfImprovement(x, y, { confidence }), stats.probabilityOfImprovement(x, y).estimate);
        widening(
          (confidence) => stats.varianceComponents({ a: [x, y], b: [y, y] }, { confidence }),
          stats.varianceComponents({ a: [x, y], b: [y, y] }).difference,
        );
        widening((confidence) => stats.normalPosterior({ difference: hits, standardError: misses }, undefined, { confidence }), hits);
      }),
      { numRuns: 50 },
    );
  });

  test('of a proportion mirror where hits and misses are swapped', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), (hits, misses) => {
        const n = hits + misses + 1;
        for (const method of ['wilson', 'clopper-pearson', 'agresti-coull', 'jeffreys', 'wald'] as const) {
          const [found, mirrored] = [stats.proportionInterval(hits, n, { method }), stats.proportionInterval(n - hits, n, { method })];
          expect(found.low).toBeCloseTo(1 - mirrored.high, 12);
        }
      }),
    );
  });

  test('variance components take the arms by themselves, as values, or as hits', () => {
    const [a, b] = [
      [
        [1, 0, 1, 1],
        [1, 1, 0, 1],
      ],
      [
        [1, 1, 1, 1],
        [0, 1, 1, 1],
      ],
    ] as const;
    const plain = stats.varianceComponents({ a, b });
    expect(stats.varianceComponents({ values: { a, b } })).toEqual(plain);
    expect(stats.varianceComponents({ correct: { a, b } })).toEqual(plain);
    expect(() =>
      stats.varianceComponents({
        correct: {
          a,
          b: [
            [1, 1, 1, 1],
            [0, 1, 0.5, 1],
          ],
        },
      }),
    ).toThrow('correct.b[1][2] must be 0 or 1, got 0.5');
  });
});

describe('metrics', () => {
  const scored = fc.array(fc.tuple(fc.nat(2), fc.nat(5), fc.nat(5), fc.nat(5)), { minLength: 1, maxLength: 25 });
  const flat = (found: readonly (readonly number[])[]): number[] => found.flatMap((row) => row.slice(1).map((score) => (score + 1) / 8));

  test('the order of rows changes nothing', () => {
    fc.assert(
      fc.property(rows, scored, fc.integer(), (pairs, withScores, seed) => {
        const mixed = shuffled(pairs, seed);
        for (const metric of [stats.accuracy, stats.balancedAccuracy, stats.precision, stats.recall, stats.fBeta, stats.confusionMatrix])
          expect(metric(column(mixed, 0), column(mixed, 1), { classes: 4 })).toEqual(
            metric(column(pairs, 0), column(pairs, 1), { classes: 4 }),
          );
        const turned = shuffled(withScores, seed);
        for (const metric of [
          stats.rocAuc,
          (l: number[], s: number[], o: { classes: number }) => stats.rocAuc(l, s, { ...o, multiclass: 'ovo' }),
          stats.logLoss,
          stats.brierScore,
          stats.expectedCalibrationError,
        ]) {
          const found = metric(column(withScores, 0), flat(withScores), { classes: 3 });
          const other = metric(column(turned, 0), flat(turned), { classes: 3 });
          if (found === undefined) expect(other).toBeUndefined();
          else expect(other).toBeCloseTo(found, 12);
        }
      }),
    );
  });

  test('a rising transform leaves every AUC to the bit, and turned scores give what is missing to 1', () => {
    fc.assert(
      fc.property(scored, (found) => {
        const labels = column(found, 0);
        const scores = flat(found);
        for (const options of [{ classes: 3 }, { classes: 3, multiclass: 'ovo' }, { classes: 3, average: 'weighted' }] as const) {
          const auc = stats.rocAuc(labels, scores, options);
          expect(
            stats.rocAuc(
              labels,
              scores.map((score) => Math.exp(3 * score) - 7),
              options,
            ),
          ).toBe(auc);
          const turned = stats.rocAuc(
            labels,
            scores.map((score) => -score),
            options,
          );
          if (auc === undefined) expect(turned).toBeUndefined();
          else expect(turned).toBeCloseTo(1 - auc, 12);
        }
      }),
    );
  });

  test('of two classes one versus one is one versus rest, and each class has the same area', () => {
    const labels = [0, 1, 1, 0, 1];
    const scores = [0.2, 0.9, 0.4, 0.4, 0.1];
    const auc = stats.rocAuc(labels, scores)!;
    expect(stats.rocAuc(labels, scores, { multiclass: 'ovo' })).toBe(auc);
    expect(stats.rocAuc(labels, scores, { average: 'none' })).toEqual([auc, auc]);
    expect(
      stats.rocAuc(
        labels,
        scores.flatMap((score) => [1 - score, score]),
      ),
    ).toBe(auc);
  });

  test('one value a class is what the averages average', () => {
    fc.assert(
      fc.property(rows, (pairs) => {
        const [labels, predictions] = [column(pairs, 0), column(pairs, 1)];
        const classes = 4;
        const each = stats.perClass(labels, predictions, { classes });
        expect(stats.precision(labels, predictions, { classes, average: 'none' })).toEqual(each.map((row) => row.precision));
        expect(stats.recall(labels, predictions, { classes, average: 'none' })).toEqual(each.map((row) => row.recall));
        expect(stats.fBeta(labels, predictions, { classes, average: 'none' })).toEqual(each.map((row) => row.fBeta));
        const present = each.filter((row) => row.support > 0);
        const found = stats.precision(labels, predictions, { classes });
        if (present.some((row) => row.precision === undefined)) expect(found).toBeUndefined();
        else expect(found).toBeCloseTo(present.reduce((sum, row) => sum + row.precision!, 0) / present.length, 12);
        expect(stats.recall(labels, predictions, { classes, average: 'micro' })).toBeCloseTo(stats.accuracy(labels, predictions)!, 12);
      }),
    );
  });

  test('duplicating every row changes no metric', () => {
    fc.assert(
      fc.property(scored, (found) => {
        const twice = found.flatMap((row) => [row, row]);
        for (const metric of [stats.rocAuc, stats.averagePrecision, stats.logLoss, stats.brierScore, stats.expectedCalibrationError]) {
          const once = metric(column(found, 0), flat(found), { classes: 3 });
          const other = metric(column(twice, 0), flat(twice), { classes: 3 });
          if (once === undefined) expect(other).toBeUndefined();
          else expect(other).toBeCloseTo(once, 12);
        }
      }),
    );
  });

  test.each([
    ['labels and predictions must have the same length, got 1 and 2', () => stats.accuracy([0], [0, 1])],
    ['predictions[0] must be a class from 0 to 1, got 2', () => stats.accuracy([0], [2], { classes: 2 })],
    ['labels[1] must be a class from 0 to 0, got NaN', () => stats.recall([0, NaN], [0, 0], { classes: 1 })],
    ['average must be one of macro, micro, weighted, none; got binary', () => stats.fBeta([0], [0], { average: 'binary' as 'macro' })],
    ['beta must be finite and at least 0, got -1', () => stats.fBeta([0], [0], { beta: -1 })],
    ['multiclass must be one of ovr, ovo; got all', () => stats.rocAuc([0], [0], { multiclass: 'all' as 'ovo' })],
    ['scores[0] must be a finite number, got NaN', () => stats.rocAuc([0, 1], [NaN, 1])],
  ])('a bad argument is named: %s', (message, call) => {
    expect(call).toThrow(message);
  });
});

describe('planning', () => {
  test('a sample size by t is the least whose power is enough', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 3, noNaN: true }), fc.boolean(), (difference, paired) => {
        const given = { standardDeviation: 1, difference, paired, test: 't' as const };
        const n = stats.sampleSizeMeans({ ...given, power: 0.9 });
        expect(stats.powerMeans({ ...given, n })).toBeGreaterThanOrEqual(0.9);
        if (n > 2) expect(stats.powerMeans({ ...given, n: n - 1 })).toBeLessThan(0.9);
      }),
      { numRuns: 30 },
    );
  });
});

describe('drift', () => {
  test('is 0 of a sample against itself, and its distances do not ask which sample came first', () => {
    fc.assert(
      fc.property(samples, samples, (x, y) => {
        for (const distance of [stats.psi, stats.jensenShannon, stats.hellinger, stats.lInfinity, stats.wasserstein1])
          expect(distance(x, x)).toBe(0);
        expect(stats.wasserstein1(x, y)).toBeCloseTo(stats.wasserstein1(y, x), 12);
      }),
    );
  });

  test('one variable may be given without its column', () => {
    const [x, y] = [
      [1, 2, 3, 4, 9],
      [2, 3, 3, 8],
    ];
    expect(stats.mmd(x, y, { permutations: 50 })).toEqual(stats.mmd([x], [y], { permutations: 50 }));
  });
});
