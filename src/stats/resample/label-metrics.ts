import type { LabelMetric } from '../types';
import type { Cells } from './cells';

/** A metric averaged over seeds for two arms, from the weight of each cell. */
export interface ArmPair {
  a: number;
  b: number;
}

export interface LabelTable {
  labels: Int32Array;
  /** One array a seed. */
  predictionsA: readonly Int32Array[];
  predictionsB: readonly Int32Array[];
  classes: number;
}

/** Evaluates cells' weights; NaN where no class has a row. */
export class LabelEvaluator {
  private readonly metric: LabelMetric;
  private readonly cells: Cells;
  private readonly label: Int32Array;
  /** A's seeds, then B's: prediction of each cell. */
  private readonly predictions: Int32Array[];
  private readonly seeds: number;
  private readonly support: Int32Array;
  private readonly predicted: Int32Array;
  private readonly hits: Int32Array;
  /** Seeds in which the arm is right, a cell; for accuracy. */
  private readonly rightA: Int32Array;
  private readonly rightB: Int32Array;

  constructor(metric: LabelMetric, table: LabelTable, cells: Cells) {
    this.metric = metric;
    this.cells = cells;
    const pick = (values: Int32Array): Int32Array => cells.example.map((row) => values[row]!);
    this.label = pick(table.labels);
    this.predictions = [...table.predictionsA, ...table.predictionsB].map(pick);
    this.seeds = table.predictionsA.length;
    this.support = new Int32Array(table.classes);
    this.predicted = new Int32Array(table.classes);
    this.hits = new Int32Array(table.classes);
    const right = (from: number): Int32Array =>
      this.label.map((label, c) => this.predictions.slice(from, from + this.seeds).reduce((sum, p) => sum + (p[c] === label ? 1 : 0), 0));
    this.rightA = right(0);
    this.rightB = right(this.seeds);
  }

  evaluate(weights: Int32Array, total: number, out: ArmPair): void {
    if (this.metric === 'accuracy') {
      this.evaluateAccuracy(weights, total, out);
      return;
    }
    const { label, support, predicted, hits, seeds } = this;
    const f1 = this.metric === 'f1_macro';
    support.fill(0);
    for (let c = 0; c < label.length; c++) support[label[c]!]! += weights[c]!;
    let [a, b] = [0, 0];
    for (let s = 0; s < 2 * seeds; s++) {
      tally(label, this.predictions[s]!, weights, predicted, hits);
      const value = macro(support, predicted, hits, f1);
      if (s < seeds) a += value;
      else b += value;
    }
    out.a = a / seeds;
    out.b = b / seeds;
  }

  /** Both arms with one row of each cell left out: only the classes that the row touches change. */
  leaveOut(): { a: Float64Array; b: Float64Array } {
    const { label, support, predicted, hits, seeds, cells } = this;
    const result = { a: new Float64Array(label.length), b: new Float64Array(label.length) };
    if (this.metric === 'accuracy') {
      const out = { a: 0, b: 0 };
      this.evaluateAccuracy(cells.counts, 1, out);
      for (let c = 0; c < label.length; c++) {
        result.a[c] = (out.a - this.rightA[c]! / seeds) / (cells.rows - 1);
        result.b[c] = (out.b - this.rightB[c]! / seeds) / (cells.rows - 1);
      }
      return result;
    }
    const f1 = this.metric === 'f1_macro';
    support.fill(0);
    for (let c = 0; c < label.length; c++) support[label[c]!]! += cells.counts[c]!;
    const present = support.reduce((count, rows) => count + (rows > 0 ? 1 : 0), 0);
    for (let s = 0; s < 2 * seeds; s++) {
      const prediction = this.predictions[s]!;
      const target = s < seeds ? result.a : result.b;
      tally(label, prediction, cells.counts, predicted, hits);
      const sum = macro(support, predicted, hits, f1) * present;
      for (let c = 0; c < label.length; c++) {
        const y = label[c]!;
        const p = prediction[c]!;
        const hit = y === p ? 1 : 0;
        let value = sum - share(hits[y]!, support[y]!, predicted[y]!, f1) + share(hits[y]! - hit, support[y]! - 1, predicted[y]! - hit, f1);
        if (hit === 0) value += share(hits[p]!, support[p]!, predicted[p]! - 1, f1) - share(hits[p]!, support[p]!, predicted[p]!, f1);
        target[c]! += value / (present - (support[y] === 1 ? 1 : 0)) / seeds;
      }
    }
    return result;
  }

  private evaluateAccuracy(weights: Int32Array, total: number, out: ArmPair): void {
    let [a, b] = [0, 0];
    for (let c = 0; c < weights.length; c++) {
      a += weights[c]! * this.rightA[c]!;
      b += weights[c]! * this.rightB[c]!;
    }
    out.a = a / (total * this.seeds);
    out.b = b / (total * this.seeds);
  }
}

function tally(label: Int32Array, prediction: Int32Array, weights: Int32Array, predicted: Int32Array, hits: Int32Array): void {
  predicted.fill(0);
  hits.fill(0);
  for (let c = 0; c < label.length; c++) {
    const weight = weights[c]!;
    const p = prediction[c]!;
    predicted[p]! += weight;
    if (p === label[c]) hits[p]! += weight;
  }
}

/** Mean over the classes present in the labels. */
function macro(support: Int32Array, predicted: Int32Array, hits: Int32Array, f1: boolean): number {
  let sum = 0;
  let present = 0;
  for (let k = 0; k < support.length; k++) {
    if (support[k] === 0) continue;
    present++;
    sum += share(hits[k]!, support[k]!, predicted[k]!, f1);
  }
  return sum / present;
}

/** F1 or recall of one class; a class without rows adds nothing. */
function share(hits: number, support: number, predicted: number, f1: boolean): number {
  if (support <= 0) return 0;
  return f1 ? (2 * hits) / (support + predicted) : hits / support;
}
