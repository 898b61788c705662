import { checkFinite, checkProbability, sortedCopy } from '../arguments';

/** The p-quantile of values in any order, type 7 of Hyndman & Fan (1996), NumPy's and R's default, 0 <= p <= 1; undefined for no values. */
export function quantile(x: ArrayLike<number>, p: number): number | undefined {
  checkProbability('p', p);
  if (x.length === 0) return undefined;
  checkFinite('x', x);
  return quantileOfSorted(sortedCopy(x), p);
}

export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  const share = position - below;
  return share < 0.5 ? low + share * (high - low) : high - (1 - share) * (high - low);
}
