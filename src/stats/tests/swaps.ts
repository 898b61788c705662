import { unitNumbers } from '../intervals/variance-components';
import { countCells } from '../resample/cells';
import { LabelEvaluator } from '../resample/label-metrics';
import type { PairedBootstrapInput } from '../resample/resampler';
import { rowEvaluator } from '../resample/score-metrics';
import { type BootstrapMetric, isLabelMetric, type LabelMetric, type ScoreMetric } from '../types';

/** What of a sample can be swapped between the arms. */
export interface Swaps {
  /** Rows (or units: 1 each) that make the same difference when swapped. */
  counts: Int32Array;
  /** B - A after `swapped[g]` of group g are swapped. */
  difference: (swapped: Int32Array) => number;
}

/**
 * A sample and its mirror image (the same with the arms swapped) stand side by side; a permutation moves weight from the one to the
 * other. `turned`: B is taken as A. The input has been checked.
 */
export function swapsOf(input: PairedBootstrapInput, metric: BootstrapMetric, turned: boolean): Swaps {
  return isLabelMetric(metric) ? labelSwaps(input, metric, turned) : scoreSwaps(input, metric, turned);
}

function labelSwaps(
  { labels, predictionsA, predictionsB, classes, units }: PairedBootstrapInput,
  metric: LabelMetric,
  turned: boolean,
): Swaps {
  const arms = [predictionsA, predictionsB].map((seeds) => seeds.map((predictions) => Int32Array.from(predictions)));
  const [a, b] = turned ? [arms[1]!, arms[0]!] : [arms[0]!, arms[1]!];
  const columns = [labels, ...a, ...b];
  const cells = countCells(labels.length, columns, new Array<number>(columns.length).fill(classes));
  const width = cells.counts.length;
  const pick = (values: Int32Array, others: Int32Array): Int32Array =>
    Int32Array.from({ length: 2 * width }, (_, c) => (c < width ? values : others)[cells.example[c % width]!]!);
  const table = {
    labels: pick(labels, labels),
    predictionsA: a.map((values, s) => pick(values, b[s]!)),
    predictionsB: b.map((values, s) => pick(values, a[s]!)),
    classes,
  };
  const places = Int32Array.from({ length: 2 * width }, (_, c) => c);
  const evaluator = new LabelEvaluator(metric, table, { counts: places, ofRow: places, example: places, rows: labels.length });
  const differs = (row: number): boolean => a.some((values, s) => values[row] !== b[s]![row]);
  const weights = new Int32Array(2 * width);
  const out = { a: 0, b: 0 };
  const evaluate = (): number => {
    evaluator.evaluate(weights, labels.length, out);
    return out.b - out.a;
  };
  if (units === undefined) {
    const groups = cells.example.map((_, c) => c).filter((c) => differs(cells.example[c]!));
    return {
      counts: groups.map((c) => cells.counts[c]!),
      difference: (swapped) => {
        weights.fill(0);
        weights.set(cells.counts);
        groups.forEach((c, g) => {
          weights[c]! -= swapped[g]!;
          weights[width + c] = swapped[g]!;
        });
        return evaluate();
      },
    };
  }
  const { groupOf, counts } = rowGroups(labels.length, units, differs);
  return {
    counts,
    difference: (swapped) => {
      weights.fill(0);
      for (let i = 0; i < labels.length; i++) weights[cells.ofRow[i]! + (groupOf[i]! >= 0 && swapped[groupOf[i]!] === 1 ? width : 0)]!++;
      return evaluate();
    },
  };
}

function scoreSwaps(input: PairedBootstrapInput, metric: ScoreMetric, turned: boolean): Swaps {
  const { classes } = input;
  const n = input.labels.length;
  const [a, b] = turned ? [input.scoresB!, input.scoresA!] : [input.scoresA!, input.scoresB!];
  const order = canonicalOrder([input.labels, ...a, ...b, ...(input.units === undefined ? [] : [input.units])], n);
  const labels = Int32Array.from({ length: 2 * n }, (_, i) => input.labels[order[i % n]!]!);
  const units = input.units === undefined ? undefined : order.map((row) => input.units![row]!);
  // One arm's scores, then the other's: what one arm has not, the other has.
  const scores = a.map((values, s) => Float64Array.from([...inOrder(values, order), ...inOrder(b[s]!, order)]));
  const evaluate = rowEvaluator(metric, labels, scores, classes);
  const differs = (row: number): boolean =>
    scores.some((values) => {
      const width = values.length / n / 2;
      for (let c = 0; c < width; c++) if (values[row * width + c] !== values[(n + row) * width + c]) return true;
      return false;
    });
  const { groupOf, counts } = rowGroups(n, units, differs);
  const weights = new Int32Array(2 * n);
  return {
    counts,
    difference: (swapped) => {
      for (let i = 0; i < n; i++) {
        weights[i] = groupOf[i]! >= 0 && swapped[groupOf[i]!] === 1 ? 0 : 1;
        weights[n + i] = 1 - weights[i]!;
      }
      const ofA = evaluate(weights, n);
      for (let i = 0; i < 2 * n; i++) weights[i] = 1 - weights[i]!;
      return evaluate(weights, n) - ofA;
    },
  };
}

/** Group of each row, or -1 where swapping its row or unit changes nothing. */
function rowGroups(
  n: number,
  units: Int32Array | undefined,
  differs: (row: number) => boolean,
): { groupOf: Int32Array; counts: Int32Array } {
  const { of, count } = units === undefined ? { of: Int32Array.from({ length: n }, (_, i) => i), count: n } : unitNumbers(units);
  const active = new Uint8Array(count);
  for (let i = 0; i < n; i++) if (differs(i)) active[of[i]!] = 1;
  let groups = 0;
  const number = Int32Array.from(active, (value) => (value === 1 ? groups++ : -1));
  return { groupOf: of.map((unit) => number[unit]!), counts: new Int32Array(groups).fill(1) };
}

/** Rows sorted by their values: the order in which they came changes nothing. */
function canonicalOrder(columns: readonly ArrayLike<number>[], n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i).sort((i, j) => {
    for (const column of columns) {
      const width = column.length / n;
      for (let c = 0; c < width; c++) {
        const gap = column[i * width + c]! - column[j * width + c]!;
        if (gap !== 0) return gap;
      }
    }
    return 0;
  });
}

function inOrder(values: ArrayLike<number>, order: Int32Array): Float64Array {
  const width = values.length / order.length;
  return Float64Array.from({ length: values.length }, (_, k) => values[order[Math.floor(k / width)]! * width + (k % width)]!);
}
