import { checkCount, checkOneOf, checkPositive, checkProbability } from '../arguments';
import { binomialTerm, incompleteBetaTails, logBeta } from './beta';
import { incompleteGamma } from './gamma';
import { normalQuantile } from './normal';
import { solveIncreasing } from './solve';

/** Which tail a probability given to a quantile is of: `upper` keeps the digits of a p below 1e-16 there. */
export interface TailOptions {
  /** Default lower: P(X <= quantile) = p. */
  tail?: 'lower' | 'upper';
}

/** P(T <= x) of Student's t with `df` > 0 degrees of freedom, which need not be whole; by the incomplete beta function. */
export function tCdf(x: number, df: number): number {
  return tSurvival(-x, df);
}

/** P(T > x) of Student's t with `df` > 0 degrees of freedom, to full relative precision also in the far tail. */
export function tSurvival(x: number, df: number): number {
  checkPositive('df', df);
  checkNumber('x', x);
  if (x < 0) return 0.5 + tBetween(-x, df);
  if (x > 1e100 && x > 1e20 * Math.sqrt(df)) {
    // x² may overflow; there the tail is a power law.
    return x === Infinity ? 0 : Math.exp((df / 2) * (Math.log(df) - 2 * Math.log(x)) - Math.log(df) - logBeta(df / 2, 0.5));
  }
  return 0.5 * tTails(x, df).lower;
}

/** t at which P(T <= t) = p (or P(T > t) = p with `tail: 'upper'`); -Infinity and Infinity at the ends. Solved on the tail's own logarithm. */
export function tQuantile(p: number, df: number, options: TailOptions = {}): number {
  checkPositive('df', df);
  checkProbability('p', p);
  const sign = checkTail(options) === 'upper' ? -1 : 1;
  if (p === 0) return -Infinity * sign;
  if (p === 1) return Infinity * sign;
  if (p === 0.5) return 0;
  const tail = p < 0.5 ? p : 1 - p;
  // Few degrees of freedom have quantiles that no double holds.
  if (df < 1 && tSurvival(Number.MAX_VALUE, df) > tail) return p < 0.5 ? -Infinity * sign : Infinity * sign;
  const guess = Math.max(1e-3, -normalQuantile(tail));
  const near = 0.5 - tail;
  // Near the middle the survival function is flat in log t: match the distance from one half instead.
  const f =
    tail > 0.25 ? (u: number) => Math.log(tBetween(Math.exp(u), df) / near) : (u: number) => -Math.log(tSurvival(Math.exp(u), df) / tail);
  const t = Math.exp(solveIncreasing(f, Math.log(guess)));
  return (p < 0.5 ? -t : t) * sign;
}

/** P(X <= x) of a chi-square with `df` > 0 degrees of freedom: P(df/2, x/2) of the incomplete gamma function; 0 for x <= 0. */
export function chiSquareCdf(x: number, df: number): number {
  checkPositive('df', df);
  checkNumber('x', x);
  return x <= 0 ? 0 : incompleteGamma(df / 2, x / 2).lower;
}

/** P(X > x) of a chi-square with `df` > 0 degrees of freedom, to full relative precision in the far tail; 1 for x <= 0. */
export function chiSquareSurvival(x: number, df: number): number {
  checkPositive('df', df);
  checkNumber('x', x);
  return x <= 0 ? 1 : incompleteGamma(df / 2, x / 2).upper;
}

/** x at which P(X <= x) = p of a chi-square with `df` degrees of freedom (P(X > x) = p with `tail: 'upper'`), 0..Infinity. */
export function chiSquareQuantile(p: number, df: number, options: TailOptions = {}): number {
  checkPositive('df', df);
  checkProbability('p', p);
  const { lower, upper } = bothTails(p, options);
  if (lower === 0) return 0;
  if (upper === 0) return Infinity;
  const a = df / 2;
  // Few degrees of freedom have quantiles that no double holds.
  if (a < 1 && incompleteGamma(a, leastNormal).lower >= lower) return 0;
  const f =
    lower < 0.5
      ? (u: number) => Math.log(incompleteGamma(a, Math.exp(u)).lower / lower)
      : (u: number) => -Math.log(incompleteGamma(a, Math.exp(u)).upper / upper);
  return 2 * Math.exp(solveIncreasing(f, Math.log(a), 1 / (1 + Math.sqrt(a))));
}

/** P(X <= x) of a beta(a, b), a, b > 0: I_x(a, b); 0 and 1 beyond 0 and 1. */
export function betaCdf(x: number, a: number, b: number): number {
  return betaTails(x, a, b).lower;
}

/** P(X > x) of a beta(a, b), to full relative precision in the upper tail. */
export function betaSurvival(x: number, a: number, b: number): number {
  return betaTails(x, a, b).upper;
}

/** x at which P(X <= x) = p of a beta(a, b) (P(X > x) = p with `tail: 'upper'`), in 0..1. Solved in log odds. */
export function betaQuantile(p: number, a: number, b: number, options: TailOptions = {}): number {
  checkProbability('p', p);
  checkPositive('a', a);
  checkPositive('b', b);
  const { lower, upper } = bothTails(p, options);
  if (lower === 0 || upper === 0) return lower;
  const { x, y } = betaQuantileTails(lower, upper, a, b);
  return x < 0.5 ? x : 1 - y;
}

/** P(X <= x) of Snedecor's F with d1 and d2 > 0 degrees of freedom, by the incomplete beta function; 0 for x <= 0. */
export function fCdf(x: number, d1: number, d2: number): number {
  return fTails(x, d1, d2).lower;
}

/** P(X > x) of Snedecor's F, to full relative precision in the far tail; 1 for x <= 0. */
export function fSurvival(x: number, d1: number, d2: number): number {
  return fTails(x, d1, d2).upper;
}

/** x at which P(X <= x) = p of Snedecor's F (P(X > x) = p with `tail: 'upper'`), 0..Infinity. */
export function fQuantile(p: number, d1: number, d2: number, options: TailOptions = {}): number {
  checkProbability('p', p);
  checkPositive('d1', d1);
  checkPositive('d2', d2);
  const { lower, upper } = bothTails(p, options);
  if (lower === 0) return 0;
  if (upper === 0) return Infinity;
  const { x, y } = betaQuantileTails(lower, upper, d1 / 2, d2 / 2);
  return (x / y) * (d2 / d1);
}

/** P(X = k) of a binomial, by Loader's saddle point (2000); 0 for k outside 0..n. */
export function binomialPmf(k: number, n: number, p: number): number {
  checkCount('n', n);
  checkProbability('p', p);
  return Number.isInteger(k) && k >= 0 && k <= n ? binomialTerm(k, n, p, 1 - p) : 0;
}

/** P(X <= k) of a binomial, by the incomplete beta function: any n, far tails included. */
export function binomialCdf(k: number, n: number, p: number): number {
  return binomialTails(k, n, p).atMost;
}

/** P(X > k) of a binomial. */
export function binomialSurvival(k: number, n: number, p: number): number {
  return binomialTails(k, n, p).above;
}

/** Smallest whole k with P(X <= k) >= q of a binomial, within a few units of the last digit of q. */
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

function binomialTails(k: number, n: number, p: number): { atMost: number; above: number } {
  checkCount('n', n);
  checkProbability('p', p);
  checkNumber('k', k);
  const whole = Math.floor(k);
  if (whole < 0) return { atMost: 0, above: 1 };
  if (whole >= n) return { atMost: 1, above: 0 };
  const { lower, upper } = incompleteBetaTails(whole + 1, n - whole, p, 1 - p);
  return { atMost: upper, above: lower };
}

/** `lower` is P(|T| > x), `upper` P(|T| <= x). */
function tTails(x: number, df: number): { lower: number; upper: number } {
  const share = (x / df) * x;
  return incompleteBetaTails(df / 2, 0.5, 1 / (1 + share), share / (1 + share));
}

/** P(0 < T <= x). */
function tBetween(x: number, df: number): number {
  return x > 1e100 ? 0.5 - tSurvival(x, df) : 0.5 * tTails(x, df).upper;
}

function betaTails(x: number, a: number, b: number): { lower: number; upper: number } {
  checkPositive('a', a);
  checkPositive('b', b);
  checkNumber('x', x);
  if (x <= 0) return { lower: 0, upper: 1 };
  return x >= 1 ? { lower: 1, upper: 0 } : incompleteBetaTails(a, b, x, 1 - x);
}

function fTails(x: number, d1: number, d2: number): { lower: number; upper: number } {
  checkPositive('d1', d1);
  checkPositive('d2', d2);
  checkNumber('x', x);
  if (x <= 0) return { lower: 0, upper: 1 };
  const odds = (d1 / d2) * x;
  return odds === Infinity ? { lower: 1, upper: 0 } : incompleteBetaTails(d1 / 2, d2 / 2, odds / (1 + odds), 1 / (1 + odds));
}

/** About the least double with all its digits. */
const leastNormal = 1e-307;

/** Solved in log odds, where neither end of (0, 1) loses digits. */
function betaQuantileTails(p: number, q: number, a: number, b: number): { x: number; y: number } {
  // Small parameters have quantiles nearer to 0 or 1 than a double is.
  if (a < 1 && incompleteBetaTails(a, b, leastNormal, 1).lower >= p) return { x: 0, y: 1 };
  if (b < 1 && incompleteBetaTails(a, b, 1, leastNormal).upper >= q) return { x: 1, y: 0 };
  const at = (u: number): { x: number; y: number } => ({ x: 1 / (1 + Math.exp(-u)), y: 1 / (1 + Math.exp(u)) });
  const f = (u: number): number => {
    const { x, y } = at(u);
    const tails = incompleteBetaTails(a, b, x, y);
    return p < 0.5 ? Math.log(tails.lower / p) : -Math.log(tails.upper / q);
  };
  return at(solveIncreasing(f, Math.log(a / b), 1 / (1 + Math.sqrt((a * b) / (a + b)))));
}

function bothTails(p: number, options: TailOptions): { lower: number; upper: number } {
  return checkTail(options) === 'upper' ? { lower: 1 - p, upper: p } : { lower: p, upper: 1 - p };
}

function checkTail({ tail = 'lower' }: TailOptions): 'lower' | 'upper' {
  return checkOneOf('tail', tail, ['lower', 'upper']);
}

function checkNumber(name: string, value: number): void {
  if (Number.isNaN(value)) throw new RangeError(`${name} must be a number, got NaN`);
}
