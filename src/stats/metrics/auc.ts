import { argsort } from '../argsort';

/** AUC and each row's placement: for a positive the share of negatives below it (ties half), for a negative the share of positives above it. */
export function placements(
  positive: Uint8Array,
  scores: ArrayLike<number>,
): { auc: number | undefined; placement: Float64Array; positives: number; negatives: number } {
  const n = positive.length;
  const order = argsort(scores);
  const placement = new Float64Array(n);
  let positives = 0;
  for (let i = 0; i < n; i++) positives += positive[i]!;
  const negatives = n - positives;
  if (positives === 0 || negatives === 0) return { auc: undefined, placement, positives, negatives };
  // Twice the number of concordant pairs is a whole number: order of rows and rounding cannot change it.
  let [doubled, positivesBelow, negativesBelow] = [0, 0, 0];
  for (let start = 0; start < n; ) {
    let end = start;
    let tied = 0;
    const value = scores[order[start]!]!;
    while (end < n && scores[order[end]!]! === value) tied += positive[order[end++]!]!;
    const tiedNegatives = end - start - tied;
    for (let i = start; i < end; i++) {
      const row = order[i]!;
      placement[row] =
        positive[row] === 1 ? (negativesBelow + tiedNegatives / 2) / negatives : (positives - positivesBelow - tied + tied / 2) / positives;
    }
    doubled += tied * (2 * negativesBelow + tiedNegatives);
    positivesBelow += tied;
    negativesBelow += tiedNegatives;
    start = end;
  }
  return { auc: doubled / (2 * positives * negatives), placement, positives, negatives };
}

/** Column `column` of row-major scores with `width` columns. */
export function scoreColumn(scores: ArrayLike<number>, column: number, width: number): Float64Array {
  const n = scores.length / width;
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = scores[i * width + column]!;
  return values;
}
