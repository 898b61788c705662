import {
  crossedBootstrap,
  jointRows,
  jointVarianceComponents,
  maxT,
  normalQuantile,
  pairedTTest,
  shrinkTowardsMean,
  tQuantile,
  varianceComponentsInfluence,
} from '../../src/stats';
import { normal, uniform } from './simulate';

describe('the law of max |T|', () => {
  // Dunnett's two-sided tables (1964), equal correlation 1/2, the row of infinite degrees of freedom.
  test.each([
    [2, 0.95, 2.21],
    [3, 0.95, 2.35],
    [5, 0.95, 2.51],
    [9, 0.95, 2.69],
    [3, 0.99, 2.92],
  ])("gives Dunnett's critical value for %i comparisons at %d", (m, familywise, critical) => {
    const each = maxT(equal(m, 0.5)).confidence(familywise);
    expect(Math.abs(normalQuantile(0.5 + each / 2) - critical)).toBeLessThan(0.03);
  });

  test('is the law of t statistics that share a control and have variances of their own', () => {
    const random = uniform(5);
    const [m, seeds, trials] = [3, 5, 10_000];
    const bound = tQuantile(0.5 + maxT(equal(m, 0.5), { df: [4, 4, 4] }).confidence(0.95) / 2, seeds - 1);
    let reached = 0;
    for (let trial = 0; trial < trials; trial++) {
      const control = Array.from({ length: seeds }, () => normal(random));
      const statistics = Array.from(
        { length: m },
        () =>
          pairedTTest(
            Array.from({ length: seeds }, () => normal(random)),
            control,
          ).statistic,
      );
      if (Math.max(...statistics.map(Math.abs)) >= bound) reached++;
    }
    // 99.9 % binomial band about 5 %.
    expect(reached / trials).toBeGreaterThan(0.0428);
    expect(reached / trials).toBeLessThan(0.0572);
  });

  test('lies between the familywise level and Bonferroni, which independence and one direction reach', () => {
    const independent = maxT(equal(4, 0)).confidence(0.95);
    expect(independent).toBeCloseTo(0.95 ** (1 / 4), 3);
    expect(maxT(equal(4, 1)).confidence(0.95)).toBeCloseTo(0.95, 2);
    for (const correlation of [-0.3, 0.4, 0.9]) {
      const each = maxT(equal(4, correlation), { df: [4, 9, 20, Infinity] }).confidence(0.95);
      expect(each).toBeGreaterThanOrEqual(0.95);
      expect(each).toBeLessThanOrEqual(1 - 0.05 / 4);
    }
  });

  test("adjusts a p value to between itself and Bonferroni's, and 1 stays 1", () => {
    const { adjust } = maxT(equal(3, 0.5), { df: [4, 8, 30] });
    let before = 0;
    for (const p of [1e-12, 1e-5, 0.001, 0.02, 0.2, 0.9]) {
      const adjusted = adjust(p);
      expect(adjusted).toBeGreaterThanOrEqual(Math.max(p, before));
      expect(adjusted).toBeLessThanOrEqual(Math.min(1, 3 * p));
      before = adjusted;
    }
    expect(adjust(1)).toBe(1);
    expect(adjust(0)).toBe(0);
  });

  test('agrees with itself: the p value at the critical value is adjusted to alpha', () => {
    const family = maxT(equal(5, 0.3), { df: [4, 5, 6, 7, 8] });
    expect(family.adjust(1 - family.confidence(0.9))).toBeCloseTo(0.1, 4);
  });

  test('shrinks a matrix that no law has towards independence', () => {
    const impossible = [
      [1, 0.9, 0.9],
      [0.9, 1, -0.9],
      [0.9, -0.9, 1],
    ];
    const { correlation } = maxT(impossible);
    expect(correlation[0]?.[1]).toBeGreaterThan(0.4);
    expect(correlation[0]?.[1]).toBeLessThan(0.9);
    expect(correlation[1]?.[2]).toBeCloseTo(-(correlation[0]?.[1] as number), 12);
  });

  test('refuses what is no correlation', () => {
    expect(() => maxT([[1, 0.5]])).toThrow(/correlation\[0\] must have 1 values/);
    expect(() =>
      maxT([
        [1, 1.5],
        [1.5, 1],
      ]),
    ).toThrow(/between -1 and 1, got 1.5/);
    expect(() =>
      maxT([
        [1, 0.2],
        [0.3, 1],
      ]),
    ).toThrow(/symmetric/);
    expect(() => maxT(equal(2, 0), { df: [4] })).toThrow(/df must have one value a comparison/);
    expect(() => maxT(equal(2, 0), { df: [4, 0] })).toThrow(/df\[1\] must be positive/);
  });
});

describe('joint variance components', () => {
  test("are each candidate's own, at the joint confidence", () => {
    const input = simulated({ seed: 1, candidates: 3, seeds: 6, rows: 80 });
    const joint = jointVarianceComponents(input);
    expect(joint.confidence).toBeGreaterThan(0.95);
    expect(joint.confidence).toBeLessThan(1 - 0.05 / 3);
    joint.comparisons.forEach((comparison, j) => {
      const own = varianceComponentsInfluence(
        {
          metricA: input.metric[0] as number[],
          metricB: input.metric[j + 1] as number[],
          influenceA: input.influence[0] as Float64Array[],
          influenceB: input.influence[j + 1] as Float64Array[],
        },
        { confidence: joint.confidence },
      );
      expect(comparison).toMatchObject(own);
      expect(joint.covariance[j]?.[j]).toBeCloseTo(own.standardError ** 2, 14);
      expect(comparison.adjustedPValue).toBeGreaterThanOrEqual(own.pValue);
      expect(comparison.adjustedPValue).toBeLessThanOrEqual(Math.min(1, 3 * own.pValue));
    });
  });

  test('have the covariance that comes from summing it out by hand, with units', () => {
    const input = simulated({ seed: 2, candidates: 2, seeds: 4, rows: 12 });
    const units = Int32Array.from({ length: 12 }, (_, row) => row % 5);
    const { covariance, comparisons } = jointVarianceComponents({ ...input, units });
    // The variance of a sum of two differences is the sum of their variances and twice their covariance.
    const sum = varianceComponentsInfluence({
      metricA: (input.metric[0] as number[]).map((value) => 2 * value),
      metricB: (input.metric[1] as number[]).map((value, s) => value + (input.metric[2]?.[s] as number)),
      influenceA: (input.influence[0] as Float64Array[]).map((rows) => rows.map((value) => 2 * value)),
      influenceB: (input.influence[1] as Float64Array[]).map((rows, s) =>
        rows.map((value, i) => value + (input.influence[2]?.[s]?.[i] as number)),
      ),
      units,
    });
    const parts = (['rows', 'seeds', 'residual'] as const).map(
      (part) => (sum[part] - (comparisons[0]?.[part] as number) - (comparisons[1]?.[part] as number)) / 2,
    ) as [number, number, number];
    expect(covariance[0]?.[1]).toBeCloseTo(parts[0] + parts[1] - parts[2], 12);
  });

  test('of a candidate equal to the control are 0 with p = 1, and cost the others no more than Bonferroni', () => {
    const input = simulated({ seed: 3, candidates: 2, seeds: 5, rows: 50 });
    const metric = [input.metric[0], input.metric[0], input.metric[2]] as number[][];
    const influence = [input.influence[0], input.influence[0], input.influence[2]] as Float64Array[][];
    const { comparisons, confidence } = jointVarianceComponents({ metric, influence });
    expect(comparisons[0]).toMatchObject({ difference: 0, low: 0, high: 0, pValue: 1, adjustedPValue: 1 });
    expect(confidence).toBeLessThanOrEqual(0.975);
  });

  test('over rows alone take one seed', () => {
    const { correlation, covariance } = jointRows(simulated({ seed: 4, candidates: 2, seeds: 1, rows: 400 }));
    // Two candidates independent of each other share the control: half of each variance.
    expect(correlation[0]?.[1]).toBeGreaterThan(0.3);
    expect(correlation[0]?.[1]).toBeLessThan(0.7);
    expect(covariance[0]?.[0]).toBeCloseTo(2 / 400, 2);
  });

  test('refuse one arm and arms of different seeds', () => {
    const input = simulated({ seed: 5, candidates: 1, seeds: 3, rows: 10 });
    expect(() => jointVarianceComponents({ metric: input.metric.slice(0, 1), influence: input.influence.slice(0, 1) })).toThrow(
      /at least 2 arms/,
    );
    expect(() =>
      jointVarianceComponents({
        ...input,
        metric: [
          [1, 2, 3],
          [1, 2],
        ],
      }),
    ).toThrow(/metric\[0\] and metric\[1\] must have the same length/);
  });
});

describe('shrinkage towards the mean', () => {
  test('keeps the share of the spread that noise does not explain', () => {
    // Spread 2·1^2 = 2 about the mean 2; noise (m - 1)·0.5 = 1 with independent variances 0.5.
    const { shrunk, mean, kept } = shrinkTowardsMean({
      estimates: [1, 2, 3],
      covariance: equal(3, 0).map((row) => row.map((value) => value / 2)),
    });
    expect({ mean, kept }).toEqual({ mean: 2, kept: 0.5 });
    expect(shrunk).toEqual([1.5, 2, 2.5]);
  });

  test('counts noise that all share for nothing, and never turns the order round', () => {
    const shared = [
      [1.01, 1],
      [1, 1.01],
    ];
    expect(shrinkTowardsMean({ estimates: [0, 1], covariance: shared }).kept).toBeCloseTo(1 - 0.01 / 0.5, 12);
    expect(shrinkTowardsMean({ estimates: [0, 1], covariance: equal(2, 0) }).shrunk).toEqual([0.5, 0.5]);
    expect(shrinkTowardsMean({ estimates: [0.3], covariance: [[0.1]] })).toEqual({ shrunk: [0.3], mean: 0.3, kept: 0 });
  });

  test('takes most of the bias off the best of five, whether they are equal or not', () => {
    for (const spread of [0, 0.5, 2]) {
      const random = uniform(77);
      let [raw, shrunken] = [0, 0];
      for (let trial = 0; trial < 4000; trial++) {
        const truth = Array.from({ length: 5 }, () => spread * normal(random));
        const control = normal(random);
        const estimates = truth.map((value) => value + normal(random) - control);
        const covariance = equal(5, 0.5).map((row) => row.map((value) => 2 * value));
        const { shrunk } = shrinkTowardsMean({ estimates, covariance });
        const best = estimates.indexOf(Math.max(...estimates));
        raw += ((estimates[best] as number) - (truth[best] as number)) / 4000;
        shrunken += ((shrunk[best] as number) - (truth[best] as number)) / 4000;
      }
      expect(raw).toBeGreaterThan(0.4);
      expect(Math.abs(shrunken)).toBeLessThan(0.4 * raw);
    }
  });
});

describe('the crossed bootstrap', () => {
  test('has the standard error of variance components where there are seeds enough', () => {
    const input = simulated({ seed: 6, candidates: 1, seeds: 30, rows: 300, seedEffect: 0.1 });
    const gaps = {
      metricA: input.metric[0] as number[],
      metricB: input.metric[1] as number[],
      influenceA: input.influence[0] as Float64Array[],
      influenceB: input.influence[1] as Float64Array[],
    };
    const crossed = crossedBootstrap(gaps);
    const components = varianceComponentsInfluence(gaps);
    expect(crossed.difference).toBeCloseTo(components.difference, 12);
    // It adds the residual once more, which is small beside the seeds here.
    expect(crossed.standardError / components.standardError).toBeGreaterThan(0.9);
    expect(crossed.standardError / components.standardError).toBeLessThan(1.2);
    expect(crossed.low).toBeLessThan(crossed.difference);
    expect(crossed.high).toBeGreaterThan(crossed.difference);
  });

  test('is 0 for identical arms, the same by seed, and thinned where data is large', () => {
    const input = simulated({ seed: 7, candidates: 1, seeds: 2, rows: 10 });
    const [metric, influence] = [input.metric[0] as number[], input.influence[0] as Float64Array[]];
    const same = { metricA: metric, metricB: metric, influenceA: influence, influenceB: influence };
    expect(crossedBootstrap(same)).toMatchObject({ difference: 0, low: 0, high: 0, standardError: 0, resamples: 2000 });
    const large = simulated({ seed: 8, candidates: 1, seeds: 200, rows: 600 });
    const gaps = {
      metricA: large.metric[0] as number[],
      metricB: large.metric[1] as number[],
      influenceA: large.influence[0] as Float64Array[],
      influenceB: large.influence[1] as Float64Array[],
    };
    const once = crossedBootstrap(gaps, { seed: 3 });
    expect(once.resamples).toBe(1666);
    expect(crossedBootstrap(gaps, { seed: 3, resamples: 1666 })).toEqual(once);
  });
});

function equal(m: number, correlation: number): number[][] {
  return Array.from({ length: m }, (_, j) => Array.from({ length: m }, (__, k) => (j === k ? 1 : correlation)));
}

/** A metric that is a mean: every value is noise of its own, plus a training's shift. */
function simulated(options: { seed: number; candidates: number; seeds: number; rows: number; seedEffect?: number }): {
  metric: number[][];
  influence: Float64Array[][];
} {
  const random = uniform(options.seed);
  const arms = Array.from({ length: options.candidates + 1 }, () =>
    Array.from({ length: options.seeds }, () => {
      const shift = (options.seedEffect ?? 0.1) * normal(random);
      const values = Float64Array.from({ length: options.rows }, () => shift + normal(random));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { mean, influence: values.map((value) => value - mean) };
    }),
  );
  return { metric: arms.map((arm) => arm.map(({ mean }) => mean)), influence: arms.map((arm) => arm.map(({ influence }) => influence)) };
}
