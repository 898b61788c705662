import { binomial } from '../random/binomial';
import type { Generator } from '../random/generator';
import { addSingles, drawRest, type PoissonTable, poissonTable, sharedPoissonTable } from '../random/poisson-table';

/**
 * Exact multinomial draws over cells of the given counts, as many draws as the counts add up to. Cells of more than 4,096 by conditional
 * binomials in descending order; the others by Poisson counts from tables (above 256 the sum of two) with means a little too low, and single draws
 * for what is missing (see `RowSampler`). Cost: the number of cells, never that of rows.
 */
export class CellSampler {
  private readonly counts: Int32Array;
  private readonly total: number;
  /** Cells drawn by binomials, and the share of each in what is left at its turn. */
  private readonly shares: Float64Array;
  /** Cells after the heavy ones whose counts are drawn as the sum of two. */
  private readonly middle: Middle;
  /** Cells of the same count. */
  private readonly runs: Run[];
  private readonly light: number;
  /** The cell of each row in a light cell. */
  private readonly cellOf: Int32Array | Uint16Array;
  private readonly tabled: boolean;
  private readonly bits = new Uint32Array(512);
  private readonly indices = new Uint16Array(this.bits.buffer);

  /** `counts` stand in descending order. */
  constructor(counts: Int32Array) {
    this.counts = counts;
    let total = 0;
    for (let c = 0; c < counts.length; c++) total += counts[c]!;
    this.total = total;
    let heavy = heavyCells(counts);
    // A last cell alone needs no draw at all.
    if (heavy === counts.length - 1) heavy++;
    this.shares = new Float64Array(heavy);
    let left = total;
    for (let c = 0; c < heavy; c++) {
      this.shares[c] = c === counts.length - 1 ? 1 : counts[c]! / left;
      left -= counts[c]!;
    }
    this.light = left;
    this.cellOf = counts.length <= 65_536 ? new Uint16Array(left) : new Int32Array(left);
    let at = 0;
    for (let c = heavy; c < counts.length; c++) {
      this.cellOf.fill(c, at, at + counts[c]!);
      at += counts[c]!;
    }
    // Too many in 1 of 10 draws at most, which are then drawn anew: that costs less than a larger margin.
    const factor = left >= 64 ? 1 - margin / Math.sqrt(left) : 0;
    this.middle = middleOf(counts, heavy, factor);
    this.runs = factor === 0 ? [] : runsOf(counts, this.middle.to, factor);
    this.tabled = factor > 0;
  }

  /** Fills `weights` with the rows of each cell in one resample of all rows. */
  draw(generator: Generator, weights: Int32Array): void {
    const { counts, shares, light, cellOf, runs } = this;
    let left = this.total;
    for (let c = 0; c < shares.length; c++) {
      const drawn = binomial(generator, left, shares[c]!);
      weights[c] = drawn;
      left -= drawn;
    }
    if (shares.length === counts.length) return;
    let missing = left;
    if (!this.tabled) weights.fill(0, shares.length);
    else
      do {
        missing = left - this.drawMiddle(generator, weights);
        for (const run of runs)
          missing -= run.pack === 1 ? this.drawRun(generator, run, weights) : this.drawPacked(generator, run, weights);
      } while (missing < 0);
    addSingles(generator, missing, light, weights, cellOf);
  }

  private drawMiddle(generator: Generator, weights: Int32Array): number {
    const { bits, indices } = this;
    const { from, to, coarse, fine } = this.middle;
    let sum = 0;
    for (let start = from; start < to; start += bits.length) {
      const end = Math.min(to, start + bits.length);
      generator.fill(bits, end - start);
      for (let c = start; c < end; c++) {
        const [high, low] = [coarse[c - from]!, fine[c - from]!];
        const ofHigh = indices[2 * (c - start)]! >>> (16 - high.bits);
        const ofLow = indices[2 * (c - start) + 1]! >>> (16 - low.bits);
        const drawn =
          (ofHigh < high.direct ? high.values[ofHigh]! : drawRest(high, generator)) +
          (ofLow < low.direct ? low.values[ofLow]! : drawRest(low, generator));
        weights[c] = drawn;
        sum += drawn;
      }
    }
    return sum;
  }

  /** Fills the cells of a run and returns their sum. */
  private drawRun(generator: Generator, { from, to, table }: Run, weights: Int32Array): number {
    const { bits, indices } = this;
    const { values, direct } = table;
    const shift = 16 - table.bits;
    let sum = 0;
    for (let start = from; start < to; start += indices.length) {
      const count = Math.min(indices.length, to - start);
      generator.fill(bits, (count + 1) >> 1);
      for (let i = 0; i < count; i++) {
        const index = indices[i]! >>> shift;
        const drawn = (index < direct ? values[index]! : drawRest(table, generator)) | 0;
        weights[start + i] = drawn;
        sum = (sum + drawn) | 0;
      }
    }
    return sum;
  }

  /** The same from a table of `pack` cells a value. */
  private drawPacked(generator: Generator, { from, to, table, pack }: Run, weights: Int32Array): number {
    const { bits, indices } = this;
    const { values, direct } = table;
    let sum = 0;
    for (let at = from; at < to; ) {
      const draws = Math.min(indices.length, Math.ceil((to - at) / pack));
      generator.fill(bits, (draws + 1) >> 1);
      for (let i = 0; i < draws; i++) {
        const index = indices[i]!;
        let value = (index < direct ? values[index]! : drawRest(table, generator)) | 0;
        for (const end = Math.min(to, at + pack); at < end; at++) {
          const drawn = value & 255;
          value >>>= 8;
          weights[at] = drawn;
          sum = (sum + drawn) | 0;
        }
      }
    }
    return sum;
  }
}

/** Cells from..to-1 have one count and one table. */
interface Run {
  from: number;
  to: number;
  table: PoissonTable;
  pack: number;
}

/** Cells from..to-1, each with the table of its whole steps and that of the rest. */
interface Middle {
  from: number;
  to: number;
  coarse: PoissonTable[];
  fine: PoissonTable[];
}

/** How much lower than the draws wanted the sum of the means is, in standard deviations. */
const margin = 1.8;
/** The largest count drawn through one table, and through two. */
const mostFine = 256;
const mostCoarse = 4096;
/** Counts above `mostFine` are split into whole steps and a rest, so that few and small tables serve all. */
const coarseStep = 64;

/** Cells drawn by binomials: those between the limits too, unless the single draws that tables ask for cost less (in single draws: 15 a binomial, 3 a table). */
function heavyCells(counts: Int32Array): number {
  let heavy = 0;
  while (heavy < counts.length && counts[heavy]! > mostCoarse) heavy++;
  let middle = heavy;
  let mass = 0;
  while (middle < counts.length && counts[middle]! > mostFine) mass += counts[middle++]!;
  let light = 0;
  for (let c = middle; c < counts.length; c++) light += counts[c]!;
  const singles = margin * (Math.sqrt(mass + light) - Math.sqrt(light));
  return 15 * (middle - heavy) < 3 * (middle - heavy) + singles ? middle : heavy;
}

function middleOf(counts: Int32Array, from: number, factor: number): Middle {
  const middle: Middle = { from, to: from, coarse: [], fine: [] };
  const tables = new Map<number, PoissonTable>();
  const tableOf = (count: number, bits: number): PoissonTable => {
    const table = tables.get(count) ?? poissonTable(count * factor, 1, bits);
    tables.set(count, table);
    return table;
  };
  for (; factor > 0 && middle.to < counts.length && counts[middle.to]! > mostFine; middle.to++) {
    const rest = counts[middle.to]! % coarseStep;
    middle.coarse.push(tableOf(counts[middle.to]! - rest, 12));
    middle.fine.push(tableOf(rest, 10));
  }
  return middle;
}

function runsOf(counts: Int32Array, from: number, factor: number): Run[] {
  const runs: Run[] = [];
  for (let start = from; start < counts.length; ) {
    const count = counts[start]!;
    let to = start + 1;
    while (to < counts.length && counts[to] === count) to++;
    // Tables of several counts at once are larger: they pay where many cells share them.
    const pack = to - start < 2048 ? 1 : count === 1 ? 4 : count <= 8 ? 2 : 1;
    const mean = count * factor;
    runs.push({
      from: start,
      to,
      table: pack === 1 ? poissonTable(mean, 1, count <= 16 ? 10 : count <= 64 ? 11 : 12) : sharedPoissonTable(mean, pack, 16),
      pack,
    });
    start = to;
  }
  return runs;
}
