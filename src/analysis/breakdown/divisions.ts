import type { TestColumn } from '../types';

/** A column of few values as a way to divide all rows. */
export interface Division {
  by: string;
  /** Number of each row's part. */
  of: Uint8Array;
  /** Ascending; a missing value is the last. */
  parts: string[];
}

const mostParts = 20;

/** One division of a column with 2 to 20 values, none of another. */
export function divisionsOf(column: TestColumn, order: Int32Array): Division[] {
  const found = new Map<string | number, number>();
  const first = new Uint8Array(order.length);
  for (let row = 0; row < order.length; row++) {
    const value = column.values[order[row] as number] as string | number;
    let part = found.get(value);
    if (part === undefined) {
      if (found.size === mostParts) return [];
      part = found.size;
      found.set(value, part);
    }
    first[row] = part;
  }
  if (found.size < 2) return [];
  const values = [...found.keys()].sort(ascending);
  const place = new Uint8Array(values.length);
  values.forEach((value, i) => (place[found.get(value) as number] = i));
  return [
    {
      by: column.name,
      of: first.map((part) => place[part] as number),
      parts: values.map((value) => (isMissing(value) ? 'missing' : String(value))),
    },
  ];
}

function ascending(x: string | number, y: string | number): number {
  if (isMissing(x) !== isMissing(y)) return isMissing(x) ? 1 : -1;
  return x < y ? -1 : 1;
}

const isMissing = (value: string | number): boolean => value === '' || Number.isNaN(value);
