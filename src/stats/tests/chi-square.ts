import { checkFinite, checkOneOf, checkSameLength } from '../arguments';
import { chiSquareSurvival } from '../special/distributions';
import { type Alternative, alternatives, type TestResult } from '../types';

/**
 * Pearson's chi-square (1900) against expected counts (equal ones by default), which must be positive and have the same total; k - 1
 * degrees of freedom. Against counts that are a sample themselves it raises false alarms: compare two samples by `chiSquareContingency`.
 */
export function chiSquareGoodnessOfFit(observed: ArrayLike<number>, expected?: ArrayLike<number>): TestResult & { df: number } {
  checkFinite('observed', observed, 2);
  const total = sum(observed);
  const wanted = expected ?? new Float64Array(observed.length).fill(total / observed.length);
  checkFinite('expected', wanted, 2);
  checkSameLength('observed', observed, 'expected', wanted);
  const wantedTotal = sum(wanted);
  if (Math.abs(wantedTotal - total) > 1e-8 * Math.max(total, wantedTotal))
    throw new RangeError(`expected must have the total of observed, ${total}, got ${wantedTotal}`);
  let statistic = 0;
  for (let i = 0; i < observed.length; i++) {
    const e = wanted[i]!;
    if (!(e > 0)) throw new RangeError(`expected[${i}] must be positive, got ${e}`);
    statistic += (observed[i]! - e) ** 2 / e;
  }
  const df = observed.length - 1;
  return { statistic, pValue: chiSquareSurvival(statistic, df), df };
}

/**
 * Pearson's test of independence in a table of counts, (r - 1)(c - 1) degrees of freedom; Yates' correction (1934) for 2 x 2 unless
 * `correction` is false. Cramér's V (1946), 0..1, is the size, without the correction. Every row and column needs a count; a table of one
 * row or column has p = 1.
 */
export function chiSquareContingency(
  table: readonly ArrayLike<number>[],
  options: { correction?: boolean } = {},
): TestResult & { df: number; expected: number[][]; cramersV: number } {
  const { rows, columns, total } = margins(table);
  const df = (rows.length - 1) * (columns.length - 1);
  const correct = df === 1 && (options.correction ?? true);
  let statistic = 0;
  let plain = 0;
  const expected = rows.map((row, i) =>
    columns.map((column, j) => {
      const e = (row * column) / total;
      const gap = Math.abs(table[i]![j]! - e);
      statistic += (gap - (correct ? Math.min(0.5, gap) : 0)) ** 2 / e;
      plain += (gap * gap) / e;
      return e;
    }),
  );
  const least = Math.min(rows.length, columns.length) - 1;
  const cramersV = least === 0 ? 0 : Math.sqrt(plain / (total * least));
  return { statistic, pValue: df === 0 ? 1 : chiSquareSurvival(statistic, df), df, expected, cramersV };
}

/** The same by the likelihood ratio, G = 2 Σ observed ln(observed / expected) (Wilks 1938), without a correction; empty cells add 0. */
export function gTest(table: readonly ArrayLike<number>[]): TestResult & { df: number; expected: number[][]; cramersV: number } {
  const { df, expected, cramersV } = chiSquareContingency(table, { correction: false });
  let half = 0;
  expected.forEach((row, i) =>
    row.forEach((e, j) => {
      const observed = table[i]![j]!;
      if (observed > 0) half += observed * Math.log(observed / e);
    }),
  );
  const statistic = Math.max(0, 2 * half);
  return { statistic, pValue: df === 0 ? 1 : chiSquareSurvival(statistic, df), df, expected, cramersV };
}

/**
 * Fisher's exact test (1922) of a 2 x 2 table of whole counts, margins fixed; two-sided sums the tables no more likely than the one seen
 * (within 1e-7, as R). The statistic is the sample odds ratio ad/bc: Infinity where bc = 0, NaN where ad is 0 too. Cost and memory go with
 * the smallest margin.
 */
export function fisherExact(table: readonly ArrayLike<number>[], options: { alternative?: Alternative } = {}): TestResult {
  const alternative = checkOneOf('alternative', options.alternative ?? 'two-sided', alternatives);
  const [a, b, c, d] = cells2x2('table', table);
  const statistic = b * c === 0 ? (a * d === 0 ? NaN : Infinity) : (a * d) / (b * c);
  const low = Math.max(0, a + c - (c + d));
  const high = Math.min(a + b, a + c);
  const weights = hypergeometricWeights(low, high, a + b, a + c, a + b + c + d);
  const observed = weights[a - low]!;
  let total = 0;
  let chosen = 0;
  for (let k = low; k <= high; k++) {
    const weight = weights[k - low]!;
    total += weight;
    const counts = alternative === 'less' ? k <= a : alternative === 'greater' ? k >= a : weight <= observed * (1 + 1e-7);
    if (counts) chosen += weight;
  }
  return { statistic, pValue: Math.min(1, chosen / total) };
}

/** The four cells of a 2 x 2 table of whole counts. */
export function cells2x2(name: string, table: readonly ArrayLike<number>[]): [number, number, number, number] {
  if (table.length !== 2 || table[0]!.length !== 2 || table[1]!.length !== 2) throw new RangeError(`${name} must be 2 x 2`);
  const cells: [number, number, number, number] = [table[0]![0]!, table[0]![1]!, table[1]![0]!, table[1]![1]!];
  for (const cell of cells)
    if (!Number.isSafeInteger(cell) || cell < 0) throw new RangeError(`${name} must hold whole counts of at least 0, got ${cell}`);
  return cells;
}

/** Probabilities up to a common factor, by recurrence from the mode. */
function hypergeometricWeights(low: number, high: number, draws: number, marked: number, total: number): Float64Array {
  const weights = new Float64Array(high - low + 1);
  const mode = Math.min(high, Math.max(low, Math.floor(((draws + 1) * (marked + 1)) / (total + 2))));
  weights[mode - low] = 1;
  for (let k = mode; k < high; k++)
    weights[k + 1 - low] = (weights[k - low]! * ((marked - k) * (draws - k))) / ((k + 1) * (total - marked - draws + k + 1));
  for (let k = mode; k > low; k--)
    weights[k - 1 - low] = (weights[k - low]! * (k * (total - marked - draws + k))) / ((marked - k + 1) * (draws - k + 1));
  return weights;
}

function margins(table: readonly ArrayLike<number>[]): { rows: number[]; columns: number[]; total: number } {
  if (table.length === 0) throw new RangeError('table must have at least one row');
  const width = table[0]!.length;
  const columns = new Array<number>(width).fill(0);
  const rows = table.map((row, i) => {
    checkFinite(`table[${i}]`, row);
    if (row.length !== width) throw new RangeError(`table[${i}] must have ${width} columns, got ${row.length}`);
    for (let j = 0; j < width; j++) {
      if (row[j]! < 0) throw new RangeError(`table[${i}][${j}] must be at least 0, got ${row[j]}`);
      columns[j]! += row[j]!;
    }
    return sum(row);
  });
  const emptyRow = rows.indexOf(0);
  if (emptyRow >= 0) throw new RangeError(`table must have a count in every row, row ${emptyRow} has none`);
  const emptyColumn = columns.indexOf(0);
  if (emptyColumn >= 0) throw new RangeError(`table must have a count in every column, column ${emptyColumn} has none`);
  return { rows, columns, total: sum(rows) };
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
