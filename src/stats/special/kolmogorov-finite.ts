import { binomialTerm } from './beta';
import { kolmogorovSurvival } from './kolmogorov';

/**
 * P(D_n > d) of Kolmogorov's statistic of n values, by Simard & L'Ecuyer's choice (2011): twice Smirnov's one-sided law in the tail, Durbin's
 * matrix (Marsaglia, Tsang & Wang 2003) for few values, else Pelz & Good's series (1976), which is good to about 5 digits at n = 140 and
 * better beyond.
 */
export function kolmogorovSurvivalOf(n: number, d: number): number {
  if (d >= 1) return 0;
  if (n * d <= 0.5) return 1;
  const square = n * d * d;
  if (square >= 370) return 0;
  if (d >= 0.5 || square >= (n <= 140 ? 4 : 2.2)) return Math.min(1, 2 * smirnovSurvival(n, d));
  if (n <= 140 || (n <= 100_000 && n * d ** 1.5 <= 1.4)) return Math.max(0, 1 - durbinMatrix(n, d));
  return Math.min(1, Math.max(0, kolmogorovSurvival(Math.sqrt(n) * d) - pelzGood(n, d)));
}

/**
 * P(D_n+ > d): d Σ C(n, j) (d + j/n)^(j - 1) (1 - d - j/n)^(n - j), all terms positive, from the largest ones in the middle outwards. Of many
 * values some 4,000 terms stand for all: they are smooth in j and vanish with all derivatives at both ends, where such a sum is as exact.
 */
function smirnovSurvival(n: number, d: number): number {
  const stride = Math.max(1, Math.floor(n / 4000));
  const middle = Math.floor((n * (1 - d)) / 2);
  let sum = 0;
  for (const step of [stride, -stride])
    for (let j = step > 0 ? middle : middle + step; j >= 0 && j < n * (1 - d); j += step) {
      const p = d + j / n;
      const term = binomialTerm(j, n, p, (n - j) / n - d) / p;
      sum += term;
      if (term * n < 1e-17 * sum) break;
    }
  return d * sum * stride;
}

/** What Pelz and Good add to the limit law's distribution function: K1/√n + K2/n + K3/n^1.5. */
function pelzGood(n: number, d: number): number {
  const z = Math.sqrt(n) * d;
  const z2 = z * z;
  const z4 = z2 * z2;
  const z6 = z4 * z2;
  const pi2 = Math.PI ** 2;
  const root = Math.sqrt(2 * Math.PI);
  let [k1, k2, k3, even2, even3] = [0, 0, 0, 0, 0];
  for (let k = Math.ceil((16 * z) / Math.PI); k >= 1; k--) {
    const m2 = (2 * k - 1) ** 2;
    const weight = Math.exp((-pi2 * m2) / (8 * z2));
    k1 += weight * (-z2 + (pi2 / 4) * m2);
    k2 += weight * (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * (pi2 / 4) * m2 + (pi2 ** 2 / 16) * (1 - 2 * z2) * m2 * m2);
    k3 +=
      weight *
      (-30 * z6 -
        90 * z4 * z4 +
        (pi2 / 4) * (135 * z4 - 96 * z6) * m2 +
        (pi2 ** 2 / 16) * (212 * z4 - 60 * z2) * m2 * m2 +
        (pi2 ** 3 / 64) * (5 - 30 * z2) * m2 ** 3);
    const evenWeight = k * k * Math.exp((-pi2 * k * k) / (2 * z2));
    even2 += evenWeight;
    even3 += evenWeight * (3 * z2 - pi2 * k * k);
  }
  const first = (root * k1) / (6 * z4);
  const second = (root * k2) / (72 * z6 * z) - (pi2 * root * even2) / (36 * z2 * z);
  const third = (root * k3) / (6480 * z6 * z4) + (pi2 * root * even3) / (216 * z6);
  return first / Math.sqrt(n) + second / n + third / n ** 1.5;
}

/** P(D_n <= d) as the middle element of n! / n^n H^n. */
function durbinMatrix(n: number, d: number): number {
  const k = Math.floor(n * d) + 1;
  const m = 2 * k - 1;
  const h = k - n * d;
  const matrix = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j <= Math.min(m - 1, i + 1); j++) matrix[i * m + j] = 1;
  for (let i = 0; i < m; i++) {
    matrix[i * m]! -= h ** (i + 1);
    matrix[(m - 1) * m + i]! -= h ** (m - i);
  }
  if (2 * h > 1) matrix[(m - 1) * m]! += (2 * h - 1) ** m;
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++) for (let divisor = 2; divisor <= i - j + 1; divisor++) matrix[i * m + j]! /= divisor;
  const { values, exponent } = matrixPower({ values: matrix, exponent: 0 }, m, n);
  let result = values[(k - 1) * m + k - 1]!;
  let scale = exponent;
  for (let i = 1; i <= n; i++) {
    result *= i / n;
    if (result > 0 && result < 1e-140) {
      result *= 1e140;
      scale -= 140;
    }
  }
  return result * 10 ** scale;
}

/** A matrix times 10^exponent, so that powers do not overflow. */
interface Scaled {
  values: Float64Array;
  exponent: number;
}

function matrixPower(base: Scaled, m: number, n: number): Scaled {
  if (n === 1) return base;
  const half = matrixPower(base, m, Math.floor(n / 2));
  const square = { values: product(half.values, half.values, m), exponent: 2 * half.exponent };
  const whole = n % 2 === 0 ? square : { values: product(base.values, square.values, m), exponent: base.exponent + square.exponent };
  const middle = ((m - 1) / 2) * (m + 1);
  return whole.values[middle]! > 1e140 ? { values: whole.values.map((value) => value * 1e-140), exponent: whole.exponent + 140 } : whole;
}

function product(a: Float64Array, b: Float64Array, m: number): Float64Array {
  const result = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let k = 0; k < m; k++) {
      const factor = a[i * m + k]!;
      if (factor !== 0) for (let j = 0; j < m; j++) result[i * m + j]! += factor * b[k * m + j]!;
    }
  return result;
}
