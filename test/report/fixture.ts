import type { Comparison, Ref, Result, RunResult, TelemetrySummary, VariantResult } from '../../src/contract';
import { fixtureSlices, poorBreakdown, richBreakdown } from './fixtureBreakdown';
import { fixtureDisagreements, fixtureUsage } from './fixtureEvidence';

export interface FixtureOptions {
  candidates: string[];
  seeds: number[];
  points: number;
}

const small: FixtureOptions = { candidates: ['mlp', 'boosting'], seeds: [1, 2, 3, 4, 5], points: 60 };
const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const rows = 1797;

/** A plausible experiment on the digits: a logistic regression against candidates; the same for the same options. */
export function makeResult(options: Partial<FixtureOptions> = {}): Result {
  const { candidates, seeds, points } = { ...small, ...options };
  const random = generator(7);
  const control = variant('logistic', true, 0.9463, 1.62, seeds, points, random);
  const others = candidates.map((name, i) => variant(name, false, 0.9692 + 0.0047 * (i % 3), 1.71 + 0.55 * i, seeds, points, random));
  const variants = [control, ...others];
  return {
    schema: 'assay.result/1',
    experiment: 'digits-20261121-140312-k3f9',
    name: 'digits',
    hypothesis: 'The MLP is more accurate than logistic regression, at no more than 20 % more latency.',
    owner: 'vision-team',
    startedAt: '2026-11-21T14:03:12.000Z',
    finishedAt: '2026-11-21T14:09:48.000Z',
    workflow: { id: 'assay/digits-20261121-140312-k3f9', runId: '0193517e-5a20-7c1c-9d0a-1f2e3d4c5b6a', url: null },
    verdict: {
      outcome: 'adopt',
      harm: false,
      variant: candidates[0] ?? null,
      sentence: `Adopt ${candidates[0]}: it is 2.1 points more accurate than logistic, and its latency stays within the guardrail.`,
      reasons: [
        'accuracy: the interval [+0.77, +3.51] pp lies above the margin of 0.50 pp',
        'latency_p95: shown to be at most 20 % above the control',
        'boosting is more accurate too, but its latency breaks the guardrail',
      ],
    },
    plan: {
      primary: 'accuracy',
      question: seeds.length >= 5 ? 'algorithm' : 'artifact',
      test: 'superiority',
      margin: 0.005,
      marginRelative: false,
      confidence: 0.95,
      resamples: 20000,
      correction: 'holm',
      metrics: ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss', 'latency_p95'],
      guardrails: [{ metric: 'latency_p95', limit: 0.2, relative: true }],
      seeds,
      unit: null,
      slices: fixtureSlices,
    },
    snapshot: {
      digest: digest('snapshot'),
      record: digest('record'),
      source: 'builtin:digits',
      rows,
      splits: { train: 1258, validation: 180, test: 359 },
      classes,
    },
    variants,
    comparisons: others.flatMap((other) => comparisonsOf(control, other, seeds.length)),
    breakdowns: others.map((other, i) =>
      i === 0 ? richBreakdown(control.name, other.name, classes) : poorBreakdown(control.name, other.name),
    ),
    checks: [
      {
        name: 'parameters',
        status: 'pass',
        gate: true,
        statistic: null,
        pValue: null,
        detail: 'Variants differ only in model, hidden and trees, as declared.',
      },
      {
        name: 'overlap',
        status: 'pass',
        gate: true,
        statistic: 0,
        pValue: null,
        detail: 'No row of the test split stands in the training split.',
      },
      {
        name: 'pairs',
        status: 'pass',
        gate: true,
        statistic: 359,
        pValue: null,
        detail: 'Every variant and seed predicted all 359 test ids once.',
      },
      {
        name: 'class-balance',
        status: 'pass',
        gate: false,
        statistic: 7.21,
        pValue: 0.615,
        detail: 'Classes are spread alike over train and test.',
      },
      {
        name: 'covariates',
        status: 'warn',
        gate: false,
        statistic: 0.131,
        pValue: 0.0042,
        detail: 'Column pixel_3_6 differs between train and test (KS 0.131, adjusted p 0.0042); 63 other columns do not.',
      },
      drift,
    ],
    audit: [],
    approval: null,
    disagreements: others.map((other, i) => fixtureDisagreements(control.name, other.name, i, classes)),
    provenance: {
      assay: '0.1.0',
      git: { diff: null, commit: '4f2a9c1be07d3158a6620b95c77f1e4d80aa3c52', dirty: false, remote: 'git@code.example:vision/digits.git' },
      dvc: null,
      spec: digest('spec'),
      host: 'gpu-host-1',
      user: 'mara',
      command: ['assay', 'run', 'examples/digits/experiment.yaml', '--seeds', seeds.join(',')],
      environment: { node: '20.20.2', python: '3.11.7', 'scikit-learn': '1.9.0', numpy: '2.4.1', platform: 'linux x64', cpus: 2 },
    },
  };
}

/** Two alarms, with bins and with categories, and a test that found nothing. */
const drift: Result['checks'][number] = {
  name: 'drift',
  status: 'warn',
  gate: false,
  statistic: 0.212,
  pValue: 1e-9,
  detail: '2 of 3 columns differ between the previous snapshot and this one. "ink" is spread otherwise in this one. Then "pen" (0.180).',
  mend: 'Find out what changed where "ink" comes from.',
  findings: [
    {
      column: 'ink',
      what: 'distribution',
      test: 'ks',
      statistic: 0.212,
      pValue: 1e-10,
      adjustedPValue: 1e-9,
      effect: { name: 'ks-distance', value: 0.212, bound: 0.05 },
      sizes: { psi: 0.31, 'jensen-shannon': 0.22 },
      alarm: true,
      detail: '"ink" is spread otherwise in this one: Kolmogorov-Smirnov distance 0.212.',
      where: { segment: 'from 8 on', share: { reference: 0.2, current: 0.45 }, rows: ['d0007', 'd0012'] },
      since: '2026-11-02T00:00:00Z',
      mend: 'Find out what changed where "ink" comes from.',
      picture: {
        labels: null,
        edges: [0, 4, 8, 16],
        reference: [0.5, 0.3, 0.2],
        current: [0.3, 0.25, 0.45],
        n: { reference: 1700, current: 1797 },
      },
    },
    {
      column: 'pen',
      what: 'new-category',
      test: 'two-proportions',
      statistic: 9.1,
      pValue: 1e-8,
      adjustedPValue: 1e-7,
      effect: { name: 'difference-of-shares', value: 0.18, bound: 0.05 },
      sizes: {},
      alarm: true,
      detail: '18 % of the rows hold a value of "pen" that the previous snapshot never has.',
      where: { segment: '"brush"', share: { reference: 0, current: 0.18 }, rows: [] },
      since: null,
      mend: 'Look whether the new values of "pen" are the old ones written otherwise.',
      picture: { labels: ['nib', 'brush'], edges: null, reference: [1, 0], current: [0.82, 0.18], n: { reference: 1700, current: 1797 } },
    },
    {
      column: 'width',
      what: 'distribution',
      test: 'ks',
      statistic: 0.02,
      pValue: 0.4,
      adjustedPValue: 0.4,
      effect: { name: 'ks-distance', value: 0.02, bound: 0.05 },
      sizes: { psi: 0.001 },
      alarm: false,
      detail: '"width" is as before.',
      where: null,
      since: null,
      mend: '',
      picture: null,
    },
  ],
};

function variant(
  name: string,
  control: boolean,
  accuracy: number,
  ms: number,
  seeds: number[],
  points: number,
  random: () => number,
): VariantResult {
  const runs = seeds.map((seed, i) =>
    run(name, seed, i, accuracy + (random() - 0.5) * 0.012, ms * (1 + (random() - 0.5) * 0.02), points, random),
  );
  const mean = (metric: string): number => runs.reduce((sum, one) => sum + (one.metrics[metric] ?? 0), 0) / runs.length;
  const around = (metric: string, half: number, method: string) => ({
    estimate: mean(metric),
    low: mean(metric) - half,
    high: Math.min(mean(metric) + half, metric === 'log_loss' ? 9 : metric === 'latency_p95' ? 99 : 1),
    method,
  });
  const p50 = ms * 0.86;
  return {
    name,
    control,
    params: control ? { model: 'logistic', lr: 0.01 } : { model: name, lr: 0.01, hidden: 64 },
    runs,
    metrics: {
      accuracy: around('accuracy', 0.017, 'variance-components'),
      f1_macro: around('f1_macro', 0.018, 'variance-components'),
      auc_ovr: around('auc_ovr', 0.0014, 'variance-components'),
      log_loss: around('log_loss', 0.031, 'variance-components'),
      latency_p95: around('latency_p95', ms * 0.035, 'block bootstrap'),
    },
    perClass: classes.map((label, i) => ({
      class: label,
      precision: round(accuracy - 0.02 + random() * 0.04),
      recall: round(accuracy - 0.03 + random() * 0.05),
      f1: round(accuracy - 0.02 + random() * 0.04),
      support: (33 + (i % 4)) * seeds.length,
    })),
    latency: {
      count: 1000,
      blocks: 10,
      dropped: control ? 0 : 1,
      batch: 32,
      min: round(p50 * 0.93),
      p25: round(p50 * 0.97),
      p50: round(p50),
      p75: round(p50 * 1.05),
      p95: round(ms),
      p99: round(ms * 1.12),
      max: round(ms * (control ? 3.9 : 1.6)),
    },
  };
}

function run(name: string, seed: number, index: number, accuracy: number, ms: number, points: number, random: () => number): RunResult {
  const steps = 950;
  const resumed = name === 'mlp' && index === 2;
  return {
    seed,
    status: 'done',
    attempts: resumed ? 3 : 1,
    resumedFromStep: resumed ? 400 : null,
    steps,
    samples: steps * 64,
    seconds: round(31 + random() * 4),
    host: index % 2 === 0 ? 'gpu-host-1' : 'gpu-host-2',
    metrics: {
      accuracy: round(accuracy),
      f1_macro: round(accuracy - 0.0007),
      auc_ovr: round(0.9961 + (accuracy - 0.94) * 0.08),
      log_loss: round(0.62 - accuracy * 0.5),
      latency_p95: round(ms),
    },
    deviations: resumed ? ['worker lost at step 431; resumed from the checkpoint of step 400'] : [],
    image: `registry.example/vision/trainer@${digest('image')}`,
    imageId: digest('image id'),
    device: { kind: 'cuda', model: 'NVIDIA H100 80GB HBM3', uuids: [`GPU-${name}-${seed}`] },
    telemetry: telemetry(index, 31 + index),
    dataStall: 0.031,
    remedy: { level: 0, microBatchDivisor: 1, gradientCheckpointing: false, precision: null },
    failures: { crash: resumed ? 1 : 0, infrastructure: resumed ? 1 : 0, preemption: 0, outOfMemory: 0 },
    leaks: [],
    warmStart: null,
    environment: {},
    curve: Array.from({ length: points }, (_, i) => {
      const step = Math.round(((i + 1) * steps) / points);
      const fit = 1 - Math.exp(-step / (name === 'logistic' ? 190 : 120));
      const noise = (random() - 0.5) * 0.06;
      return {
        step,
        loss: round(2.3 * (1 - fit) + 0.08 + noise),
        accuracy: i % 3 === 2 ? round(Math.min(1, 0.1 + (accuracy - 0.08) * fit + noise / 2)) : null,
      };
    }),
    restarts: resumed
      ? [
          { step: 0, seconds: 0, cause: 'TrainerCrashed: exit code 137 (SIGKILL)' },
          { step: 400, seconds: 14.2, cause: 'HostLost: no heartbeat of gpu-host-1 within 10 s' },
        ]
      : [],
    usage: index % 2 === 0 ? fixtureUsage(name, index) : null,
    failure: null,
    artifacts: {
      predictions: ref(`${name}-${seed}-predictions`),
      events: ref(`${name}-${seed}-events`),
      model: ref(`${name}-${seed}-model`),
      log: ref(`${name}-${seed}-log`),
      result: ref(`${name}-${seed}-result`),
      telemetry: ref(`${name}-${seed}-telemetry`),
    },
  };
}

const telemetry = (index: number, seconds: number): TelemetrySummary => ({
  samples: seconds,
  seconds,
  utilization: round(0.62 + 0.03 * index),
  peakMemoryBytes: 1_879_048_192,
  smClockMhz: 1980,
  energyJoules: seconds * 214,
  maxTemperatureCelsius: 58 + index,
  throttledShare: index === 4 ? 0.03 : 0,
  throttleReasons: index === 4 ? { sw_thermal_slowdown: 1 } : {},
  gpuHours: round(seconds / 3600),
});

function comparisonsOf(control: VariantResult, other: VariantResult, seeds: number): Comparison[] {
  const half: Record<string, number> = { accuracy: 0.0137, f1_macro: 0.0145, auc_ovr: 0.0011, log_loss: 0.021, latency_p95: 0.11 };
  return Object.entries(half).map(([metric, width]) => {
    const before = control.metrics[metric]?.estimate ?? 0;
    const after = other.metrics[metric]?.estimate ?? 0;
    const difference = after - before;
    const time = metric === 'latency_p95';
    return {
      control: control.name,
      variant: other.name,
      metric,
      difference,
      low: difference - width,
      high: difference + width,
      confidence: 0.95,
      claim: seeds >= 5 && !time ? 'algorithm' : 'artifact',
      method: time ? 'block-bootstrap' : 'variance-components',
      resamples: time ? 20000 : null,
      pValue: Math.abs(difference) > 2 * width ? 0.0001 : Math.abs(difference) > width ? 0.0041 : 0.31,
      adjustedPValue: metric === 'accuracy' ? 0.0082 : null,
      probabilityOfImprovement: time ? null : 0.96,
      posteriorProbabilityBetter: time ? null : 0.998,
      detectableDifference: time ? null : width * 1.43,
      ratio: time ? { estimate: after / before, low: (after - width) / before, high: (after + width) / before } : null,
      role: metric === 'accuracy' ? 'primary' : time ? 'guardrail' : 'secondary',
      n: time ? 2000 : 359,
      notes: metric === 'accuracy' ? ['McNemar of seed 1: p = 0.012'] : [],
    };
  });
}

/** Measured batches in milliseconds, as the caller of renderReport would pass them. */
export function makeLatencies(result: Result): Record<string, number[]> {
  const random = generator(11);
  return Object.fromEntries(
    result.variants.map((one) => [
      one.name,
      Array.from({ length: 1000 }, () => round((one.latency?.p50 ?? 1) * (0.93 + 0.11 * random() + 0.12 * random() ** 6))),
    ]),
  );
}

const round = (value: number): number => Number(value.toFixed(5));

const ref = (name: string): Ref => ({ digest: digest(name), size: 1024 + name.length, mediaType: 'application/octet-stream' });

function digest(name: string): string {
  const random = generator([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 17) >>> 0);
  return `sha256:${Array.from({ length: 64 }, () => Math.floor(random() * 16).toString(16)).join('')}`;
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
