import { checkCount, checkFinite, checkPositive } from '../arguments';
import { Generator } from '../random/generator';

export interface MmdOptions {
  /** Width σ of the kernel exp(-d² / (2 σ²)); default the median distance of the rows taken. */
  bandwidth?: number;
  /** Rows taken of each side at most, at random, default 1,000. */
  sample?: number;
  /** Default 499; 0 gives p = NaN. */
  permutations?: number;
  seed?: number;
}

export interface MmdResult {
  /** Unbiased MMD²; may be below 0. */
  statistic: number;
  pValue: number;
  bandwidth: number;
  rows: { reference: number; current: number };
}

/** One variable's values, or columns of equal length. */
export type MmdSample = ArrayLike<number> | readonly ArrayLike<number>[];

/**
 * Maximum mean discrepancy of two samples (Gretton et al. 2012): unbiased MMD² with a Gaussian kernel, p by permutation of the rows,
 * (1 + hits) / (1 + permutations), never 0. The columns should be of one scale. At least 2 rows a side; all rows alike: 0 and p = 1.
 */
export function mmd(reference: MmdSample, current: MmdSample, options: MmdOptions = {}): MmdResult {
  return ofColumns(columnsOf(reference), columnsOf(current), options);
}

function columnsOf(sample: MmdSample): readonly ArrayLike<number>[] {
  return typeof sample[0] === 'number' ? [sample as ArrayLike<number>] : (sample as readonly ArrayLike<number>[]);
}

function ofColumns(reference: readonly ArrayLike<number>[], current: readonly ArrayLike<number>[], options: MmdOptions): MmdResult {
  const most = checkCount('sample', options.sample ?? 1000, 2);
  const permutations = checkCount('permutations', options.permutations ?? 499);
  checkColumns('reference', reference);
  checkColumns('current', current);
  if (reference.length !== current.length)
    throw new RangeError(`reference and current must have the same columns, got ${reference.length} and ${current.length}`);
  const generator = new Generator(options.seed ?? 1);
  const a = taken(reference[0]!.length, most, generator);
  const b = taken(current[0]!.length, most, generator);
  const [n, m] = [a.length, b.length];
  const distances = squaredDistances(reference, current, a, b);
  const bandwidth = checkPositive('bandwidth', options.bandwidth ?? (medianDistance(distances, n + m) || 1));
  const kernel = distances;
  for (let i = 0; i < kernel.length; i++) kernel[i] = Math.exp(-kernel[i]! / (2 * bandwidth * bandwidth));
  const rowSums = rowSumsOf(kernel, n + m);
  const order = Int32Array.from({ length: n + m }, (_, i) => i);
  const statistic = unbiased(kernel, rowSums, order, n);
  let beyond = 0;
  for (let p = 0; p < permutations; p++) {
    // Which rows are the first n is all that counts.
    for (let i = 0; i < n; i++) {
      const j = i + generator.below(n + m - i);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    if (unbiased(kernel, rowSums, order, n) >= statistic - 1e-12) beyond++;
  }
  return { statistic, pValue: permutations === 0 ? NaN : (beyond + 1) / (permutations + 1), bandwidth, rows: { reference: n, current: m } };
}

function checkColumns(name: string, columns: readonly ArrayLike<number>[]): void {
  if (columns.length === 0) throw new RangeError(`${name} must have at least one column`);
  columns.forEach((column, i) => {
    checkFinite(`${name}[${i}]`, column, 2);
    if (column.length !== columns[0]!.length)
      throw new RangeError(`${name}[${i}] must have ${columns[0]!.length} rows, got ${column.length}`);
  });
}

/** All rows, or `most` of them at random. */
function taken(rows: number, most: number, generator: Generator): Int32Array {
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  if (rows <= most) return order;
  for (let i = 0; i < most; i++) {
    const j = i + generator.below(rows - i);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order.slice(0, most);
}

/** Row-major square matrix over the rows of both sides, reference first. */
function squaredDistances(
  reference: readonly ArrayLike<number>[],
  current: readonly ArrayLike<number>[],
  a: Int32Array,
  b: Int32Array,
): Float32Array {
  const size = a.length + b.length;
  const distances = new Float32Array(size * size);
  const values = new Float64Array(size);
  reference.forEach((column, c) => {
    const other = current[c]!;
    for (let i = 0; i < a.length; i++) values[i] = column[a[i]!]!;
    for (let i = 0; i < b.length; i++) values[a.length + i] = other[b[i]!]!;
    for (let i = 0; i < size; i++) {
      const value = values[i]!;
      const start = i * size;
      for (let j = 0; j < i; j++) {
        const gap = value - values[j]!;
        distances[start + j]! += gap * gap;
      }
    }
  });
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) distances[j * size + i] = distances[i * size + j]!;
  return distances;
}

function medianDistance(distances: Float32Array, size: number): number {
  const below = new Float32Array((size * (size - 1)) / 2);
  let at = 0;
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) below[at++] = distances[i * size + j]!;
  below.sort();
  const middle = below.length >> 1;
  const [low, high] = [below[(below.length - 1) >> 1]!, below[middle]!];
  return (Math.sqrt(low) + Math.sqrt(high)) / 2;
}

/** Without the diagonal. */
function rowSumsOf(kernel: Float32Array, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < size; j++) if (j !== i) sum += kernel[i * size + j]!;
    return sum;
  });
}

/** The pairs within the first n rows of the order and the row sums give all three means. */
function unbiased(kernel: Float32Array, rowSums: Float64Array, order: Int32Array, n: number): number {
  const size = rowSums.length;
  const m = size - n;
  const first = order.slice(0, n).sort();
  let [within, ofFirst, all] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const start = first[i]! * size;
    ofFirst += rowSums[first[i]!]!;
    for (let j = 0; j < i; j++) within += kernel[start + first[j]!]!;
  }
  for (let i = 0; i < size; i++) all += rowSums[i]!;
  const across = ofFirst - 2 * within;
  const withinOther = all / 2 - within - across;
  return (2 * within) / (n * (n - 1)) + (2 * withinOther) / (m * (m - 1)) - (2 * across) / (n * m);
}
