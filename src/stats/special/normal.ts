/** Complementary error function 2/√π ∫_x^∞ e^(-t²) dt, 0..2: series of positive terms below 1.5, Laplace's continued fraction above. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0) return 2 - erfc(-x);
  if (x < 1.5) return 1 - erfSeries(x);
  return x > 27.3 ? 0 : erfcFraction(x);
}

/** Density of the standard normal law. */
export function normalPdf(x: number): number {
  return expMinusSquare(x / Math.SQRT2) / Math.sqrt(2 * Math.PI);
}

/** P(Z <= x) of the standard normal law; full relative precision down to 1e-308. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x / Math.SQRT2);
}

/** P(Z > x) of the standard normal law; full relative precision down to 1e-308. */
export function normalSurvival(x: number): number {
  return normalCdf(-x);
}

/**
 * z at which P(Z <= z) = p, by Wichura's AS 241 (1988), about 16 digits for any p a double holds; -Infinity and Infinity at 0 and 1.
 * Of an upper tail take -normalQuantile(p), which keeps the digits of p.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`p must be between 0 and 1, got ${p}`);
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(centreTop, r)) / polynomial(centreBottom, r);
  }
  const tail = q < 0 ? p : 1 - p;
  let r = Math.sqrt(-Math.log(tail));
  let value: number;
  if (r <= 5) {
    r -= 1.6;
    value = polynomial(middleTop, r) / polynomial(middleBottom, r);
  } else {
    r -= 5;
    value = polynomial(farTop, r) / polynomial(farBottom, r);
  }
  return q < 0 ? -value : value;
}

/** 2/√π e^(-x²) Σ 2^n x^(2n+1) / (2n+1)!!: all terms positive. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Laplace's continued fraction from below, with enough terms for 1.5 and beyond. */
function erfcFraction(x: number): number {
  const terms = x > 6 ? 30 : x > 3 ? 60 : 220;
  let f = x;
  for (let n = terms; n >= 1; n--) f = x + n / 2 / f;
  return expMinusSquare(x) / Math.sqrt(Math.PI) / f;
}

/** e^(-x²) with the square split, so that the far tail keeps its digits. */
function expMinusSquare(x: number): number {
  const head = Math.fround(x);
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]!;
  return sum;
}

const centreTop = [
  3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125, 45921.953931549871457, 67265.770927008700853,
  33430.575583588128105, 2509.0809287301226727,
];
const centreBottom = [
  1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867, 39307.89580009271061, 28729.085735721942674,
  5226.495278852854561,
];
const middleTop = [
  1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504, 1.27045825245236838258,
  0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4,
];
const middleBottom = [
  1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459, 0.0151986665636164571966,
  5.475938084995344946e-4, 1.05075007164441684324e-9,
];
const farTop = [
  6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123, 0.026532189526576123093,
  0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
];
const farBottom = [
  1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4, 1.8463183175100546818e-5,
  1.4215117583164458887e-7, 2.04426310338993978564e-15,
];
