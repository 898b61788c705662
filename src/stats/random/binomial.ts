import type { Generator } from './generator';
import { portableExp, portableLog } from './portable';

/** An exact binomial draw: inversion below n·p = 10, Hörmann's transformed rejection (BTRS) above. */
export function binomial(generator: Generator, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - (n * (1 - p) < 10 ? inversion(generator, n, 1 - p) : transformedRejection(generator, n, 1 - p));
  return n * p < 10 ? inversion(generator, n, p) : transformedRejection(generator, n, p);
}

function inversion(generator: Generator, n: number, p: number): number {
  const q = 1 - p;
  const odds = p / q;
  const start = portableExp(n * portableLog(q));
  // Beyond this the remaining mass is under 1e-18: rounding could walk on for ever.
  const most = Math.min(n, 110);
  for (;;) {
    let term = start;
    let u = generator.uniform();
    let k = 0;
    while (u > term) {
      u -= term;
      k++;
      if (k > most) break;
      term *= ((n - k + 1) / k) * odds;
    }
    if (k <= most) return k;
  }
}

/** W. Hörmann (1993), The generation of binomial random variates. */
function transformedRejection(generator: Generator, n: number, p: number): number {
  const q = 1 - p;
  const spread = Math.sqrt(n * p * q);
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const c = n * p + 0.5;
  const vr = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * spread;
  const mode = Math.floor((n + 1) * p);
  for (;;) {
    const u = generator.uniform() - 0.5;
    let v = generator.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + c);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || k > n) continue;
    v = portableLog((v * alpha) / (a / (us * us) + b));
    const bound =
      (mode + 0.5) * portableLog((mode + 1) / ((p / q) * (n - mode + 1))) +
      (n + 1) * portableLog((n - mode + 1) / (n - k + 1)) +
      (k + 0.5) * portableLog(((p / q) * (n - k + 1)) / (k + 1)) +
      correction(mode) +
      correction(n - mode) -
      correction(k) -
      correction(n - k);
    if (v <= bound) return k;
  }
}

/** log k! less Stirling's formula about k + 1. */
function correction(k: number): number {
  if (k < correctionTable.length) return correctionTable[k]!;
  const next = k + 1;
  const square = next * next;
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / next;
}

const correctionTable = [
  0.08106146679532726, 0.04134069595540929, 0.02767792568499834, 0.02079067210376509, 0.01664469118982119, 0.01387612882307075,
  0.01189670994589177, 0.01041126526197209, 0.009255462182712733, 0.008330563433362871,
];
