import { checkCount, checkFinite, checkOneOf, checkOpenProbability } from '../arguments';
import { Generator } from '../random/generator';
import type { Interval } from '../types';
import { accelerationOf, bcaInterval, percentileInterval, standardDeviation } from './interval';

/** Replicates that share one stream: replicate r belongs to the stream (seed, floor(r / 250)). */
export const blockSize = 250;

/** Bootstrap interval of any statistic of one sample; BCa by the jackknife unless another method is named. */
export function bootstrap(
  sample: ArrayLike<number>,
  statistic: (resample: Float64Array) => number,
  options: { method?: 'bca' | 'percentile' | 'basic'; resamples?: number; confidence?: number; seed?: number } = {},
): Interval & { estimate: number; standardError: number; replicates: Float64Array } {
  const { resamples = 10_000, seed = 1 } = options;
  const method = checkOneOf('method', options.method ?? 'bca', ['bca', 'percentile', 'basic']);
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkFinite('sample', sample, 2);
  checkCount('resamples', resamples, 2);
  const values = Float64Array.from(sample);
  const n = values.length;
  const estimate = statistic(values.slice());
  const replicates = new Float64Array(resamples);
  const resample = new Float64Array(n);
  eachReplicate(seed, 0, resamples, (generator, r) => {
    for (let i = 0; i < n; i++) resample[i] = values[generator.below(n)]!;
    replicates[r] = statistic(resample);
  });
  const sorted = replicates.slice().sort();
  if (Number.isNaN(sorted[resamples - 1])) throw new RangeError('statistic must be a number on every resample, got NaN');
  const standardError = standardDeviation(replicates);
  if (method !== 'bca') {
    const { low, high } = percentileInterval(sorted, confidence);
    if (method === 'percentile') return { low, high, estimate, standardError, replicates };
    return { low: 2 * estimate - high, high: 2 * estimate - low, estimate, standardError, replicates };
  }
  const leftOut = Float64Array.from(values, (_, i) => statistic(values.filter((__, j) => j !== i)));
  return { ...bcaInterval(sorted, estimate, accelerationOf(leftOut), confidence), estimate, standardError, replicates };
}

/** Runs replicates from..to-1, each block with its own stream; a range must start on a block. */
export function eachReplicate(seed: number, from: number, to: number, run: (generator: Generator, r: number) => void): void {
  if (from % blockSize !== 0) throw new RangeError(`from must be a multiple of ${blockSize}, got ${from}`);
  for (let start = from; start < to; start += blockSize) {
    const generator = new Generator(seed, start / blockSize);
    for (let r = start; r < Math.min(to, start + blockSize); r++) run(generator, r);
  }
}
