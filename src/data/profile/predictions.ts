import type { ColumnProfile, PredictionProfile } from '../../contract';
import { profileCounts } from './categories';
import { profileNumbers } from './numbers';

/**
 * What a model said of rows: the class it chose (`predictions`, places in `classes`; left out: that of the highest score, the first of
 * equal ones) and its scores, row by row in order of `classes`. Of two classes one score says all. Scores that are NaN count as missing.
 */
export function profilePredictions({
  classes,
  scores,
  predictions = highest(scores ?? [], classes.length),
}: { classes: readonly string[] } & (
  | { predictions: ArrayLike<number>; scores: ArrayLike<number> | null }
  | { predictions?: never; scores: ArrayLike<number> }
)): PredictionProfile {
  const rows = predictions.length;
  const width = classes.length;
  if (scores !== null && scores.length !== rows * width)
    throw new RangeError(`scores must hold ${rows} rows of ${width} classes, got ${scores.length} values`);
  const counts = new Map<string, number>();
  for (let i = 0; i < rows; i++) {
    const name = classes[predictions[i]!];
    if (name === undefined) throw new RangeError(`predictions[${i}] must be a place in ${width} classes, got ${predictions[i]}`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const columns: ColumnProfile[] = [profileCounts('prediction', counts, 0)];
  if (scores !== null)
    for (let k = width === 2 ? 1 : 0; k < width; k++)
      columns.push(
        profileNumbers(
          `score of ${classes[k]}`,
          Float64Array.from({ length: rows }, (_, i) => scores[i * width + k]!),
        ),
      );
  return { schema: 'assay.predictions-profile/1', rows, columns };
}

function highest(scores: ArrayLike<number>, width: number): Int32Array {
  const chosen = new Int32Array(scores.length / width);
  for (let row = 0; row < chosen.length; row++) {
    let best = 0;
    for (let k = 1; k < width; k++) if (scores[row * width + k]! > scores[row * width + best]!) best = k;
    chosen[row] = best;
  }
  return chosen;
}
