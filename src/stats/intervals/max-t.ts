import { checkCount, checkOpenProbability, checkProbability } from '../arguments';
import { Generator } from '../random/generator';
import { portableLog } from '../random/portable';
import { chiSquareQuantile, tQuantile } from '../special/distributions';
import { normalCdf, normalQuantile } from '../special/normal';

// Local names: looked up for every draw.
const { abs, floor, max, min, sqrt } = Math;

/** The joint law of several t statistics under equality, on the scale of their own two-sided p values. */
export interface MaxT {
  /** The matrix drawn from: the one given, its off-diagonal shrunk towards 0 where it was not positive semidefinite. */
  correlation: number[][];
  /** Confidence of each interval so that all hold at once with `familywise`: between Bonferroni's and `familywise` itself. */
  confidence: (familywise: number) => number;
  /** P(the smallest p of the family is at most `pValue`): between `pValue` and Bonferroni's. Single step (Westfall & Young 1993, 2.3). */
  adjust: (pValue: number) => number;
}

/**
 * max |T| over comparisons that share a control (Dunnett 1955; Hothorn, Bretz & Westfall 2008), by simulation from a fixed stream. Numerators are
 * normal with the given correlation; a denominator is a chi-square over its degrees of freedom (infinite: the normal law), and two
 * denominators correlate as sample variances do, by the square of the numerators' correlation. Each comparison keeps its own degrees of
 * freedom, so the family is balanced: all have the same confidence. Default 100,000 draws: a familywise level of 5 % within 0.15 points.
 */
export function maxT(
  correlation: readonly (readonly number[])[],
  options: { df?: ArrayLike<number>; draws?: number; seed?: number } = {},
): MaxT {
  const m = checkCount('correlation.length', correlation.length, 1);
  const draws = checkCount('draws', options.draws ?? 100_000, 1000);
  const df = Float64Array.from(options.df ?? new Float64Array(m).fill(Infinity));
  if (df.length !== m) throw new RangeError(`df must have one value a comparison, got ${df.length} for ${m}`);
  df.forEach((value, j) => {
    if (!(value > 0)) throw new RangeError(`df[${j}] must be positive, got ${value}`);
  });
  const mended = semidefinite(checkCorrelation(correlation));
  // One comparison is its own family: nothing to draw.
  if (m === 1)
    return {
      correlation: mended,
      confidence: (level) => checkOpenProbability('familywise', level),
      adjust: (p) => checkProbability('pValue', p),
    };
  const absolute = absoluteDraws(mended, df, draws, options.seed ?? 1);
  const bounds = (pValue: number): Float64Array => df.map((of) => critical(pValue, of));
  return {
    correlation: mended,
    confidence: (familywise) => {
      const alpha = 1 - checkOpenProbability('familywise', familywise);
      let [low, high] = [alpha / m, alpha];
      // Only these can exceed at a smaller p.
      const extreme = exceeding(absolute, m, bounds(alpha));
      for (let step = 0; step < 20; step++) {
        const middle = (low + high) / 2;
        if (exceeding(extreme, m, bounds(middle)).length <= alpha * draws * m) low = middle;
        else high = middle;
      }
      return 1 - low;
    },
    adjust: (pValue) => {
      checkProbability('pValue', pValue);
      if (pValue === 0 || pValue === 1) return pValue;
      // One draw more than counted: far in the tail, where none is, the bound is Bonferroni's.
      const counted = (exceeding(absolute, m, bounds(pValue)).length / m + 1) / (draws + 1);
      return Math.min(1, m * pValue, Math.max(pValue, counted));
    },
  };
}

function checkCorrelation(correlation: readonly (readonly number[])[]): number[][] {
  const m = correlation.length;
  return correlation.map((row, j) => {
    if (row.length !== m) throw new RangeError(`correlation[${j}] must have ${m} values, got ${row.length}`);
    return row.map((value, k) => {
      if (!(Math.abs(value) <= 1 + 1e-9)) throw new RangeError(`correlation[${j}][${k}] must be between -1 and 1, got ${value}`);
      if (Math.abs(value - correlation[k]![j]!) > 1e-9) throw new RangeError(`correlation must be symmetric, got ${value} at [${j}][${k}]`);
      return j === k ? 1 : Math.min(1, Math.max(-1, value));
    });
  });
}

/** The largest multiple of the off-diagonal, at most 1, that leaves the matrix positive semidefinite: less correlation is wider, never narrower. */
function semidefinite(matrix: number[][]): number[][] {
  const shrunk = (factor: number): number[][] => matrix.map((row, j) => row.map((value, k) => (j === k ? 1 : factor * value)));
  if (cholesky(matrix) !== null) return matrix;
  let [low, high] = [0, 1];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (cholesky(shrunk(middle)) === null) high = middle;
    else low = middle;
  }
  return shrunk(low);
}

/** Lower factor of a positive semidefinite matrix, null of any other; a pivot of 0 has a column of zeros. */
function cholesky(matrix: readonly (readonly number[])[]): Float64Array[] | null {
  const m = matrix.length;
  const factor = matrix.map(() => new Float64Array(m));
  for (let j = 0; j < m; j++) {
    let pivot = matrix[j]![j]!;
    for (let i = 0; i < j; i++) pivot -= factor[j]![i]! ** 2;
    if (pivot < -1e-9) return null;
    const root = pivot > 1e-12 ? Math.sqrt(pivot) : 0;
    factor[j]![j] = root;
    for (let k = j + 1; k < m; k++) {
      let rest = matrix[k]![j]!;
      for (let i = 0; i < j; i++) rest -= factor[k]![i]! * factor[j]![i]!;
      if (root === 0 && Math.abs(rest) > 1e-5) return null;
      factor[k]![j] = root === 0 ? 0 : rest / root;
    }
  }
  return factor;
}

/** |T| of each draw and comparison, row-major. */
function absoluteDraws(correlation: number[][], df: Float64Array, draws: number, seed: number): Float64Array {
  const m = df.length;
  const numerator = cholesky(correlation)!;
  // Correlations squared one by one are a matrix of correlations again (Schur).
  const denominator = cholesky(correlation.map((row) => row.map((value) => value * value)))!;
  const tables = new Map([...new Set(df)].map((of) => [of, rootTable(of)]));
  const roots = Array.from(df, (of) => tables.get(of)!);
  const exact = df.every((of) => of === Infinity);
  const generator = new Generator(seed);
  const normals = new Float64Array(exact ? m : 2 * m);
  const absolute = new Float64Array(draws * m);
  for (let draw = 0; draw < draws; draw++) {
    fillNormals(normals, generator);
    for (let j = 0; j < m; j++) {
      let [top, below] = [0, 0];
      const ofTop = numerator[j]!;
      const ofBelow = denominator[j]!;
      for (let i = 0; i <= j; i++) {
        top += ofTop[i]! * normals[i]!;
        if (!exact) below += ofBelow[i]! * normals[m + i]!;
      }
      absolute[draw * m + j] = abs(top) / (exact ? 1 : interpolate(roots[j]!, below));
    }
  }
  return absolute;
}

const tableEnd = 6;
const tableSteps = 96;

/** sqrt(chi-square / df) at the normal's quantiles -6 to 6, nearly a straight line (Fisher). */
function rootTable(df: number): Float64Array {
  if (df > 1e7) return new Float64Array(tableSteps + 1).fill(1);
  return Float64Array.from({ length: tableSteps + 1 }, (_, i) => {
    const p = normalCdf((2 * tableEnd * i) / tableSteps - tableEnd);
    return sqrt(chiSquareQuantile(p, df) / df);
  });
}

function interpolate(table: Float64Array, z: number): number {
  const place = min(tableSteps - 1e-9, max(0, ((z + tableEnd) * tableSteps) / (2 * tableEnd)));
  const i = floor(place);
  return table[i]! + (place - i) * (table[i + 1]! - table[i]!);
}

/** Marsaglia's polar method on the portable logarithm, so that the draws are the same in every engine. */
function fillNormals(values: Float64Array, generator: Generator): void {
  for (let i = 0; i < values.length; ) {
    const x = 2 * generator.uniform() - 1;
    const y = 2 * generator.uniform() - 1;
    const square = x * x + y * y;
    if (square >= 1 || square === 0) continue;
    const scale = sqrt((-2 * portableLog(square)) / square);
    values[i++] = x * scale;
    if (i < values.length) values[i++] = y * scale;
  }
}

function critical(pValue: number, df: number): number {
  // The lower tail, so that a tiny p loses no digits.
  return -(df === Infinity ? normalQuantile(pValue / 2) : tQuantile(pValue / 2, df));
}

/** The draws of which at least one comparison reaches its bound. */
function exceeding(absolute: Float64Array, m: number, bounds: Float64Array): Float64Array {
  const kept = new Float64Array(absolute.length);
  let length = 0;
  for (let start = 0; start < absolute.length; start += m) {
    let reached = false;
    for (let j = 0; j < m && !reached; j++) reached = absolute[start + j]! >= bounds[j]!;
    if (!reached) continue;
    for (let j = 0; j < m; j++) kept[length + j] = absolute[start + j]!;
    length += m;
  }
  return kept.subarray(0, length);
}
