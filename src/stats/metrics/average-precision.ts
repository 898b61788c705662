import { checkOneOf } from '../arguments';
import { scoreColumn, sortedOrder } from './auc';
import { aucClasses, checkScores, isClass } from './scores';

/**
 * Average precision, Σ (R_i - R_{i-1}) P_i over the distinct scores from the highest (scikit-learn's; no interpolation), in 0..1. Equal
 * scores are one step, so that the order of rows changes nothing. Scores as for `rocAuc`. Two classes: of class 1. More: one class
 * against the rest, averaged (`macro`, or `weighted` by rows) over the classes that have rows; undefined where none has.
 */
export function averagePrecision(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; average?: 'macro' | 'weighted' } = {},
): number | undefined {
  const average = checkOneOf('average', options.average ?? 'macro', ['macro', 'weighted']);
  const { width, classes } = checkScores(labels, scores, options.classes);
  let total = 0;
  let weights = 0;
  for (const c of aucClasses(classes)) {
    const positive = isClass(labels, c);
    const positives = positive.reduce((sum, value) => sum + value, 0);
    if (positives === 0) continue;
    const weight = average === 'weighted' ? positives : 1;
    total += (weight * precisionSum(positive, width === 1 ? scores : scoreColumn(scores, c, width))) / positives;
    weights += weight;
  }
  return weights === 0 ? undefined : total / weights;
}

/** Σ over the positives of the precision at their score. */
function precisionSum(positive: Uint8Array, scores: ArrayLike<number>): number {
  const order = sortedOrder(scores);
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
