import type { PlacedColumn } from '../columns';
import type { Placed } from '../placed';
import { binOf, type Bins } from '../bins';
import { hashText, mix } from './hashing';
import { type ShingleColumn, sharedText } from './shingles';

/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

/** Numbers this close, in standard deviations of the training rows, count as equal: a rounded or re-scaled copy. */
const closeness = 0.001;
/** A value that more than this share of the training rows has says nothing of a row. */
const commonplace = 0.5;
/** Of a column of which nearly every value stands alone (an id), no two rows can agree. */
const mostDistinct = 0.9;

interface Cells {
  /** The chance that two rows differ: what says most is compared first. */
  weight: number;
  /** Of numbers, in standard deviations. */
  values: Float32Array | null;
  /** Bins of numbers, codes of categories; 0 for a missing value. */
  codes: Uint8Array | Int32Array;
  /** Share of the training rows by code. */
  shares: Float64Array;
  /** What it is worth, in bits, that two rows agree in a value, by its code. */
  bits: Float64Array;
  /** Of the values of a category, in the order of the codes from 1. */
  hashes: number[];
  seed: number;
  text: ShingleColumn | null;
}

/**
 * How alike two rows are: the cells that agree over all cells of both, each weighted by 1 - the share of training rows with that value.
 * So a row of 20 equally telling cells of which one differs has 0.95, and zeros that nearly all rows have count for nearly nothing.
 * Numbers agree within a thousandth of a standard deviation; of a text counts the part of its shingles that both have (Dice).
 */
export class Likeness {
  readonly #placed: Placed;
  readonly #rarest: number;
  readonly #columns: Cells[] = [];
  #sorted = false;

  constructor(placed: Placed) {
    this.#placed = placed;
    this.#rarest = 1 / Math.max(1, placed.training.length);
  }

  add(column: PlacedColumn): void {
    const seed = hashText(column.name);
    if (column.kind === 'text') {
      this.#columns.push({
        weight: 1,
        values: null,
        codes: new Int32Array(),
        shares: new Float64Array(),
        bits: new Float64Array(),
        hashes: [],
        seed,
        text: column.shingles,
      });
      return;
    }
    const cells = column.kind === 'number' ? this.#numbers(column.values, column.bins) : this.#categories(column.codes, column.hashes);
    if (cells !== null) this.#columns.push({ ...cells, seed, text: null });
  }

  #numbers(values: Float64Array, { codes, edges, sample }: Bins): Omit<Cells, 'seed' | 'text'> | null {
    let [mean, squares] = [0, 0];
    for (let at = 0; at < sample.length; at++) {
      const delta = sample[at]! - mean;
      mean += delta / (at + 1);
      squares += delta * (sample[at]! - mean);
    }
    const deviation = Math.sqrt(squares / Math.max(1, sample.length));
    if (!(deviation > 0) || !Number.isFinite(deviation)) return null;
    const scaled = new Float32Array(values.length);
    for (let row = 0; row < values.length; row++) scaled[row] = (values[row]! - mean) / deviation;
    const shares = this.#shares(codes, edges.length + 2);
    const within = agreementWithin(edges, sample, closeness * deviation);
    return {
      weight: weightOf(shares),
      values: scaled,
      codes,
      shares,
      bits: shares.map((share, bin) => this.#bitsOf(share * within[bin]!)),
      hashes: [],
    };
  }

  #categories(codes: Int32Array, hashes: number[]): Omit<Cells, 'seed' | 'text'> | null {
    let present = 0;
    for (let row = 0; row < codes.length; row++) if (codes[row]! >= 0) present++;
    if (hashes.length < 2 || (present > 20 && hashes.length > mostDistinct * present)) return null;
    const places = codes.map((code) => code + 1);
    const shares = this.#shares(places, hashes.length + 1);
    return { weight: weightOf(shares), values: null, codes: places, shares, bits: shares.map((share) => this.#bitsOf(share)), hashes };
  }

  #shares(codes: Uint8Array | Int32Array, count: number): Float64Array {
    const shares = new Float64Array(count);
    const { training } = this.#placed;
    for (let at = 0; at < training.length; at++) shares[codes[training[at]!]!]! += this.#rarest;
    return shares;
  }

  /** The tokens of a row, as hashes, into `into`, without those that most rows have; how many, and the weight and the bits of all cells. */
  tokens(row: number, into: Tokens): { count: number; weight: number; bits: number } {
    let [count, weight, bits] = [0, 0, 0];
    for (const { codes, shares, bits: worth, hashes, seed, text } of this.#columns) {
      if (text !== null) {
        const [from, length] = [text.start[row]!, text.length[row]!];
        const list = into.room(count + length);
        for (let at = 0; at < length; at++) list[count++] = mix(text.pool[from + at]! ^ seed);
        weight++;
        bits += length;
        continue;
      }
      const code = codes[row]!;
      weight += 1 - shares[code]!;
      bits += worth[code]!;
      if (shares[code]! > commonplace) continue;
      into.room(count + 1)[count++] = mix(Math.imul(seed, 31) + (hashes.length > 0 && code > 0 ? hashes[code - 1]! : code));
    }
    return { count, weight, bits };
  }

  #bitsOf(chance: number): number {
    return -Math.log2(Math.max(chance, this.#rarest));
  }

  /**
   * The similarity of two rows whose weights sum to `weights`, and how many bits their agreement is worth; null as soon as it must be
   * below the bound.
   */
  compare(a: number, b: number, weights: number, bound: number): { similarity: number; bits: number } | null {
    if (!this.#sorted) {
      this.#columns.sort((x, y) => y.weight - x.weight || x.seed - y.seed);
      this.#sorted = true;
    }
    const most = (1 - bound) * weights;
    let [lost, bits] = [0, 0];
    for (const { values, codes, shares, bits: worth, text } of this.#columns) {
      if (text !== null) {
        const { similarity, common } = sharedText(text, a, b);
        lost += 2 * (1 - similarity);
        bits += common;
      } else {
        const [x, y] = [codes[a]!, codes[b]!];
        const [p, q] = [shares[x]!, shares[y]!];
        if (values === null || x === 0 || y === 0 ? x === y : values[a] === values[b] || Math.abs(values[a]! - values[b]!) <= closeness) {
          lost += Math.abs(p - q);
          bits += Math.min(worth[x]!, worth[y]!);
        } else lost += 2 - p - q;
      }
      if (lost > most) return null;
    }
    return { similarity: weights === 0 ? 1 : 1 - lost / weights, bits };
  }
}

/** A list that grows to the longest row. */
export class Tokens {
  list = new Int32Array(1024);

  room(length: number): Int32Array {
    if (length > this.list.length) {
      const larger = new Int32Array(2 * length);
      larger.set(this.list);
      this.list = larger;
    }
    return this.list;
  }
}

/** By bin the chance that two of its values agree: they are the same number, or lie close. */
function agreementWithin(edges: Float64Array, sorted: Float64Array, close: number): Float64Array {
  const counts = new Float64Array(edges.length + 2);
  const squares = new Float64Array(edges.length + 2);
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    const bin = binOf(edges, sorted[from]!);
    counts[bin]! += to - from;
    squares[bin]! += (to - from) ** 2;
    from = to;
  }
  return counts.map((count, bin) => {
    const width = (edges[bin - 1] ?? Number.POSITIVE_INFINITY) - (edges[bin - 2] ?? Number.NEGATIVE_INFINITY);
    return bin === 0 || count === 0 ? 1 : Math.min(1, Math.max(squares[bin]! / count ** 2, (2 * close) / width));
  });
}

/** The chance that two rows differ. */
const weightOf = (shares: Float64Array): number => 1 - shares.reduce((sum, share) => sum + share * share, 0);
