import { binomial } from '../random/binomial';
import type { Generator } from '../random/generator';

/** Rows that agree in everything a metric looks at, counted once. Cells stand in descending order of count, then of key. */
export interface Cells {
  /** Rows of each cell. */
  counts: Int32Array;
  /** Cell of each row. */
  ofRow: Int32Array;
  /** One row of each cell. */
  example: Int32Array;
  rows: number;
}

/** Groups rows by a tuple of small whole numbers, `columns[j][row]` < `sizes[j]`. */
export function countCells(rows: number, columns: readonly ArrayLike<number>[], sizes: readonly number[]): Cells {
  // Column by column: the number of a group so far and the next value name the next group, so that any number of seeds fits.
  let group = new Int32Array(rows);
  let groups = 1;
  columns.forEach((column, j) => {
    const size = sizes[j]!;
    const next = new Int32Array(rows);
    let used = 0;
    if (groups * size <= 1 << 22) {
      const number = new Int32Array(groups * size);
      for (let i = 0; i < rows; i++) number[group[i]! * size + column[i]!] = 1;
      // Numbered in order of key, not of appearance: the order of rows changes nothing.
      for (let key = 0; key < number.length; key++) if (number[key] === 1) number[key] = used++;
      for (let i = 0; i < rows; i++) next[i] = number[group[i]! * size + column[i]!]!;
    } else {
      const keys = Float64Array.from(group, (g, i) => g * size + column[i]!);
      const number = new Map<number, number>();
      for (const key of Float64Array.from(new Set(keys)).sort()) number.set(key, used++);
      for (let i = 0; i < rows; i++) next[i] = number.get(keys[i]!)!;
    }
    group = next;
    groups = used;
  });
  const size = new Int32Array(groups);
  for (let i = 0; i < rows; i++) size[group[i]!]!++;
  const order = Int32Array.from(size, (_, g) => g).sort((g, h) => size[h]! - size[g]! || g - h);
  const rank = new Int32Array(groups);
  for (let r = 0; r < groups; r++) rank[order[r]!] = r;
  const example = new Int32Array(groups);
  const ofRow = group.map((g) => rank[g]!);
  for (let i = 0; i < rows; i++) example[ofRow[i]!] = i;
  return { counts: order.map((g) => size[g]!), ofRow, example, rows };
}

/** Exact multinomial draws over cells: heavy cells by conditional binomials, the rest one by one. Cost: heavy cells plus rare rows, never n. */
export class CellSampler {
  private readonly counts: Int32Array;
  private readonly rows: number;
  private readonly heavy: number;
  /** The cell of each row in a rare cell. */
  private readonly rare: Int32Array;

  constructor(cells: Cells) {
    this.counts = cells.counts;
    this.rows = cells.rows;
    let heavy = 0;
    let rareRows = cells.rows;
    while (heavy < cells.counts.length && cells.counts[heavy]! >= heavyFrom) rareRows -= cells.counts[heavy++]!;
    // A last cell alone needs no draw at all.
    if (heavy === cells.counts.length - 1) {
      heavy++;
      rareRows = 0;
    }
    this.heavy = heavy;
    this.rare = new Int32Array(rareRows);
    let at = 0;
    for (let c = heavy; c < cells.counts.length; c++) for (let i = 0; i < cells.counts[c]!; i++) this.rare[at++] = c;
  }

  /** Fills `weights` with the rows of each cell in one resample of all rows. */
  draw(generator: Generator, weights: Int32Array): void {
    const { counts, heavy, rare } = this;
    let left = this.rows;
    let mass = this.rows;
    for (let c = 0; c < heavy; c++) {
      const count = counts[c]!;
      const drawn = count === mass ? left : binomial(generator, left, count / mass);
      weights[c] = drawn;
      left -= drawn;
      mass -= count;
    }
    for (let c = heavy; c < counts.length; c++) weights[c] = 0;
    for (; left > 0; left--) weights[rare[generator.below(rare.length)]!]!++;
  }
}

/** Below this many rows a binomial draw costs more than drawing them one by one. */
const heavyFrom = 10;
