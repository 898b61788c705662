import { analyse, latencyBlocks, type Analysis, type AnalysisInput, type LatencyInput } from '../../src/analysis';
import type { Comparison } from '../../src/contract';
import { experiment, normal, planOf, run, uniform } from './simulate';

const everyMetric = ['accuracy', 'f1_macro', 'recall_macro', 'auc_ovr', 'log_loss', 'ece'];

describe('identical arms', () => {
  test('differ by 0 with p = 1 and are kept without harm, over seeds', () => {
    const input = experiment({ seed: 1, plan: { metrics: everyMetric } });
    const analysis = analyse(withSameRuns(input));
    for (const comparison of analysis.comparisons) {
      expect(comparison).toMatchObject({ difference: 0, pValue: 1 });
      expect(comparison.low).toBeLessThanOrEqual(0);
      expect(comparison.high).toBeGreaterThanOrEqual(0);
    }
    expect(analysis.verdict).toMatchObject({ outcome: 'keep', harm: false, variant: null });
  });

  test('differ by 0 with p = 1 as single models', () => {
    const input = experiment({ seed: 2, seeds: [1], plan: { metrics: everyMetric } });
    const analysis = analyse(withSameRuns(input));
    for (const comparison of analysis.comparisons) expect(comparison).toMatchObject({ difference: 0, pValue: 1 });
    expect(analysis.verdict).toMatchObject({ outcome: 'keep', harm: false });
  });

  test('are equivalent where equivalence is asked', () => {
    const input = experiment({ seed: 3, plan: { test: 'equivalence', margin: 0.01 } });
    expect(analyse(withSameRuns(input)).verdict.outcome).toBe('equivalent');
  });
});

describe('a planted winner', () => {
  const arms = [{ name: 'mlp' }, { name: 'cnn', skill: 1.2 }];

  test('is adopted over seeds, and the claim is about the algorithm', () => {
    const { verdict, comparisons } = analyse(experiment({ seed: 4, arms, plan: { metrics: everyMetric } }));
    expect(verdict).toMatchObject({ outcome: 'adopt', variant: 'cnn' });
    expect(verdict.sentence).toMatch(/^cnn is better than mlp: \+\d+\.\d pp accuracy \(95 % interval \+.*\); adopt$/);
    const primary = named(comparisons, 'accuracy');
    expect(primary).toMatchObject({ claim: 'algorithm', method: 'variance-components', role: 'primary', n: 300, resamples: null });
    expect(primary.posteriorProbabilityBetter).toBeGreaterThan(0.99);
    expect(primary.probabilityOfImprovement).toBe(1);
    expect(primary.detectableDifference).toBeGreaterThan(0);
    expect(named(comparisons, 'log_loss').difference).toBeLessThan(0);
    expect(named(comparisons, 'log_loss').posteriorProbabilityBetter).toBeGreaterThan(0.99);
  });

  test('is adopted as one model by the exact McNemar test and the bootstrap, and the claim is about these models', () => {
    const { verdict, comparisons } = analyse(experiment({ seed: 5, arms, seeds: [1], rows: 600 }));
    expect(verdict).toMatchObject({ outcome: 'adopt', variant: 'cnn' });
    expect(verdict.reasons.join(' ')).toMatch(/these trained models/);
    expect(named(comparisons, 'accuracy')).toMatchObject({
      claim: 'artifact',
      method: 'percentile',
      resamples: null,
      probabilityOfImprovement: null,
    });
    expect(named(comparisons, 'accuracy').notes.join(' ')).toMatch(
      /exact McNemar test \(mid-p .*infinitely many resamples, in closed form/,
    );
  });

  test('found with three seeds holds for these models, with McNemar by seed beside it', () => {
    const { comparisons } = analyse(experiment({ seed: 6, arms, seeds: [1, 2, 3] }));
    const primary = named(comparisons, 'accuracy');
    expect(primary.claim).toBe('artifact');
    expect(primary.notes.join(' ')).toMatch(/Exact McNemar by seed: p = .*, .*, .*\..*Averaged over 3 seeds/s);
  });

  test('that loses is kept out with harm', () => {
    const worse = [{ name: 'mlp', skill: 1.2 }, { name: 'cnn' }];
    expect(analyse(experiment({ seed: 7, arms: worse })).verdict).toMatchObject({ outcome: 'keep', harm: true, variant: null });
  });
});

describe('symmetries', () => {
  test('swapping the arms negates every difference and turns every interval over', () => {
    const input = experiment({
      seed: 8,
      arms: [{ name: 'mlp' }, { name: 'cnn', skill: 0.3 }],
      plan: { metrics: everyMetric.filter((name) => name !== 'ece') },
    });
    const forth = analyse(input).comparisons;
    const back = analyse(swapped(input)).comparisons;
    for (const comparison of forth) {
      const mirror = named(back, comparison.metric);
      expect(mirror.difference).toBeCloseTo(-(comparison.difference as number), 12);
      expect(mirror.low).toBeCloseTo(-(comparison.high as number), 10);
      expect(mirror.high).toBeCloseTo(-(comparison.low as number), 10);
      expect(mirror.pValue).toBeCloseTo(comparison.pValue as number, 10);
    }
  });

  test.each([[[1]], [[1, 2]], [[1, 2, 3, 4, 5]]])('the order of rows changes nothing, with seeds %j', (seeds) => {
    const input = experiment({ seed: 9, seeds, plan: { metrics: everyMetric } });
    expect(analyse(shuffled(input))).toEqual(analyse(input));
  });

  test('the names of units change nothing, and units that share their luck widen the interval', () => {
    const input = experiment({ seed: 10, rows: 200, seeds: [1] });
    const twice = doubled(input);
    const clustered = analyse({ ...twice, units: Int32Array.from({ length: 400 }, (_, row) => row % 200) });
    const renamed = analyse({ ...twice, units: Int32Array.from({ length: 400 }, (_, row) => 7000 - (row % 200)) });
    expect(renamed).toEqual(clustered);
    const width = ({ low, high }: Comparison): number => (high as number) - (low as number);
    const ratio = width(named(clustered.comparisons, 'accuracy')) / width(named(analyse(twice).comparisons, 'accuracy'));
    expect(ratio).toBeGreaterThan(1.2);
    expect(ratio).toBeLessThan(1.7);
  });

  test('asking for more metrics changes no number of the others', () => {
    const input = experiment({ seed: 11, seeds: [1, 2] });
    const more = analyse({ ...input, plan: { ...input.plan, metrics: everyMetric } });
    expect(named(more.comparisons, 'accuracy')).toEqual(named(analyse(input).comparisons, 'accuracy'));
  });
});

describe('what is missing', () => {
  test('a run that failed on one side caps the verdict at inconclusive', () => {
    const input = experiment({ seed: 13, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.5 }], seeds: [1, 2, 3, 4, 5, 6] });
    const cnn = input.variants[1] as AnalysisInput['variants'][number];
    cnn.runs[2] = run(3, null);
    const { verdict, checks, comparisons } = analyse(input);
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.sentence).toMatch(/failed unequally \(mlp: 0 of 6, cnn: 1 of 6\)/);
    expect(checks.find((check) => check.name === 'runs-complete')).toMatchObject({ status: 'warn', gate: false });
    expect(named(comparisons, 'accuracy').low).toBeGreaterThan(0);
  });

  test('an arm without any run leaves null, not NaN', () => {
    const input = experiment({ seed: 14, plan: { metrics: everyMetric } });
    const cnn = input.variants[1] as AnalysisInput['variants'][number];
    cnn.runs = cnn.runs.map((lost) => run(lost.seed, null));
    const analysis = analyse(input);
    expect(analysis.verdict.outcome).toBe('inconclusive');
    expect(JSON.stringify(analysis)).not.toMatch(/NaN/);
    expect(named(analysis.comparisons, 'accuracy')).toMatchObject({ difference: null, low: null, high: null, pValue: null });
  });

  test('predictions that cannot be paired make the comparison invalid, with the reason', () => {
    const input = experiment({ seed: 15 });
    const first = input.variants[1]?.runs[0] as AnalysisInput['variants'][number]['runs'][number];
    Object.assign(first, { scores: null, problem: '2 ids of the test split missing: a, b' });
    expect(analyse(input).verdict).toMatchObject({
      outcome: 'invalid',
      sentence: 'The comparison is invalid: cnn, seed 1: 2 ids of the test split missing: a, b.',
    });
  });

  test('a failed gate of the data makes it invalid', () => {
    const input = experiment({ seed: 16 });
    const gate = {
      name: 'overlap',
      status: 'fail',
      gate: true,
      statistic: 3,
      pValue: null,
      detail: '3 rows are in train and test.',
    } as const;
    expect(analyse({ ...input, dataChecks: [gate] }).verdict).toMatchObject({ outcome: 'invalid' });
  });

  test('a metric that is 0/0 is undefined and never passes', () => {
    const input = experiment({ seed: 17, seeds: [1], classes: 2, plan: { primary: 'auc_ovr', metrics: ['auc_ovr'] } });
    const { verdict, comparisons } = analyse({ ...input, labels: new Int32Array(input.ids.length) });
    expect(named(comparisons, 'auc_ovr').difference).toBeNull();
    expect(verdict.outcome).toBe('inconclusive');
  });

  test('the same id twice in the test split is refused', () => {
    const input = experiment({ seed: 18 });
    expect(() => analyse({ ...input, ids: ['row-1', ...input.ids.slice(1)] })).toThrow(/1 ids stand twice in the test split: row-1/);
  });
});

describe('a pretrained variant', () => {
  test('stands with its one run for every seed, and the comparison says why', () => {
    const input = experiment({ seed: 19, arms: [{ name: 'mlp' }, { name: 'legacy', skill: 1.2 }] });
    const legacy = input.variants[1] as AnalysisInput['variants'][number];
    const pretrained = { ...legacy, pretrained: true, runs: legacy.runs.slice(0, 1) };
    const { comparisons, verdict } = analyse({ ...input, variants: [input.variants[0] as AnalysisInput['variants'][number], pretrained] });
    expect(named(comparisons, 'accuracy')).toMatchObject({ claim: 'algorithm', method: 'variance-components' });
    expect(named(comparisons, 'accuracy').notes.join(' ')).toMatch(/legacy is already trained.*seed variance is zero/);
    expect(verdict.outcome).toBe('adopt');
  });

  test('against another pretrained one is a question about two models', () => {
    const input = experiment({ seed: 20, seeds: [1] });
    const variants = input.variants.map((variant) => ({ ...variant, pretrained: true }));
    const { comparisons } = analyse({ ...input, variants, plan: planOf({ question: 'algorithm' }) });
    expect(named(comparisons, 'accuracy').claim).toBe('artifact');
  });
});

describe('metrics of one kind', () => {
  test('AUC of two classes is tested by DeLong, with few rows of a class too', () => {
    const plain = analyse(experiment({ seed: 21, seeds: [1], classes: 2, rows: 400, plan: { metrics: ['auc_ovr'] } }));
    expect(named(plain.comparisons, 'auc_ovr')).toMatchObject({ method: 'delong' });
    const few = analyse(experiment({ seed: 22, seeds: [1], classes: 2, rows: 80, plan: { metrics: ['auc_ovr'] } }));
    expect(named(few.comparisons, 'auc_ovr')).toMatchObject({ method: 'delong', resamples: null });
  });

  test('other metrics of independent rows go by influence values, and rows in units are resampled', () => {
    const input = experiment({ seed: 24, seeds: [1, 2], rows: 300, plan: { metrics: ['f1_macro', 'log_loss', 'auc_ovr'] } });
    for (const metric of input.plan.metrics) {
      expect(named(analyse(input).comparisons, metric)).toMatchObject({ method: 'influence', resamples: null, claim: 'artifact' });
      const units = Int32Array.from(input.ids, (_, row) => row % 60);
      expect(named(analyse({ ...input, units }).comparisons, metric)).toMatchObject({ method: 'percentile', resamples: 2000 });
    }
  });

  test('the calibration error is resampled over rows and says that seeds are not', () => {
    const { comparisons } = analyse(experiment({ seed: 23, plan: { metrics: ['ece'] } }));
    expect(named(comparisons, 'ece')).toMatchObject({ claim: 'artifact', resamples: 2000 });
    expect(named(comparisons, 'ece').notes.join(' ')).toMatch(/no influence values/);
  });

  test('training time is paired by seed; one pair has no interval and leaves a guardrail open', () => {
    const arms = [
      { name: 'mlp', seconds: 10 },
      { name: 'cnn', seconds: 20, skill: 1.5 },
    ];
    const guardrails = [{ metric: 'training_seconds', limit: 0.2, relative: true }];
    const five = analyse(experiment({ seed: 24, arms, plan: { guardrails } }));
    expect(named(five.comparisons, 'training_seconds')).toMatchObject({ method: 'paired-t', role: 'guardrail', n: 5 });
    expect(named(five.comparisons, 'training_seconds').ratio?.estimate).toBeCloseTo(2, 1);
    expect(five.verdict).toMatchObject({ outcome: 'keep', harm: true });
    const one = analyse(experiment({ seed: 25, arms, seeds: [1], rows: 600, plan: { guardrails } }));
    expect(named(one.comparisons, 'training_seconds')).toMatchObject({ low: null, high: null });
    expect(one.verdict.outcome).toBe('inconclusive');
  });

  test('every arm has its own interval around its own estimate', () => {
    for (const seeds of [[1], [1, 2, 3], [1, 2, 3, 4, 5]]) {
      const { variants } = analyse(experiment({ seed: 26, seeds, plan: { metrics: [...everyMetric, 'training_seconds'] } }));
      for (const variant of variants) {
        for (const metric of everyMetric) {
          const { estimate, low, high } = variant.metrics[metric] as { estimate: number; low: number; high: number };
          expect(low).toBeLessThanOrEqual(estimate);
          expect(high).toBeGreaterThanOrEqual(estimate);
          expect(high - low).toBeLessThan(0.5);
        }
        expect(variant.perClass.reduce((sum, row) => sum + row.support, 0)).toBe(300);
        expect(variant.runs.map((entry) => entry.seed)).toEqual(seeds);
      }
    }
  });
});

describe('latency', () => {
  const lines = (factor: number, seed: number, blocks = 10, perBlock = 30): LatencyInput => {
    const random = uniform(seed);
    const measured = Array.from({ length: blocks * perBlock }, (_, i) => ({
      block: Math.floor(i / perBlock),
      step: i,
      batch: i % perBlock === perBlock - 1 ? 5 : 32,
      ms: factor * (4 + Math.abs(normal(random))),
      warmup: i < 3,
    }));
    return latencyBlocks(factor === 1 ? 'mlp' : 'cnn', measured);
  };

  test('warm-up and partial batches are left out and counted', () => {
    const input = lines(1, 1);
    expect(input).toMatchObject({ batch: 32, dropped: 13 });
    expect(input.blocks.map((block) => block.length)).toEqual([26, ...Array.from({ length: 9 }, () => 29)]);
  });

  test('a slower winner breaks its guardrail; no p99 is claimed from too few requests', () => {
    const guardrails = [{ metric: 'latency_p95', limit: 0.2, relative: true }];
    const plan = { metrics: ['latency_p50', 'throughput'], guardrails };
    const input = experiment({ seed: 27, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.5 }], plan });
    const { verdict, comparisons, variants } = analyse({ ...input, latency: [lines(1, 2), lines(1.5, 3)] });
    expect(verdict).toMatchObject({ outcome: 'keep', harm: true });
    expect(verdict.sentence).toMatch(/^cnn breaks the guardrail on p95 latency/);
    expect(named(comparisons, 'latency_p95').ratio?.estimate).toBeCloseTo(1.5, 0);
    expect(named(comparisons, 'throughput').difference).toBeLessThan(0);
    expect(variants[0]?.latency).toMatchObject({ count: 287, p99: null });
    expect(variants[0]?.metrics['throughput']?.low).toBeGreaterThan(0);
  });

  test('with 662 requests p99 is stated', () => {
    const input = experiment({ seed: 28 });
    const { variants } = analyse({ ...input, latency: [lines(1, 4, 23, 30), lines(1.5, 5, 23, 30)] });
    expect(variants[0]?.latency?.count).toBe(664);
    expect(variants[0]?.latency?.p99).toBeGreaterThan(variants[0]?.latency?.p95 as number);
  });
});

describe('calibration', () => {
  test('of 200 comparisons of equals over 5 seeds with a seed effect about 5 % come out different', () => {
    let positives = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const { comparisons } = analyse(experiment({ seed: 10_000 + seed, rows: 200, seedEffect: 0.3 }));
      if ((named(comparisons, 'accuracy').pValue as number) < 0.05) positives++;
    }
    // 99.9 % binomial band of 200 trials at 4 to 7 %, the claim of docs/statistics.md.
    expect(positives).toBeGreaterThanOrEqual(1);
    expect(positives).toBeLessThanOrEqual(27);
  });
});

function named(comparisons: Analysis['comparisons'], metric: string): Analysis['comparisons'][number] {
  const found = comparisons.find((comparison) => comparison.metric === metric);
  if (found === undefined) throw new Error(`no comparison of ${metric}`);
  return found;
}

function withSameRuns(input: AnalysisInput): AnalysisInput {
  const runs = input.variants[0]?.runs ?? [];
  return { ...input, variants: input.variants.map((variant) => ({ ...variant, runs })) };
}

function swapped(input: AnalysisInput): AnalysisInput {
  return { ...input, variants: input.variants.map((variant) => ({ ...variant, control: !variant.control })).reverse() };
}

function shuffled(input: AnalysisInput): AnalysisInput {
  const random = uniform(99);
  const order = input.ids
    .map((_, row) => ({ row, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ row }) => row);
  return reindexed(input, order);
}

function doubled(input: AnalysisInput): AnalysisInput {
  const rows = input.ids.map((_, row) => row);
  const twice = reindexed(input, [...rows, ...rows]);
  return { ...twice, ids: twice.ids.map((id, i) => `${id}-${i}`) };
}

function reindexed(input: AnalysisInput, order: number[]): AnalysisInput {
  const k = input.classes.length;
  const pick = (scores: Float64Array): Float64Array =>
    Float64Array.from(order.flatMap((row) => [...scores.subarray(row * k, row * k + k)]));
  return {
    ...input,
    ids: order.map((row) => input.ids[row] as string),
    labels: Int32Array.from(order, (row) => input.labels[row] as number),
    variants: input.variants.map((variant) => ({
      ...variant,
      runs: variant.runs.map((entry) => ({ ...entry, scores: entry.scores === null ? null : pick(entry.scores) })),
    })),
  };
}
