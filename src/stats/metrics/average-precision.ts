import { checkOneOf } from '../arguments';
import { argsort } from '../argsort';
import type { PerClass } from './labels';
import { averagedOverClasses, type ScoreAverage, scoreAverages } from './scores';

/**
 * Average precision, Σ (R_i - R_{i-1}) P_i over the distinct scores from the highest (scikit-learn's; no interpolation), in 0..1. Equal
 * scores are one step, so that the order of rows changes nothing. Scores as for `rocAuc`. Two classes: of class 1. More: one class
 * against the rest, averaged (`macro`, or `weighted` by rows) over the classes that have rows; undefined where none has. `none` gives a
 * value a class, also of two.
 */
export function averagePrecision(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; average: 'none' },
): PerClass;
export function averagePrecision(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options?: { classes?: number; average?: 'macro' | 'weighted' },
): number | undefined;
export function averagePrecision(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; average?: ScoreAverage } = {},
): number | undefined | PerClass {
  const average = checkOneOf('average', options.average ?? 'macro', scoreAverages);
  return averagedOverClasses(labels, scores, options.classes, average, (positive, ofClass) => {
    const positives = positive.reduce((sum, value) => sum + value, 0);
    return { value: positives === 0 ? undefined : precisionSum(positive, ofClass) / positives, rows: positives };
  });
}

/** Σ over the positives of the precision at their score. */
function precisionSum(positive: Uint8Array, scores: ArrayLike<number>): number {
  const order = argsort(scores);
  let [sum, hits] = [0, 0];
  for (let end = order.length; end > 0; ) {
    const value = scores[order[end - 1]!]!;
    let tied = 0;
    while (end > 0 && scores[order[end - 1]!]! === value) tied += positive[order[--end]!]!;
    hits += tied;
    sum += (tied * hits) / (order.length - end);
  }
  return sum;
}
