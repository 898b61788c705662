import { checkCount, checkFinite, checkOneOf } from '../arguments';
import { sumOf } from '../sum';
import { placements, scoreColumn } from './auc';
import { checkLabels, type PerClass } from './labels';

/*
 * Scores are n values (the score of class 1) or row-major n x classes. Log loss, Brier's score and the calibration error refuse what is no
 * probability.
 */

export const calibrationBins = 15;
/** Probabilities are kept this far from 0 and 1 before the logarithm, as scikit-learn does. */
const leastProbability = 2.220446049250313e-16;

export type ScoreAverage = 'macro' | 'weighted' | 'none';
export const scoreAverages: readonly ScoreAverage[] = ['macro', 'weighted', 'none'];

/**
 * Area under the ROC curve, ties half, 0..1 (Hanley & McNeil 1982). Two classes: of class 1. More, `ovr`: one class against the rest,
 * averaged (`macro`, or `weighted` by the class's rows) over the classes that have both positives and negatives; `none` gives a value a
 * class, also of two. `ovo`: Hand & Till's (2001) mean over all pairs of classes with rows, each pair both ways over its own rows alone,
 * `weighted` by the pair's rows. Undefined where no class or pair is left. Only the order of scores counts.
 */
export function rocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; multiclass?: 'ovr'; average: 'none' },
): PerClass;
export function rocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options?: { classes?: number; multiclass?: 'ovr' | 'ovo'; average?: 'macro' | 'weighted' },
): number | undefined;
export function rocAuc(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; multiclass?: 'ovr' | 'ovo'; average?: ScoreAverage } = {},
): number | undefined | PerClass {
  const average = checkOneOf('average', options.average ?? 'macro', scoreAverages);
  if (checkOneOf('multiclass', options.multiclass ?? 'ovr', ['ovr', 'ovo']) === 'ovo') {
    if (average === 'none') throw new TypeError('average must be macro or weighted where multiclass is ovo; got none');
    return overPairs(labels, scores, options.classes, average);
  }
  return averagedOverClasses(labels, scores, options.classes, average, (positive, ofClass) => {
    const { auc, positives } = placements(positive, ofClass);
    return { value: auc, rows: positives };
  });
}

/**
 * Mean of -log p(label), natural logarithm, at least 0; scores are probabilities, kept 2.2e-16 away from 0 and 1 (scikit-learn's) so that
 * one sure mistake is not infinite. Undefined without rows.
 */
export function logLoss(labels: ArrayLike<number>, scores: ArrayLike<number>, options: { classes?: number } = {}): number | undefined {
  return mean(rowLogLoss(labels, scores, options.classes));
}

/**
 * Mean squared distance of the scores from the label (Brier 1950): of class 1 for two classes, 0..1 for probabilities, as in scikit-learn;
 * summed over classes for more, 0..2. Undefined without rows.
 */
export function brierScore(labels: ArrayLike<number>, scores: ArrayLike<number>, options: { classes?: number } = {}): number | undefined {
  const { width, classes } = checkScores(labels, scores, options.classes);
  checkProbabilities(scores);
  const rows = Float64Array.from(labels, (label, i) => {
    if (width === 1 || classes === 2) return ((width === 1 ? scores[i]! : scores[2 * i + 1]!) - label) ** 2;
    let row = 0;
    for (let c = 0; c < width; c++) row += (scores[i * width + c]! - (label === c ? 1 : 0)) ** 2;
    return row;
  });
  return mean(rows);
}

/**
 * Σ over bins of |hits - confidence| / n, 0..1 (Naeini et al. 2015; Guo et al. 2017): the top class's score in equal-width bins (default
 * 15), closed on the right; the first of equal scores is the prediction. Undefined without rows.
 */
export function expectedCalibrationError(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  options: { classes?: number; bins?: number } = {},
): number | undefined {
  const bins = checkCount('bins', options.bins ?? calibrationBins, 1);
  const { bin, gap } = calibrationGaps(labels, scores, options.classes, bins);
  const sums = Array.from({ length: bins }, (_, b) => sumOf(gap.filter((_gap, i) => bin[i] === b)));
  return gap.length === 0 ? undefined : sums.reduce((total, value) => total + Math.abs(value), 0) / gap.length;
}

/** A metric of one class against the rest, over the classes where it is defined. */
export function averagedOverClasses(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  given: number | undefined,
  average: ScoreAverage,
  ofClass: (positive: Uint8Array, scores: ArrayLike<number>) => { value: number | undefined; rows: number },
): number | undefined | PerClass {
  const { width, classes } = checkScores(labels, scores, given);
  const at = (c: number) => ofClass(isClass(labels, c), width > 1 ? scoreColumn(scores, c, width) : c === 1 ? scores : negated(scores));
  if (average === 'none') return Array.from({ length: classes }, (_, c) => at(c).value);
  let total = 0;
  let weights = 0;
  for (const c of aucClasses(classes)) {
    const { value, rows } = at(c);
    if (value === undefined) continue;
    const weight = average === 'weighted' ? rows : 1;
    total += weight * value;
    weights += weight;
  }
  return weights === 0 ? undefined : total / weights;
}

function overPairs(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  given: number | undefined,
  average: 'macro' | 'weighted',
): number | undefined {
  const { width, classes } = checkScores(labels, scores, given);
  if (classes <= 2) return rocAuc(labels, scores, { classes });
  const rowsOf: number[][] = Array.from({ length: classes }, () => []);
  for (let i = 0; i < labels.length; i++) rowsOf[labels[i]!]!.push(i);
  const auc = (mine: number[], others: number[], c: number): number => {
    const positive = Uint8Array.from({ length: mine.length + others.length }, (_, i) => Number(i < mine.length));
    const column = Float64Array.from([...mine, ...others], (row) => scores[row * width + c]!);
    return placements(positive, column).auc!;
  };
  let [total, weights] = [0, 0];
  for (let a = 0; a < classes; a++)
    for (let b = a + 1; b < classes; b++) {
      const [ofA, ofB] = [rowsOf[a]!, rowsOf[b]!];
      if (ofA.length === 0 || ofB.length === 0) continue;
      const weight = average === 'weighted' ? ofA.length + ofB.length : 1;
      total += (weight * (auc(ofA, ofB, a) + auc(ofB, ofA, b))) / 2;
      weights += weight;
    }
  return weights === 0 ? undefined : total / weights;
}

function negated(scores: ArrayLike<number>): Float64Array {
  return Float64Array.from(scores, (score) => -score);
}

/** -log p(label) of each row. */
export function rowLogLoss(labels: ArrayLike<number>, scores: ArrayLike<number>, classes?: number): Float64Array {
  const { width } = checkScores(labels, scores, classes);
  checkProbabilities(scores);
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
  checkProbabilities(scores);
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

/** A row's scores may be rounded to few digits, and one of them made of what the others leave. */
const rounding = 1e-3;

function checkProbabilities(scores: ArrayLike<number>): void {
  for (let i = 0; i < scores.length; i++)
    if (!(scores[i]! >= -rounding && scores[i]! <= 1 + rounding))
      throw new RangeError(`scores[${i}] must be a probability from 0 to 1, got ${scores[i]}`);
}

function mean(values: Float64Array): number | undefined {
  return values.length === 0 ? undefined : sumOf(values) / values.length;
}
