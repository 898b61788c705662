import { checkCount, checkFinite, checkOneOf, checkOpenProbability, sortedCopy } from '../arguments';
import { betaQuantile, binomialCdf, binomialQuantile, binomialSurvival } from '../special/distributions';
import { normalQuantile } from '../special/normal';
import type { Interval } from '../types';

const oneSample = ['wilson', 'clopper-pearson', 'agresti-coull', 'jeffreys', 'wald'] as const;
const twoSample = ['newcombe', 'agresti-caffo', 'wald'] as const;

/**
 * Interval of a proportion k/n, within 0..1, n >= 1: `wilson` (1927; default), `clopper-pearson` (1934; exact, never under its confidence),
 * `agresti-coull` (1998), `jeffreys` (quantiles of the beta(k + 1/2, n - k + 1/2) posterior), or `wald`, which is [0, 0] at k = 0 and
 * shown for what it gets wrong. As statsmodels' `proportion_confint`.
 */
export function proportionInterval(
  k: number,
  n: number,
  options: { method?: (typeof oneSample)[number]; confidence?: number } = {},
): Interval {
  const method = checkOneOf('method', options.method ?? 'wilson', oneSample);
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkTrials('k', k, 'n', n);
  const tail = (1 - confidence) / 2;
  const z = -normalQuantile(tail);
  const p = k / n;
  if (method === 'clopper-pearson')
    return { low: k === 0 ? 0 : betaQuantile(tail, k, n - k + 1), high: k === n ? 1 : betaQuantile(1 - tail, k + 1, n - k) };
  if (method === 'jeffreys') return { low: betaQuantile(tail, k + 0.5, n - k + 0.5), high: betaQuantile(1 - tail, k + 0.5, n - k + 0.5) };
  if (method === 'wilson') {
    const square = z * z;
    const centre = k + square / 2;
    const half = z * Math.sqrt((k * (n - k)) / n + square / 4);
    return {
      low: k === 0 ? 0 : Math.max(0, (centre - half) / (n + square)),
      high: k === n ? 1 : Math.min(1, (centre + half) / (n + square)),
    };
  }
  const size = method === 'wald' ? n : n + z * z;
  const centre = method === 'wald' ? p : (k + (z * z) / 2) / size;
  const half = z * Math.sqrt((centre * (1 - centre)) / size);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * Interval of the difference k1/n1 - k2/n2 of independent samples, within -1..1: `newcombe` (1998, hybrid of Wilson's, his method 10;
 * default), `agresti-caffo` (2000, one success and one failure added to each), or `wald`. As statsmodels' `confint_proportions_2indep`.
 * Not for paired rows.
 */
export function twoProportionInterval(
  k1: number,
  n1: number,
  k2: number,
  n2: number,
  options: { method?: (typeof twoSample)[number]; confidence?: number } = {},
): Interval & { difference: number } {
  const method = checkOneOf('method', options.method ?? 'newcombe', twoSample);
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkTrials('k1', k1, 'n1', n1);
  checkTrials('k2', k2, 'n2', n2);
  const [p1, p2] = [k1 / n1, k2 / n2];
  const difference = p1 - p2;
  if (method === 'newcombe') {
    const one = proportionInterval(k1, n1, { confidence });
    const two = proportionInterval(k2, n2, { confidence });
    return {
      difference,
      low: difference - Math.hypot(p1 - one.low, two.high - p2),
      high: difference + Math.hypot(one.high - p1, p2 - two.low),
    };
  }
  const extra = method === 'agresti-caffo' ? 1 : 0;
  const [m1, m2] = [n1 + 2 * extra, n2 + 2 * extra];
  const [q1, q2] = [(k1 + extra) / m1, (k2 + extra) / m2];
  const half = normalQuantile(0.5 + confidence / 2) * Math.sqrt((q1 * (1 - q1)) / m1 + (q2 * (1 - q2)) / m2);
  return { difference, low: Math.max(-1, q1 - q2 - half), high: Math.min(1, q1 - q2 + half) };
}

/**
 * Interval of the p-quantile, 0 < p < 1, between two order statistics, for any continuous law: each tail at most (1 - confidence)/2 by the
 * binomial law of how many values lie below (David & Nagaraja, Order Statistics, 7.1). In the unit of x. Null where n values cannot
 * support it: a 99th percentile at 95 % confidence takes 368, at 99 % 528.
 */
export function quantileInterval(x: ArrayLike<number>, p: number, options: { confidence?: number } = {}): Interval | null {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkOpenProbability('p', p);
  checkFinite('x', x);
  const n = x.length;
  const tail = (1 - confidence) / 2;
  // Ranks from 1: P(B < r) <= tail and P(B >= s) <= tail for B ~ Binomial(n, p).
  let r = binomialQuantile(tail, n, p);
  while (r > 0 && binomialCdf(r - 1, n, p) > tail) r--;
  let s = binomialQuantile(1 - tail, n, p) + 1;
  while (s <= n && binomialSurvival(s - 1, n, p) > tail) s++;
  if (r < 1 || s > n) return null;
  const sorted = sortedCopy(x);
  return { low: sorted[r - 1]!, high: sorted[s - 1]! };
}

function checkTrials(nameK: string, k: number, nameN: string, n: number): void {
  checkCount(nameN, n, 1);
  checkCount(nameK, k);
  if (k > n) throw new RangeError(`${nameK} must be at most ${nameN} = ${n}, got ${k}`);
}
