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

const metrics: BootstrapMetric[] = ['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr', 'log_loss', 'ece'];

describe.each(metrics)('paired bootstrap of %s', (metric) => {
  const input = example(90, 3, 2, 11);

  test('has the difference of the metric itself, averaged over seeds', () => {
    const label = ['accuracy', 'f1_macro', 'recall_macro'].includes(metric);
    const mean = (seeds: readonly ArrayLike<number>[]) =>
      seeds.reduce((sum, values) => sum + metricValue(metric, input.labels, values, 3)!, 0) / seeds.length;
    const expected = label
      ? mean(input.predictionsB) - mean(input.predictionsA)
      : mean(input.scoresB as Float64Array[]) - mean(input.scoresA as Float64Array[]);
    expect(pairedBootstrap(input, metric, { resamples: 500 }).difference).toBeCloseTo(expected, 12);
  });

  test('swapping the arms turns the sign of everything', () => {
    const one = pairedBootstrap(input, metric, { resamples: 1000 });
    const other = pairedBootstrap(swap(input), metric, { resamples: 1000 });
    expect(other.difference).toBeCloseTo(-one.difference!, 12);
    expect(other.low).toBeCloseTo(-one.high!, 10);
    expect(other.high).toBeCloseTo(-one.low!, 10);
    expect(other.pValue).toBeCloseTo(one.pValue!, 10);
  });

  test('the order of rows changes not one bit', () => {
    const one = pairedBootstrap(input, metric, { resamples: 500 });
    const other = pairedBootstrap(reversed(input), metric, { resamples: 500 });
    expect(Array.from(other.replicates)).toEqual(Array.from(one.replicates));
  });

  test('identical arms have difference 0, p = 1 and the interval [0, 0]', () => {
    const same = { ...input, predictionsB: input.predictionsA, scoresB: input.scoresA! };
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
    const rows = pairedBootstrap(input, metric, { resamples: 4000 }).standardError!;
    const byUnit = pairedBootstrap({ ...input, units }, metric, { resamples: 4000, seed: 9 }).standardError!;
    expect(Math.abs(byUnit / rows - 1)).toBeLessThan(0.08);
  });

  test('any division into ranges gives the same bits', () => {
    const resampler = pairedResampler(input, metric);
    const whole = resampler.replicates(3, 0, 750);
    const parts = [resampler.replicates(3, 500, 750), resampler.replicates(3, 0, 500)];
    expect([...parts[1]!.b, ...parts[0]!.b]).toEqual(Array.from(whole.b));
  });
});

test.each(['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr'] as const)(
  'replicates of %s follow all 46,656 resamples of 6 rows',
  (metric) => {
    const labels = Int32Array.from([0, 0, 1, 1, 0, 1]);
    const predictionsA = [Int32Array.from([0, 1, 1, 0, 0, 1])];
    const predictionsB = [Int32Array.from([0, 0, 1, 0, 1, 1])];
    const scores = (values: number[]) => [Float64Array.from(values.flatMap((p) => [1 - p, p]))];
    const scoresA = scores([0.2, 0.6, 0.7, 0.4, 0.3, 0.6]);
    const scoresB = scores([0.1, 0.4, 0.8, 0.4, 0.6, 0.9]);
    const input: PairedBootstrapInput = { labels, predictionsA, predictionsB, scoresA, scoresB, classes: 2 };
    const label = metric !== 'auc_ovr';
    const law = new Map<string, number>();
    const key = (value: number) => (Number.isNaN(value) ? 'undefined' : value.toFixed(9).replace('-0.000000000', '0.000000000'));
    for (let code = 0; code < 6 ** 6; code++) {
      const rows = Array.from({ length: 6 }, (_, j) => Math.floor(code / 6 ** j) % 6);
      const pick = (values: ArrayLike<number>) =>
        label ? rows.map((r) => values[r]!) : rows.flatMap((r) => [values[2 * r]!, values[2 * r + 1]!]);
      const value = (values: ArrayLike<number>) =>
        metricValue(
          metric,
          rows.map((r) => labels[r]!),
          pick(values),
          2,
        ) ?? NaN;
      const gap = key(value(label ? predictionsB[0]! : scoresB[0]!) - value(label ? predictionsA[0]! : scoresA[0]!));
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
  const { replicates, difference } = pairedBootstrap({ labels, predictionsA, predictionsB, classes: 2 }, 'accuracy', { resamples });
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

test('a metric that most resamples leave undefined has no interval', () => {
  const labels = Int32Array.from([0, 0, 0, 0, 0, 0, 0, 1]);
  const scores = [Float64Array.from([...labels].flatMap((_, i) => [1 - i / 10, i / 10]))];
  const found = pairedBootstrap(
    { labels, predictionsA: [labels], predictionsB: [labels], scoresA: scores, scoresB: scores, classes: 2 },
    'auc_ovr',
    { resamples: 500 },
  );
  expect(found).toMatchObject({ difference: 0, low: undefined, high: undefined, pValue: undefined });
  expect(found.undefinedReplicates).toBeGreaterThan(100);
});

test('a prediction outside the label set is refused by name', () => {
  const labels = Int32Array.from([0, 1]);
  expect(() => pairedBootstrap({ labels, predictionsA: [[0, 2]], predictionsB: [[0, 1]], classes: 2 }, 'accuracy')).toThrow(
    'predictionsA[0][1] must be a class from 0 to 1, got 2',
  );
});

function example(n: number, classes: number, seeds: number, seed: number): PairedBootstrapInput {
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
    predictionsA: each(() => predict(0.6)),
    predictionsB: each(() => predict(0.75)),
    scoresA: each(() => score(0.4)),
    scoresB: each(() => score(0.6)),
    classes,
  };
}

function swap(input: PairedBootstrapInput): PairedBootstrapInput {
  return {
    ...input,
    predictionsA: input.predictionsB,
    predictionsB: input.predictionsA,
    scoresA: input.scoresB!,
    scoresB: input.scoresA!,
  };
}

function reversed(input: PairedBootstrapInput): PairedBootstrapInput {
  const k = input.classes;
  const n = input.labels.length;
  const rows = (values: ArrayLike<number>) => Int32Array.from({ length: n }, (_, i) => values[n - 1 - i]!);
  const scores = (values: ArrayLike<number>) =>
    Float64Array.from({ length: n * k }, (_, j) => values[(n - 1 - Math.floor(j / k)) * k + (j % k)]!);
  return {
    labels: rows(input.labels),
    predictionsA: input.predictionsA.map(rows),
    predictionsB: input.predictionsB.map(rows),
    scoresA: input.scoresA!.map(scores),
    scoresB: input.scoresB!.map(scores),
    classes: k,
  };
}
