import type { ColumnPair, SampleColumn } from './samples';

/** |mean of the target - mean of the source| over the root of their mean variance before any weight. */
export function imbalance({ reference, current }: ColumnPair, weights: Float64Array | null): number {
  if (reference.kind === 'number' && current.kind === 'number') return gapOf(reference.values, current.values, weights);
  const [before, now] = [textsOf(reference), textsOf(current)];
  // Each value a pass: the twenty commonest say enough.
  const common = [...counted(now.length, (row) => now[row] ?? '')].sort((a, b) => b[1] - a[1]).slice(0, 20);
  const marked = (texts: readonly string[], value: string): Float64Array => Float64Array.from(texts, (one) => (one === value ? 1 : 0));
  return common.reduce((most, [value]) => Math.max(most, gapOf(marked(before, value), marked(now, value), weights)), 0);
}

function gapOf(source: ArrayLike<number>, target: ArrayLike<number>, weights: Float64Array | null): number {
  const plain = momentsOf(source, null);
  const other = momentsOf(target, null);
  const mean = weights === null ? plain.mean : momentsOf(source, weights).mean;
  const deviation = Math.sqrt((plain.variance + other.variance) / 2);
  return deviation > 0 ? Math.abs(other.mean - mean) / deviation : other.mean === mean ? 0 : Infinity;
}

function momentsOf(values: ArrayLike<number>, weights: Float64Array | null): { mean: number; variance: number } {
  let [total, sum, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const x = values[i] ?? Number.NaN;
    if (!Number.isFinite(x)) continue;
    const w = weights?.[i] ?? 1;
    total += w;
    sum += w * x;
  }
  const mean = total === 0 ? 0 : sum / total;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] ?? Number.NaN;
    if (Number.isFinite(x)) squares += (weights?.[i] ?? 1) * (x - mean) ** 2;
  }
  return { mean, variance: total === 0 ? 0 : squares / total };
}

export const textsOf = (column: SampleColumn): string[] => Array.from<string | number>(column.values).map(String);

/** Rows of each cell. */
export function counted(rows: number, cellOf: (row: number) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let row = 0; row < rows; row++) {
    const cell = cellOf(row);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  return counts;
}
