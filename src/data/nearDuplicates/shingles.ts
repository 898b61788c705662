import { hashText, mix } from './hashing';

/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

/** Hashes kept of a text: all of them, or the smallest, which stand for the whole set. */
const mostOfText = 512;
const mostInAll = 100_000_000;
/** Texts of fewer words than this in the mean are cut into 5 characters instead of 3 words. */
const shortTextWords = 20;

/** The shingles of each row: `pool[start[row] .. start[row] + length[row])`, ascending and distinct. */
export interface ShingleColumn {
  pool: Int32Array;
  start: Float64Array;
  length: Int32Array;
  /** Rows with this many may have had more. */
  most: number;
}

/** Cuts texts into shingles: three words in a row, or five characters in a row of short texts; case and punctuation do not count. */
export class Shingles {
  readonly #cut: (text: string) => number[];
  readonly #most: number;
  readonly #start: Float64Array;
  readonly #length: Int32Array;
  #pool = new Int32Array(1 << 16);
  #used = 0;

  constructor(rows: number, words: number) {
    this.#cut = words >= shortTextWords ? wordShingles : characterShingles;
    this.#most = Math.max(64, Math.min(mostOfText, Math.floor(mostInAll / Math.max(1, rows))));
    this.#start = new Float64Array(rows);
    this.#length = new Int32Array(rows);
  }

  add(row: number, text: string): void {
    const sorted = Int32Array.from(this.#cut(text)).sort();
    if (this.#used + sorted.length > this.#pool.length) {
      const larger = new Int32Array(Math.max(2 * this.#pool.length, this.#used + sorted.length));
      larger.set(this.#pool);
      this.#pool = larger;
    }
    this.#start[row] = this.#used;
    let kept = 0;
    for (let at = 0; at < sorted.length && kept < this.#most; at++) {
      if (at > 0 && sorted[at] === sorted[at - 1]) continue;
      this.#pool[this.#used++] = sorted[at]!;
      kept++;
    }
    this.#length[row] = kept;
  }

  column(): ShingleColumn {
    return { pool: this.#pool.subarray(0, this.#used), start: this.#start, length: this.#length, most: this.#most };
  }
}

function wordShingles(text: string): number[] {
  const words = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).map(hashText);
  if (words.length === 0) return [];
  const shingles = [];
  for (let at = 0; at < Math.max(1, words.length - 2); at++)
    shingles.push(mix(Math.imul(Math.imul(words[at]!, 31) + (words[at + 1] ?? 0), 31) + (words[at + 2] ?? 0)));
  return shingles;
}

function characterShingles(text: string): number[] {
  const plain = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');
  if (plain === '') return [];
  const shingles = [];
  for (let at = 0; at < Math.max(1, plain.length - 4); at++) shingles.push(hashText(plain.slice(at, at + 5)));
  return shingles;
}

/** What two texts share: 2 x common / (all of one + all of the other), exact up to `most` shingles, else estimated from the smallest. */
export function sharedText({ pool, start, length, most }: ShingleColumn, a: number, b: number): { similarity: number; common: number } {
  const [lengthA, lengthB] = [length[a]!, length[b]!];
  if (lengthA === 0 || lengthB === 0) return { similarity: lengthA === lengthB ? 1 : 0, common: 0 };
  const cut = lengthA === most || lengthB === most;
  let [i, j, common, union] = [start[a]!, start[b]!, 0, 0];
  const [endA, endB] = [i + lengthA, j + lengthB];
  // Of sets that were cut only the smallest hashes of the union say something.
  while (i < endA && j < endB && (!cut || union < most)) {
    const [x, y] = [pool[i]!, pool[j]!];
    if (x === y) common++;
    if (x <= y) i++;
    if (y <= x) j++;
    union++;
  }
  if (!cut) return { similarity: (2 * common) / (lengthA + lengthB), common };
  const jaccard = common / (union < most ? union + (endA - i) + (endB - j) : union);
  return { similarity: (2 * jaccard) / (1 + jaccard), common };
}
