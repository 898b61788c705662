import { checkFinite, checkOpenProbability, checkSameLength } from '../arguments';
import { normalQuantile } from '../special/normal';
import { solveBetween } from '../special/solve';
import type { Interval } from '../types';

/**
 * P(B > A), ties counted half, 0..1, with its interval (Bouthillier et al. 2021 hold it against 0.75). Paired (default): Wilson's interval
 * (1927) over the pairs. Unpaired: over all pairs of values, Newcombe's score interval of the Mann-Whitney share (2006, method 5). Each
 * sample needs a value.
 */
export function probabilityOfImprovement(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { paired?: boolean; confidence?: number } = {},
): Interval & { estimate: number } {
  const { paired = true } = options;
  const z = normalQuantile(0.5 + checkOpenProbability('confidence', options.confidence ?? 0.95) / 2);
  checkFinite('a', a);
  checkFinite('b', b);
  if (paired) {
    checkSameLength('a', a, 'b', b);
    const n = a.length;
    let wins = 0;
    for (let i = 0; i < n; i++) wins += win(a[i]!, b[i]!);
    const estimate = wins / n;
    return { estimate, ...scoreInterval(estimate, z, (p) => (p * (1 - p)) / n) };
  }
  let wins = 0;
  for (let i = 0; i < a.length; i++) for (let j = 0; j < b.length; j++) wins += win(a[i]!, b[j]!);
  const estimate = wins / (a.length * b.length);
  const extra = (a.length + b.length) / 2 - 1;
  const pairs = a.length * b.length;
  return {
    estimate,
    ...scoreInterval(estimate, z, (p) => (p * (1 - p) * (1 + (extra * (1 - p)) / (2 - p) + (extra * p) / (1 + p))) / pairs),
  };
}

function win(a: number, b: number): number {
  return b > a ? 1 : b === a ? 0.5 : 0;
}

/** Bounds at which the estimate lies z standard errors away, the error taken at the bound. */
function scoreInterval(estimate: number, z: number, variance: (p: number) => number): Interval {
  const f = (p: number): number => Math.abs(p - estimate) - z * Math.sqrt(variance(p));
  // At an estimate of 0 or 1 the error vanishes with the distance: start beside it.
  const low = estimate === 0 ? 0 : solveBetween((p) => -f(p), 0, Math.min(estimate, 1 - 1e-12));
  const high = estimate === 1 ? 1 : solveBetween(f, Math.max(estimate, 1e-12), 1);
  return { low, high };
}
