import {
  type Arm,
  type BootstrapMetric,
  blockSize,
  drawReplicates,
  type PairedBootstrapInput,
  type PairedResampler,
  type PairedBootstrapOptions,
} from '../stats';

export { blockSize };

/** What the threads share; every array lies in shared memory. */
export interface Work {
  input: PairedBootstrapInput;
  metric: BootstrapMetric;
  method: NonNullable<PairedBootstrapOptions['method']>;
  seed: number;
  resamples: number;
  /** All replicates, as `drawReplicates` gives them. */
  results: Float64Array[];
  /** [0]: the next block nobody has claimed. [1 + block]: how it stands. */
  state: Int32Array;
}

const open = 0;
const done = 1;
const failed = 2;

/** Block 0 has been drawn. */
export function sharedWork(
  input: PairedBootstrapInput,
  metric: BootstrapMetric,
  { method, seed, resamples }: Pick<Work, 'method' | 'seed' | 'resamples'>,
  first: readonly Float64Array[],
): Work {
  const blocks = Math.ceil(resamples / blockSize);
  const results = first.map((values) => {
    const all = new Float64Array(new SharedArrayBuffer(8 * resamples));
    all.set(values);
    return all;
  });
  const state = new Int32Array(new SharedArrayBuffer(4 * (1 + blocks)));
  state[0] = 1;
  state[1] = done;
  return { input, metric, method, seed, resamples, results, state };
}

/** The part of the input that the metric needs, in shared memory. */
export function sharedInput(input: PairedBootstrapInput, metric: BootstrapMetric): PairedBootstrapInput {
  const { labels, predictions, scores, classes, units } = input;
  const ofLabels = metric === 'accuracy' || metric === 'f1_macro' || metric === 'recall_macro';
  const arms = (given: readonly Arm[] | undefined, copy: (values: ArrayLike<number>) => ArrayLike<number>): Arm[] | undefined =>
    given?.map((arm) => (typeof arm[0] === 'number' ? copy(arm as ArrayLike<number>) : (arm as readonly ArrayLike<number>[]).map(copy)));
  const kept = ofLabels ? arms(predictions, sharedIntegers) : arms(scores, sharedFloats);
  return {
    labels: sharedIntegers(labels),
    ...(kept === undefined ? {} : ofLabels ? { predictions: kept } : { scores: kept }),
    ...(classes === undefined ? {} : { classes }),
    ...(units === undefined ? {} : { units: sharedFloats(units) }),
  };
}

/** Draws blocks until none is left; returns the milliseconds of the slowest. */
export function drawBlocks(resampler: PairedResampler, work: Work): number {
  const blocks = work.state.length - 1;
  let slowest = 0;
  for (;;) {
    const block = Atomics.add(work.state, 0, 1);
    if (block >= blocks) return slowest;
    const started = performance.now();
    try {
      drawBlock(resampler, work, block);
    } catch (error) {
      settle(work, block, failed);
      throw error;
    }
    slowest = Math.max(slowest, performance.now() - started);
  }
}

/** Waits for the blocks that others have claimed until one takes `patience` milliseconds, and draws what has not come. */
export function drawOthers(resampler: PairedResampler, work: Work, patience: number): void {
  let left = patience;
  for (let block = 0; block < work.state.length - 1; block++) {
    if (Atomics.wait(work.state, 1 + block, open, left) === 'timed-out') left = 0;
    if (Atomics.load(work.state, 1 + block) !== done) drawBlock(resampler, work, block);
  }
}

function drawBlock(resampler: PairedResampler, work: Work, block: number): void {
  const { method, seed, resamples, results } = work;
  const from = block * blockSize;
  const drawn = drawReplicates(resampler, method, seed, from, Math.min(resamples, from + blockSize));
  drawn.forEach((values, k) => results[k]?.set(values, from));
  settle(work, block, done);
}

function settle({ state }: Work, block: number, how: number): void {
  Atomics.store(state, 1 + block, how);
  Atomics.notify(state, 1 + block);
}

function sharedIntegers(values: ArrayLike<number>): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(4 * values.length));
  copy.set(values);
  return copy;
}

function sharedFloats(values: ArrayLike<number>): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(8 * values.length));
  copy.set(values);
  return copy;
}
