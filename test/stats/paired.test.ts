import {
  type BootstrapMetric,
  binomialPmf,
  chiSquareGoodnessOfFit,
  Generator,
  metricValue,
  type PairedBootstrapInput,
  pairedBootstrap,
  pairedResampler,
} from '../../src/stats';

const labelMetrics: BootstrapMetric[] = ['accuracy', 'f1_macro', 'recall_macro'];
const metrics: BootstrapMetric[] = [...labelMetrics, 'auc_ovr', 'average_precision', 'log_loss', 'brier', 'ece'];

describe.each(metrics)('paired bootstrap of %s', (metric) => {
  const input = example(90, 3, 2, 11);

  test('has the difference of the metric itself, averaged over seeds', () => {
    const mean = (seeds: Seeds) => seeds.reduce((sum, values) => sum + metricValue(metric, input.labels, values, 3)!, 0) / seeds.length;
    const [a, b] = labelMetrics.includes(metric) ? input.predictions : input.scores;
    const expected = mean(b!) - mean(a!);
    expect(pairedBootstrap(input, metric, { resamples: 500 }).difference).toBeCloseTo(expected, 12);
  });

  test.each(['bca', 'percentile', 'basic'] as const)('swapping the arms turns everything of %s over, to the bit', (method) => {
    const one = pairedBootstrap(input, metric, { resamples: 500, method });
    const other = pairedBootstrap(swap(input), metric, { resamples: 500, method });
    expect(other.difference).toBe(-one.difference!);
    expect(Array.from(other.replicates)).toEqual(Array.from(one.replicates, (value) => 0 - value));
    expect(other).toMatchObject({ low: -one.high!, high: -one.low!, pValue: one.pValue, standardError: one.standardError });
    expect(other.arms).toEqual(one.arms.toReversed());
  });

  test('the order of rows changes not one bit', () => {
    const one = pairedBootstrap(input, metric, { resamples: 500 });
    const other = pairedBootstrap(reversed(input), metric, { resamples: 500 });
    expect(Array.from(other.replicates)).toEqual(Array.from(one.replicates));
  });

  test('identical arms have difference 0, p = 1 and the interval [0, 0]', () => {
    const same = { ...input, predictions: [input.predictions[0]!, input.predictions[0]!], scores: [input.scores[0]!, input.scores[0]!] };
    expect(pairedBootstrap(same, metric, { resamples: 500 })).toMatchObject({
      difference: 0,
      low: 0,
      high: 0,
      pValue: 1,
      standardError: 0,
    });
  });

  test('every row a unit of its own keeps the standard error of independent rows', () => {
    const units = Int32Array.from(input.labels, (_, i) => i);
    const rows = pairedBootstrap(input, metric, { resamples: 1500 }).standardError!;
    const byUnit = pairedBootstrap({ ...input, units }, metric, { resamples: 1500, seed: 9 }).standardError!;
    expect(Math.abs(byUnit / rows - 1)).toBeLessThan(0.1);
  });

  test('rows as clusters of two copies each change nothing but the count of rows', () => {
    const { labels, predictions, scores, classes } = input;
    const doubled = {
      labels: twice(labels, 1),
      predictions: predictions.map((seeds) => seeds.map((values) => twice(values, 1))),
      scores: scores.map((seeds) => seeds.map((values) => twice(values, classes))),
      units: twice(
        labels.map((_, i) => 1000 - i),
        1,
      ),
      classes,
    };
    const rows = pairedBootstrap(input, metric, { resamples: 1500 });
    const clusters = pairedBootstrap(doubled, metric, { resamples: 1500 });
    expect(clusters.difference).toBeCloseTo(rows.difference!, 12);
    if (labelMetrics.includes(metric)) expect(clusters).toEqual(rows);
    else expect(Math.abs(clusters.standardError! / rows.standardError! - 1)).toBeLessThan(0.1);
  });

  test('the bounds of every method lie about the difference, and studentised ones near those of bca', () => {
    const large = example(600, 3, 1, 12);
    const found = (['bca', 'percentile', 'basic', 'studentised'] as const).map((method) =>
      pairedBootstrap(large, metric, { resamples: 1500, method }),
    );
    const [bca] = found;
    for (const { difference, low, high } of found) {
      expect(low!).toBeLessThan(difference!);
      expect(high!).toBeGreaterThan(difference!);
      expect(Math.abs(low! - bca!.low!)).toBeLessThan(0.6 * bca!.standardError!);
      expect(Math.abs(high! - bca!.high!)).toBeLessThan(0.6 * bca!.standardError!);
    }
  });

  test('the standard error by the infinitesimal jackknife is near that of the resamples, rows or units', () => {
    const large = example(900, 3, 1, 13);
    for (const units of [undefined, large.labels.map((_, i) => i % 150)]) {
      const given = units === undefined ? large : { ...large, units };
      const square = pairedResampler(given, metric).covariance();
      const { standardError } = pairedBootstrap(given, metric, { resamples: 1500 });
      const expected = Math.sqrt(square[0]! - 2 * square[1]! + square[3]!);
      expect(Math.abs(expected / standardError! - 1)).toBeLessThan(0.15);
    }
  });

  test('one row has no interval', () => {
    const { labels, predictions, scores, classes } = example(1, 3, 1, 14);
    const found = pairedBootstrap({ labels, predictions, scores, classes }, metric, { resamples: 300 });
    if (metric === 'auc_ovr')
      expect(found).toMatchObject({ difference: undefined, low: undefined, pValue: undefined, undefinedReplicates: 300 });
    else expect(found).toMatchObject({ low: undefined, high: undefined, pValue: undefined, standardError: undefined });
  });

  test('several arms share their resamples, whatever their order', () => {
    const many = example(150, 3, 1, 15, [0.6, 0.62, 0.75, 0.9]);
    const joint = pairedBootstrap(many, metric, { resamples: 1000 });
    const order = [0, 3, 1, 2];
    const mixed = pairedBootstrap(
      { ...many, predictions: order.map((j) => many.predictions[j]!), scores: order.map((j) => many.scores[j]!) },
      metric,
      { resamples: 1000 },
    );
    expect(joint.comparisons).toHaveLength(3);
    expect(mixed.comparisons[0]).toEqual(joint.comparisons[2]);
    expect(mixed.comparisons[1]).toEqual(joint.comparisons[0]);
    expect(joint.arms[2]!.estimate! - joint.arms[0]!.estimate!).toBeCloseTo(joint.comparisons[1]!.difference!, 12);
    for (const { low, high, pValue, simultaneous } of joint.comparisons) {
      expect(simultaneous.low!).toBeLessThanOrEqual(low!);
      expect(simultaneous.high!).toBeGreaterThanOrEqual(high!);
      expect(simultaneous.pValue!).toBeGreaterThanOrEqual(pValue!);
      expect(simultaneous.pValue!).toBeLessThanOrEqual(Math.min(1, 3 * pValue!));
      expect(simultaneous.confidence).toBeGreaterThan(0.95);
      expect(simultaneous.confidence).toBeLessThanOrEqual(1 - 0.05 / 3);
    }
  });

  test('any division into ranges gives the same bits', () => {
    const resampler = pairedResampler(input, metric);
    const whole = resampler.replicates(3, 0, 750);
    const parts = [resampler.replicates(3, 500, 750), resampler.replicates(3, 0, 500)];
    expect([...parts[1]![1]!, ...parts[0]![1]!]).toEqual(Array.from(whole[1]!));
  });
});

test.each(['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr', 'average_precision'] as const)(
  'replicates of %s follow all 46,656 resamples of 6 rows',
  (metric) => {
    const labels = Int32Array.from([0, 0, 1, 1, 0, 1]);
    const predictionsA = [Int32Array.from([0, 1, 1, 0, 0, 1])];
    const predictionsB = [Int32Array.from([0, 0, 1, 0, 1, 1])];
    const scores = (values: number[]) => [Float64Array.from(values.flatMap((p) => [1 - p, p]))];
    const scoresA = scores([0.2, 0.6, 0.7, 0.4, 0.3, 0.6]);
    const scoresB = scores([0.1, 0.4, 0.8, 0.4, 0.6, 0.9]);
    const input = { labels, predictions: [predictionsA, predictionsB], scores: [scoresA, scoresB], classes: 2 };
    const label = labelMetrics.includes(metric);
    const law = new Map<string, number>();
    const key = (value: number) => (Number.isNaN(value) ? 'undefined' : value.toFixed(9).replace('-0.000000000', '0.000000000'));
    const gapOf = (rows: number[]) => {
      const pick = (values: ArrayLike<number>) =>
        label ? rows.map((r) => values[r]!) : rows.flatMap((r) => [values[2 * r]!, values[2 * r + 1]!]);
      const drawn = rows.map((r) => labels[r]!);
      const value = (values: ArrayLike<number>) => metricValue(metric, drawn, pick(values), 2) ?? NaN;
      return key(value(label ? predictionsB[0]! : scoresB[0]!) - value(label ? predictionsA[0]! : scoresA[0]!));
    };
    // The same rows in another order have the same value.
    const known = new Map<string, string>();
    for (let code = 0; code < 6 ** 6; code++) {
      const rows = Array.from({ length: 6 }, (_, j) => Math.floor(code / 6 ** j) % 6).sort((x, y) => x - y);
      const gap = known.get(rows.join()) ?? gapOf(rows);
      known.set(rows.join(), gap);
      law.set(gap, (law.get(gap) ?? 0) + 1);
    }
    const resamples = 40_000;
    const found = new Map<string, number>();
    for (const gap of pairedBootstrap(input, metric, { resamples }).replicates) found.set(key(gap), (found.get(key(gap)) ?? 0) + 1);
    for (const gap of found.keys()) expect(law.has(gap)).toBe(true);
    // Outcomes expected under 5 times are pooled for the test of fit.
    const cells: [number, number][] = [[0, 0]];
    for (const [gap, count] of law) {
      const expected = (count * resamples) / 6 ** 6;
      if (expected >= 5) cells.push([found.get(gap) ?? 0, expected]);
      else {
        cells[0]![0] += found.get(gap) ?? 0;
        cells[0]![1] += expected;
      }
    }
    const used = cells.filter(([, expected]) => expected > 0);
    expect(
      chiSquareGoodnessOfFit(
        used.map(([o]) => o),
        used.map(([, e]) => e),
      ).pValue,
    ).toBeGreaterThan(1e-3);
  },
);

test('replicates of accuracy follow the closed law of the two discordant counts', () => {
  const n = 400;
  const [onlyA, onlyB] = [20, 34];
  const labels = new Int32Array(n);
  const predictionsA = [Int32Array.from(labels, (_, i) => (i < onlyB ? 1 : 0))];
  const predictionsB = [Int32Array.from(labels, (_, i) => (i >= onlyB && i < onlyB + onlyA ? 1 : 0))];
  const resamples = 40_000;
  const { replicates, difference } = pairedBootstrap({ labels, predictions: [predictionsA, predictionsB] }, 'accuracy', { resamples });
  expect(difference).toBeCloseTo((onlyB - onlyA) / n, 14);
  const span = 120;
  const expected = new Float64Array(2 * span + 1);
  for (let discordant = 0; discordant <= span; discordant++) {
    const weight = binomialPmf(discordant, n, (onlyA + onlyB) / n);
    for (let b = 0; b <= discordant; b++)
      expected[span + 2 * b - discordant]! += weight * binomialPmf(b, discordant, onlyB / (onlyA + onlyB));
  }
  const observed = new Float64Array(2 * span + 1);
  for (const gap of replicates) observed[span + Math.round(gap * n)]!++;
  const kept = Array.from(expected.keys()).filter((i) => expected[i]! * resamples >= 5);
  const rest = (values: Float64Array, total: number) => total - kept.reduce((sum, i) => sum + values[i]!, 0);
  const o = [...kept.map((i) => observed[i]!), rest(observed, resamples)];
  const e = [...kept.map((i) => expected[i]! * resamples), rest(expected, 1) * resamples];
  expect(chiSquareGoodnessOfFit(o, e).pValue).toBeGreaterThan(1e-3);
});

test('simultaneous bounds of arms that move together are hardly wider than one, and of others near Bonferroni', () => {
  const base = example(2000, 2, 1, 21, [0.6, 0.7]);
  const [control, candidate] = base.predictions;
  const nudged = [candidate![0]!, ...[1, 2].map((row) => Int32Array.from(candidate![0]!, (value, i) => (i === row ? 1 - value : value)))];
  const together = pairedBootstrap({ ...base, predictions: [control!, ...nudged] }, 'accuracy', { resamples: 5000 });
  expect(together.simultaneous.confidence).toBeLessThan(0.955);
  const apart = example(2000, 2, 1, 22, [0.95, 0.7, 0.7, 0.7]);
  const found = pairedBootstrap(apart, 'accuracy', { resamples: 20_000 });
  expect(found.simultaneous.confidence).toBeGreaterThan(0.977);
  // All hold at once in 95 % of the resamples.
  const inside = found.replicates.reduce((count, _, r) => {
    const all = found.comparisons.every(
      ({ replicates, simultaneous }) => replicates[r]! >= simultaneous.low! && replicates[r]! <= simultaneous.high!,
    );
    return count + (all ? 1 : 0);
  }, 0);
  expect(Math.abs(inside / 20_000 - 0.95)).toBeLessThan(0.01);
});

test('a monotone transform of the scores changes no bit of the AUC', () => {
  const { labels, scores } = example(400, 2, 1, 31);
  const ofClassOne = scores.map(([values]) => Float64Array.from(labels, (_, i) => Math.round(50 * values![2 * i + 1]!) / 50));
  const transformed = ofClassOne.map((values) => values.map((value) => Math.exp(7 * value) - 3));
  for (const metric of ['auc_ovr', 'average_precision'] as const) {
    const one = pairedBootstrap({ labels, scores: ofClassOne }, metric, { resamples: 500 });
    expect(pairedBootstrap({ labels, scores: transformed }, metric, { resamples: 500 })).toEqual(one);
  }
});

test('of equal rows only the number counts: the AUC of rounded scores is that of every row', () => {
  const generator = new Generator(77);
  const n = 4000;
  const labels = Int32Array.from({ length: n }, () => generator.below(2));
  const rounded = (skill: number) => Float64Array.from(labels, (label) => Math.floor(6 * (generator.uniform() + skill * label)));
  const scores = [rounded(0.3), rounded(0.4)];
  const counted = pairedBootstrap({ labels, scores }, 'auc_ovr', { resamples: 4000 });
  // Units of one row each are not counted together.
  const single = pairedBootstrap({ labels, scores, units: labels.map((_, i) => i) }, 'auc_ovr', { resamples: 1500 });
  expect(single.difference).toBe(counted.difference);
  expect(Math.abs(single.standardError! / counted.standardError! - 1)).toBeLessThan(0.08);
});

test('the macro F1 over the classes present is nearly unbiased where a class is missing from many resamples', () => {
  // Class 2 has two rows of 60: 13 % of the resamples lack it.
  const labels = Int32Array.from({ length: 60 }, (_, i) => (i < 2 ? 2 : i % 2));
  const wrong = (every: number) => labels.map((label, i) => (i % every === 0 ? (label + 1) % 3 : label));
  const { difference, replicates, arms, standardError } = pairedBootstrap({ labels, predictions: [wrong(5), wrong(9)] }, 'f1_macro');
  const mean = replicates.reduce((sum, value) => sum + value, 0) / replicates.length;
  expect(arms[0]!.estimate).toBeGreaterThan(0.5);
  expect(Math.abs(mean - difference!)).toBeLessThan(0.25 * standardError!);
});

test('the estimate lies in the middle of units that repeat, at a cost that does not grow with them', () => {
  const labels = Int32Array.from({ length: 30_000 }, (_, i) => (i >> 1) % 2);
  const predictions = [
    labels.map((label, i) => (i % 7 === 0 ? 1 - label : label)),
    labels.map((label, i) => (i % 9 === 0 ? 1 - label : label)),
  ];
  const units = labels.map((_, i) => Math.floor(i / 3));
  const found = pairedBootstrap({ labels, predictions, units }, 'f1_macro', { resamples: 2000 });
  expect(found.low!).toBeLessThan(found.difference!);
  expect(found.high!).toBeGreaterThan(found.difference!);
});

test('a metric that most resamples leave undefined has no interval', () => {
  const labels = Int32Array.from([0, 0, 0, 0, 0, 0, 0, 1]);
  const scores = [Float64Array.from([...labels].flatMap((_, i) => [1 - i / 10, i / 10]))];
  const found = pairedBootstrap({ labels, scores: [scores, scores] }, 'auc_ovr', { resamples: 500 });
  expect(found).toMatchObject({ difference: 0, low: undefined, high: undefined, pValue: undefined });
  expect(found.undefinedReplicates).toBeGreaterThan(100);
});

test('a prediction outside the label set is refused by name', () => {
  const labels = Int32Array.from([0, 1]);
  expect(() =>
    pairedBootstrap(
      {
        labels,
        predictions: [
          [0, 2],
          [0, 1],
        ],
        classes: 2,
      },
      'accuracy',
    ),
  ).toThrow('predictions[0][1] must be a class from 0 to 1, got 2');
});

type Seeds = readonly ArrayLike<number>[];
interface Example extends PairedBootstrapInput {
  labels: Int32Array;
  predictions: readonly Seeds[];
  scores: readonly Seeds[];
  classes: number;
}

function example(n: number, classes: number, seeds: number, seed: number, skills: readonly number[] = [0.6, 0.75]): Example {
  const generator = new Generator(seed);
  const labels = Int32Array.from({ length: n }, () => generator.below(classes));
  const predict = (skill: number) => labels.map((label) => (generator.uniform() < skill ? label : generator.below(classes)));
  const score = (skill: number) => {
    const scores = new Float64Array(n * classes);
    for (let i = 0; i < n; i++) {
      const raw = Array.from({ length: classes }, (_, c) => generator.uniform() + (labels[i] === c ? skill : 0));
      const total = raw.reduce((sum, value) => sum + value, 0);
      for (let c = 0; c < classes; c++) scores[i * classes + c] = raw[c]! / total;
    }
    return scores;
  };
  const each = <T>(make: () => T): T[] => Array.from({ length: seeds }, make);
  return {
    labels,
    predictions: skills.map((skill) => each(() => predict(skill))),
    scores: skills.map((skill) => each(() => score(skill - 0.2))),
    classes,
  };
}

function swap(input: Example): Example {
  return { ...input, predictions: input.predictions.toReversed(), scores: input.scores.toReversed() };
}

function reversed(input: Example): Example {
  const k = input.classes;
  const n = input.labels.length;
  const rows = (values: ArrayLike<number>) => Int32Array.from({ length: n }, (_, i) => values[n - 1 - i]!);
  const scores = (values: ArrayLike<number>) =>
    Float64Array.from({ length: n * k }, (_, j) => values[(n - 1 - Math.floor(j / k)) * k + (j % k)]!);
  return {
    labels: rows(input.labels),
    predictions: input.predictions.map((seeds) => seeds.map(rows)),
    scores: input.scores.map((seeds) => seeds.map(scores)),
    classes: k,
  };
}

function twice<T extends Int32Array | Float64Array | ArrayLike<number>>(values: T, width: number): Float64Array {
  const rows = values.length / width;
  return Float64Array.from({ length: 2 * values.length }, (_, k) => values[(Math.floor(k / width) % rows) * width + (k % width)]!);
}
