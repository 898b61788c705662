import { checkFinite } from '../arguments';
import { chiSquareSurvival } from '../special/distributions';
import type { TestResult } from '../types';

/**
 * Bowker's test (1948) of a square table of paired labels, `table[A's class][B's class]`: whether moves from i to j are as frequent as
 * from j to i. McNemar's for more than 2 classes. Degrees of freedom k(k - 1)/2, as in R and statsmodels; pairs of classes without a
 * count add nothing to the statistic, so with many of them it is conservative: `pairs` says how many have counts. A table without moves
 * has statistic 0 and p = 1.
 */
export function bowker(table: readonly ArrayLike<number>[]): TestResult & { df: number; pairs: number } {
  checkSquare(table);
  const k = table.length;
  let statistic = 0;
  let pairs = 0;
  for (let i = 0; i < k; i++)
    for (let j = 0; j < i; j++) {
      const [one, other] = [table[i]![j]!, table[j]![i]!];
      if (one + other === 0) continue;
      statistic += (one - other) ** 2 / (one + other);
      pairs++;
    }
  const df = (k * (k - 1)) / 2;
  return { statistic, pValue: df === 0 ? 1 : chiSquareSurvival(statistic, df), df, pairs };
}

/**
 * Stuart's (1955) and Maxwell's (1970) test of the same table: whether A and B give each class equally often. d' V^-1 d, d the
 * differences of the margins and V their covariance; chi-square with k - 1 degrees of freedom. Where moves do not link all classes V is
 * singular: each set of linked classes is then taken for itself and loses one degree of freedom, so that a class without moves changes
 * nothing.
 */
export function stuartMaxwell(table: readonly ArrayLike<number>[]): TestResult & { df: number } {
  checkSquare(table);
  let statistic = 0;
  let df = 0;
  for (const classes of linkedClasses(table)) {
    // Of a linked set the last class follows from the others.
    const free = classes.slice(0, -1);
    df += free.length;
    statistic += quadraticForm(
      free.map((i) => free.map((j) => (i === j ? movesOf(table, i) : -(table[i]![j]! + table[j]![i]!)))),
      free.map((i) => marginGap(table, i)),
    );
  }
  return { statistic, pValue: df === 0 ? 1 : chiSquareSurvival(statistic, df), df };
}

function checkSquare(table: readonly ArrayLike<number>[]): void {
  if (table.length === 0) throw new RangeError('table must have at least one row');
  table.forEach((row, i) => {
    if (row.length !== table.length) throw new RangeError(`table must be square, row ${i} has ${row.length} of ${table.length} columns`);
    checkFinite(`table[${i}]`, row);
    for (let j = 0; j < row.length; j++) if (row[j]! < 0) throw new RangeError(`table[${i}][${j}] must be at least 0, got ${row[j]}`);
  });
}

/** Sets of classes linked by moves, each ascending; a class without moves is a set of its own. */
function linkedClasses(table: readonly ArrayLike<number>[]): number[][] {
  const seen = new Set<number>();
  return table.flatMap((_, start) => {
    if (seen.has(start)) return [];
    seen.add(start);
    const found = [start];
    for (const i of found)
      for (let j = 0; j < table.length; j++)
        if (!seen.has(j) && table[i]![j]! + table[j]![i]! > 0) {
          seen.add(j);
          found.push(j);
        }
    return [found.sort((a, b) => a - b)];
  });
}

function movesOf(table: readonly ArrayLike<number>[], i: number): number {
  let sum = 0;
  for (let j = 0; j < table.length; j++) if (j !== i) sum += table[i]![j]! + table[j]![i]!;
  return sum;
}

function marginGap(table: readonly ArrayLike<number>[], i: number): number {
  let sum = 0;
  for (let j = 0; j < table.length; j++) sum += table[i]![j]! - table[j]![i]!;
  return sum;
}

/** d' V^-1 d by elimination without pivots: V is symmetric and diagonally dominant. Both arguments are used up. */
function quadraticForm(v: number[][], d: number[]): number {
  let sum = 0;
  for (let i = 0; i < d.length; i++) {
    const pivot = v[i]![i]!;
    sum += d[i]! ** 2 / pivot;
    for (let r = i + 1; r < d.length; r++) {
      const factor = v[r]![i]! / pivot;
      if (factor === 0) continue;
      d[r]! -= factor * d[i]!;
      for (let c = i + 1; c < d.length; c++) v[r]![c]! -= factor * v[i]![c]!;
    }
  }
  return sum;
}
