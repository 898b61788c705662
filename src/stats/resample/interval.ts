import { quantileOfSorted } from '../special/quantile';
import { normalCdf, normalQuantile } from '../special/normal';
import type { Interval } from '../types';

/** Interval between the replicates' quantiles. */
export function percentileInterval(sorted: Float64Array, confidence: number): Interval {
  const tail = (1 - confidence) / 2;
  return { low: quantileOfSorted(sorted, tail), high: quantileOfSorted(sorted, 1 - tail) };
}

/** Efron's bias-corrected and accelerated interval. */
export function bcaInterval(sorted: Float64Array, estimate: number, acceleration: number, confidence: number): Interval {
  if (sorted[0] === sorted[sorted.length - 1]) return { low: sorted[0]!, high: sorted[0]! };
  const bias = biasCorrection(sorted, estimate);
  const level = (z: number): number => {
    const shifted = bias + z;
    return normalCdf(bias + shifted / Math.max(1e-9, 1 - acceleration * shifted));
  };
  const z = normalQuantile(0.5 + confidence / 2);
  return { low: quantileOfSorted(sorted, level(-z)), high: quantileOfSorted(sorted, level(z)) };
}

/** Two-sided p of "no difference" by inverting the interval: the smallest alpha whose interval leaves out `null`. */
export function invertedP(sorted: Float64Array, estimate: number, acceleration: number | null, nullValue: number): number {
  if (estimate === nullValue) return 1;
  const count = sorted.length;
  const reached = estimate > nullValue ? countUpTo(sorted, nullValue, true) : countUpTo(sorted, nullValue, false);
  const z = normalQuantile(Math.min(count / (count + 1), Math.max(1 / (count + 1), reached / count)));
  const bias = acceleration === null ? 0 : biasCorrection(sorted, estimate);
  const w = z - bias;
  const level = normalCdf(w / (1 + (acceleration ?? 0) * w) - bias);
  return Math.min(1, Math.max(2 / (count + 1), 2 * (estimate > nullValue ? level : 1 - level)));
}

/** Acceleration from the values with one item (of the given weight) left out. */
export function accelerationOf(leftOut: Float64Array, weights?: ArrayLike<number>): number {
  let total = 0;
  let mean = 0;
  for (let i = 0; i < leftOut.length; i++) {
    const weight = weights?.[i] ?? 1;
    total += weight;
    mean += weight * leftOut[i]!;
  }
  mean /= total;
  let [squares, cubes] = [0, 0];
  for (let i = 0; i < leftOut.length; i++) {
    const weight = weights?.[i] ?? 1;
    const gap = mean - leftOut[i]!;
    squares += weight * gap * gap;
    cubes += weight * gap * gap * gap;
  }
  const result = cubes / (6 * squares ** 1.5);
  return Number.isFinite(result) ? result : 0;
}

/** Share of replicates below the estimate, ties half, as a normal deviate. */
function biasCorrection(sorted: Float64Array, estimate: number): number {
  // Replicates equal to the estimate may differ from it in the last digits.
  const slack = 1e-12 * Math.max(Math.abs(estimate), sorted[sorted.length - 1]! - sorted[0]!);
  const below = countUpTo(sorted, estimate - slack, false);
  const upTo = countUpTo(sorted, estimate + slack, true);
  const share = (below + upTo) / 2 / sorted.length;
  const least = 0.5 / sorted.length;
  return normalQuantile(Math.min(1 - least, Math.max(least, share)));
}

function countUpTo(sorted: Float64Array, value: number, inclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (inclusive && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function standardDeviation(values: Float64Array): number {
  let mean = 0;
  for (let i = 0; i < values.length; i++) mean += values[i]!;
  mean /= values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0;
}
