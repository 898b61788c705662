import type { ColumnProfile } from '../../contract';
import { chiSquareContingency, fisherExact } from '../../stats';
import { type Between, designEffects, percent, type Tested } from './side';

/** Share of rows without a value; null where neither side misses any, or a side has no rows. */
export function compareMissing(a: ColumnProfile, b: ColumnProfile, between: Between): Tested | null {
  const [n, m] = [a.count + a.missing, b.count + b.missing];
  if (n === 0 || m === 0 || a.missing + b.missing === 0 || a.count + b.count === 0) return null;
  const [p, q] = [a.missing / n, b.missing / m];
  const value = Math.abs(p - q);
  return {
    test: 'two-proportions',
    statistic: q - p,
    pValue: pValueOf(a, b),
    effect: { name: 'difference-of-shares', value },
    sizes: {},
    detail: `"${a.name}" has no value in ${percent(q)} of the rows of ${between.current}, in ${percent(p)} in ${between.reference}.`,
    where: { segment: 'rows without a value', share: { reference: p, current: q }, rows: [] },
    picture: {
      ...{ labels: ['with a value', 'without'], edges: null },
      ...{ reference: [1 - p, p], current: [1 - q, q], n: { reference: n, current: m } },
    },
  };
}

/** Fisher's exact test where chance gives a cell fewer than 20, else chi-square; counts as if rows were independent. */
function pValueOf(a: ColumnProfile, b: ColumnProfile): number {
  const [first, second] = designEffects(a, b);
  const table = [
    [a.missing / first, a.count / first],
    [b.missing / second, b.count / second],
  ];
  const [without, present] = [a.missing / first + b.missing / second, a.count / first + b.count / second];
  const fewerRows = Math.min((a.missing + a.count) / first, (b.missing + b.count) / second);
  if ((fewerRows * Math.min(without, present)) / (without + present) < 20)
    return fisherExact(table.map((row) => row.map(Math.round))).pValue;
  return chiSquareContingency(table, { correction: false }).pValue;
}
