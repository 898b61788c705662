import type { ColumnProfile, DriftFinding, TableProfile } from '../../contract';

/** One side of a comparison: a split, a table, or predictions. */
export interface Side {
  rows: number;
  /** Rows of each class; absent where the label is a column like any other. */
  classes?: Record<string, number>;
  columns: readonly ColumnProfile[];
}

/** What the sides are called in sentences. */
export interface Between {
  reference: string;
  current: string;
}

/** A test before it is weighed against the others. */
export interface Tested {
  test: DriftFinding['test'];
  statistic: number | null;
  pValue: number;
  effect: { name: DriftFinding['effect']['name']; value: number };
  sizes: Record<string, number>;
  detail: string;
  where: DriftFinding['where'];
  picture: DriftFinding['picture'];
}

/** A table as a side that can be compared with a split: without id and unit, and with the label as classes. */
export function sideOfTable(table: TableProfile, { label, id, unit }: { label: string; id: string | null; unit: string | null }): Side {
  const labels = table.columns.find(({ name }) => name === label);
  const side = { rows: table.rows, columns: table.columns.filter(({ name }) => ![label, id, unit].includes(name)) };
  const classes = labels === undefined ? undefined : classesOf(labels);
  return classes === undefined ? side : { ...side, classes };
}

/** Rows of each class, from a column of names or of whole numbers of which all stand in the profile. */
function classesOf({ counts, otherCount, sample, count }: ColumnProfile): Record<string, number> | undefined {
  if (counts !== undefined) return otherCount === 0 ? counts : undefined;
  if (sample === undefined) return undefined;
  const shares: Record<string, number> = {};
  for (const value of sample) shares[String(value)] = (shares[String(value)] ?? 0) + count / sample.length;
  return Object.fromEntries(Object.entries(shares).map(([name, rows]) => [name, Math.round(rows)]));
}

/** A class as a column of categories. */
export function classColumn(side: Side): ColumnProfile {
  const counts = side.classes ?? {};
  const count = Object.values(counts).reduce((sum, each) => sum + each, 0);
  return {
    name: 'label',
    kind: 'category',
    count,
    missing: side.rows - count,
    distinct: Object.keys(counts).length,
    counts,
    otherCount: 0,
  };
}

/** Values of both sides as if they were independent; a side without a measure of its noise borrows the other's. */
export function effectiveRows(a: ColumnProfile, b: ColumnProfile): [number, number] {
  const [first, second] = designEffects(a, b);
  return [a.count / first, b.count / second];
}

export function designEffects(a: ColumnProfile, b: ColumnProfile): [number, number] {
  const [first, second] = [a.noise?.designEffect, b.noise?.designEffect];
  return [first ?? second ?? 1, second ?? first ?? 1];
}

export const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`;

export function shortNumber(value: number): string {
  if (Number.isSafeInteger(value) && Math.abs(value) < 1e7) return String(value);
  return String(Number(value.toPrecision(3)));
}
