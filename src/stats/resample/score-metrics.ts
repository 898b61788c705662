import { scoreColumn, sortedOrder } from '../metrics/auc';
import { aucClasses, calibrationBins, calibrationGaps, isClass, rowLogLoss } from '../metrics/scores';
import type { ScoreMetric } from '../types';

export interface ScoreTable {
  labels: Int32Array;
  /** Row-major, one array a seed. */
  scoresA: readonly ArrayLike<number>[];
  scoresB: readonly ArrayLike<number>[];
  classes: number;
}

/** One arm's metric averaged over seeds, from the weight of each row; NaN where undefined. */
export type RowEvaluator = (weights: Int32Array, total: number) => number;

export function rowEvaluator(metric: ScoreMetric, labels: Int32Array, scores: readonly ArrayLike<number>[], classes: number): RowEvaluator {
  const bySeed = scores.map((values) => {
    if (metric === 'auc_ovr') return aucEvaluator(labels, values, classes);
    return metric === 'ece' ? calibrationEvaluator(labels, values, classes) : meanEvaluator(rowLogLoss(labels, values, classes));
  });
  return (weights, total) => {
    let sum = 0;
    for (const evaluate of bySeed) sum += evaluate(weights, total);
    return sum / bySeed.length;
  };
}

function meanEvaluator(values: Float64Array): RowEvaluator {
  return (weights, total) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += weights[i]! * values[i]!;
    return sum / total;
  };
}

function calibrationEvaluator(labels: Int32Array, scores: ArrayLike<number>, classes: number): RowEvaluator {
  const { bin, gap } = calibrationGaps(labels, scores, classes, calibrationBins);
  const sums = new Float64Array(calibrationBins);
  return (weights, total) => {
    sums.fill(0);
    for (let i = 0; i < gap.length; i++) sums[bin[i]!]! += weights[i]! * gap[i]!;
    let sum = 0;
    for (let k = 0; k < sums.length; k++) sum += Math.abs(sums[k]!);
    return sum / total;
  };
}

/** Rows sorted once a class: bits 0 and 1 of an entry say "positive" and "last of its ties", the rest is the row. */
function aucEvaluator(labels: Int32Array, scores: ArrayLike<number>, classes: number): RowEvaluator {
  const n = labels.length;
  const width = scores.length / n;
  const orders = aucClasses(classes).map((c) => {
    const column = width === 1 ? scores : scoreColumn(scores, c, width);
    const positive = isClass(labels, c);
    return sortedOrder(column).map((row, i, order) => {
      const last = i === n - 1 || column[order[i + 1]!] !== column[row];
      return row * 4 + (last ? 2 : 0) + positive[row]!;
    });
  });
  return (weights) => {
    let sum = 0;
    let used = 0;
    for (const order of orders) {
      const auc = weightedAuc(order, weights);
      if (auc < 0) continue;
      sum += auc;
      used++;
    }
    return used === 0 ? NaN : sum / used;
  };
}

/** -1 where a side has no weight. */
function weightedAuc(order: Int32Array, weights: Int32Array): number {
  let [doubled, positives, below, tied, tiedNegatives] = [0, 0, 0, 0, 0];
  for (let i = 0; i < order.length; i++) {
    const entry = order[i]!;
    const weight = weights[entry >> 2]!;
    if ((entry & 1) === 1) tied += weight;
    else tiedNegatives += weight;
    if ((entry & 2) === 2) {
      doubled += tied * (2 * below + tiedNegatives);
      positives += tied;
      below += tiedNegatives;
      tied = 0;
      tiedNegatives = 0;
    }
  }
  return positives === 0 || below === 0 ? -1 : doubled / (2 * positives * below);
}
