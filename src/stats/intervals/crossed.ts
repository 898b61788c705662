import { checkCount, checkOpenProbability } from '../arguments';
import { Generator } from '../random/generator';
import { quantileOfSorted } from '../special/quantile';
import type { Interval } from '../types';
import { type PairedInfluences, unitGaps } from './variance-components';

export interface CrossedBootstrap extends Interval {
  difference: number;
  resamples: number;
  standardError: number;
}

/** Products of a seed's and a unit's numbers: beyond it fewer resamples are drawn. */
const budget = 2e8;

/**
 * Seeds and rows (or units) resampled both, each with replacement (crossed bootstrap; Owen 2007): percentile interval of B - A. Metrics
 * that are no means enter by their influence values, so a resample costs one weighted sum a drawn seed. With few seeds it is too narrow by
 * about (seeds - 1)/seeds: a check beside variance components from 10 seeds on, not a method of its own. Default 2,000
 * resamples, fewer (never under 200) where seeds x units exceed 2e8 over all. The stream of a resample is named by its number.
 */
export function crossedBootstrap(
  input: PairedInfluences,
  options: { resamples?: number; confidence?: number; seed?: number } = {},
): CrossedBootstrap {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const wanted = checkCount('resamples', options.resamples ?? 2000, 2);
  const { metricA, metricB } = input;
  const gaps = unitGaps(input);
  const seeds = gaps.length;
  const units = gaps[0]!.length;
  const differences = Float64Array.from(metricA, (value, s) => metricB[s]! - value);
  const resamples = Math.min(wanted, Math.max(200, Math.floor(budget / (seeds * units))));
  const weights = new Float64Array(units);
  const times = new Int32Array(seeds);
  const replicates = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    const generator = new Generator(options.seed ?? 1, r);
    times.fill(0);
    for (let s = 0; s < seeds; s++) times[generator.below(seeds)]! += 1;
    weights.fill(0);
    for (let u = 0; u < units; u++) weights[generator.below(units)]! += 1;
    let sum = 0;
    for (let s = 0; s < seeds; s++) {
      if (times[s]! > 0) sum += times[s]! * (differences[s]! + product(weights, gaps[s]!) / units);
    }
    replicates[r] = sum / seeds;
  }
  const sorted = Float64Array.from(replicates).sort();
  const mean = replicates.reduce((sum, value) => sum + value, 0) / resamples;
  const squares = replicates.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    difference: differences.reduce((sum, value) => sum + value, 0) / seeds,
    low: quantileOfSorted(sorted, (1 - confidence) / 2),
    high: quantileOfSorted(sorted, (1 + confidence) / 2),
    resamples,
    standardError: Math.sqrt(squares / (resamples - 1)),
  };
}

function product(weights: Float64Array, values: Float64Array): number {
  let sum = 0;
  for (let u = 0; u < weights.length; u++) sum += weights[u]! * values[u]!;
  return sum;
}
