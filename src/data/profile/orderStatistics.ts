const small = 4096;
const mostBuckets = 131_072;
const mostCells = 512;
const sampled = 8192;
/** Of the outermost call, so that a table of many columns does not ask for megabytes for each. */
let scratch = new Int32Array(0);

/**
 * The values of the given ranks (from 0, ascending) among finite values, without sorting them all: values are counted into
 * buckets, and only buckets that hold a wanted rank are sorted. `values` stays as it is.
 */
export function orderStatistics(values: Float64Array, ranks: ArrayLike<number>): Float64Array {
  const found = new Float64Array(ranks.length);
  select(values, ranks, 0, ranks.length, 0, found, 0);
  return found;
}

/** Fills found[from..to) from values, whose smallest has the rank `base`. */
function select(
  values: Float64Array,
  ranks: ArrayLike<number>,
  from: number,
  to: number,
  base: number,
  found: Float64Array,
  depth: number,
): void {
  if (values.length <= small || 4 * (to - from) > values.length || depth > 4) {
    const sorted = values.slice().sort();
    for (let k = from; k < to; k++) found[k] = sorted[ranks[k]! - base]! + 0;
    return;
  }
  const grid = gridOf(values);
  if (grid === null) {
    found.fill(values[0]! + 0, from, to);
    return;
  }
  if (depth === 0 && scratch.length < values.length) scratch = new Int32Array(values.length);
  const bucketOf = depth === 0 ? scratch : new Int32Array(values.length);
  const sizes = fillBuckets(values, grid, bucketOf);
  const count = sizes.length;
  // Where each wanted bucket begins among the values that are kept.
  const starts = new Int32Array(count);
  const wanted = new Uint8Array(count);
  let before = 0;
  let kept = 0;
  for (let bucket = 0, k = from; bucket < count && k < to; bucket++) {
    const size = sizes[bucket]!;
    before += size;
    if (ranks[k]! - base >= before) continue;
    starts[bucket] = kept;
    wanted[bucket] = 1;
    kept += size;
    while (k < to && ranks[k]! - base < before) k++;
  }
  const part = new Float64Array(kept);
  const next = starts.slice();
  for (let i = 0; i < values.length; i++) {
    const bucket = bucketOf[i]!;
    if (wanted[bucket] !== 0) part[next[bucket]!++] = values[i]!;
  }
  before = base;
  for (let bucket = 0, k = from; bucket < count && k < to; bucket++) {
    const start = starts[bucket]!;
    const size = sizes[bucket]!;
    if (wanted[bucket] !== 0) {
      let stop = k;
      while (stop < to && ranks[stop]! < before + size) stop++;
      if (size <= 64) {
        insertionSort(part, start, start + size);
        for (; k < stop; k++) found[k] = part[start + ranks[k]! - before]! + 0;
      } else {
        select(part.subarray(start, start + size), ranks, k, stop, before, found, depth + 1);
        k = stop;
      }
    }
    before += size;
  }
}

/** Cells of equal width from `low` to `high`, each cut into as many buckets as its share of a sample asks for. */
interface Grid {
  low: number;
  high: number;
  cells: number;
  /** Cells per unit. */
  scale: number;
  first: Int32Array;
  buckets: Int32Array;
  /** With one bucket below `low` and one from `high` on. */
  count: number;
}

/** The bucket of each value, and the number of values in each bucket. */
function fillBuckets(values: Float64Array, { low, high, cells, scale, first, buckets, count }: Grid, bucketOf: Int32Array): Int32Array {
  const sizes = new Int32Array(count);
  const last = count - 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let bucket = 0;
    if (value >= high) bucket = last;
    else if (value >= low) {
      const place = (value - low) * scale;
      const cell = Math.min(cells - 1, place | 0);
      const width = buckets[cell]!;
      bucket = first[cell]! + Math.min(width - 1, ((place - cell) * width) | 0);
    }
    bucketOf[i] = bucket;
    sizes[bucket]!++;
  }
  return sizes;
}

/** Null where all values are the same. The grid changes the speed alone, never the result. */
function gridOf(values: Float64Array): Grid | null {
  const [low, high] = bounds(values);
  if (low === high) return null;
  const size = Math.min(sampled, values.length >> 3);
  const cells = Math.min(mostCells, size >> 4);
  const scale = cells / (high - low);
  const buckets = new Int32Array(cells).fill(1);
  const step = Math.floor(values.length / size);
  for (let i = 0; i < size; i++) {
    const value = values[i * step]!;
    if (value >= low && value < high) buckets[Math.min(cells - 1, ((value - low) * scale) | 0)]!++;
  }
  const each = Math.max(1, Math.round(Math.min(mostBuckets, values.length >> 2) / (size + cells)));
  const first = new Int32Array(cells);
  let count = 1;
  for (let cell = 0; cell < cells; cell++) {
    buckets[cell]! *= each;
    first[cell] = count;
    count += buckets[cell]!;
  }
  return { low, high, cells, scale, first, buckets, count: count + 1 };
}

/** Most values lie between the two; equal only where all values are. */
function bounds(values: Float64Array): [number, number] {
  const step = Math.max(1, Math.floor(values.length / 1021));
  const some = new Float64Array(Math.floor(values.length / step));
  for (let i = 0; i < some.length; i++) some[i] = values[i * step]!;
  some.sort();
  const low = some[some.length >> 8]!;
  const high = some[some.length - 1 - (some.length >> 8)]!;
  if (low < high && high - low < Number.MAX_VALUE) return [low, high];
  let [min, max] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  // One value makes almost all of them: it gets a bucket of its own.
  if (min < low) return [Math.max(min, low - (Math.abs(low) * 2 ** -50 + 2 ** -1060)), low];
  if (max > high) return [high, Math.min(max, high + Math.abs(high) * 2 ** -50 + 2 ** -1060)];
  return [min, max];
}

function insertionSort(values: Float64Array, from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    let j = i - 1;
    while (j >= from && values[j]! > value) {
      values[j + 1] = values[j]!;
      j--;
    }
    values[j + 1] = value;
  }
}
