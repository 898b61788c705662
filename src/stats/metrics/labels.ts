import { checkCount, checkOneOf, checkSameLength } from '../arguments';

/*
 * Labels and predictions are class numbers 0..classes-1. What would be 0/0 is undefined, never 0.
 * Macro and weighted averages are over the classes present in the labels; one undefined member makes the average undefined.
 */

/** How classes are put together: the mean over classes, over rows, weighted by rows; `none` gives one value a class of the label set. */
export type Average = 'macro' | 'micro' | 'weighted' | 'none';
const averages: readonly Average[] = ['macro', 'micro', 'weighted', 'none'];

export interface ClassOptions {
  /** Size of the label set; default: the largest label or prediction + 1. */
  classes?: number;
  /** Default macro. */
  average?: Average;
}

/** A value a class of the label set, undefined where it is 0/0. */
export type PerClass = (number | undefined)[];
type None = { average: 'none' };
type Averaged = { average?: 'macro' | 'micro' | 'weighted' };

export interface ClassCounts {
  /** Rows of each label. */
  support: Float64Array;
  predicted: Float64Array;
  hits: Float64Array;
}

/** `counts[label][prediction]`, a row and a column for each class of the label set, also those without rows (scikit-learn's). */
export function confusionMatrix(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: { classes?: number } = {}): number[][] {
  const classes = checkClasses(labels, predictions, options.classes);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) matrix[labels[i]!]![predictions[i]!]!++;
  return matrix;
}

/** Share of rows whose prediction is the label, 0..1; undefined without rows. */
export function accuracy(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number } = {},
): number | undefined {
  checkClasses(labels, predictions, options.classes);
  let hits = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === predictions[i]) hits++;
  return ratio(hits, labels.length);
}

/**
 * Hits of a class over its predictions, 0..1; averaged over the classes present in the labels, macro by default. A class never predicted
 * has no precision (scikit-learn gives 0), and then neither has the macro or weighted average. `micro` is the accuracy.
 */
export function precision(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions & None): PerClass;
export function precision(labels: ArrayLike<number>, predictions: ArrayLike<number>, options?: ClassOptions & Averaged): number | undefined;
export function precision(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions = {}): Outcome {
  return averaged(labels, predictions, options, (hits, _support, predicted) => ratio(hits, predicted));
}

/** Hits of a class over its rows, 0..1; averaged as `precision` is. Undefined for a class without rows, and without any rows. */
export function recall(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions & None): PerClass;
export function recall(labels: ArrayLike<number>, predictions: ArrayLike<number>, options?: ClassOptions & Averaged): number | undefined;
export function recall(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions = {}): Outcome {
  return averaged(labels, predictions, options, (hits, support) => ratio(hits, support));
}

/**
 * (1 + β²) hits / (β² rows + predictions) of a class, 0..1: the weighted harmonic mean of precision and recall (van Rijsbergen 1979), 0 for a
 * class with rows but no prediction, undefined for one with neither. `beta`, at least 0 and 1 by default, is the weight of recall.
 */
export function fBeta(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions & BetaOption & None): PerClass;
export function fBeta(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options?: ClassOptions & BetaOption & Averaged,
): number | undefined;
export function fBeta(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: ClassOptions & BetaOption = {}): Outcome {
  const square = squareOf(options);
  return averaged(labels, predictions, options, (hits, support, predicted) => ratio((1 + square) * hits, square * support + predicted));
}

/** Precision, recall, F and rows of each class of the label set; undefined where 0/0. */
export function perClass(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number } & BetaOption = {},
): { precision: number | undefined; recall: number | undefined; fBeta: number | undefined; support: number }[] {
  const square = squareOf(options);
  const { support, predicted, hits } = classCounts(labels, predictions, checkClasses(labels, predictions, options.classes));
  return Array.from(support, (rows, c) => ({
    precision: ratio(hits[c]!, predicted[c]!),
    recall: ratio(hits[c]!, rows),
    fBeta: ratio((1 + square) * hits[c]!, square * rows + predicted[c]!),
    support: rows,
  }));
}

/** Mean recall over the classes present in the labels (scikit-learn's, not adjusted for chance); undefined without rows. */
export function balancedAccuracy(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number } = {},
): number | undefined {
  return recall(labels, predictions, options.classes === undefined ? {} : { classes: options.classes });
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

type Outcome = number | undefined | PerClass;
type BetaOption = { beta?: number };

function squareOf({ beta = 1 }: BetaOption): number {
  if (!(beta >= 0 && beta < Infinity)) throw new RangeError(`beta must be finite and at least 0, got ${beta}`);
  return beta * beta;
}

function averaged(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: ClassOptions,
  value: (hits: number, support: number, predicted: number) => number | undefined,
): Outcome {
  const average = checkOneOf('average', options.average ?? 'macro', averages);
  const { support, predicted, hits } = classCounts(labels, predictions, checkClasses(labels, predictions, options.classes));
  if (average === 'none') return Array.from(support, (rows, c) => value(hits[c]!, rows, predicted[c]!));
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
  let classes = given === undefined ? 0 : checkCount('classes', given, 1);
  if (given === undefined) for (let i = 0; i < labels.length; i++) classes = Math.max(classes, labels[i]! + 1, predictions[i]! + 1);
  checkLabels('labels', labels, classes);
  checkLabels('predictions', predictions, classes);
  return classes;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
