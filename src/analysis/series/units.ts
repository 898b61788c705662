import type { UnitsSeen } from '../../contract';
import { influenceValues } from '../../stats';
import { predictionsOf } from '../prepare';

/** Metrics that are means over rows, so that units can be added up over looks. */
export const meanMetrics = ['accuracy', 'log_loss'] as const;
export type MeanMetric = (typeof meanMetrics)[number];

/** Variant minus control on one unit, over its rows and all runs. */
export interface UnitDifference {
  unit: string;
  difference: number;
  /** Of accuracy with one run an arm and one row a unit: who alone was right; null otherwise, and where both or neither were. */
  alone: 'variant' | 'control' | null;
}

export interface ArmScores {
  /** Rows x classes of each run, in the order of the labels. */
  runs: readonly Float64Array[];
}

/** Differences by unit in the order of their names; `exact` says whether discordant pairs carry all there is to know. */
export function unitDifferences(input: {
  metric: MeanMetric;
  labels: Int32Array;
  classes: number;
  units: readonly string[];
  control: ArmScores;
  variant: ArmScores;
}): { differences: UnitDifference[]; exact: boolean } {
  const { metric, labels, classes, units, control, variant } = input;
  const [a, b] = [control, variant].map(({ runs }) => averaged(runs.map((scores) => rowValues(metric, labels, scores, classes)))) as [
    Float64Array,
    Float64Array,
  ];
  const sums = new Map<string, { sum: number; rows: number }>();
  for (const [row, unit] of units.entries()) {
    const found = sums.get(unit) ?? { sum: 0, rows: 0 };
    sums.set(unit, { sum: found.sum + (b[row] as number) - (a[row] as number), rows: found.rows + 1 });
  }
  const exact = metric === 'accuracy' && control.runs.length === 1 && variant.runs.length === 1 && sums.size === units.length;
  const differences = [...sums]
    .map(([unit, { sum, rows }]) => ({ unit, difference: sum / rows, alone: exact ? aloneOf(sum) : null }))
    .sort((x, y) => (x.unit < y.unit ? -1 : 1));
  return { differences, exact };
}

const aloneOf = (difference: number): UnitDifference['alone'] =>
  Math.abs(difference) < 0.5 ? null : difference > 0 ? 'variant' : 'control';

/** A mean's value and influence give back each row's own. */
function rowValues(metric: MeanMetric, labels: Int32Array, scores: Float64Array, classes: number): Float64Array {
  const { value, influence } = influenceValues(metric, labels, metric === 'accuracy' ? predictionsOf(scores, classes) : scores, classes);
  return influence.map((each) => each + (value ?? 0));
}

function averaged(runs: Float64Array[]): Float64Array {
  const mean = new Float64Array(runs[0]?.length ?? 0);
  for (const run of runs)
    for (let row = 0; row < mean.length; row++) mean[row] = (mean[row] as number) + (run[row] as number) / runs.length;
  return mean;
}

export const noUnits: UnitsSeen = { schema: 'assay.units-seen/1', units: [], mean: 0, squares: 0, outcomes: '' };

/** The running mean with the units it has not seen; null where there is none. Welford's update, in the order of the units' names. */
export function addUnits(
  before: UnitsSeen,
  { differences, exact }: { differences: readonly UnitDifference[]; exact: boolean },
): { units: UnitsSeen | null; newUnits: number } {
  const known = new Set(before.units);
  const fresh = differences.filter(({ unit }) => !known.has(unit));
  if (fresh.length === 0) return { units: null, newUnits: 0 };
  let { mean, squares } = before;
  let n = before.units.length;
  for (const { difference } of fresh) {
    n += 1;
    const delta = difference - mean;
    mean += delta / n;
    squares += delta * (difference - mean);
  }
  const alone = fresh.map((each) => (each.alone === null ? '' : each.alone === 'variant' ? '1' : '0')).join('');
  const outcomes = exact && before.outcomes !== null ? before.outcomes + alone : null;
  const units = [...before.units, ...fresh.map(({ unit }) => unit)].sort((x, y) => (x < y ? -1 : 1));
  return { units: { schema: 'assay.units-seen/1', units, mean, squares, outcomes }, newUnits: fresh.length };
}
