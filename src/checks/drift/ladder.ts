/** A distribution function from sorted values: all of them, or evenly spaced order statistics of `count`. */
export class Ladder {
  readonly values: readonly number[];
  /** How far the function may be off between two values. */
  readonly resolution: number;
  /** Share of values below the k-th, by how many of `values` are below. */
  readonly #shares: Float64Array;

  constructor(values: readonly number[], count: number) {
    this.values = values;
    const size = values.length;
    const thinned = count > size;
    this.resolution = thinned ? 1 / (2 * (size - 1)) : 0;
    this.#shares = new Float64Array(size + 1);
    let before = 0;
    for (let k = 1; k <= size; k++) {
      const next = thinned && k < size ? Math.round((k * (count - 1)) / (size - 1)) : count;
      // At least the ranks up to the last value below, at most all before the next: the middle.
      this.#shares[k] = k === size ? 1 : thinned ? (before + 1 + next) / 2 / count : k / size;
      before = next;
    }
  }

  /** Share of values below `value`. */
  below(value: number): number {
    return this.#shares[this.#first(value)] ?? 0;
  }

  get least(): number {
    return at(this.values, 0);
  }

  get most(): number {
    return at(this.values, this.values.length - 1);
  }

  quantile(share: number): number {
    return at(this.values, Math.min(this.values.length - 1, Math.floor(share * this.values.length)));
  }

  /** The value that all kept values of [low, high) are; undefined where there are several or none. */
  onlyValue(low: number | undefined, high: number | undefined): number | undefined {
    const from = low === undefined ? 0 : this.#first(low);
    const to = high === undefined ? this.values.length : this.#first(high);
    return from < to && this.values[from] === this.values[to - 1] ? this.values[from] : undefined;
  }

  /** Largest gap between the two functions, and the area between them. */
  against(other: Ladder): { distance: number; area: number } {
    const [x, y] = [this.values, other.values];
    let [i, j, distance, area] = [0, 0, 0, 0];
    let last = Math.min(this.least, other.least);
    while (i < x.length || j < y.length) {
      const value = j >= y.length || (i < x.length && at(x, i) <= at(y, j)) ? at(x, i) : at(y, j);
      const gap = Math.abs(at(this.#shares, i) - at(other.#shares, j));
      if (gap > distance) distance = gap;
      area += gap * (value - last);
      last = value;
      while (i < x.length && x[i] === value) i++;
      while (j < y.length && y[j] === value) j++;
    }
    return { distance, area };
  }

  #first(value: number): number {
    let [low, high] = [0, this.values.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(this.values, middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A place that is known to be there. */
const at = (values: ArrayLike<number>, i: number): number => values[i] ?? Number.NaN;
