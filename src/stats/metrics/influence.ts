import { type BootstrapMetric, isLabelMetric } from '../types';
import { placements, scoreColumn } from './auc';
import { accuracy, checkLabels, classCounts, fBeta, recall } from './labels';
import {
  aucClasses,
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
  if (metric === 'auc_ovr') return { value, influence: aucInfluence(labels, predictionsOrScores, classes) };
  const { bin, gap } = calibrationGaps(labels, predictionsOrScores, classes, calibrationBins);
  const sums = new Float64Array(calibrationBins);
  for (let i = 0; i < gap.length; i++) sums[bin[i]!]! += gap[i]!;
  return { value, influence: gap.map((g, i) => Math.sign(sums[bin[i]!]!) * g - value) };
}

function macroInfluence(
  metric: 'f1_macro' | 'recall_macro',
  labels: Int32Array,
  predictions: ArrayLike<number>,
  classes: number,
): Float64Array {
  const n = labels.length;
  const { support, predicted, hits } = classCounts(labels, predictions, classes);
  const present = support.reduce((count, rows) => count + (rows > 0 ? 1 : 0), 0);
  const scale = n / present;
  const influence = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const label = labels[i]!;
    const prediction = predictions[i]!;
    const hit = label === prediction ? 1 : 0;
    if (metric === 'recall_macro') {
      influence[i] = (scale * (hit - hits[label]! / support[label]!)) / support[label]!;
      continue;
    }
    const ofLabel = support[label]! + predicted[label]!;
    let sum = (2 * hit - (2 * hits[label]! * (1 + hit)) / ofLabel) / ofLabel;
    if (hit === 0 && support[prediction]! > 0) {
      const ofPrediction = support[prediction]! + predicted[prediction]!;
      sum -= (2 * hits[prediction]!) / ofPrediction / ofPrediction;
    }
    influence[i] = scale * sum;
  }
  return influence;
}

/** Placements less the AUC, scaled by the share of the row's side (DeLong). */
function aucInfluence(labels: Int32Array, scores: ArrayLike<number>, classes: number): Float64Array {
  const n = labels.length;
  const { width } = checkScores(labels, scores, classes);
  const influence = new Float64Array(n);
  let used = 0;
  for (const c of aucClasses(classes)) {
    const positive = isClass(labels, c);
    const { auc, placement, positives, negatives } = placements(positive, width === 1 ? scores : scoreColumn(scores, c, width));
    if (auc === undefined) continue;
    used++;
    for (let i = 0; i < n; i++) influence[i]! += (n / (positive[i] === 1 ? positives : negatives)) * (placement[i]! - auc);
  }
  return influence.map((value) => value / used);
}
