import type { ColumnProfile, PredictionProfile } from '../../contract';
import { profileCounts } from './categories';
import { profileNumbers } from './numbers';

/**
 * What a model said of rows: the class it chose (`predictions`, places in `classes`) and its scores, row by row in order of `classes`.
 * Of two classes one score says all. Scores that are NaN count as missing.
 */
export function profilePredictions({
  classes,
  predictions,
  scores,
}: {
  classes: readonly string[];
  predictions: ArrayLike<number>;
  scores: ArrayLike<number> | null;
}): PredictionProfile {
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
