import type { Rows } from '../prepare';
import type { TestColumn } from '../types';
import { fewestRows } from './measure';
import { conjunction, equal, missing, range } from './sql';

/** Fewer rows than this in the searched half say too little to be worth a test. */
export const fewestSearched = 50;
const mostValues = 50;

/** A condition on one column: a run of its bins. */
export interface Condition {
  column: number;
  from: number;
  to: number;
  where: string;
}

/** Everything that can be tried, and the two halves; the same for every candidate, since no prediction is looked at. */
export interface SearchSpace {
  columns: string[];
  /** Bin of each row, a column. */
  bins: Uint8Array[];
  conditions: Condition[];
  /** 1 in the half that is searched, 0 in the half that is tested. */
  searched: Uint8Array;
}

export function searchSpace(
  columns: readonly TestColumn[],
  order: Int32Array,
  rows: Rows,
  idOf: (row: number) => string,
  seed: number,
): SearchSpace {
  const searched = halves(rows, idOf, seed);
  const found = columns.map((column, index) => {
    const { bins, conditions } = column.kind === 'category' ? categories(column, order, searched) : numbers(column, order, searched);
    return { bins, conditions: conditions.map((condition) => ({ ...condition, column: index })) };
  });
  return {
    columns: columns.map(({ name }) => name),
    bins: found.map(({ bins }) => bins),
    conditions: found.flatMap(({ conditions }) => conditions),
    searched,
  };
}

/** Whole units, each by a hash of its first id and the seed: neither the order of rows nor the units' names matter. */
function halves(rows: Rows, idOf: (row: number) => string, seed: number): Uint8Array {
  const { n, units, unitCount } = rows;
  if (units === null) return Uint8Array.from({ length: n }, (_, row) => hash(idOf(row), seed) & 1);
  const sides = new Uint8Array(unitCount).fill(2);
  return Uint8Array.from(units, (unit, row) => {
    if (sides[unit] === 2) sides[unit] = hash(idOf(row), seed) & 1;
    return sides[unit] as number;
  });
}

/** FNV-1a with a finalizer, since its low bit alone is a parity of the text. */
function hash(text: string, seed: number): number {
  let state = (0x811c9dc5 ^ seed) | 0;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

type Encoded = { bins: Uint8Array; conditions: Omit<Condition, 'column'>[] };

/** Bin 0 holds every value that is too rare. */
function categories(column: Extract<TestColumn, { kind: 'category' }>, order: Int32Array, searched: Uint8Array): Encoded {
  const codes = new Map<string, number>();
  const [inSearched, inTested]: [number[], number[]] = [[], []];
  const codeOf = new Int32Array(order.length);
  for (let row = 0; row < order.length; row++) {
    const value = column.values[order[row] as number] as string;
    let code = codes.get(value);
    if (code === undefined) {
      code = codes.size;
      codes.set(value, code);
      inSearched.push(0);
      inTested.push(0);
    }
    codeOf[row] = code;
    const counts = searched[row] === 1 ? inSearched : inTested;
    counts[code] = (counts[code] as number) + 1;
  }
  const count = (code: number): number => inSearched[code] as number;
  const frequent = [...codes]
    .filter(([, code]) => count(code) >= fewestSearched && (inTested[code] as number) >= fewestRows)
    .sort(([x, ofX], [y, ofY]) => count(ofY) - count(ofX) || (x < y ? -1 : 1))
    .slice(0, mostValues);
  const binOf = new Uint8Array(codes.size);
  frequent.forEach(([, code], i) => (binOf[code] = i + 1));
  return {
    bins: Uint8Array.from(codeOf, (code) => binOf[code] as number),
    conditions: frequent.map(([value], i) => ({
      from: i + 1,
      to: i + 1,
      where: value === '' ? `(${missing(column.name)} OR ${equal(column.name, '')})` : equal(column.name, value),
    })),
  };
}

/** Bin 0 holds missing values; the others lie between the deciles of the searched half. */
function numbers(column: Extract<TestColumn, { kind: 'number' }>, order: Int32Array, searched: Uint8Array): Encoded {
  const { name } = column;
  const values = Float64Array.from(order, (from) => column.values[from] as number);
  const cuts = deciles(values.filter((value, row) => searched[row] === 1 && Number.isFinite(value)).sort());
  if (column.time !== true) shorten(cuts, values);
  const bins = Uint8Array.from(values, (value) => {
    if (Number.isNaN(value)) return 0;
    let bin = 1;
    while (bin <= cuts.length && value > (cuts[bin - 1] as number)) bin++;
    return bin;
  });
  const last = cuts.length + 1;
  const conditions = [{ from: 0, to: 0, where: missing(name) }];
  cuts.forEach((cut, i) => {
    conditions.push({ from: 1, to: i + 1, where: range(column, null, cut) }, { from: i + 2, to: last, where: range(column, cut, null) });
    // The middle, in fifths of the rows where the deciles are distinct.
    const next = cuts[i + 2];
    if (next !== undefined)
      conditions.push({ from: i + 2, to: i + 3, where: conjunction(range(column, cut, null), range(column, null, next)) });
  });
  return { bins, conditions };
}

/** Values of the rows themselves, so that "at most" means the same in another program; the largest divides nothing. */
function deciles(sorted: Float64Array): number[] {
  const largest = sorted.at(-1);
  const cuts = Array.from({ length: 9 }, (_, i) => sorted[Math.ceil(((i + 1) * sorted.length) / 10) - 1]);
  return [...new Set(cuts)].flatMap((cut) => (cut === undefined || cut === largest ? [] : cut));
}

/** Each cut with as few digits as divide the rows alike, which is how a person would write it. */
function shorten(cuts: number[], values: Float64Array): void {
  const next = cuts.map(() => Number.POSITIVE_INFINITY);
  for (const value of values) {
    for (let i = cuts.length - 1; i >= 0 && value <= (next[i] as number); i--) if (value > (cuts[i] as number)) next[i] = value;
  }
  cuts.forEach((cut, i) => {
    for (let digits = 1; digits < 17; digits++) {
      const short = Number(cut.toPrecision(digits));
      if (short < cut || short >= (next[i] as number)) continue;
      cuts[i] = short;
      return;
    }
  });
}
