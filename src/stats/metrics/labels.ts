import { checkSameLength } from '../arguments';

/*
 * Labels and predictions are class numbers 0..classes-1. What would be 0/0 is undefined, never 0.
 * Macro and weighted averages are over the classes present in the labels; one undefined member makes the average undefined.
 */

export type Average = 'macro' | 'micro' | 'weighted';

export interface ClassOptions {
  /** Size of the label set; default: the largest label or prediction + 1. */
  classes?: number;
  /** Default macro. */
  average?: Average;
}

export interface ClassCounts {
  /** Rows of each label. */
  support: Float64Array;
  predicted: Float64Array;
  hits: Float64Array;
}

/** counts[label][prediction]. */
export function confusionMatrix(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: { classes?: number } = {}): number[][] {
  const classes = checkClasses(labels, predictions, options.classes);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) matrix[labels[i]!]![predictions[i]!]!++;
  return matrix;
}

export function accuracy(labels: ArrayLike<number>, predictions: ArrayLike<number>): number | undefined {
  checkSameLength('labels', labels, 'predictions', predictions);
  let hits = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === predictions[i]) hits++;
  return ratio(hits, labels.length);
}

export function precision(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions = {}): number | undefined {
  return averaged(labels, predictions, options, (hits, _support, predicted) => ratio(hits, predicted));
}

export function recall(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions = {}): number | undefined {
  return averaged(labels, predictions, options, (hits, support) => ratio(hits, support));
}

/** (1 + β²) hits / (β² support + predicted): 0 for a class with rows but no prediction. */
export function fBeta(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: ClassOptions & { beta?: number } = {},
): number | undefined {
  const square = (options.beta ?? 1) ** 2;
  return averaged(labels, predictions, options, (hits, support, predicted) => ratio((1 + square) * hits, square * support + predicted));
}

/** One row a class of the label set. */
export function perClass(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number; beta?: number } = {},
): { precision: number | undefined; recall: number | undefined; fBeta: number | undefined; support: number }[] {
  const square = (options.beta ?? 1) ** 2;
  const { support, predicted, hits } = classCounts(labels, predictions, checkClasses(labels, predictions, options.classes));
  return Array.from(support, (rows, c) => ({
    precision: ratio(hits[c]!, predicted[c]!),
    recall: ratio(hits[c]!, rows),
    fBeta: ratio((1 + square) * hits[c]!, square * rows + predicted[c]!),
    support: rows,
  }));
}

/** Mean recall over the classes present in the labels. */
export function balancedAccuracy(labels: ArrayLike<number>, predictions: ArrayLike<number>): number | undefined {
  return recall(labels, predictions);
}

export function classCounts(labels: ArrayLike<number>, predictions: ArrayLike<number>, classes: number): ClassCounts {
  const support = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const hits = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) {
    support[labels[i]!]!++;
    predicted[predictions[i]!]!++;
    if (labels[i] === predictions[i]) hits[labels[i]!]!++;
  }
  return { support, predicted, hits };
}

export function checkLabels(name: string, values: ArrayLike<number>, classes: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isInteger(value) || value < 0 || value >= classes)
      throw new RangeError(`${name}[${i}] must be a class from 0 to ${classes - 1}, got ${value}`);
  }
}

export function ratio(top: number, bottom: number): number | undefined {
  return bottom === 0 ? undefined : top / bottom;
}

function averaged(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: ClassOptions,
  value: (hits: number, support: number, predicted: number) => number | undefined,
): number | undefined {
  const { support, predicted, hits } = classCounts(labels, predictions, checkClasses(labels, predictions, options.classes));
  const average = options.average ?? 'macro';
  if (average === 'micro') return value(sum(hits), labels.length, labels.length);
  let total = 0;
  let weights = 0;
  for (let c = 0; c < support.length; c++) {
    if (support[c] === 0) continue;
    const member = value(hits[c]!, support[c]!, predicted[c]!);
    if (member === undefined) return undefined;
    const weight = average === 'weighted' ? support[c]! : 1;
    total += weight * member;
    weights += weight;
  }
  return ratio(total, weights);
}

function checkClasses(labels: ArrayLike<number>, predictions: ArrayLike<number>, given: number | undefined): number {
  checkSameLength('labels', labels, 'predictions', predictions);
  let classes = given ?? 0;
  if (given === undefined) for (let i = 0; i < labels.length; i++) classes = Math.max(classes, labels[i]! + 1, predictions[i]! + 1);
  checkLabels('labels', labels, classes);
  checkLabels('predictions', predictions, classes);
  return classes;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
