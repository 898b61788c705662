import { checkSameLength } from '../arguments';
import { chiSquareSurvival } from '../special/distributions';
import type { TestResult } from '../types';

/**
 * Cochran's Q (1950): whether k classifiers are right equally often on the same n rows. `matrix[row][classifier]` of 0 and 1, as in
 * statsmodels, at least 1 row and 2 columns; for 2 columns it is McNemar's statistic without correction. p by chi-square with k - 1
 * degrees of freedom. Rows on which all agree carry no information; where all rows are such, 0 and p = 1.
 */
export function cochranQ(matrix: readonly ArrayLike<number>[]): TestResult & { df: number } {
  if (matrix.length === 0) throw new RangeError('matrix must have at least one row');
  const k = matrix[0]!.length;
  if (k < 2) throw new RangeError(`matrix must have at least 2 columns, got ${k}`);
  const columns = new Float64Array(k);
  let total = 0;
  let spread = 0;
  matrix.forEach((row, i) => {
    if (row.length !== k) checkSameLength('matrix[0]', matrix[0]!, `matrix[${i}]`, row);
    let ones = 0;
    for (let j = 0; j < k; j++) {
      const value = row[j]!;
      if (value !== 0 && value !== 1) throw new RangeError(`matrix[${i}][${j}] must be 0 or 1, got ${value}`);
      columns[j]! += value;
      ones += value;
    }
    total += ones;
    spread += ones * (k - ones);
  });
  // k columns less the total, so that the squares are of whole numbers.
  const between = columns.reduce((sum, column) => sum + (k * column - total) ** 2, 0) / k;
  const statistic = spread === 0 ? 0 : ((k - 1) * between) / spread;
  return { statistic, pValue: chiSquareSurvival(statistic, k - 1), df: k - 1 };
}
