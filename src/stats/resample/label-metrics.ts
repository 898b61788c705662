import type { LabelMetric } from '../types';
import type { CellColumn, Cells } from './cells';
import type { Groups } from './groups';

/** Labels and predictions, of rows or of one row a cell. */
export interface LabelTable {
  labels: Int32Array;
  /** An array a seed of each arm. */
  arms: readonly (readonly Int32Array[])[];
  classes: number;
}

/** What makes the cells: for accuracy how often each arm is right, else the label and every prediction. */
export function cellColumns(metric: LabelMetric, { labels, arms, classes }: LabelTable): CellColumn[] {
  if (metric === 'accuracy') return arms.map((predictions) => ({ size: predictions.length + 1, values: labels, predictions }));
  return [labels, ...arms.flat()].map((values) => ({ size: classes, values }));
}

/** The given rows of a table. */
export function exampleTable({ labels, arms, classes }: LabelTable, rows: Int32Array): LabelTable {
  return { labels: pick(labels, rows), arms: arms.map((seeds) => seeds.map((predictions) => pick(predictions, rows))), classes };
}

/** A label metric of each arm, averaged over its seeds, from the weights of cells. */
export interface LabelEvaluator {
  /** Fills `out`; NaN where no row has weight. */
  evaluate: (weights: Int32Array, total: number, out: Float64Array) => void;
  /** Each arm's derivative in the weight of each cell; `evaluate` need not have been called. */
  derivatives: (weights: Int32Array, total: number) => Float64Array[];
  /** Each arm with one member of each group left out: only the classes that it touches are counted anew. */
  leftOut: (weights: Int32Array, total: number, groups: Groups) => Float64Array[];
}

/**
 * Macro averages are over the classes that have a row in the weights: a class that a resample lacks is left out of its mean, so that the
 * resample's metric is what the sample's would be had it come so.
 */
export function labelEvaluator(metric: LabelMetric, table: LabelTable, cells: Pick<Cells, 'example'>): LabelEvaluator {
  const { labels, arms } = exampleTable(table, cells.example);
  return metric === 'accuracy' ? accuracyEvaluator(labels, arms) : macroEvaluator(metric === 'f1_macro', labels, arms, table.classes);
}

function accuracyEvaluator(labels: Int32Array, arms: readonly (readonly Int32Array[])[]): LabelEvaluator {
  const right = arms.map((seeds) => timesRight(labels, seeds));
  const evaluate: LabelEvaluator['evaluate'] = (weights, total, out) => {
    for (let j = 0; j < right.length; j++) {
      const times = right[j]!;
      let sum = 0;
      for (let c = 0; c < weights.length; c++) sum += weights[c]! * times[c]!;
      out[j] = sum / (total * arms[j]!.length);
    }
  };
  return {
    evaluate,
    derivatives: (weights, total) => {
      const values = new Float64Array(arms.length);
      evaluate(weights, total, values);
      return right.map((times, j) => Float64Array.from(times, (hits) => (hits / arms[j]!.length - values[j]!) / total));
    },
    leftOut: (weights, total, { counts, starts, cells, times }) =>
      right.map((hits, j) => {
        let sum = 0;
        for (let c = 0; c < weights.length; c++) sum += weights[c]! * hits[c]!;
        const left = new Float64Array(counts.length);
        for (let g = 0; g < left.length; g++) {
          let hitsOut = 0;
          let rowsOut = 0;
          for (let e = starts[g]!; e < starts[g + 1]!; e++) {
            hitsOut += times[e]! * hits[cells[e]!]!;
            rowsOut += times[e]!;
          }
          left[g] = (sum - hitsOut) / ((total - rowsOut) * arms[j]!.length);
        }
        return left;
      }),
  };
}

function macroEvaluator(f1: boolean, labels: Int32Array, arms: readonly (readonly Int32Array[])[], classes: number): LabelEvaluator {
  // Slot of each cell: its prediction, and classes further where that is right.
  const slots = arms.map((seeds) =>
    seeds.map((predictions) => {
      const slot = new Int32Array(labels.length);
      for (let c = 0; c < slot.length; c++) slot[c] = predictions[c]! + (predictions[c] === labels[c] ? classes : 0);
      return slot;
    }),
  );
  const support = new Int32Array(classes);
  const predicted = new Int32Array(2 * classes);
  return {
    evaluate: (weights, _total, out) => {
      tally(labels, weights, support);
      for (let j = 0; j < slots.length; j++) {
        let sum = 0;
        for (const slot of slots[j]!) {
          tally(slot, weights, predicted);
          sum += macro(support, predicted, f1);
        }
        out[j] = sum / slots[j]!.length;
      }
    },
    derivatives: (weights) => {
      tally(labels, weights, support);
      return slots.map((seeds) => {
        const result = new Float64Array(labels.length);
        for (const slot of seeds) {
          tally(slot, weights, predicted);
          addMacroDerivative(support, predicted, f1, labels, slot, 1 / seeds.length, result);
        }
        return result;
      });
    },
    leftOut: (weights, _total, groups) => {
      tally(labels, weights, support);
      return slots.map((seeds) => {
        const left = new Float64Array(groups.counts.length);
        for (const slot of seeds) {
          tally(slot, weights, predicted);
          addLeftOut(support, predicted, f1, labels, slot, groups, 1 / seeds.length, left);
        }
        return left;
      });
    },
  };
}

function tally(slots: Int32Array, weights: Int32Array, into: Int32Array): void {
  into.fill(0);
  for (let c = 0; c < slots.length; c++) into[slots[c]!]! += weights[c]!;
}

function addLeftOut(
  support: Int32Array,
  predicted: Int32Array,
  f1: boolean,
  labels: Int32Array,
  slot: Int32Array,
  { counts, starts, cells, times }: Groups,
  scale: number,
  into: Float64Array,
): void {
  const classes = support.length;
  const share = (k: number): number => {
    const rows = support[k]!;
    if (rows === 0) return 0;
    const hits = predicted[classes + k]!;
    return f1 ? (2 * hits) / (rows + predicted[k]! + hits) : hits / rows;
  };
  let whole = 0;
  let present = 0;
  for (let k = 0; k < classes; k++) {
    whole += share(k);
    if (support[k]! > 0) present++;
  }
  const touchedBy = new Int32Array(classes).fill(-1);
  const touched = new Int32Array(classes);
  for (let g = 0; g < counts.length; g++) {
    let sum = whole;
    let found = 0;
    let classesLeft = present;
    const touch = (k: number): void => {
      if (touchedBy[k] === g) return;
      touchedBy[k] = g;
      touched[found++] = k;
      sum -= share(k);
      if (support[k]! > 0) classesLeft--;
    };
    const [from, to] = [starts[g]!, starts[g + 1]!];
    for (let e = from; e < to; e++) {
      touch(labels[cells[e]!]!);
      touch(slot[cells[e]!]! % classes);
    }
    for (let e = from; e < to; e++) {
      support[labels[cells[e]!]!]! -= times[e]!;
      predicted[slot[cells[e]!]!]! -= times[e]!;
    }
    for (let i = 0; i < found; i++) {
      sum += share(touched[i]!);
      if (support[touched[i]!]! > 0) classesLeft++;
    }
    into[g]! += (scale * sum) / classesLeft;
    for (let e = from; e < to; e++) {
      support[labels[cells[e]!]!]! += times[e]!;
      predicted[slot[cells[e]!]!]! += times[e]!;
    }
  }
}

/** Mean over the classes present in the labels. */
function macro(support: Int32Array, predicted: Int32Array, f1: boolean): number {
  const classes = support.length;
  let sum = 0;
  let present = 0;
  for (let k = 0; k < classes; k++) {
    const rows = support[k]!;
    if (rows === 0) continue;
    present++;
    const hits = predicted[classes + k]!;
    sum += f1 ? (2 * hits) / (rows + predicted[k]! + hits) : hits / rows;
  }
  return sum / present;
}

/** A row moves the share of its label's class and, where it is wrong, that of the predicted class. */
function addMacroDerivative(
  support: Int32Array,
  predicted: Int32Array,
  f1: boolean,
  labels: Int32Array,
  slot: Int32Array,
  scale: number,
  into: Float64Array,
): void {
  const classes = support.length;
  const ofHit = new Float64Array(classes);
  const ofMiss = new Float64Array(classes);
  const ofFalse = new Float64Array(classes);
  let present = 0;
  for (let k = 0; k < classes; k++) {
    const rows = support[k]!;
    if (rows === 0) continue;
    present++;
    const hits = predicted[classes + k]!;
    const all = f1 ? rows + predicted[k]! + hits : rows;
    const share = f1 ? (2 * hits) / all : hits / all;
    // F1 = 2 hits / (rows + predicted): a hit adds 2 to both ends, a miss or a false alarm 1 below.
    ofHit[k] = f1 ? (2 - 2 * share) / all : (1 - share) / all;
    ofMiss[k] = -share / all;
    ofFalse[k] = f1 ? -share / all : 0;
  }
  const factor = scale / present;
  for (let c = 0; c < labels.length; c++) {
    const to = slot[c]!;
    into[c]! += factor * (to >= classes ? ofHit[to - classes]! : ofMiss[labels[c]!]! + ofFalse[to]!);
  }
}

function timesRight(labels: Int32Array, seeds: readonly Int32Array[]): Int32Array {
  const right = new Int32Array(labels.length);
  for (const predictions of seeds) for (let i = 0; i < right.length; i++) right[i]! += predictions[i] === labels[i] ? 1 : 0;
  return right;
}

function pick(values: Int32Array, rows: Int32Array): Int32Array {
  const picked = new Int32Array(rows.length);
  for (let c = 0; c < picked.length; c++) picked[c] = values[rows[c]!]!;
  return picked;
}
