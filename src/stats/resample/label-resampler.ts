import type { Generator } from '../random/generator';
import type { LabelMetric } from '../types';
import { armOrder, inOrder } from './arm-order';
import { CellSampler } from './cell-sampler';
import { type Cells, countCells } from './cells';
import { covarianceOf, type PairedResampler, resamplerOf } from './drawing';
import { groupsOf } from './groups';
import type { CheckedInput } from './input';
import { cellColumns, exampleTable, type LabelEvaluator, type LabelTable, labelEvaluator } from './label-metrics';

/** Arms are drawn in ascending order of their value, so that arms that change places get the same resamples. */
export function labelResampler({ arms, ...input }: CheckedInput, metric: LabelMetric): PairedResampler {
  const table = { ...input, arms: arms as LabelTable['arms'] };
  const n = table.labels.length;
  const cells = countCells(n, cellColumns(metric, table));
  const evaluator = labelEvaluator(metric, table, cells);
  const sample = new Float64Array(arms.length);
  evaluator.evaluate(cells.counts, n, sample);
  const order = armOrder(sample, { ...input, arms });
  if (order.every((arm, place) => arm === place)) return cellResampler(evaluator, cells, sample, n, input.units);
  // Without units a row of each cell, weighed, is enough to count the cells anew.
  const turned = { ...(input.units === undefined ? exampleTable(table, cells.example) : table), classes: input.classes };
  turned.arms = order.map((arm) => turned.arms[arm]!);
  const columns = cellColumns(metric, turned);
  const recounted = countCells(turned.labels.length, columns, input.units === undefined ? cells.counts : undefined);
  const again = labelEvaluator(metric, turned, recounted);
  const inner = cellResampler(
    again,
    recounted,
    Float64Array.from(order, (arm) => sample[arm]!),
    n,
    input.units,
  );
  return inOrder(inner, order);
}

function cellResampler(
  evaluator: LabelEvaluator,
  cells: Cells,
  sample: Float64Array,
  n: number,
  units: ArrayLike<number> | undefined,
): PairedResampler {
  const arms = sample.length;
  const groups = groupsOf(cells, units);
  const sampler = new CellSampler(groups.counts);
  const drawn = new Int32Array(groups.counts.length);
  const weights = groups.plain ? drawn : new Int32Array(cells.counts.length);
  const draw = (generator: Generator): number => {
    sampler.draw(generator, drawn);
    if (groups.plain) return n;
    weights.fill(0);
    let total = 0;
    for (let g = 0; g < drawn.length; g++) {
      const times = drawn[g]!;
      if (times === 0) continue;
      for (let e = groups.starts[g]!; e < groups.starts[g + 1]!; e++) {
        const rows = times * groups.times[e]!;
        weights[groups.cells[e]!]! += rows;
        total += rows;
      }
    }
    return total;
  };
  const covariance = (at: Int32Array, groupCounts: Int32Array, total: number, out: Float64Array): void => {
    const byCell = evaluator.derivatives(at, total);
    covarianceOf(
      groups.plain ? byCell : byCell.map((values) => summed(values, groups.starts, groups.cells, groups.times)),
      groupCounts,
      out,
    );
  };
  return resamplerOf({
    arms,
    items: groups.counts.reduce((sum, count) => sum + count, 0),
    sample,
    draw,
    evaluate: (total, out) => evaluator.evaluate(weights, total, out),
    covariance: (total, out) => covariance(weights, drawn, total, out),
    ofSample: (out) => covariance(cells.counts, groups.counts, n, out),
    leftOut: () => ({ arms: evaluator.leftOut(cells.counts, n, groups), counts: groups.counts }),
  });
}

function summed(values: Float64Array, starts: Int32Array, cells: Int32Array, times: Int32Array): Float64Array {
  const sums = new Float64Array(starts.length - 1);
  for (let g = 0; g < sums.length; g++) {
    let sum = 0;
    for (let e = starts[g]!; e < starts[g + 1]!; e++) sum += times[e]! * values[cells[e]!]!;
    sums[g] = sum;
  }
  return sums;
}
