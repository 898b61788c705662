import type { ScoreMetric } from '../types';
import { armOrder, inOrder } from './arm-order';
import { covarianceOf, type PairedResampler, resamplerOf } from './drawing';
import type { CheckedInput } from './input';
import { rowDraws } from './row-draws';
import { wholeWords } from './row-sampler';
import { argsort, rowTable } from './rows';
import { isRanking, scoreColumns, type Weights, weightedMetric } from './score-metrics';

/** Arms are drawn in ascending order of their value, as those of label metrics. */
export function scoreResampler(input: CheckedInput, metric: ScoreMetric): PairedResampler {
  const { labels, classes } = input;
  const once = wholeWords(labels.length).fill(1);
  const given = input.arms.map((seeds) => {
    const columns = scoreColumns(metric, labels, seeds, classes);
    // Sorting takes longest: it is done once, and carried over to the order of the table.
    const orders = isRanking(metric) ? columns.map(argsort) : [];
    return { seeds: seeds.length, columns, orders };
  });
  const sample = Float64Array.from(given, ({ seeds, columns, orders }) => {
    return weightedMetric(metric, labels, columns, seeds, classes, orders).value(once, labels.length);
  });
  const order = armOrder(sample, input);
  const oriented = orientedScores(
    input,
    metric,
    order.map((arm) => given[arm]!),
  );
  return order.every((arm, place) => arm === place) ? oriented : inOrder(oriented, order);
}

interface ScoredArm {
  seeds: number;
  columns: readonly Float64Array[];
  orders: readonly Int32Array[];
}

function orientedScores(input: CheckedInput, metric: ScoreMetric, given: readonly ScoredArm[]): PairedResampler {
  const arms = given.length;
  const first = given[0]!;
  const table = rowTable(
    input.labels,
    given.flatMap(({ columns }) => columns),
    input.units,
    first.orders[0] ?? argsort(first.columns[0]!),
  );
  let at = 0;
  const metrics = given.map(({ seeds, columns, orders }, arm) => {
    const sorted = table.columns.slice(at, at + columns.length);
    at += columns.length;
    const { place } = table;
    // The table's own order is that of the first column.
    const moved = place && orders.map((order, j) => (arm === 0 && j === 0 ? place.map((_, row) => row) : order.map((row) => place[row]!)));
    return weightedMetric(metric, table.labels, sorted, seeds, input.classes, moved);
  });
  const rows = table.labels.length;
  const evaluateAt = (weights: Weights, total: number, out: Float64Array): void => {
    for (let j = 0; j < arms; j++) out[j] = metrics[j]!.value(weights, total);
  };
  const once: Weights = table.counts ?? wholeWords(rows).fill(1);
  const sample = new Float64Array(arms);
  evaluateAt(once, table.total, sample);
  const derivativesAt = (weights: Weights, total: number): Float64Array[] => {
    const byRow = metrics.map(({ addDerivative }) => {
      const into = new Float64Array(rows);
      addDerivative(weights, total, 1, into);
      return into;
    });
    if (table.units === undefined) return byRow;
    const { of, count } = table.units;
    return byRow.map((values) => {
      const sums = new Float64Array(count);
      for (let i = 0; i < rows; i++) sums[of[i]!]! += values[i]!;
      return sums;
    });
  };
  const { draw, drawn, weights } = rowDraws(table);
  const items = table.units === undefined ? once : new Uint8Array(table.units.count).fill(1);
  return resamplerOf({
    arms,
    items: table.units?.count ?? table.total,
    sample,
    draw,
    evaluate: (total, out) => evaluateAt(weights, total, out),
    covariance: (total, out) => covarianceOf(derivativesAt(weights, total), drawn, out),
    ofSample: (out) => covarianceOf(derivativesAt(once, table.total), items, out),
    // The jackknife to first order: an item less its own influence.
    leftOut: () => ({
      arms: derivativesAt(once, table.total).map((values, j) => taken(sample[j]!, values)),
      counts: table.counts,
    }),
  });
}

/** `from` less each value, in place. */
function taken(from: number, values: Float64Array): Float64Array {
  for (let i = 0; i < values.length; i++) values[i] = from - values[i]!;
  return values;
}
