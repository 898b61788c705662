import { scoreColumns, weightedMetric } from '../resample/score-metrics';
import { rowBrier } from '../resample/weighted/mean';
import { type BootstrapMetric, isLabelMetric } from '../types';
import { placements, scoreColumn } from './auc';
import { averagePrecision } from './average-precision';
import { accuracy, checkLabels, classCounts, fBeta, recall } from './labels';
import {
  aucClasses,
  brierScore,
  calibrationBins,
  calibrationGaps,
  checkScores,
  expectedCalibrationError,
  isClass,
  logLoss,
  rocAuc,
  rowLogLoss,
} from './scores';

/** Value of a metric by its name; predictions for label metrics, scores for the others. */
export function metricValue(
  metric: BootstrapMetric,
  labels: ArrayLike<number>,
  predictionsOrScores: ArrayLike<number>,
  classes: number,
): number | undefined {
  switch (metric) {
    case 'accuracy':
      return accuracy(labels, predictionsOrScores);
    case 'f1_macro':
      return fBeta(labels, predictionsOrScores, { classes });
    case 'recall_macro':
      return recall(labels, predictionsOrScores, { classes });
    case 'auc_ovr':
      return rocAuc(labels, predictionsOrScores, { classes });
    case 'average_precision':
      return averagePrecision(labels, predictionsOrScores, { classes });
    case 'brier':
      return brierScore(labels, predictionsOrScores, { classes });
    case 'log_loss':
      return logLoss(labels, predictionsOrScores, { classes });
    case 'ece':
      return expectedCalibrationError(labels, predictionsOrScores, { classes });
  }
}

/**
 * A metric and the influence of each row on it (infinitesimal jackknife; the influences sum to 0, and their variance over n is the
 * metric's). Value undefined and no influence where the metric is 0/0.
 */
export function influenceValues(
  metric: BootstrapMetric,
  labels: Int32Array,
  predictionsOrScores: ArrayLike<number>,
  classes: number,
): { value: number | undefined; influence: Float64Array } {
  const value = metricValue(metric, labels, predictionsOrScores, classes);
  if (value === undefined) return { value, influence: new Float64Array(0) };
  if (isLabelMetric(metric)) {
    checkLabels('predictions', predictionsOrScores, classes);
    if (metric === 'accuracy')
      return { value, influence: Float64Array.from(labels, (label, i) => (label === predictionsOrScores[i] ? 1 : 0) - value) };
    return { value, influence: macroInfluence(metric, labels, predictionsOrScores, classes) };
  }
  if (metric === 'log_loss') return { value, influence: rowLogLoss(labels, predictionsOrScores, classes).map((loss) => loss - value) };
  if (metric === 'brier') return { value, influence: rowBrier(labels, predictionsOrScores, classes).map((row) => row - value) };
  if (metric === 'average_precision') return { value, influence: precisionInfluence(labels, predictionsOrScores, classes) };
  if (metric === 'auc_ovr') return { value, influence: aucInfluence(labels, predictionsOrScores, classes) };
  const { bin, gap } = calibrationGaps(labels, predictionsOrScores, classes, calibrationBins);
  const sums = new Float64Array(calibrationBins);
  for (let i = 0; i < gap.length; i++) sums[bin[i]!]! += gap[i]!;
  return { value, influence: gap.map((g, i) => Math.sign(sums[bin[i]!]!) * g - value) };
}

/** The derivative of the average precision in the weight of each row. */
function precisionInfluence(labels: Int32Array, scores: ArrayLike<number>, classes: number): Float64Array {
  const n = labels.length;
  const metric = weightedMetric('average_precision', labels, scoreColumns('average_precision', labels, [scores], classes), 1, classes);
  const influence = new Float64Array(n);
  metric.addDerivative(new Int32Array(n).fill(1), n, n, influence);
  return influence;
}

/**
 * By leaving each row out (delete-one jackknife): the derivative alone would take a class of one row for certain, and variance components
 * then err in 7 to 23 % of experiments with classes of 1 to 3 rows in place of 2 to 6 (docs/calibration.md). A class without its only row is
 * no part of the mean.
 */
function macroInfluence(
  metric: 'f1_macro' | 'recall_macro',
  labels: Int32Array,
  predictions: ArrayLike<number>,
  classes: number,
): Float64Array {
  const n = labels.length;
  const influence = new Float64Array(n);
  if (n === 1) return influence;
  const { support, predicted, hits } = classCounts(labels, predictions, classes);
  const valueOf = (rows: number, named: number, right: number): number =>
    metric === 'f1_macro' ? (2 * right) / (rows + named) : right / rows;
  const values = Float64Array.from(support, (rows, c) => (rows > 0 ? valueOf(rows, predicted[c]!, hits[c]!) : 0));
  const present = support.reduce((count, rows) => count + (rows > 0 ? 1 : 0), 0);
  const total = values.reduce((sum, value) => sum + value, 0);
  let mean = 0;
  for (let i = 0; i < n; i++) {
    const label = labels[i]!;
    const prediction = predictions[i]!;
    const hit = label === prediction ? 1 : 0;
    const last = support[label] === 1;
    let left = total - values[label]!;
    if (!last) left += valueOf(support[label]! - 1, predicted[label]! - hit, hits[label]! - hit);
    if (hit === 0 && support[prediction]! > 0)
      left += valueOf(support[prediction]!, predicted[prediction]! - 1, hits[prediction]!) - values[prediction]!;
    influence[i] = (n - 1) * (total / present - left / (last ? present - 1 : present));
    mean += influence[i]! / n;
  }
  return influence.map((value) => value - mean);
}

/**
 * Two classes: placements less the AUC, scaled by the share of the row's side (DeLong). More: by leaving each row out, for the same reason as
 * above; a class of which no positive or no negative is left is no part of the mean.
 */
function aucInfluence(labels: Int32Array, scores: ArrayLike<number>, classes: number): Float64Array {
  const n = labels.length;
  const { width } = checkScores(labels, scores, classes);
  const ofClass = aucClasses(classes).flatMap((c) => {
    const positive = isClass(labels, c);
    const { auc, ...found } = placements(positive, width === 1 ? scores : scoreColumn(scores, c, width));
    return auc === undefined ? [] : [{ ...found, auc, positive }];
  });
  const influence = new Float64Array(n);
  const [only] = ofClass;
  if (ofClass.length === 1 && only !== undefined) {
    const { positive, positives, negatives, placement, auc } = only;
    for (let i = 0; i < n; i++) influence[i] = (n / (positive[i] === 1 ? positives : negatives)) * (placement[i]! - auc);
    return influence;
  }
  const value = ofClass.reduce((sum, { auc }) => sum + auc, 0) / ofClass.length;
  let mean = 0;
  for (let i = 0; i < n; i++) {
    let [sum, used] = [0, 0];
    for (const { positive, positives, negatives, placement, auc } of ofClass) {
      const side = positive[i] === 1 ? positives : negatives;
      if (side === 1) continue;
      sum += (side * auc - placement[i]!) / (side - 1);
      used++;
    }
    influence[i] = used === 0 ? 0 : (n - 1) * (value - sum / used);
    mean += influence[i]! / n;
  }
  return influence.map((each) => each - mean);
}
