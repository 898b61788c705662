import { unitNumbers } from '../intervals/variance-components';
import { countCells } from '../resample/cells';
import { labelEvaluator } from '../resample/label-metrics';
import { scoreColumns, weightedMetric } from '../resample/score-metrics';
import { type BootstrapMetric, isLabelMetric, type LabelMetric, type ScoreMetric } from '../types';

/** Two arms on the same rows. */
export interface TwoArms {
  labels: Int32Array;
  /** One array a seed. */
  predictionsA: readonly ArrayLike<number>[];
  predictionsB: readonly ArrayLike<number>[];
  /** Row-major n x classes, one array a seed; needed by metrics of scores. */
  scoresA?: readonly ArrayLike<number>[];
  scoresB?: readonly ArrayLike<number>[];
  classes: number;
  /** Unit of each row, any whole numbers; units are then what is swapped. */
  units?: Int32Array;
}

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
export function swapsOf(input: TwoArms, metric: BootstrapMetric, turned: boolean): Swaps {
  return isLabelMetric(metric) ? labelSwaps(input, metric, turned) : scoreSwaps(input, metric, turned);
}

function labelSwaps({ labels, predictionsA, predictionsB, classes, units }: TwoArms, metric: LabelMetric, turned: boolean): Swaps {
  const arms = [predictionsA, predictionsB].map((seeds) => seeds.map((predictions) => Int32Array.from(predictions)));
  const [a, b] = turned ? [arms[1]!, arms[0]!] : [arms[0]!, arms[1]!];
  const columns = [Int32Array.from(labels), ...a, ...b];
  const cells = countCells(
    labels.length,
    columns.map((values) => ({ size: classes, values })),
  );
  const width = cells.counts.length;
  const pick = (values: Int32Array, others: Int32Array): Int32Array =>
    Int32Array.from({ length: 2 * width }, (_, c) => (c < width ? values : others)[cells.example[c % width]!]!);
  const table = {
    labels: pick(labels, labels),
    arms: [a.map((values, s) => pick(values, b[s]!)), b.map((values, s) => pick(values, a[s]!))],
    classes,
  };
  const evaluator = labelEvaluator(metric, table, { example: Int32Array.from({ length: 2 * width }, (_, c) => c) });
  const differs = (row: number): boolean => a.some((values, s) => values[row] !== b[s]![row]);
  const weights = new Int32Array(2 * width);
  const out = new Float64Array(2);
  const evaluate = (): number => {
    evaluator.evaluate(weights, labels.length, out);
    return out[1]! - out[0]!;
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
  const cellOf = cells.ofRow();
  return {
    counts,
    difference: (swapped) => {
      weights.fill(0);
      for (let i = 0; i < labels.length; i++) weights[cellOf[i]! + (groupOf[i]! >= 0 && swapped[groupOf[i]!] === 1 ? width : 0)]!++;
      return evaluate();
    },
  };
}

function scoreSwaps(input: TwoArms, metric: ScoreMetric, turned: boolean): Swaps {
  const { classes } = input;
  const n = input.labels.length;
  const [a, b] = turned ? [input.scoresB!, input.scoresA!] : [input.scoresA!, input.scoresB!];
  const order = canonicalOrder([input.labels, ...a, ...b, ...(input.units === undefined ? [] : [input.units])], n);
  const labels = Int32Array.from({ length: 2 * n }, (_, i) => input.labels[order[i % n]!]!);
  const units = input.units === undefined ? undefined : order.map((row) => input.units![row]!);
  // One arm's scores, then the other's: what one arm has not, the other has.
  const scores = a.map((values, s) => Float64Array.from([...inOrder(values, order), ...inOrder(b[s]!, order)]));
  const { value: evaluate } = weightedMetric(metric, labels, scoreColumns(metric, labels, scores, classes), scores.length, classes);
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
