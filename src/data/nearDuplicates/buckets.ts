/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

/** Rows kept under one key: a value that all rows have would else make every pair a candidate. */
const mostInBucket = 32;

/** Rows by a 32-bit key, in the order they came; open addressing, linear probing. */
export class Buckets {
  readonly #mask: number;
  readonly #keys: Int32Array;
  readonly #counts: Int32Array;
  readonly #last: Int32Array;
  readonly #rows: Int32Array;
  readonly #previous: Int32Array;
  #used = 0;

  constructor(rows: number) {
    let size = 16;
    while (size < 2 * rows) size *= 2;
    this.#mask = size - 1;
    this.#keys = new Int32Array(size);
    this.#counts = new Int32Array(size);
    this.#last = new Int32Array(size).fill(-1);
    this.#rows = new Int32Array(rows);
    this.#previous = new Int32Array(rows);
  }

  add(key: number, row: number): void {
    const slot = this.#slot(key);
    if (this.#counts[slot]! >= mostInBucket) return;
    this.#keys[slot] = key;
    this.#counts[slot]!++;
    this.#rows[this.#used] = row;
    this.#previous[this.#used] = this.#last[slot]!;
    this.#last[slot] = this.#used++;
  }

  /** The places of a key are `first(key)`, then `next(place)` until -1. */
  first(key: number): number {
    return this.#last[this.#slot(key)]!;
  }

  next(place: number): number {
    return this.#previous[place]!;
  }

  row(place: number): number {
    return this.#rows[place]!;
  }

  #slot(key: number): number {
    let slot = key & this.#mask;
    while (this.#counts[slot]! > 0 && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask;
    return slot;
  }
}
