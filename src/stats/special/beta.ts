import { deviance, logGamma, stirlingError } from './gamma';

/** Regularised incomplete beta function I_x(a, b). */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (!(x >= 0 && x <= 1)) throw new RangeError(`incompleteBeta needs 0 <= x <= 1, got ${x}`);
  return incompleteBetaTails(a, b, x, 1 - x).lower;
}

/** I_x(a, b) and its complement, each precise in its own tail; y = 1 - x is given so that neither loses digits. */
export function incompleteBetaTails(a: number, b: number, x: number, y: number): { lower: number; upper: number } {
  if (!(a > 0) || !(b > 0)) throw new RangeError(`incompleteBeta needs a > 0 and b > 0, got a = ${a}, b = ${b}`);
  if (x <= 0) return { lower: 0, upper: 1 };
  if (y <= 0) return { lower: 1, upper: 0 };
  if (x <= (a + 1) / (a + b + 2)) {
    const lower = tail(a, b, x, y);
    return { lower, upper: 1 - lower };
  }
  const upper = tail(b, a, y, x);
  return { lower: 1 - upper, upper };
}

/** Γ(n + 1) / (Γ(k + 1) Γ(n - k + 1)) p^k q^(n - k) for real k and n, by the saddle point. */
export function binomialTerm(k: number, n: number, p: number, q: number): number {
  const rest = n - k;
  if (p === 0) return k === 0 ? 1 : 0;
  if (q === 0) return rest === 0 ? 1 : 0;
  if (k === 0) return Math.exp(p < 0.1 ? n * Math.log1p(-p) : n * Math.log(q));
  if (rest === 0) return Math.exp(q < 0.1 ? n * Math.log1p(-q) : n * Math.log(p));
  if (k < 0 || rest < 0) return 0;
  const exponent = stirlingError(n) - stirlingError(k) - stirlingError(rest) - deviance(k, n * p) - deviance(rest, n * q);
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * rest));
}

export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

function tail(a: number, b: number, x: number, y: number): number {
  if (b * x <= 1 && x <= 0.9) return powerSeries(a, b, x);
  return (front(a, b, x, y) / a) * fraction(a, b, x);
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
  return (binomialTerm(a, a + b, x, y) * a * b) / (a + b);
}

function powerSeries(a: number, b: number, x: number): number {
  let term = 1;
  let sum = 0;
  for (let n = 1; n < 10000; n++) {
    term *= ((n - b) * x) / n;
    const next = sum + term / (a + n);
    if (next === sum) break;
    sum = next;
  }
  // x^a / (a B(a, b)) · (1 + a Σ)
  return Math.exp(a * Math.log(x) - logBeta(a, b) - Math.log(a)) * (1 + a * sum);
}

/** Lentz's continued fraction, as in Didonato and Morris. */
function fraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  if (Math.abs(d) < tiny) d = tiny;
  d = 1 / d;
  let h = d;
  for (let m = 1; m < 1e6; m++) {
    const m2 = 2 * m;
    let an = (m * (b - m) * x) / ((a + m2 - 1) * (a + m2));
    d = 1 + an * d;
    if (Math.abs(d) < tiny) d = tiny;
    c = 1 + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    h *= d * c;
    an = (-(a + m) * (a + b + m) * x) / ((a + m2) * (a + m2 + 1));
    d = 1 + an * d;
    if (Math.abs(d) < tiny) d = tiny;
    c = 1 + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 2e-16) break;
  }
  return h;
}
