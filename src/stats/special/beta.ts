import { devianceOfGap, logGamma, logGammaOnePlus, logGammaStep, stirlingError } from './gamma';

/**
 * Regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1: the distribution function of a beta(a, b). Power series,
 * else the continued fraction of DiDonato & Morris (1992, algorithm 708), the front factor by Loader's saddle point (2000). For a tail
 * near 1 take `betaSurvival`, which keeps the digits of 1 - I.
 */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (!(x >= 0 && x <= 1)) throw new RangeError(`incompleteBeta needs 0 <= x <= 1, got ${x}`);
  return incompleteBetaTails(a, b, x, 1 - x).lower;
}

/** I_x(a, b) and its complement, each precise in its own tail; y = 1 - x is given so that neither loses digits. */
export function incompleteBetaTails(a: number, b: number, x: number, y: number): { lower: number; upper: number } {
  if (!(a > 0 && a < Infinity && b > 0 && b < Infinity))
    throw new RangeError(`incompleteBeta needs finite a > 0 and b > 0, got a = ${a}, b = ${b}`);
  if (Number.isNaN(x) || Number.isNaN(y)) throw new RangeError(`incompleteBeta needs 0 <= x <= 1, got ${x}`);
  if (x <= 0) return { lower: 0, upper: 1 };
  if (y <= 0) return { lower: 1, upper: 0 };
  if (x <= (a + 1) / (a + b + 2)) {
    const lower = tail(a, b, x, y);
    return { lower, upper: complement(lower, a, b, x) };
  }
  const upper = tail(b, a, y, x);
  return { lower: complement(upper, b, a, y), upper };
}

/** Γ(n + 1) / (Γ(k + 1) Γ(n - k + 1)) p^k q^(n - k) for real k and n, by the saddle point. */
export function binomialTerm(k: number, n: number, p: number, q: number): number {
  const rest = n - k;
  if (p === 0) return k === 0 ? 1 : 0;
  if (q === 0) return rest === 0 ? 1 : 0;
  if (k === 0) return Math.exp(p < 0.1 ? n * Math.log1p(-p) : n * Math.log(q));
  if (rest === 0) return Math.exp(q < 0.1 ? n * Math.log1p(-q) : n * Math.log(p));
  if (k < 0 || rest < 0) return 0;
  return saddlePoint(k, rest, p, q);
}

export function logBeta(a: number, b: number): number {
  const [small, large] = a < b ? [a, b] : [b, a];
  return logGamma(small) - logGammaStep(large, small);
}

/** The weight of k against `rest`, whose sum n is taken with its rounding. */
function saddlePoint(k: number, rest: number, p: number, q: number): number {
  const n = k + rest;
  const gap = gapOfMean(k, rest, p, q);
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(rest) - devianceOfGap(k, n * p, gap) - devianceOfGap(rest, n * q, -gap);
  // √(n / (k·rest)) in two steps: the product may overflow.
  return Math.exp(exponent) * Math.sqrt(n / k / (2 * Math.PI) / rest);
}

/** k - (k + rest) p, from the smaller of p and q and without a rounding of the product, which would be as large as the gap where n is 1e8. */
function gapOfMean(k: number, rest: number, p: number, q: number): number {
  const n = k + rest;
  const virtual = n - k;
  const lost = k - (n - virtual) + (rest - virtual);
  const share = p <= q ? p : q;
  const product = n * share;
  const rounded = productError(n, share, product) + lost * share;
  return p <= q ? k - product - rounded : product - rest + rounded;
}

/** a·b - product, exactly (Dekker 1971). */
function productError(a: number, b: number, product: number): number {
  const [ofA, ofB] = [134217729 * a, 134217729 * b];
  const aHigh = ofA - (ofA - a);
  const bHigh = ofB - (ofB - b);
  const [aLow, bLow] = [a - aHigh, b - bHigh];
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function tail(a: number, b: number, x: number, y: number): number {
  if (b * x <= 1 && x <= 0.9) return Math.exp(a * Math.log(x) - logBetaTimes(a, b)) * (1 + a * seriesSum(a, b, x));
  return front(a, b, x, y) / fraction(a, b, x, y);
}

/** 1 - I where that is small: with a below 1 nearly all mass can lie under the mean. */
function complement(direct: number, a: number, b: number, x: number): number {
  if (direct < 0.75 || a >= 1) return 1 - direct;
  const logFactor = a * Math.log(x) - logBetaTimes(a, b);
  return Math.max(0, -Math.expm1(logFactor) - Math.exp(logFactor) * a * seriesSum(a, b, x));
}

/** log(a B(a, b)), in proportion to a where a is small. */
function logBetaTimes(a: number, b: number): number {
  if (a <= b) return logGammaOnePlus(a) - logGammaStep(b, a);
  return logGamma(b) - logGammaStep(a, b) + Math.log(a);
}

/** Σ (1 - b)...(n - b) x^n / (n! (a + n)): I = x^a / (a B(a, b)) · (1 + a Σ). */
function seriesSum(a: number, b: number, x: number): number {
  let term = 1;
  let sum = 0;
  for (let n = 1; n < 10000; n++) {
    term *= ((n - b) * x) / n;
    const next = sum + term / (a + n);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** x^a y^b / B(a, b). */
function front(a: number, b: number, x: number, y: number): number {
  if (a < 1 || b < 1) {
    // The saddle point has its own singularities below 1: step up by one where it does.
    const logY = x < 0.5 ? Math.log1p(-x) : Math.log(y);
    if (a + b < 40) return Math.exp(a * Math.log(x) + b * logY - logBeta(a, b));
    if (a < 1) return (front(a + 1, b, x, y) * a) / ((a + b) * x);
    return (front(a, b + 1, x, y) * b) / ((a + b) * y);
  }
  return (saddlePoint(a, b, x, y) * a * b) / (a + b);
}

/** DiDonato and Morris' continued fraction by Lentz; x^a y^b / B(a, b) over it is I. */
function fraction(a: number, b: number, x: number, y: number): number {
  const tiny = 1e-300;
  const above = gapOfMean(a, b, x, y) + 1;
  let f = (a * above) / (a + 1);
  if (f === 0) f = tiny;
  let c = f;
  let d = 0;
  for (let m = 1; m < 1e7; m++) {
    const low = a + 2 * m - 1;
    const top = ((a + m - 1) / low) * ((a + b + m - 1) / low) * m * (b - m) * x * x;
    const bottom = m + (m * (b - m) * x) / low + ((a + m) / (low + 2)) * (above + m * (1 + y));
    d = bottom + top * d;
    if (d === 0) d = tiny;
    c = bottom + top / c;
    if (c === 0) c = tiny;
    d = 1 / d;
    const delta = c * d;
    f *= delta;
    if (Math.abs(delta - 1) < 2.3e-16) break;
  }
  return f;
}
