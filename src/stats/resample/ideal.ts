import { checkOneOf, checkOpenProbability } from '../arguments';
import { normalCdf, normalQuantile } from '../special/normal';
import type { Interval } from '../types';
import { countCells } from './cells';
import { checkInput, type PairedBootstrapInput } from './input';
import { accelerationOf } from './interval';
import { cellColumns } from './label-metrics';

/** Probabilities of the law below this are what rounding left. */
const rounding = 1e-14;

export interface IdealBootstrap extends Interval {
  /** Arm 1 minus arm 0. */
  difference: number;
  /** Standard deviation of the difference over all n^n resamples. */
  standardError: number;
  /** Third central moment over the cubed standard deviation. */
  skewness: number;
  pValue: number;
  /** Law of the resampled difference: values from + step·i. Probabilities below 1e-14 are rounding. */
  law: { from: number; step: number; probabilities: Float64Array };
}

/**
 * The paired bootstrap of an accuracy difference with infinitely many resamples, in closed form: a resampled difference is the mean of n
 * independent draws of the rows' own differences, whose law is the n-th power of its characteristic function, inverted by a discrete Fourier
 * transform (Fisher and Hall 1991 for exact bootstrap laws). Two arms, one or more seeds each. Cost: 24 standard deviations of the sum of
 * differences, never n. Arms alike on every row: [0, 0] and p = 1.
 */
export function idealAccuracyBootstrap(
  input: Pick<PairedBootstrapInput, 'labels' | 'predictions' | 'classes'>,
  options: { confidence?: number; method?: 'bca' | 'percentile' | 'basic' } = {},
): IdealBootstrap {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const method = checkOneOf('method', options.method ?? 'bca', ['bca', 'percentile', 'basic']);
  const { counts, values, lattice } = rowDifferences(input);
  const n = input.labels.length;
  const moments = momentsOf(counts, values, n);
  const step = 1 / (n * lattice);
  const difference = moments.mean / lattice;
  const standardError = Math.sqrt(moments.variance / n) / lattice;
  const skewness = moments.variance === 0 ? 0 : moments.third / moments.variance ** 1.5 / Math.sqrt(n);
  if (moments.variance === 0) {
    const law = { from: difference, step, probabilities: Float64Array.of(1) };
    return { difference, low: difference, high: difference, standardError, skewness, pValue: difference === 0 ? 1 : 0, law };
  }
  const { first, probabilities } = lawOfSum(counts, values, n, moments);
  const cumulated = new Float64Array(probabilities.length);
  let sum = 0;
  for (let i = 0; i < cumulated.length; i++) cumulated[i] = sum += probabilities[i]!;
  // The sample's own difference is a value of the law, up to the rounding of its mean.
  const at = Math.round(moments.mean * n) - first;
  const zero = -first;
  const below = (i: number): number => (i <= 0 ? 0 : cumulated[Math.min(i, cumulated.length) - 1]!);
  const bias = method === 'bca' ? normalQuantile((below(at) + below(at + 1)) / 2) : 0;
  // Leaving out a row of value v moves the mean by (mean - v)/(n - 1).
  const acceleration =
    method === 'bca'
      ? accelerationOf(
          values.map((value) => (moments.mean * n - value) / (n - 1)),
          counts,
        )
      : 0;
  const level = (z: number): number => normalCdf(bias + (bias + z) / Math.max(1e-9, 1 - acceleration * (bias + z)));
  const valueAt = (p: number): number => (first + firstReaching(cumulated, p)) * step;
  const z = normalQuantile(0.5 + confidence / 2);
  const low = valueAt(level(-z));
  const high = valueAt(level(z));
  const mirrored = method === 'basic';
  const beyond = mirrored ? 2 * at - zero : zero;
  const reached = difference > 0 !== mirrored ? below(beyond + 1) : 1 - below(beyond);
  return {
    difference,
    low: mirrored ? 2 * difference - high : low,
    high: mirrored ? 2 * difference - low : high,
    standardError,
    skewness,
    pValue: difference === 0 ? 1 : Math.max(rounding, invertedP(reached, difference > 0, bias, acceleration)),
    law: { from: first * step, step, probabilities },
  };
}

/** Rows' differences in whole multiples of 1/lattice, counted. */
function rowDifferences(input: Pick<PairedBootstrapInput, 'labels' | 'predictions' | 'classes'>): {
  counts: Int32Array;
  values: Float64Array;
  lattice: number;
} {
  const checked = checkInput(input, 'accuracy');
  const arms = checked.arms as readonly (readonly Int32Array[])[];
  if (arms.length !== 2) throw new RangeError(`predictions must have 2 arms, got ${arms.length}`);
  const { counts, example } = countCells(checked.labels.length, cellColumns('accuracy', { ...checked, arms }));
  const [a, b] = [arms[0]!.length, arms[1]!.length];
  const lattice = (a * b) / greatestDivisor(a, b);
  const right = (arm: number, row: number): number => arms[arm]!.filter((predictions) => predictions[row] === checked.labels[row]).length;
  const values = Float64Array.from(example, (row) => (right(1, row) * lattice) / b - (right(0, row) * lattice) / a);
  return { counts, values, lattice };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

interface Moments {
  mean: number;
  variance: number;
  third: number;
}

function momentsOf(counts: Int32Array, values: Float64Array, n: number): Moments {
  let mean = 0;
  for (let c = 0; c < values.length; c++) mean += (counts[c]! * values[c]!) / n;
  let variance = 0;
  let third = 0;
  for (let c = 0; c < values.length; c++) {
    const gap = values[c]! - mean;
    variance += (counts[c]! / n) * gap * gap;
    third += (counts[c]! / n) * gap * gap * gap;
  }
  return { mean, variance, third };
}

/** Law of the sum of n independent draws, in a window outside of which there is less than rounding. */
function lawOfSum(
  counts: Int32Array,
  values: Float64Array,
  n: number,
  { mean, variance }: Moments,
): { first: number; probabilities: Float64Array } {
  const half = Math.ceil(12 * Math.sqrt(n * variance)) + 40 * (maximum(values) - minimum(values));
  let size = 2;
  while (size < 2 * half + 1) size *= 2;
  const first = Math.round(n * mean) - size / 2;
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const t = (2 * Math.PI * k) / size;
    let re = 0;
    let im = 0;
    for (let c = 0; c < values.length; c++) {
      re += (counts[c]! / n) * Math.cos(t * values[c]!);
      im += (counts[c]! / n) * Math.sin(t * values[c]!);
    }
    const magnitude = Math.exp(n * Math.log(Math.hypot(re, im)));
    const angle = n * Math.atan2(im, re) - t * first;
    real[k] = magnitude * Math.cos(angle);
    imaginary[k] = magnitude * Math.sin(angle);
  }
  transform(real, imaginary);
  return { first, probabilities: real.map((value) => Math.max(0, value / size)) };
}

/** Σ_k x_k e^(-2πi jk/n) in place, n a power of 2. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    swap(real, i, j);
    swap(imaginary, i, j);
  }
  for (let width = 2; width <= n; width *= 2) {
    const half = width / 2;
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos((2 * Math.PI * k) / width);
      const sine = -Math.sin((2 * Math.PI * k) / width);
      for (let i = k; i < n; i += width) {
        const re = real[i + half]! * cosine - imaginary[i + half]! * sine;
        const im = real[i + half]! * sine + imaginary[i + half]! * cosine;
        real[i + half] = real[i]! - re;
        imaginary[i + half] = imaginary[i]! - im;
        real[i]! += re;
        imaginary[i]! += im;
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const value = values[i]!;
  values[i] = values[j]!;
  values[j] = value;
}

function firstReaching(cumulated: Float64Array, p: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulated[middle]! >= p) high = middle;
    else low = middle + 1;
  }
  return low;
}

function invertedP(reached: number, positive: boolean, bias: number, acceleration: number): number {
  if (reached <= 0) return 0;
  const w = normalQuantile(Math.min(1, positive ? reached : 1 - reached)) - bias;
  const level = normalCdf(w / (1 + acceleration * w) - bias);
  return Math.min(1, 2 * (positive ? level : 1 - level));
}

function maximum(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, value));
}

function minimum(values: Float64Array): number {
  return values.reduce((least, value) => Math.min(least, value));
}
