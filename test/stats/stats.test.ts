import * as stats from '../../src/stats';

describe('generator and binomial sampler', () => {
  test('a stream is fixed by its seed and block', () => {
    const draws = (seed: number, block: number) =>
      Array.from({ length: 3 }, () => 0).map(
        (
          (g) => () =>
            g.uint32()
        )(new stats.Generator(seed, block)),
      );
    expect(draws(1, 2)).toEqual(draws(1, 2));
    expect(draws(1, 2)).not.toEqual(draws(1, 3));
    expect(draws(2, 2)).not.toEqual(draws(1, 2));
  });

  test.each([
    [5, 0.3],
    [60, 0.1],
    [40, 0.5],
    [1000, 0.013],
    [1000, 0.9],
    [100000, 0.2],
  ])('draws of n = %i, p = %f fit the law', (n, p) => {
    const draws = 40_000;
    const generator = new stats.Generator(7, n);
    const low = stats.binomialQuantile(1e-3, n, p);
    const high = stats.binomialQuantile(1 - 1e-3, n, p);
    const width = Math.max(1, Math.ceil((high - low) / 40));
    const bins = Math.ceil((high - low + 1) / width);
    const observed = new Float64Array(bins + 2);
    const expected = new Float64Array(bins + 2);
    for (let i = 0; i < draws; i++) {
      const k = stats.binomial(generator, n, p);
      observed[k < low ? bins : k >= low + bins * width ? bins + 1 : Math.floor((k - low) / width)]!++;
    }
    for (let b = 0; b < bins; b++)
      expected[b] = draws * (stats.binomialCdf(low + (b + 1) * width - 1, n, p) - stats.binomialCdf(low + b * width - 1, n, p));
    expected[bins] = draws * stats.binomialCdf(low - 1, n, p);
    expected[bins + 1] = draws * stats.binomialSurvival(low + bins * width - 1, n, p);
    const kept = Array.from(expected.keys()).filter((b) => expected[b]! > 1e-6);
    const total = kept.reduce((sum, b) => sum + expected[b]!, 0);
    const { pValue } = stats.chiSquareGoodnessOfFit(
      kept.map((b) => observed[b]!),
      kept.map((b) => (expected[b]! * draws) / total),
    );
    expect(pValue).toBeGreaterThan(1e-3);
  });
});

describe('variance components', () => {
  const generator = new stats.Generator(3);
  const table = (shift: number) =>
    Array.from({ length: 5 }, () => Float64Array.from({ length: 200 }, () => (generator.uniform() < 0.7 + shift ? 1 : 0)));
  const a = table(0);
  const b = table(0.1);

  test('identical arms have difference 0, p = 1 and the interval [0, 0]', () => {
    expect(stats.varianceComponents({ a, b: a })).toMatchObject({ difference: 0, low: 0, high: 0, pValue: 1 });
  });

  test('the parts are those of the definition', () => {
    const found = stats.varianceComponents({ a, b });
    const n = 200;
    const gap = (s: number, i: number) => b[s]![i]! - a[s]![i]!;
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = (values: number[]) => values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1);
    const rows = Array.from({ length: n }, (_, i) => mean([0, 1, 2, 3, 4].map((s) => gap(s, i))));
    const seeds = [0, 1, 2, 3, 4].map((s) => mean(Array.from({ length: n }, (_, i) => gap(s, i))));
    let squares = 0;
    for (let s = 0; s < 5; s++) for (let i = 0; i < n; i++) squares += (gap(s, i) - rows[i]! - seeds[s]! + mean(rows)) ** 2;
    expect(found.rows).toBeCloseTo(variance(rows) / n, 14);
    expect(found.seeds).toBeCloseTo(variance(seeds) / 5, 14);
    expect(found.residual).toBeCloseTo(squares / (4 * (n - 1)) / (5 * n), 14);
    expect(found.standardError ** 2).toBeCloseTo(Math.max(found.rows + found.seeds - found.residual, found.rows, found.seeds), 14);
  });

  test('swapping the arms turns the sign', () => {
    const one = stats.varianceComponents({ a, b });
    const other = stats.varianceComponents({ a: b, b: a });
    expect(other.low).toBeCloseTo(-one.high, 14);
    expect(other.pValue).toBeCloseTo(one.pValue, 14);
  });

  test('rows copied within units leave the interval as it was', () => {
    const twice = (tables: Float64Array[]) => tables.map((values) => Float64Array.from([...values, ...values]));
    const units = Int32Array.from({ length: 400 }, (_, i) => i % 200);
    const found = stats.varianceComponents({ a: twice(a), b: twice(b), units });
    const plain = stats.varianceComponents({ a, b });
    expect(found.low).toBeCloseTo(plain.low, 12);
    expect(found.df).toBeCloseTo(plain.df, 9);
  });

  test('one seed is refused', () => {
    expect(() => stats.varianceComponents({ a: [a[0]!], b: [b[0]!] })).toThrow('metricA must have at least 2 values, got 1');
  });
});

describe('influence values', () => {
  const generator = new stats.Generator(8);
  const n = 120;
  const labels = Int32Array.from({ length: n }, () => generator.below(3));
  const predictions = labels.map((label) => (generator.uniform() < 0.7 ? label : generator.below(3)));
  const scores = Float64Array.from({ length: n * 3 }, () => generator.uniform());
  for (let i = 0; i < n; i++) {
    const total = scores[3 * i]! + scores[3 * i + 1]! + scores[3 * i + 2]!;
    for (let c = 0; c < 3; c++) scores[3 * i + c]! /= total;
  }

  const given = (metric: stats.BootstrapMetric) => (['accuracy', 'f1_macro', 'recall_macro'].includes(metric) ? predictions : scores);
  const width = (metric: stats.BootstrapMetric) => (given(metric) === scores ? 3 : 1);

  test.each(['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr', 'log_loss', 'brier'] as const)(
    'of %s sum to 0 and are the change from leaving a row out, over n - 1',
    (metric) => {
      const { value, influence } = stats.influenceValues(metric, labels, given(metric), 3);
      expect(influence.reduce((sum, entry) => sum + entry, 0)).toBeCloseTo(0, 10);
      const left = Array.from(labels, (_, row) => {
        const others = (values: ArrayLike<number>, columns: number) =>
          Array.from(values).filter((__, place) => Math.floor(place / columns) !== row);
        return (n - 1) * (value! - stats.metricValue(metric, others(labels, 1), others(given(metric), width(metric)), 3)!);
      });
      const mean = left.reduce((sum, change) => sum + change, 0) / n;
      for (let row = 0; row < n; row++) expect(influence[row]).toBeCloseTo(left[row]! - mean, 9);
    },
  );

  test.each(['average_precision', 'ece'] as const)('of %s sum to 0 and are the change from repeating a row', (metric) => {
    const { value, influence } = stats.influenceValues(metric, labels, scores, 3);
    expect(influence.reduce((sum, entry) => sum + entry, 0)).toBeCloseTo(0, 10);
    // 200 copies of the sample plus one row: a small enough weight for the first order.
    const copies = 200;
    const repeat = (values: ArrayLike<number>) => Array.from({ length: copies }, () => Array.from(values)).flat();
    for (const i of [0, 17, 63]) {
      const more = [...repeat(scores), ...scores.slice(3 * i, 3 * i + 3)];
      const changed = stats.metricValue(metric, [...repeat(labels), labels[i]!], more, 3)!;
      expect((changed - value!) * (copies * n + 1)).toBeCloseTo(influence[i]!, 2);
    }
  });
});

describe('blocks', () => {
  const generator = new stats.Generator(4);
  const blocks = (scale: number) =>
    Array.from({ length: 10 }, () => Float64Array.from({ length: 50 }, () => scale * (1 + generator.uniform())));
  const a = blocks(10);
  const b = blocks(13);

  test('the estimate is the type 7 quantile of all values', () => {
    const all = a.flatMap((values) => [...values]);
    for (const p of [0.05, 0.5, 0.95])
      expect(stats.quantileBlockBootstrap({ blocks: a }, p).estimate).toBeCloseTo(stats.quantile(all, p)!, 12);
  });

  test('a slower arm has its difference and ratio above', () => {
    const found = stats.quantileDifferenceByBlocks({ a, b }, 0.95, { resamples: 2000 });
    expect(found.low).toBeGreaterThan(0);
    expect(found.ratio!.low).toBeLessThan(1.3);
    expect(found.ratio!.high).toBeGreaterThan(1.29);
    expect(found.pValue).toBeLessThan(0.0125);
  });

  test('identical arms have difference 0, p = 1 and the interval [0, 0]', () => {
    expect(stats.quantileDifferenceByBlocks({ a, b: a }, 0.5)).toMatchObject({ difference: 0, low: 0, high: 0, pValue: 1 });
    expect(stats.meanRateByBlocks({ a, b: a }, 32)).toMatchObject({ difference: 0, low: 0, high: 0, pValue: 1 });
  });

  test('a rate is samples over seconds', () => {
    expect(stats.meanRateByBlocks({ a: [[1, 1], [2]], b: [[2, 2], [4]] }, 8).a.estimate).toBeCloseTo(24 / 4, 12);
  });
});

describe('planning, priors and checks', () => {
  test('what is out of range is refused with the name of the argument', () => {
    expect(() => stats.normalPosterior({ difference: 1, standardError: 1 }, { mean: Number.NaN, standardDeviation: 1 })).toThrow(
      /^prior\.mean /,
    );
    expect(() => stats.psi([1, 2, 3], [1, 2, 3], { floor: 2 })).toThrow(/^floor /);
    expect(() => stats.detectableDifference({ discordance: 1.1, n: 10 })).toThrow(/^discordance /);
    expect(() => stats.sampleSizePairedProportions({ discordance: 1.2, difference: 0.2 })).toThrow(/^discordance /);
  });

  test('the asymptotic Kolmogorov-Smirnov law rounds a size in the middle to the even one, as scipy does', () => {
    const x = [2, 1, 0, -1, -2, 1, 1, -2, 1, -2, 1, 1, 1, 0, 1];
    expect(stats.ksTwoSample(x, [0, -2, 1], { method: 'asymptotic' }).pValue).toBeCloseTo(0.9977777777777778, 12);
  });

  test('Connor asks 7,847 rows for 1 point and 31,394 for half a point at 10 % discordance', () => {
    expect(stats.sampleSizePairedProportions({ discordance: 0.1, difference: 0.01 })).toBe(7847);
    expect(stats.sampleSizePairedProportions({ discordance: 0.1, difference: 0.005 })).toBe(31394);
    expect(stats.detectableDifference({ discordance: 0.1, n: 7847 })).toBeCloseTo(0.01, 5);
    expect(stats.detectableDifference({ discordance: 0.1, n: 5 })).toBeUndefined();
  });

  test('Noether asks 29 pairs for P(B > A) = 0.75', () => {
    expect(stats.sampleSizeNoether({ probability: 0.75 })).toBe(29);
  });

  test('a flat prior leaves the likelihood', () => {
    const found = stats.normalPosterior({ difference: 1.96, standardError: 1 });
    expect(found.probabilityBetter).toBeCloseTo(0.975, 4);
    expect(found.low).toBeCloseTo(0, 3);
  });

  test('a sample ratio fails on size and significance together, or on any unit in an empty arm', () => {
    expect(stats.sampleRatio([5000, 5400], [1, 1]).status).toBe('fail');
    expect(stats.sampleRatio([5000, 5050], [1, 1]).status).toBe('pass');
    expect(stats.sampleRatio([5_000_000, 5_020_000], [1, 1])).toMatchObject({ status: 'pass' });
    expect(stats.sampleRatio([100, 1], [1, 0]).status).toBe('fail');
  });

  test('identical samples drift by nothing', () => {
    const x = Array.from({ length: 50 }, (_, i) => (i * 7) % 31);
    expect(stats.psi(x, x)).toBe(0);
    expect(stats.jensenShannon(x, x)).toBe(0);
    expect(stats.wasserstein1(x, x)).toBe(0);
    expect(stats.ksTwoSample(x, x)).toMatchObject({ statistic: 0, pValue: 1 });
  });

  test('P(B > A) counts ties half and keeps its interval in [0, 1]', () => {
    expect(stats.probabilityOfImprovement([1, 2, 3, 4], [2, 2, 4, 3]).estimate).toBe(0.625);
    const all = stats.probabilityOfImprovement([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]);
    expect(all.high).toBe(1);
    expect(all.low).toBeCloseTo(stats.proportionInterval(5, 5).low, 9);
  });

  test('identical scores give DeLong difference 0 and p = 1', () => {
    const labels = [0, 1, 1, 0, 1, 0];
    const scores = [0.1, 0.8, 0.3, 0.4, 0.9, 0.2];
    expect(stats.delong(labels, scores, scores)).toMatchObject({ difference: 0, pValue: 1, low: 0, high: 0 });
  });

  // Closed testing by definition: p of a hypothesis is the largest p of any set that holds it.
  const closed = (p: number[], ofSet: (sorted: number[]) => number) =>
    p.map((_, i) => {
      let most = 0;
      for (let set = 1; set < 2 ** p.length; set++) {
        if (((set >> i) & 1) === 0) continue;
        most = Math.max(most, ofSet(p.filter((__, j) => ((set >> j) & 1) === 1).sort((x, y) => x - y)));
      }
      return Math.min(1, most);
    });

  test.each([[[0.01, 0.04, 0.03, 0.005, 0.5, 0.03]], [[0.2, 0.02, 0.021, 0.9]], [[0.04, 0.041, 0.042, 0.043, 0.5]]])(
    'Holm and Hommel are closed tests of Bonferroni and Simes: %j',
    (p) => {
      const bonferroni = closed(p, (sorted) => sorted.length * sorted[0]!);
      const simes = closed(p, (sorted) => Math.min(...sorted.map((value, k) => (sorted.length * value) / (k + 1))));
      stats.adjustPValues(p, 'holm').forEach((value, i) => expect(value).toBeCloseTo(bonferroni[i]!, 12));
      stats.adjustPValues(p, 'hommel').forEach((value, i) => expect(value).toBeCloseTo(simes[i]!, 12));
    },
  );

  test('Hochberg steps up and Bonferroni multiplies', () => {
    expect(stats.adjustPValues([0.01, 0.04, 0.03], 'bonferroni').map((p) => Number(p.toFixed(12)))).toEqual([0.03, 0.12, 0.09]);
    expect(stats.adjustPValues([0.01, 0.04, 0.03], 'hochberg').map((p) => Number(p.toFixed(12)))).toEqual([0.03, 0.04, 0.04]);
  });

  test('a quantile interval is null where the sample is too small for it', () => {
    const x = Array.from({ length: 100 }, (_, i) => i);
    expect(stats.quantileInterval(x, 0.99)).toBeNull();
    expect(stats.quantileInterval(x, 0.5)).toEqual({ low: 39, high: 60 });
  });
});

describe('metrics without a value', () => {
  test('a class never predicted has an undefined precision and an F1 of 0', () => {
    const rows = stats.perClass([0, 1, 0], [0, 0, 0], { classes: 3 });
    expect(rows[1]).toEqual({ precision: undefined, recall: 0, fBeta: 0, support: 1 });
    expect(rows[2]).toEqual({ precision: undefined, recall: undefined, fBeta: undefined, support: 0 });
    expect(stats.precision([0, 1, 0], [0, 0, 0])).toBeUndefined();
  });

  test('no rows or one class alone give undefined, not 0', () => {
    expect(stats.accuracy([], [])).toBeUndefined();
    expect(stats.rocAuc([1, 1], [0.2, 0.3])).toBeUndefined();
    expect(stats.quantile([], 0.5)).toBeUndefined();
  });
});

describe('bootstrap of one sample', () => {
  const generator = new stats.Generator(12);
  const sample = Float64Array.from({ length: 40 }, () => -Math.log(generator.uniform()));
  const mean = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0) / x.length;

  test('BCa leans with the skew and basic mirrors percentile', () => {
    const bca = stats.bootstrap(sample, mean, { resamples: 4000 });
    const percentile = stats.bootstrap(sample, mean, { resamples: 4000, method: 'percentile' });
    const basic = stats.bootstrap(sample, mean, { resamples: 4000, method: 'basic' });
    expect(bca.high).toBeGreaterThan(percentile.high);
    expect(basic.low).toBeCloseTo(2 * mean(sample) - percentile.high, 12);
    expect(
      percentile.standardError /
        Math.sqrt(
          stats.pairedTTest(
            sample,
            sample.map(() => 0),
          ).standardError **
            2 *
            (39 / 40),
        ),
    ).toBeCloseTo(1, 1);
  });
});
