/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

const most = 64;
const mostSampled = 50_000;

/** Numbers in at most 64 bins of equal counts of training rows. */
export interface Bins {
  /** By row: 0 for a missing value, else 1 + the number of edges at or below it. */
  codes: Uint8Array;
  /** Near the quantiles of the training rows, midway between two values, so that a rounded value stays in its bin; at most 63. */
  edges: Float64Array;
  /** Some 50,000 finite values of training rows, sorted. */
  sample: Float64Array;
}

export function binsOf(values: Float64Array, training: Int32Array): Bins {
  const step = Math.max(1, Math.floor(training.length / mostSampled));
  const picked = new Float64Array(Math.ceil(training.length / step));
  let count = 0;
  for (let at = 0; at < training.length; at += step) {
    const value = values[training[at]!]!;
    if (Number.isFinite(value)) picked[count++] = value;
  }
  const sample = picked.slice(0, count).sort();
  const edges = edgesOf(sample);
  const codes = new Uint8Array(values.length);
  for (let row = 0; row < values.length; row++) codes[row] = binOf(edges, values[row]!);
  return { codes, edges, sample };
}

function edgesOf(sorted: Float64Array): Float64Array {
  const edges = new Set<number>();
  for (let q = 1; q < most && sorted.length > 0; q++) {
    const value = sorted[Math.floor((q * sorted.length) / most)]!;
    let below = Math.floor((q * sorted.length) / most) - 1;
    while (below >= 0 && sorted[below] === value) below--;
    if (below < 0) continue;
    const middle = sorted[below]! / 2 + value / 2;
    edges.add(middle > sorted[below]! ? middle : value);
  }
  return Float64Array.from(edges);
}

export function binOf(edges: Float64Array, value: number): number {
  if (Number.isNaN(value)) return 0;
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}
