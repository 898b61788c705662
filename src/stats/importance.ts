import { checkFinite, checkSameLength } from './arguments';
import { sumOf } from './sum';

export interface ImportanceMean {
  /** Σ w x / Σ w (Hájek 1971). */
  hajek: number;
  /** Σ w x / n: right where the weights' expectation is 1, and noisier. */
  horvitzThompson: number;
  /** Of the Hájek mean, linearised: √(Σ w² (x - mean)²) / Σ w. */
  standardError: number;
  /** (Σ w)² / Σ w² (Kish 1965). */
  effectiveSampleSize: number;
  /** The largest weight over Σ w. */
  largestShare: number;
}

/**
 * Mean of x under the law that the weights lead to, in the unit of x. Weights are at least 0 and not all 0; their scale changes only
 * `horvitzThompson`. `effectiveSampleSize` is in 1..n. One row alone has a standard error of 0, which says nothing.
 */
export function importanceMean(x: ArrayLike<number>, weights: ArrayLike<number>): ImportanceMean {
  checkFinite('x', x);
  checkFinite('weights', weights);
  checkSameLength('x', x, 'weights', weights);
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const w = weights[i]!;
    if (w < 0) throw new RangeError(`weights[${i}] must be at least 0, got ${w}`);
    if (w > largest) largest = w;
  }
  const each = (term: (weight: number, i: number) => number): number => sumOf(Float64Array.from(weights, term));
  const total = sumOf(weights);
  const squares = each((weight) => weight * weight);
  const weighted = each((weight, i) => weight * x[i]!);
  if (total === 0) throw new RangeError('weights must not all be 0');
  const hajek = weighted / total;
  const spread = each((weight, i) => (weight * (x[i]! - hajek)) ** 2);
  return {
    hajek,
    horvitzThompson: weighted / x.length,
    standardError: Math.sqrt(spread) / total,
    effectiveSampleSize: (total * total) / squares,
    largestShare: largest / total,
  };
}
