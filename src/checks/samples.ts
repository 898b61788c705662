import { AssayError } from '../contract';
import type { Feature } from '../stats';

/** Rows of a table, by column. A number that is not finite and an empty text are missing values. */
export interface Sample {
  columns: SampleColumn[];
  /** One a row, for telling which rows show it. */
  ids?: readonly string[];
}

export type SampleColumn =
  | { name: string; kind: 'number'; values: ArrayLike<number> }
  | { name: string; kind: 'category'; values: readonly string[] };

export interface ColumnPair {
  name: string;
  reference: SampleColumn;
  current: SampleColumn;
}

/** Values of a category that get a feature of their own; the rest count together. */
const topValues = 20;
/** Rows of both sides that a value needs for a feature of its own. */
const leastRows = 10;
/** Features of categories in all, whatever their number. */
const mostDummies = 400;

/** Columns of the same name and kind on both sides; `only` names those wanted. */
export function sharedColumns(reference: Sample, current: Sample, only?: readonly string[]): ColumnPair[] {
  const others = new Map(current.columns.map((column) => [column.name, column]));
  const shared = reference.columns.flatMap((column) => {
    const other = others.get(column.name);
    return other !== undefined && other.kind === column.kind ? [{ name: column.name, reference: column, current: other }] : [];
  });
  const absent = only?.find((name) => !shared.some((pair) => pair.name === name));
  if (absent !== undefined)
    throw new AssayError('DataInvalid', `Column "${absent}" is not on both sides with the same kind: name one of ${told(shared)}.`);
  const wanted = only === undefined ? shared : shared.filter(({ name }) => only.includes(name));
  if (wanted.length === 0)
    throw new AssayError('DataInvalid', 'The two sides share no column of the same kind: compare tables of the same schema.');
  return wanted;
}

const told = (pairs: readonly ColumnPair[]): string =>
  `${pairs
    .slice(0, 5)
    .map(({ name }) => `"${name}"`)
    .join(', ')}${pairs.length > 5 ? ', ...' : ''}`;

export const rowCount = (sample: Sample): number => sample.columns[0]?.values.length ?? 0;

/** Numbers with their gaps filled by the mean and told by a feature of their own; the commonest values of categories one against the rest. */
export function featuresOf(pairs: readonly ColumnPair[]): { features: Feature[]; names: string[] } {
  const features: Feature[] = [];
  const names: string[] = [];
  const categories = pairs.filter(({ reference }) => reference.kind === 'category').length;
  const top = Math.max(2, Math.min(topValues, Math.floor(mostDummies / Math.max(1, categories))));
  pairs.forEach(({ name, reference, current }, column) => {
    if (reference.kind === 'number' && current.kind === 'number') {
      const values = Float64Array.from([...Array.from(reference.values), ...Array.from(current.values)]);
      const missing = values.map((x) => (Number.isFinite(x) ? 0 : 1));
      const known = values.filter((x) => Number.isFinite(x));
      if (known.length === 0) return;
      const mean = known.reduce((sum, x) => sum + x / known.length, 0);
      features.push({ values: values.map((x) => (Number.isFinite(x) ? x : mean)), column, continuous: new Set(known).size > 2 });
      names.push(name);
      if (known.length < values.length) {
        features.push({ values: missing, column, continuous: false });
        names.push(`${name} missing`);
      }
    } else if (reference.kind === 'category' && current.kind === 'category') {
      const values = [...reference.values, ...current.values];
      const counts = new Map<string, number>();
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
      const commonest = [...counts]
        .filter(([, count]) => count >= leastRows)
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, top);
      // Of two values the second says nothing new.
      for (const [value] of counts.size === 2 ? commonest.slice(0, 1) : commonest) {
        features.push({ values: Float64Array.from(values, (one) => (one === value ? 1 : 0)), column, continuous: false });
        names.push(`${name} = ${value === '' ? '(missing)' : value}`);
      }
    }
  });
  return { features, names };
}

/** Every k-th row where there are more than `most`. */
export function thinned(sample: Sample, most: number): Sample {
  const rows = rowCount(sample);
  if (rows <= most) return sample;
  const kept = Array.from({ length: most }, (_, i) => Math.floor((i * rows) / most));
  return {
    columns: sample.columns.map((column) =>
      column.kind === 'number'
        ? { ...column, values: Float64Array.from(kept, (row) => column.values[row] ?? Number.NaN) }
        : { ...column, values: kept.map((row) => column.values[row] ?? '') },
    ),
    ...(sample.ids === undefined ? {} : { ids: kept.map((row) => sample.ids?.[row] ?? '') }),
  };
}
