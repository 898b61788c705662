import { normalCdf, normalQuantile } from '../special/normal';
import { quantileOfSorted } from '../special/quantile';
import type { Interval } from '../types';

export const bootstrapMethods = ['bca', 'percentile', 'basic', 'studentised'] as const;
export type BootstrapMethod = (typeof bootstrapMethods)[number];

/** Bounds at any confidence and the p value that goes with them. */
export interface Bounds {
  interval: (confidence: number) => Interval;
  /** Two-sided p of "the value is `nullValue`": the smallest alpha whose interval leaves it out; at least 2/(replicates + 1). */
  pValue: (nullValue: number) => number;
}

/** Replicates in ascending order, all numbers. */
export function percentileBounds(sorted: Float64Array, estimate: number): Bounds {
  return {
    interval: (confidence) => percentileInterval(sorted, confidence),
    pValue: (nullValue) => invertedP(sorted, estimate, null, nullValue),
  };
}

/** Efron 1987; the acceleration is `accelerationOf` the jackknife. */
export function bcaBounds(sorted: Float64Array, estimate: number, acceleration: number): Bounds {
  return {
    interval: (confidence) => bcaInterval(sorted, estimate, acceleration, confidence),
    pValue: (nullValue) => invertedP(sorted, estimate, acceleration, nullValue),
  };
}

/** The percentile interval mirrored at the estimate (Davison and Hinkley 1997, 5.2.1). */
export function basicBounds(sorted: Float64Array, estimate: number): Bounds {
  return {
    interval: (confidence) => {
      const { low, high } = percentileInterval(sorted, confidence);
      return { low: 2 * estimate - high, high: 2 * estimate - low };
    },
    pValue: (nullValue) => {
      if (estimate === nullValue) return 1;
      // Replicates equal to the mirrored value may differ from it in the last digits.
      const slack = tieSlack(sorted, estimate);
      return invertedP(sorted, estimate, null, 2 * estimate - nullValue + (estimate > nullValue ? -slack : slack));
    },
  };
}

/** Bootstrap t (Efron 1981): replicates in order of their number, each with its standard error. A replicate without spread counts as infinitely far off. */
export function studentisedBounds(values: Float64Array, standardErrors: Float64Array, estimate: number, standardError: number): Bounds {
  const ratios = new Float64Array(values.length);
  for (let r = 0; r < ratios.length; r++) {
    const gap = values[r]! - estimate;
    ratios[r] = gap === 0 ? 0 : gap / standardErrors[r]!;
  }
  ratios.sort();
  const count = ratios.length;
  return {
    interval: (confidence) => {
      if (standardError === 0) return { low: estimate, high: estimate };
      const tail = (1 - confidence) / 2;
      return { low: estimate - standardError * edge(ratios, 1 - tail), high: estimate - standardError * edge(ratios, tail) };
    },
    pValue: (nullValue) => {
      if (estimate === nullValue) return 1;
      const t = (estimate - nullValue) / standardError;
      const beyond = t > 0 ? count - countUpTo(ratios, t, false) : countUpTo(ratios, t, true);
      return Math.min(1, Math.max(2 / (count + 1), (2 * beyond) / count));
    },
  };
}

/** Bounds of a value from those of its negative. */
export function mirroredBounds(bounds: Bounds): Bounds {
  return {
    interval: (confidence) => {
      const { low, high } = bounds.interval(confidence);
      return { low: 0 - high, high: 0 - low };
    },
    pValue: (nullValue) => bounds.pValue(0 - nullValue),
  };
}

/** A quantile that may lie between infinite ratios. */
function edge(sorted: Float64Array, p: number): number {
  const value = quantileOfSorted(sorted, p);
  return Number.isNaN(value) ? sorted[Math.round(p * (sorted.length - 1))]! : value;
}

/** Interval between the replicates' quantiles. */
export function percentileInterval(sorted: Float64Array, confidence: number): Interval {
  const tail = (1 - confidence) / 2;
  return { low: quantileOfSorted(sorted, tail), high: quantileOfSorted(sorted, 1 - tail) };
}

/** Efron's bias-corrected and accelerated interval. */
function bcaInterval(sorted: Float64Array, estimate: number, acceleration: number, confidence: number): Interval {
  if (sorted[0] === sorted[sorted.length - 1]) return { low: sorted[0]!, high: sorted[0]! };
  const bias = biasCorrection(sorted, estimate);
  const level = (z: number): number => {
    const shifted = bias + z;
    return normalCdf(bias + shifted / Math.max(1e-9, 1 - acceleration * shifted));
  };
  const z = normalQuantile(0.5 + confidence / 2);
  return { low: quantileOfSorted(sorted, level(-z)), high: quantileOfSorted(sorted, level(z)) };
}

function invertedP(sorted: Float64Array, estimate: number, acceleration: number | null, nullValue: number): number {
  if (estimate === nullValue) return 1;
  const count = sorted.length;
  const reached = estimate > nullValue ? countUpTo(sorted, nullValue, true) : countUpTo(sorted, nullValue, false);
  const z = normalQuantile(Math.min(count / (count + 1), Math.max(1 / (count + 1), reached / count)));
  const bias = acceleration === null ? 0 : biasCorrection(sorted, estimate);
  const w = z - bias;
  const level = normalCdf(w / (1 + (acceleration ?? 0) * w) - bias);
  return Math.min(1, Math.max(2 / (count + 1), 2 * (estimate > nullValue ? level : 1 - level)));
}

/** Acceleration from the values with one item left out, and how many items each value stands for (default 1). */
export function accelerationOf(leftOut: Float64Array, counts?: ArrayLike<number>): number {
  let total = 0;
  let mean = 0;
  for (let i = 0; i < leftOut.length; i++) {
    const count = counts === undefined ? 1 : counts[i]!;
    total += count;
    mean += count * leftOut[i]!;
  }
  mean /= total;
  let squares = 0;
  let cubes = 0;
  for (let i = 0; i < leftOut.length; i++) {
    const count = counts === undefined ? 1 : counts[i]!;
    const gap = mean - leftOut[i]!;
    squares += count * gap * gap;
    cubes += count * gap * gap * gap;
  }
  const result = cubes / (6 * squares ** 1.5);
  return Number.isFinite(result) ? result : 0;
}

/** Share of replicates below the estimate, ties half, as a normal deviate. */
function biasCorrection(sorted: Float64Array, estimate: number): number {
  // Replicates equal to the estimate may differ from it in the last digits.
  const slack = tieSlack(sorted, estimate);
  const below = countUpTo(sorted, estimate - slack, false);
  const upTo = countUpTo(sorted, estimate + slack, true);
  const share = (below + upTo) / 2 / sorted.length;
  const least = 0.5 / sorted.length;
  return normalQuantile(Math.min(1 - least, Math.max(least, share)));
}

function tieSlack(sorted: Float64Array, estimate: number): number {
  return 1e-12 * Math.max(Math.abs(estimate), sorted[sorted.length - 1]! - sorted[0]!);
}

/** Values below `value`, or up to it. */
export function countUpTo(sorted: Float64Array, value: number, inclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (inclusive && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** About the first value, so that equal values have none. */
export function standardDeviation(values: Float64Array): number {
  const n = values.length;
  const first = values[0]!;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (values[i]! - first) / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - first - mean) ** 2;
  return n > 1 ? Math.sqrt(squares / (n - 1)) : 0;
}
