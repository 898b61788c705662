import { checkCount, checkFinite } from '../arguments';
import { placements, scoreColumn } from './auc';
import { checkLabels } from './labels';

/*
 * Scores are n values (the score of class 1) or row-major n x classes.
 */

export const calibrationBins = 15;
/** Probabilities are kept this far from 0 and 1 before the logarithm, as scikit-learn does. */
const leastProbability = 2.220446049250313e-16;

/**
 * Area under the ROC curve, ties half. Two classes: of class 1. More: one class against the rest, averaged over the classes that have both
 * positives and negatives; undefined where none has.
 */
export function rocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; multiclass?: 'ovr'; average?: 'macro' | 'weighted' } = {},
): number | undefined {
  const { width, classes } = checkScores(labels, scores, options.classes);
  let total = 0;
  let weights = 0;
  for (const c of aucClasses(classes)) {
    const { auc, positives } = placements(isClass(labels, c), width === 1 ? scores : scoreColumn(scores, c, width));
    if (auc === undefined) continue;
    const weight = options.average === 'weighted' ? positives : 1;
    total += weight * auc;
    weights += weight;
  }
  return weights === 0 ? undefined : total / weights;
}

/** Mean of -log p(label), natural logarithm. */
export function logLoss(labels: ArrayLike<number>, scores: ArrayLike<number>, options: { classes?: number } = {}): number | undefined {
  return mean(rowLogLoss(labels, scores, options.classes));
}

/** Mean squared distance of the scores from the label: of class 1 for two classes, summed over classes for more. */
export function brierScore(labels: ArrayLike<number>, scores: ArrayLike<number>, options: { classes?: number } = {}): number | undefined {
  const { width, classes } = checkScores(labels, scores, options.classes);
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    if (width === 1 || classes === 2) {
      const p = width === 1 ? scores[i]! : scores[2 * i + 1]!;
      total += (p - labels[i]!) ** 2;
    } else for (let c = 0; c < width; c++) total += (scores[i * width + c]! - (labels[i] === c ? 1 : 0)) ** 2;
  }
  return labels.length === 0 ? undefined : total / labels.length;
}

/** Σ over bins of |hits - confidence| / n: top-class confidence in equal-width bins (default 15), closed on the right. */
export function expectedCalibrationError(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; bins?: number } = {},
): number | undefined {
  const bins = checkCount('bins', options.bins ?? calibrationBins, 1);
  const { bin, gap } = calibrationGaps(labels, scores, options.classes, bins);
  const sums = new Float64Array(bins);
  for (let i = 0; i < gap.length; i++) sums[bin[i]!]! += gap[i]!;
  return gap.length === 0 ? undefined : sums.reduce((total, value) => total + Math.abs(value), 0) / gap.length;
}

/** -log p(label) of each row. */
export function rowLogLoss(labels: ArrayLike<number>, scores: ArrayLike<number>, classes?: number): Float64Array {
  const { width } = checkScores(labels, scores, classes);
  return Float64Array.from(labels, (label, i) => {
    const p = width === 1 ? (label === 1 ? scores[i]! : 1 - scores[i]!) : scores[i * width + label]!;
    return -Math.log(Math.min(1 - leastProbability, Math.max(leastProbability, p)));
  });
}

/** Bin of each row's confidence, and hit (1 or 0) less confidence. Of equal scores the first class is the prediction. */
export function calibrationGaps(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  classes: number | undefined,
  bins: number,
): { bin: Int32Array; gap: Float64Array } {
  const { width } = checkScores(labels, scores, classes);
  const bin = new Int32Array(labels.length);
  const gap = new Float64Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    let top = 0;
    let confidence = width === 1 ? 1 - scores[i]! : scores[i * width]!;
    for (let c = 1; c < Math.max(2, width); c++) {
      const score = width === 1 ? scores[i]! : scores[i * width + c]!;
      if (score > confidence) {
        confidence = score;
        top = c;
      }
    }
    bin[i] = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    gap[i] = (top === labels[i] ? 1 : 0) - confidence;
  }
  return { bin, gap };
}

/** Classes whose AUC is averaged. */
export function aucClasses(classes: number): number[] {
  return classes <= 2 ? [1] : Array.from({ length: classes }, (_, c) => c);
}

export function isClass(labels: ArrayLike<number>, c: number): Uint8Array {
  const positive = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) positive[i] = labels[i] === c ? 1 : 0;
  return positive;
}

export function checkScores(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  given: number | undefined,
): { width: number; classes: number } {
  const n = labels.length;
  if (n === 0) return { width: 1, classes: given ?? 2 };
  const width = scores.length / n;
  if (!Number.isInteger(width) || width < 1) throw new RangeError(`scores must have ${n} values or ${n} a class, got ${scores.length}`);
  const classes = given ?? Math.max(2, width);
  if (width !== 1 && width !== classes) throw new RangeError(`scores must have ${classes} columns, got ${width}`);
  if (width === 1 && classes !== 2) throw new RangeError(`scores of one column need 2 classes, got ${classes}`);
  checkFinite('scores', scores);
  checkLabels('labels', labels, classes);
  return { width, classes };
}

function mean(values: Float64Array): number | undefined {
  return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0) / values.length;
}
