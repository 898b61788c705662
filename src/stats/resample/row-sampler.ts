import type { Generator } from '../random/generator';
import { addSingles, drawRest, type PoissonTable, sharedPoissonTable, shortfall } from '../random/poisson-table';

const { imul } = Math;

/**
 * How often each of n rows is drawn in n draws, as bytes. Exact: independent Poisson counts, given their total, are multinomial whatever
 * the total is; so four counts at a time are read from a table with a mean a little below 1, a total above n is thrown away, and what is missing
 * to n is drawn one by one. That a row is drawn more than 63 times, where sums of four bytes would run over, has a probability below 1e-80.
 */
export class RowSampler {
  /** Filled by `draw`. */
  readonly weights: Uint8Array;
  /** The same, four rows a word; rows after the last weigh 0. */
  readonly words: Int32Array;
  private readonly rows: number;
  private readonly table: PoissonTable | undefined;
  private readonly fours: boolean;
  private readonly bits = new Uint32Array(512);
  private readonly indices = new Uint16Array(this.bits.buffer);

  constructor(rows: number) {
    this.rows = rows;
    this.weights = wholeWords(rows);
    this.words = new Int32Array(this.weights.buffer);
    // Few rows do not pay for the larger table.
    if (rows >= 64)
      this.table = rows < 50_000 ? sharedPoissonTable(1 - shortfall(rows), 2, 12) : sharedPoissonTable(1 - shortfall(rows), 4, 16);
    this.fours = rows >= 50_000;
  }

  draw(generator: Generator): void {
    const { rows, weights, table } = this;
    let missing = rows;
    if (table === undefined) weights.fill(0);
    else
      do missing = rows - (this.fours ? this.drawFours(generator, table) : this.drawPairs(generator, table));
      while (missing < 0);
    addSingles(generator, missing, rows, weights);
  }

  /** Fills all rows and returns their sum; a value of the table is four rows. */
  private drawFours(generator: Generator, table: PoissonTable): number {
    const { words, bits, indices } = this;
    const { values, direct } = table;
    let sum = 0;
    for (let start = 0; start < words.length; start += indices.length) {
      const count = Math.min(indices.length, words.length - start);
      generator.fill(bits, (count + 1) >> 1);
      for (let i = 0; i < count; i++) {
        const index = indices[i]!;
        const word = (index < direct ? values[index]! : drawRest(table, generator)) | 0;
        words[start + i] = word;
        sum = (sum + (imul(word, 0x01010101) >>> 24)) | 0;
      }
    }
    return sum - this.dropPadding();
  }

  /** The same with a table of two rows a value. */
  private drawPairs(generator: Generator, table: PoissonTable): number {
    const { words, bits, indices } = this;
    const { values, direct } = table;
    const shift = 16 - table.bits;
    let sum = 0;
    for (let start = 0; start < words.length; start += bits.length) {
      const count = Math.min(bits.length, words.length - start);
      generator.fill(bits, count);
      for (let i = 0; i < count; i++) {
        const low = indices[2 * i]! >>> shift;
        const high = indices[2 * i + 1]! >>> shift;
        const first = low < direct ? values[low]! : drawRest(table, generator);
        const second = high < direct ? values[high]! : drawRest(table, generator);
        const word = first | (second << 16);
        words[start + i] = word;
        sum = (sum + (imul(word, 0x01010101) >>> 24)) | 0;
      }
    }
    return sum - this.dropPadding();
  }

  /** Clears the bytes after the last row; returns what they held. */
  private dropPadding(): number {
    const over = 4 * this.words.length - this.rows;
    if (over === 0) return 0;
    const last = this.words[this.words.length - 1]!;
    const kept = last & (0xffffffff >>> (8 * over));
    this.words[this.words.length - 1] = kept;
    return (imul(last, 0x01010101) >>> 24) - (imul(kept, 0x01010101) >>> 24);
  }
}

/** Bytes in a buffer of whole 32-bit words. */
export function wholeWords(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer((length + 3) & ~3), 0, length);
}
