import { argsort } from '../argsort';

export { argsort };

/** Rows of a score metric in an order that does not depend on the order in which they came. */
export interface RowTable {
  labels: Int32Array;
  /** Columns by which the metric sees a row. */
  columns: readonly Float64Array[];
  /** How many rows of the sample each row stands for; undefined: one each. */
  counts: Int32Array | undefined;
  /** Rows of the sample. */
  total: number;
  /** Unit of each row as 0..count-1. */
  units: { of: Int32Array; count: number } | undefined;
  /** Where each row of the sample stands; undefined where rows are counted together. */
  place: Int32Array | undefined;
}

/**
 * Sorts rows by the first column (`byFirst`: its `argsort`), then the label, the other columns and the unit. Rows that are equal in all are
 * counted once where that halves the work; rows in units are kept.
 */
export function rowTable(
  labels: Int32Array,
  columns: readonly Float64Array[],
  units: ArrayLike<number> | undefined,
  byFirst: Int32Array,
): RowTable {
  const n = labels.length;
  const numbers = units === undefined ? undefined : unitNumbers(units);
  const order = byFirst.slice();
  const keys: ArrayLike<number>[] = [labels, ...columns.slice(1), ...(numbers === undefined ? [] : [numbers.of])];
  sortTies(order, columns[0]!, keys);
  const all = [columns[0]!, labels, ...columns.slice(1)];
  let distinct = n;
  if (numbers === undefined) for (let i = 1; i < n; i++) if (sameRow(all, order[i - 1]!, order[i]!)) distinct--;
  if (distinct > n / 2) {
    const place = new Int32Array(n);
    for (let i = 0; i < n; i++) place[order[i]!] = i;
    return { ...gathered(labels, columns, order), counts: undefined, total: n, units: renumbered(numbers, order), place };
  }
  const first = new Int32Array(distinct);
  const counts = new Int32Array(distinct);
  let at = -1;
  for (let i = 0; i < n; i++) {
    if (i === 0 || !sameRow(all, order[i - 1]!, order[i]!)) first[++at] = order[i]!;
    counts[at]!++;
  }
  return { ...gathered(labels, columns, first), counts, total: n, units: undefined, place: undefined };
}

/** Units as 0..count-1 in ascending order of their value, so that the order of rows changes nothing. */
export function unitNumbers(units: ArrayLike<number>): { of: Int32Array; count: number } {
  const order = argsort(units);
  const of = new Int32Array(units.length);
  let count = 0;
  for (let i = 0; i < order.length; i++) {
    if (i > 0 && units[order[i]!] !== units[order[i - 1]!]) count++;
    of[order[i]!] = count;
  }
  return { of, count: count + 1 };
}

function sortTies(order: Int32Array, column: Float64Array, keys: readonly ArrayLike<number>[]): void {
  const compare = (i: number, j: number): number => {
    for (const key of keys) {
      const gap = key[i]! - key[j]!;
      if (gap !== 0) return gap;
    }
    return 0;
  };
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && column[order[end]!] === column[order[start]!]) end++;
    if (end - start > 1) order.subarray(start, end).sort(compare);
    start = end;
  }
}

function sameRow(columns: readonly ArrayLike<number>[], i: number, j: number): boolean {
  for (const column of columns) if (column[i] !== column[j]) return false;
  return true;
}

function gathered(labels: Int32Array, columns: readonly Float64Array[], order: Int32Array): Pick<RowTable, 'labels' | 'columns'> {
  const sorted = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = labels[order[i]!]!;
  return {
    labels: sorted,
    columns: columns.map((column) => {
      const values = new Float64Array(order.length);
      for (let i = 0; i < order.length; i++) values[i] = column[order[i]!]!;
      return values;
    }),
  };
}

function renumbered(units: { of: Int32Array; count: number } | undefined, order: Int32Array): RowTable['units'] {
  if (units === undefined) return undefined;
  const of = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) of[i] = units.of[order[i]!]!;
  return { of, count: units.count };
}
