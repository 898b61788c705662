import { checkCount, checkPositive, checkProbability } from '../arguments';
import { binomialTerm, incompleteBetaTails } from './beta';
import { incompleteGamma } from './gamma';
import { normalQuantile } from './normal';
import { solveIncreasing } from './solve';

export function tCdf(x: number, df: number): number {
  return x > 0 ? 1 - tSurvival(x, df) : tSurvival(-x, df);
}

/** P(T > x). */
export function tSurvival(x: number, df: number): number {
  checkPositive('df', df);
  if (x < 0) return 1 - tSurvival(-x, df);
  if (x === Infinity) return 0;
  const square = x * x;
  return 0.5 * incompleteBetaTails(df / 2, 0.5, df / (df + square), square / (df + square)).lower;
}

export function tQuantile(p: number, df: number): number {
  checkPositive('df', df);
  checkProbability('p', p);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  if (p === 0.5) return 0;
  const tail = p < 0.5 ? p : 1 - p;
  const logTail = Math.log(tail);
  const guess = Math.max(1e-3, -normalQuantile(tail));
  const near = 0.5 - tail;
  // Near the middle the survival function is flat in log t: match the distance from one half instead.
  const distance = (t: number): number => 0.5 * incompleteBetaTails(df / 2, 0.5, df / (df + t * t), (t * t) / (df + t * t)).upper;
  const f =
    tail > 0.25 ? (u: number) => Math.log(distance(Math.exp(u)) / near) : (u: number) => logTail - Math.log(tSurvival(Math.exp(u), df));
  const t = Math.exp(solveIncreasing(f, Math.log(guess)));
  return p < 0.5 ? -t : t;
}

export function chiSquareCdf(x: number, df: number): number {
  checkPositive('df', df);
  return x <= 0 ? 0 : incompleteGamma(df / 2, x / 2).lower;
}

export function chiSquareSurvival(x: number, df: number): number {
  checkPositive('df', df);
  return x <= 0 ? 1 : incompleteGamma(df / 2, x / 2).upper;
}

export function chiSquareQuantile(p: number, df: number): number {
  checkPositive('df', df);
  checkProbability('p', p);
  if (p === 0) return 0;
  if (p === 1) return Infinity;
  const a = df / 2;
  const f =
    p < 0.5
      ? (u: number) => Math.log(incompleteGamma(a, Math.exp(u)).lower) - Math.log(p)
      : (u: number) => Math.log1p(-p) - Math.log(incompleteGamma(a, Math.exp(u)).upper);
  return 2 * Math.exp(solveIncreasing(f, Math.log(a)));
}

export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  return x >= 1 ? 1 : incompleteBetaTails(a, b, x, 1 - x).lower;
}

export function betaQuantile(p: number, a: number, b: number): number {
  checkProbability('p', p);
  checkPositive('a', a);
  checkPositive('b', b);
  if (p === 0 || p === 1) return p;
  const { x, y } = betaQuantileTails(p, 1 - p, a, b);
  return x < 0.5 ? x : 1 - y;
}

export function fCdf(x: number, d1: number, d2: number): number {
  return x <= 0 ? 0 : fTails(x, d1, d2).lower;
}

export function fSurvival(x: number, d1: number, d2: number): number {
  return x <= 0 ? 1 : fTails(x, d1, d2).upper;
}

export function fQuantile(p: number, d1: number, d2: number): number {
  checkProbability('p', p);
  if (p === 0) return 0;
  if (p === 1) return Infinity;
  checkPositive('d1', d1);
  checkPositive('d2', d2);
  const { x, y } = betaQuantileTails(p, 1 - p, d1 / 2, d2 / 2);
  return (d2 * x) / (d1 * y);
}

export function binomialPmf(k: number, n: number, p: number): number {
  return k < 0 || k > n ? 0 : binomialTerm(k, n, p, 1 - p);
}

/** P(X <= k). */
export function binomialCdf(k: number, n: number, p: number): number {
  checkCount('n', n);
  checkProbability('p', p);
  const whole = Math.floor(k);
  if (whole < 0) return 0;
  return whole >= n ? 1 : incompleteBetaTails(whole + 1, n - whole, p, 1 - p).upper;
}

/** P(X > k). */
export function binomialSurvival(k: number, n: number, p: number): number {
  const whole = Math.floor(k);
  if (whole < 0) return 1;
  return whole >= n ? 0 : incompleteBetaTails(whole + 1, n - whole, p, 1 - p).lower;
}

/** Smallest k with P(X <= k) >= q. */
export function binomialQuantile(q: number, n: number, p: number): number {
  checkProbability('q', q);
  checkCount('n', n);
  checkProbability('p', p);
  if (q === 0) return 0;
  if (q === 1) return p === 0 ? 0 : n;
  let low = -1;
  let high = n;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    // The cdf carries rounding in its last digits: an exact match counts as reached.
    if (binomialCdf(middle, n, p) >= q * (1 - 4e-15)) high = middle;
    else low = middle;
  }
  return high;
}

function fTails(x: number, d1: number, d2: number): { lower: number; upper: number } {
  checkPositive('d1', d1);
  checkPositive('d2', d2);
  if (x === Infinity) return { lower: 1, upper: 0 };
  const whole = d1 * x + d2;
  return incompleteBetaTails(d1 / 2, d2 / 2, (d1 * x) / whole, d2 / whole);
}

/** Solved in log odds, where neither end of (0, 1) loses digits. */
function betaQuantileTails(p: number, q: number, a: number, b: number): { x: number; y: number } {
  const at = (u: number): { x: number; y: number } => ({ x: 1 / (1 + Math.exp(-u)), y: 1 / (1 + Math.exp(u)) });
  const f = (u: number): number => {
    const { x, y } = at(u);
    const tails = incompleteBetaTails(a, b, x, y);
    return p < 0.5 ? Math.log(tails.lower) - Math.log(p) : Math.log(q) - Math.log(tails.upper);
  };
  return at(solveIncreasing(f, Math.log(a / b)));
}
