import { checkCount, checkOneOf, checkSameLength } from '../arguments';
import { checkLabels } from '../metrics/labels';
import { checkScores } from '../metrics/scores';
import { type BootstrapMetric, isLabelMetric, labelMetrics, scoreMetrics } from '../types';

/** Predicted classes (or scores, row-major n x classes, or n scores of class 1) of one arm: one array, or one array a seed. */
export type Arm = ArrayLike<number> | readonly ArrayLike<number>[];

export interface PairedBootstrapInput {
  /** Class of each row, 0..classes-1. */
  labels: ArrayLike<number>;
  /** Arms, the control first, 2 or more; for accuracy, f1_macro and recall_macro. Arms may have different numbers of seeds. */
  predictions?: readonly Arm[];
  /** Arms, the control first; for auc_ovr, average_precision, log_loss, brier and ece. */
  scores?: readonly Arm[];
  /** Size of the label set; default: the largest label or prediction + 1, or the columns of the scores. */
  classes?: number;
  /** Unit of each row, any whole numbers; units are then what is resampled. */
  units?: ArrayLike<number>;
}

/** The checked input of one metric. */
export interface CheckedInput {
  labels: Int32Array;
  /** Predictions or scores, an array a seed of each arm. */
  arms: readonly (readonly ArrayLike<number>[])[];
  classes: number;
  units: ArrayLike<number> | undefined;
}

export function checkInput(input: PairedBootstrapInput, metric: BootstrapMetric): CheckedInput {
  checkOneOf('metric', metric, [...labelMetrics, ...scoreMetrics]);
  const { units } = input;
  const n = input.labels.length;
  if (n === 0) throw new RangeError('labels must have at least 1 value, got 0');
  if (units !== undefined) {
    checkSameLength('labels', input.labels, 'units', units);
    for (let i = 0; i < n; i++)
      if (!Number.isSafeInteger(units[i])) throw new RangeError(`units[${i}] must be a whole number, got ${units[i]}`);
  }
  if (input.classes !== undefined) checkCount('classes', input.classes, 1);
  const name = isLabelMetric(metric) ? 'predictions' : 'scores';
  const given = input[name];
  if (given === undefined) throw new TypeError(`${name} must be given for ${metric}`);
  if (given.length < 2) throw new RangeError(`${name} must have at least 2 arms, got ${given.length}`);
  const arms = given.map((arm, j) => seedsOf(`${name}[${j}]`, arm));
  return name === 'predictions' ? checkedPredictions(input, arms) : checkedScores(input, arms);
}

/** The arm's arrays, one a seed. */
function seedsOf(name: string, arm: Arm): readonly ArrayLike<number>[] {
  if (arm.length === 0) throw new RangeError(`${name} must have at least one seed, got 0`);
  return typeof arm[0] === 'number' ? [arm as ArrayLike<number>] : (arm as readonly ArrayLike<number>[]);
}

function checkedPredictions(input: PairedBootstrapInput, arms: readonly (readonly ArrayLike<number>[])[]): CheckedInput {
  const n = input.labels.length;
  const names = (j: number, s: number): string => (arms[j]!.length === 1 ? `predictions[${j}]` : `predictions[${j}][${s}]`);
  const labels = wholeNumbers('labels', input.labels);
  const typed = arms.map((arm, j) =>
    arm.map((values, s) => {
      if (values.length !== n) checkSameLength('labels', input.labels, names(j, s), values);
      return wholeNumbers(names(j, s), values);
    }),
  );
  const ranges = [labels, ...typed.flat()].map(rangeOf);
  const classes = input.classes ?? Math.max(0, ...ranges.map(({ high }) => high)) + 1;
  if (ranges.some(({ low, high }) => low < 0 || high >= classes)) {
    checkLabels('labels', labels, classes);
    typed.forEach((arm, j) => arm.forEach((values, s) => checkLabels(names(j, s), values, classes)));
  }
  return { labels, arms: typed, classes, units: input.units };
}

function checkedScores(input: PairedBootstrapInput, arms: readonly (readonly ArrayLike<number>[])[]): CheckedInput {
  const n = input.labels.length;
  const classes = input.classes ?? Math.max(2, Math.floor(arms[0]![0]!.length / n));
  for (const arm of arms) for (const scores of arm) checkScores(input.labels, scores, classes);
  return { labels: wholeNumbers('labels', input.labels), arms, classes, units: input.units };
}

/** As 32-bit integers; the array itself where it is one. What does not fit shows up as a value out of range. */
function wholeNumbers(name: string, values: ArrayLike<number>): Int32Array {
  if (values instanceof Int32Array) return values;
  const copy = new Int32Array(values.length);
  for (let i = 0; i < copy.length; i++) {
    const value = values[i]!;
    copy[i] = value;
    if (copy[i] !== value) throw new RangeError(`${name}[${i}] must be a class, a whole number from 0, got ${value}`);
  }
  return copy;
}

function rangeOf(values: Int32Array): { low: number; high: number } {
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > high) high = value;
    if (value < low) low = value;
  }
  return { low, high };
}
