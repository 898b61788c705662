/**
 * log |Γ(x)|, natural logarithm, for any real x; Infinity at the poles 0, -1, -2, ... Taylor's series about 2 within [1.5, 2.5], recurrence
 * to it below 15, Stirling's series above; for x < 0 by reflection, where digits are lost beside the poles and zeros.
 */
export function logGamma(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x <= 0) {
    if (Number.isInteger(x)) return Infinity;
    return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  }
  if (x < 0.5) return logGammaAboutTwo(x) - Math.log1p(x) - Math.log(x);
  if (x < 1.5) return logGammaAboutTwo(x - 1) - Math.log1p(x - 1);
  if (x <= 2.5) return logGammaAboutTwo(x - 2);
  if (x < 15) {
    let product = 1;
    let reduced = x;
    while (reduced > 2.5) {
      reduced -= 1;
      product *= reduced;
    }
    return Math.log(product) + logGammaAboutTwo(reduced - 2);
  }
  return x === Infinity ? Infinity : (x - 0.5) * (Math.log(x) - 1) + halfLogTwoPi - 0.5 + stirlingSeries(x);
}

/** log Γ(1 + z) for z > -1/2, in proportion to z where that is small. */
export function logGammaOnePlus(z: number): number {
  return Math.abs(z) < 0.5 ? logGammaAboutTwo(z) - Math.log1p(z) : logGamma(1 + z);
}

/** log Γ(x + step) - log Γ(x) for x > 0 and step > 0, in proportion to the step where that is small. */
export function logGammaStep(x: number, step: number): number {
  let [shifted, below] = [x, 0];
  for (; shifted < 15; shifted++) below += Math.log1p(step / shifted);
  const end = shifted + step;
  const middle = shifted + step / 2;
  const r = 1 / (middle * middle);
  const series =
    step < 1e-4 * shifted ? -step * r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r / 240))) : stirlingSeries(end) - stirlingSeries(shifted);
  return (shifted - 0.5) * Math.log1p(step / shifted) + step * (Math.log(end) - 1) + series - below;
}

/** log Γ(x + 1) less Stirling's formula: what is left is small, so that binomial and Poisson terms keep their digits. */
export function stirlingError(x: number): number {
  if (x > 15) return stirlingSeries(x);
  return logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - halfLogTwoPi;
}

/** x·log(x/m) + m - x without cancellation where x is near m. */
export function deviance(x: number, m: number): number {
  return devianceOfGap(x, m, x - m);
}

/** The same with the gap x - m given, where it is known to more digits than x - m has. */
export function devianceOfGap(x: number, m: number, gap: number): number {
  if (Math.abs(gap) < 0.1 * (x + m)) {
    const v = gap / (x + m);
    let sum = gap * v;
    let term = 2 * x * v;
    for (let j = 1; j < 1000; j++) {
      term *= v * v;
      const next = sum + term / (2 * j + 1);
      if (next === sum) return next;
      sum = next;
    }
  }
  return x === 0 ? m : x * Math.log(x / m) - gap;
}

/** Poisson weight x^k e^-x / Γ(k + 1), for real k. */
export function poissonTerm(k: number, x: number): number {
  if (x === 0) return k === 0 ? 1 : 0;
  if (k === 0) return Math.exp(-x);
  if (k < 1e-3 * x || k < 1) return Math.exp(k * Math.log(x) - x - logGammaOnePlus(k));
  return Math.exp(-stirlingError(k) - deviance(k, x)) / Math.sqrt(2 * Math.PI * k);
}

/**
 * Regularised incomplete gamma functions, `lower` P(a, x) and `upper` Q(a, x), for a > 0 and x >= 0, each to full relative precision in its
 * own tail: series of positive terms below a + 1, Legendre's continued fraction above (Abramowitz & Stegun 6.5.29, 6.5.31), the Poisson
 * front factor by Loader's saddle point (2000).
 */
export function incompleteGamma(a: number, x: number): { lower: number; upper: number } {
  if (!(a > 0 && a < Infinity) || !(x >= 0)) throw new RangeError(`incompleteGamma needs finite a > 0 and x >= 0, got a = ${a}, x = ${x}`);
  if (x === 0) return { lower: 0, upper: 1 };
  if (x === Infinity) return { lower: 1, upper: 0 };
  if (x < a + 1) {
    const lower = poissonTerm(a, x) * lowerSeries(a, x);
    return { lower, upper: a < 1 && lower > 0.75 ? upperOfSmall(a, x) : 1 - lower };
  }
  const upper = poissonTerm(a, x) * a * upperFraction(a, x);
  return { lower: 1 - upper, upper };
}

const halfLogTwoPi = 0.9189385332046727418;

/** log Γ(2 + z) for |z| <= 1/2 and a little beyond: (1 - γ) z + Σ (-1)^k (ζ(k) - 1) z^k / k. */
function logGammaAboutTwo(z: number): number {
  let sum = 0;
  for (let k = zetaMinusOne.length - 1; k >= 2; k--) sum = sum * -z + zetaMinusOne[k]! / k;
  return z * (0.42278433509846713939 + z * sum);
}

/** ζ(k) - 1 for k = 2..60, by Euler-Maclaurin at 32. */
const zetaMinusOne: readonly number[] = Array.from({ length: 61 }, (_, k) => {
  if (k < 2) return 0;
  const n = 32;
  let sum = 0;
  const tail =
    n ** (1 - k) / (k - 1) +
    n ** -k / 2 +
    (k * n ** (-k - 1)) / 12 -
    (k * (k + 1) * (k + 2) * n ** (-k - 3)) / 720 +
    (k * (k + 1) * (k + 2) * (k + 3) * (k + 4) * n ** (-k - 5)) / 30240 -
    (k * (k + 1) * (k + 2) * (k + 3) * (k + 4) * (k + 5) * (k + 6) * n ** (-k - 7)) / 1209600;
  for (let i = n - 1; i >= 2; i--) sum += i ** -k;
  return sum + tail;
});

function stirlingSeries(x: number): number {
  const r = 1 / (x * x);
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360 - r / 156)))))) / x;
}

/** Σ x^n / ((a + 1)...(a + n)). */
function lowerSeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < 1e6; n++) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return sum;
}

/** 1 - P(a, x) for a below 1, where nearly all mass can lie near 0 and the difference would cancel. */
function upperOfSmall(a: number, x: number): number {
  // 1 - x^a/Γ(a+1) · (1 + a Σ (-x)^n / (n! (a+n)))
  let sum = 0;
  let term = 1;
  for (let n = 1; n < 100; n++) {
    term *= -x / n;
    const next = sum + term / (a + n);
    if (next === sum) break;
    sum = next;
  }
  const logFactor = a * Math.log(x) - logGammaOnePlus(a);
  return -Math.expm1(logFactor) - Math.exp(logFactor) * a * sum;
}

/** Lentz's continued fraction of Γ(a, x) e^x x^-a. */
function upperFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 1e6; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 2e-16) break;
  }
  return h;
}
