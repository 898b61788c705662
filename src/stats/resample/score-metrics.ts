import { scoreColumn } from '../metrics/auc';
import { aucClasses, calibrationBins, calibrationGaps, rowLogLoss } from '../metrics/scores';
import type { ScoreMetric } from '../types';
import { argsort } from './rows';
import { weightedCalibration } from './weighted/calibration';
import { rowBrier, weightedMean } from './weighted/mean';
import { rankedClass, weightedRanking } from './weighted/ranking';

/** How often each row was drawn. */
export type Weights = Uint8Array | Int32Array;

/** A metric of one arm from the weight of each row; NaN where it is 0/0. */
export interface WeightedMetric {
  value: (weights: Weights, total: number) => number;
  /** The metric's derivative in the weight of each row, times `scale`, is added to `into`. */
  addDerivative: (weights: Weights, total: number, scale: number, into: Float64Array) => void;
}

/** What a metric looks at of one arm: `width` columns a seed, of the rows as they came. */
export function scoreColumns(
  metric: ScoreMetric,
  labels: Int32Array,
  seeds: readonly ArrayLike<number>[],
  classes: number,
): Float64Array[] {
  switch (metric) {
    case 'log_loss':
      return [meanOf(seeds.map((scores) => rowLogLoss(labels, scores, classes)))];
    case 'brier':
      return [meanOf(seeds.map((scores) => rowBrier(labels, scores, classes)))];
    case 'ece':
      return seeds.flatMap((scores) => {
        const { bin, gap } = calibrationGaps(labels, scores, classes, calibrationBins);
        return [gap, Float64Array.from(bin)];
      });
    case 'auc_ovr':
    case 'average_precision':
      return seeds.flatMap((scores) => {
        const width = scores.length / labels.length;
        return aucClasses(classes).map((c) => (width === 1 ? Float64Array.from(scores) : scoreColumn(scores, c, width)));
      });
  }
}

/** The metric averaged over an arm's seeds, from the columns of `scoreColumns` and, for rankings, the `argsort` of each. */
export function weightedMetric(
  metric: ScoreMetric,
  labels: Int32Array,
  columns: readonly Float64Array[],
  seeds: number,
  classes: number,
  orders: readonly Int32Array[] = isRanking(metric) ? columns.map(argsort) : [],
): WeightedMetric {
  switch (metric) {
    case 'log_loss':
    case 'brier':
      return weightedMean(columns[0]!);
    case 'ece':
      return averaged(Array.from({ length: seeds }, (_, s) => weightedCalibration(columns[2 * s]!, columns[2 * s + 1]!, calibrationBins)));
    case 'auc_ovr':
    case 'average_precision': {
      const of = aucClasses(classes);
      const ranked = columns.map((column, j) => rankedClass(labels, column, orders[j]!, of[j % of.length]!));
      return averaged(Array.from({ length: seeds }, (_, s) => weightedRanking(metric, ranked.slice(s * of.length, (s + 1) * of.length))));
    }
  }
}

/** Only the order of scores counts. */
export function isRanking(metric: ScoreMetric): boolean {
  return metric === 'auc_ovr' || metric === 'average_precision';
}

function averaged(metrics: WeightedMetric[]): WeightedMetric {
  const [only] = metrics;
  if (metrics.length === 1 && only !== undefined) return only;
  return {
    value: (weights, total) => {
      let sum = 0;
      for (const metric of metrics) sum += metric.value(weights, total);
      return sum / metrics.length;
    },
    addDerivative: (weights, total, scale, into) => {
      for (const metric of metrics) metric.addDerivative(weights, total, scale / metrics.length, into);
    },
  };
}

function meanOf(seeds: Float64Array[]): Float64Array {
  const sums = seeds[0]!;
  if (seeds.length === 1) return sums;
  for (let i = 0; i < sums.length; i++) {
    let sum = 0;
    for (const values of seeds) sum += values[i]!;
    sums[i] = sum / seeds.length;
  }
  return sums;
}
