import { checkCount, checkFinite, checkOneOf, checkOpenProbability } from '../arguments';
import { Generator } from '../random/generator';
import type { Interval } from '../types';
import {
  accelerationOf,
  basicBounds,
  bcaBounds,
  type BootstrapMethod,
  bootstrapMethods,
  percentileBounds,
  standardDeviation,
  studentisedBounds,
} from './interval';

/** Replicates that share one stream: replicate r belongs to the stream (seed, floor(r / 250)). */
export const blockSize = 250;

export interface BootstrapOptions {
  /** Default bca. */
  method?: BootstrapMethod;
  /** Default 10,000. */
  resamples?: number;
  /** Default 0.95. */
  confidence?: number;
  /** Default 1. */
  seed?: number;
  /** Standard error of the statistic from one sample, for `studentised`; default: the jackknife, which takes n times as long. */
  standardError?: (resample: Float64Array) => number;
}

/**
 * Bootstrap interval of any statistic of one sample of at least 2 values: Efron 1987 (bca, acceleration by the jackknife), Efron 1981
 * (studentised), Davison and Hinkley 1997, 5.2 (basic, percentile). `standardError` is the replicates' standard deviation. A statistic that
 * is NaN on a resample is refused.
 */
export function bootstrap(
  sample: ArrayLike<number>,
  statistic: (resample: Float64Array) => number,
  options: BootstrapOptions = {},
): Interval & { estimate: number; standardError: number; replicates: Float64Array } {
  const { seed = 1 } = options;
  const method = checkOneOf('method', options.method ?? 'bca', bootstrapMethods);
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const resamples = checkCount('resamples', options.resamples ?? 10_000, 2);
  checkFinite('sample', sample, 2);
  const values = Float64Array.from(sample);
  const n = values.length;
  const estimate = statistic(values.slice());
  const replicates = new Float64Array(resamples);
  const errors = new Float64Array(method === 'studentised' ? resamples : 0);
  const standardErrorOf = options.standardError ?? ((of: Float64Array) => jackknifeError(of, statistic));
  const resample = new Float64Array(n);
  eachReplicate(seed, 0, resamples, (generator, r) => {
    for (let i = 0; i < n; i++) resample[i] = values[generator.below(n)]!;
    // A copy, since the statistic may sort it.
    if (method === 'studentised') errors[r] = standardErrorOf(resample.slice());
    replicates[r] = statistic(resample);
  });
  const sorted = replicates.slice().sort();
  if (Number.isNaN(sorted[resamples - 1])) throw new RangeError('statistic must be a number on every resample, got NaN');
  const bounds = {
    bca: () => bcaBounds(sorted, estimate, accelerationOf(leftOut(values, statistic))),
    percentile: () => percentileBounds(sorted, estimate),
    basic: () => basicBounds(sorted, estimate),
    studentised: () => studentisedBounds(replicates, errors, estimate, standardErrorOf(values.slice())),
  }[method]();
  return { ...bounds.interval(confidence), estimate, standardError: standardDeviation(replicates), replicates };
}

/** Runs replicates from..to-1, each block with its own stream; a range must start on a block. */
export function eachReplicate(seed: number, from: number, to: number, run: (generator: Generator, r: number) => void): void {
  if (from % blockSize !== 0) throw new RangeError(`from must be a multiple of ${blockSize}, got ${from}`);
  for (let start = from; start < to; start += blockSize) {
    const generator = new Generator(seed, start / blockSize);
    for (let r = start; r < Math.min(to, start + blockSize); r++) run(generator, r);
  }
}

/** The statistic with one value left out, for each value. */
function leftOut(values: Float64Array, statistic: (resample: Float64Array) => number): Float64Array {
  const n = values.length;
  const left = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const others = new Float64Array(n - 1);
    others.set(values.subarray(0, i));
    others.set(values.subarray(i + 1), i);
    left[i] = statistic(others);
  }
  return left;
}

function jackknifeError(values: Float64Array, statistic: (resample: Float64Array) => number): number {
  const n = values.length;
  return (standardDeviation(leftOut(values, statistic)) * (n - 1)) / Math.sqrt(n);
}
