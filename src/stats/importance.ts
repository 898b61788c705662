import { checkFinite, checkSameLength } from './arguments';

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

/** Mean of x under the law that the weights lead to. */
export function importanceMean(x: ArrayLike<number>, weights: ArrayLike<number>): ImportanceMean {
  checkFinite('x', x);
  checkFinite('weights', weights);
  checkSameLength('x', x, 'weights', weights);
  let [total, squares, weighted, largest] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const w = weights[i]!;
    if (w < 0) throw new RangeError(`weights[${i}] must be at least 0, got ${w}`);
    total += w;
    squares += w * w;
    weighted += w * x[i]!;
    if (w > largest) largest = w;
  }
  if (total === 0) throw new RangeError('weights must not all be 0');
  const hajek = weighted / total;
  let spread = 0;
  for (let i = 0; i < x.length; i++) spread += (weights[i]! * (x[i]! - hajek)) ** 2;
  return {
    hajek,
    horvitzThompson: weighted / x.length,
    standardError: Math.sqrt(spread) / total,
    effectiveSampleSize: (total * total) / squares,
    largestShare: largest / total,
  };
}
