import type { AnalysisInput, AnalysisRun, AnalysisVariant } from '../../src/analysis';
import type { RegisteredPlan } from '../../src/contract';

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface Arm {
  name: string;
  /** Added to every row's logit of being right. */
  skill?: number;
  seconds?: number;
}

/** An experiment with hard and easy rows, and a seed effect for each training: what varies in real comparisons. */
export function experiment(options: {
  seed: number;
  rows?: number;
  classes?: number;
  seeds?: number[];
  arms?: Arm[];
  seedEffect?: number;
  plan?: Partial<RegisteredPlan>;
}): AnalysisInput {
  const { seed, rows = 300, classes = 3, seeds = [1, 2, 3, 4, 5], arms = [{ name: 'mlp' }, { name: 'cnn' }], seedEffect = 0.2 } = options;
  const random = uniform(seed);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(random() * classes));
  const ease = Float64Array.from({ length: rows }, () => 1.5 + 1.5 * normal(random));
  const variants = arms.map((arm, a): AnalysisVariant => {
    const runs = seeds.map((runSeed): AnalysisRun => {
      const shift = (arm.skill ?? 0) + seedEffect * normal(random);
      return run(runSeed, scoresOf(labels, classes, ease, shift, random), (arm.seconds ?? 10) * (1 + 0.05 * random()));
    });
    return { name: arm.name, control: a === 0, params: {}, runs };
  });
  return {
    plan: planOf({ seeds, ...options.plan }),
    classes: Array.from({ length: classes }, (_, code) => `class ${code}`),
    ids: Array.from({ length: rows }, (_, row) => `row-${row}`),
    labels,
    units: null,
    variants,
    latency: null,
    dataChecks: [],
  };
}

export function run(seed: number, scores: Float64Array | null, seconds = 10): AnalysisRun {
  return { seed, status: scores === null ? 'failed' : 'done', scores, seconds, peakMemoryBytes: null };
}

export function planOf(changes: Partial<RegisteredPlan>): RegisteredPlan {
  return {
    primary: 'accuracy',
    question: (changes.seeds ?? [1, 2, 3, 4, 5]).length >= 5 ? 'algorithm' : 'artifact',
    test: 'superiority',
    margin: 0,
    marginRelative: false,
    confidence: 0.95,
    resamples: 2000,
    correction: 'holm',
    metrics: ['accuracy'],
    guardrails: [],
    seeds: [1, 2, 3, 4, 5],
    unit: null,
    slices: [],
    ...changes,
  };
}

function scoresOf(labels: Int32Array, classes: number, ease: Float64Array, shift: number, random: () => number): Float64Array {
  const scores = new Float64Array(labels.length * classes);
  labels.forEach((label, row) => {
    const right = random() < 1 / (1 + Math.exp(-((ease[row] as number) + shift)));
    const predicted = right ? label : (label + 1 + Math.floor(random() * (classes - 1))) % classes;
    const top = 0.55 + 0.4 * random();
    for (let c = 0; c < classes; c++) scores[row * classes + c] = c === predicted ? top : (1 - top) / (classes - 1);
  });
  return scores;
}
