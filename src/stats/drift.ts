import { checkCount, checkFinite, checkOneOf, checkOpenProbability, checkSameLength, sortedCopy } from './arguments';
import { chiSquareSurvival } from './special/distributions';
import { quantileOfSorted } from './special/quantile';

export interface BinOptions {
  /** Default 10; quantile edges that coincide are merged. */
  bins?: number;
  /** Default equal-frequency. */
  strategy?: 'equal-width' | 'equal-frequency';
  /** Smallest share of a bin, default 1e-4. */
  floor?: number;
}

export interface PsiTest {
  psi: number;
  statistic: number;
  pValue: number;
  df: number;
}

/**
 * Population stability index Σ (q - p) ln(q / p) over bins of values (Lewis 1994), at least 0; bins from the reference, closed on the right, the
 * outer ones open; shares held at `floor` at least. What it is by chance alone falls with n: `psiTest` holds it against that.
 */
export function psi(reference: ArrayLike<number>, current: ArrayLike<number>, options: BinOptions = {}): number {
  return psiTest(reference, current, options).psi;
}

/** PSI with its test: PSI·n·m/(n + m) against chi-square with bins - 1 degrees of freedom (Yurdakul & Naranjo 2020). */
export function psiTest(reference: ArrayLike<number>, current: ArrayLike<number>, options: BinOptions = {}): PsiTest {
  const { a, b } = binned(reference, current, options);
  return psiCountsTest(a, b, options);
}

/** The same of counts of categories, paired by index. Categories empty on both sides do not count. */
export function psiCountsTest(reference: ArrayLike<number>, current: ArrayLike<number>, options: { floor?: number } = {}): PsiTest {
  const floor = checkOpenProbability('floor', options.floor ?? 1e-4);
  const { p, q, n, m } = shares(reference, current);
  let value = 0;
  let used = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] === 0 && q[i] === 0) continue;
    used++;
    const a = Math.max(floor, p[i]!);
    const b = Math.max(floor, q[i]!);
    value += (b - a) * Math.log(b / a);
  }
  const df = used - 1;
  const statistic = (value * n * m) / (n + m);
  return { psi: value, statistic, pValue: df < 1 ? 1 : chiSquareSurvival(statistic, df), df };
}

/** Jensen-Shannon distance of binned values: square root of the divergence (Lin 1991), natural logarithm as in scipy, 0..√(ln 2). `floor` is not used. */
export function jensenShannon(reference: ArrayLike<number>, current: ArrayLike<number>, options: BinOptions = {}): number {
  const { a, b } = binned(reference, current, options);
  return jensenShannonCounts(a, b);
}

/** The same of counts or shares of categories, paired by index. */
export function jensenShannonCounts(reference: ArrayLike<number>, current: ArrayLike<number>): number {
  const { p, q } = shares(reference, current);
  let divergence = 0;
  for (let i = 0; i < p.length; i++) {
    const middle = (p[i]! + q[i]!) / 2;
    if (p[i]! > 0) divergence += p[i]! * Math.log(p[i]! / middle);
    if (q[i]! > 0) divergence += q[i]! * Math.log(q[i]! / middle);
  }
  return Math.sqrt(Math.max(0, divergence) / 2);
}

/** Hellinger distance (1909) of binned values, √(Σ (√p - √q)² / 2), 0..1. */
export function hellinger(reference: ArrayLike<number>, current: ArrayLike<number>, options: BinOptions = {}): number {
  const { a, b } = binned(reference, current, options);
  return hellingerCounts(a, b);
}

/** The same of counts or shares of categories, paired by index. */
export function hellingerCounts(reference: ArrayLike<number>, current: ArrayLike<number>): number {
  const { p, q } = shares(reference, current);
  let squares = 0;
  for (let i = 0; i < p.length; i++) squares += (Math.sqrt(p[i]!) - Math.sqrt(q[i]!)) ** 2;
  return Math.sqrt(squares / 2);
}

/** The largest difference of the shares of a bin, 0..1. */
export function lInfinity(reference: ArrayLike<number>, current: ArrayLike<number>, options: BinOptions = {}): number {
  const { a, b } = binned(reference, current, options);
  return lInfinityCounts(a, b);
}

/** The same of counts or shares of categories, paired by index. */
export function lInfinityCounts(reference: ArrayLike<number>, current: ArrayLike<number>): number {
  const { p, q } = shares(reference, current);
  return p.reduce((largest, share, i) => Math.max(largest, Math.abs(share - q[i]!)), 0);
}

/** First Wasserstein distance of two samples: the area between their distribution functions, in the values' unit (scipy's `wasserstein_distance`). Not binned. */
export function wasserstein1(reference: ArrayLike<number>, current: ArrayLike<number>): number {
  checkFinite('reference', reference);
  checkFinite('current', current);
  const x = sortedCopy(reference);
  const y = sortedCopy(current);
  let [i, j, area] = [0, 0, 0];
  let last = Math.min(x[0]!, y[0]!);
  while (i < x.length || j < y.length) {
    const value = j >= y.length || (i < x.length && x[i]! <= y[j]!) ? x[i]! : y[j]!;
    area += Math.abs(i / x.length - j / y.length) * (value - last);
    last = value;
    while (i < x.length && x[i] === value) i++;
    while (j < y.length && y[j] === value) j++;
  }
  return area;
}

function binned(reference: ArrayLike<number>, current: ArrayLike<number>, options: BinOptions): { a: Float64Array; b: Float64Array } {
  const bins = checkCount('bins', options.bins ?? 10, 2);
  const strategy = checkOneOf('strategy', options.strategy ?? 'equal-frequency', ['equal-width', 'equal-frequency']);
  checkFinite('reference', reference);
  checkFinite('current', current);
  const sorted = sortedCopy(reference);
  const least = sorted[0]!;
  const width = sorted[sorted.length - 1]! - least;
  const edges: number[] = [];
  for (let k = 1; k < bins; k++) {
    const edge = strategy === 'equal-width' ? least + (width * k) / bins : quantileOfSorted(sorted, k / bins);
    if (edges.length === 0 || edge > edges[edges.length - 1]!) edges.push(edge);
  }
  return { a: histogram(reference, edges), b: histogram(current, edges) };
}

/** Bins are closed on the right: a value on an edge belongs to the bin below it. */
function histogram(values: ArrayLike<number>, edges: readonly number[]): Float64Array {
  const counts = new Float64Array(edges.length + 1);
  for (let i = 0; i < values.length; i++) {
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[i]! <= edges[middle]!) high = middle;
      else low = middle + 1;
    }
    counts[low]!++;
  }
  return counts;
}

function shares(reference: ArrayLike<number>, current: ArrayLike<number>): { p: Float64Array; q: Float64Array; n: number; m: number } {
  checkFinite('reference', reference);
  checkFinite('current', current);
  checkSameLength('reference', reference, 'current', current);
  const n = total('reference', reference);
  const m = total('current', current);
  return { p: Float64Array.from(reference, (count) => count / n), q: Float64Array.from(current, (count) => count / m), n, m };
}

function total(name: string, counts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i]! < 0) throw new RangeError(`${name}[${i}] must be at least 0, got ${counts[i]}`);
    sum += counts[i]!;
  }
  if (sum === 0) throw new RangeError(`${name} must have a count`);
  return sum;
}
