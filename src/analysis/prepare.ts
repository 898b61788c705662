import { AssayError, metricCatalogue, type Check, type MetricName } from '../contract';
import { influenceValues, metricValue, type BootstrapMetric } from '../stats';
import { some } from './align';
import type { ArmFailures } from './decide';
import type { AnalysisInput, AnalysisVariant, RunConduct } from './types';

/** The test rows in one canonical order. */
export interface Rows {
  n: number;
  classes: number;
  labels: Int32Array;
  units: Int32Array | null;
  unitCount: number;
}

/** A run that ended with predictions for every row. */
export interface ArmRun {
  seed: number;
  scores: Float64Array;
  predictions: Int32Array;
  seconds: number | null;
  peakMemoryBytes: number | null;
  conduct: RunConduct | null;
  /** The metric and each row's influence on it, computed once. */
  influence: (metric: BootstrapMetric) => { value: number | undefined; influence: Float64Array };
  value: (metric: BootstrapMetric) => number | undefined;
}

export interface Arm {
  name: string;
  control: boolean;
  pretrained: boolean;
  params: Record<string, unknown>;
  runs: ArmRun[];
}

export interface Prepared {
  rows: Rows;
  control: Arm;
  /** What is compared. */
  arms: Arm[];
  /** With those that were stopped, in the order of the input. */
  shown: Arm[];
  failures: ArmFailures[];
  checks: Check[];
}

/** Rows sorted by id, predictions taken from the scores, and the checks that say whether the arms can be paired. */
export function prepare(input: AnalysisInput): Prepared {
  refuseDuplicates(input.ids);
  const order = sortedOrder(input.ids);
  const classes = input.classes.length;
  const labels = Int32Array.from(order, (row) => input.labels[row] as number);
  const { units, count } = recode(input.units, order);
  const rows: Rows = { n: order.length, classes, labels, units, unitCount: count };
  const shown = input.variants.map((variant) => prepareArm(variant, rows, order));
  const stopped = new Set(input.variants.flatMap((variant) => (variant.stopped === true ? [variant.name] : [])));
  const arms = shown.filter(({ name }) => !stopped.has(name));
  const control = arms.find((arm) => arm.control);
  if (control === undefined) throw new AssayError('SpecInvalid', 'no variant is the control; set `control: true` on exactly one');
  const failures = arms.map((arm) => {
    const planned = arm.pretrained ? 1 : input.plan.seeds.length;
    return { variant: arm.name, planned, failed: Math.max(0, planned - arm.runs.length) };
  });
  const compared = input.variants.filter(({ name }) => !stopped.has(name));
  return { rows, control, arms, shown, failures, checks: [pairsCheck(input, compared), runsCheck(failures)] };
}

export function isPredictionMetric(metric: string): metric is BootstrapMetric {
  return Object.hasOwn(metricCatalogue, metric) && metricCatalogue[metric as MetricName].source === 'predictions';
}

export const isLabelMetric = (metric: BootstrapMetric): boolean =>
  metric === 'accuracy' || metric === 'f1_macro' || metric === 'recall_macro';

/** Runs of both arms under the same seed. A pretrained arm's one run stands for every seed of the other. */
export function pairRuns(control: Arm, variant: Arm): { a: ArmRun; b: ArmRun }[] {
  if (control.pretrained || variant.pretrained) {
    const [onlyA, onlyB] = [control.runs[0], variant.runs[0]];
    if (onlyA === undefined || onlyB === undefined) return [];
    if (control.pretrained && variant.pretrained) return [{ a: onlyA, b: onlyB }];
    return control.pretrained ? variant.runs.map((b) => ({ a: onlyA, b })) : control.runs.map((a) => ({ a, b: onlyB }));
  }
  return control.runs.flatMap((a) => {
    const b = variant.runs.find((run) => run.seed === a.seed);
    return b === undefined ? [] : [{ a, b }];
  });
}

/** The prediction is the largest score, the lowest index on ties. */
export function predictionsOf(scores: ArrayLike<number>, classes: number): Int32Array {
  const predictions = new Int32Array(scores.length / classes);
  for (let row = 0; row < predictions.length; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if ((scores[row * classes + c] as number) > (scores[row * classes + best] as number)) best = c;
    }
    predictions[row] = best;
  }
  return predictions;
}

function refuseDuplicates(ids: readonly string[]): void {
  const seen = new Set<string>();
  const repeated = ids.filter((id) => seen.size === seen.add(id).size);
  if (repeated.length > 0) {
    throw new AssayError(
      'DataInvalid',
      `${repeated.length} ids stand twice in the test split: ${some(repeated)}; give every example its own id`,
    );
  }
}

function sortedOrder(ids: readonly string[]): Int32Array {
  const order = ids.map((id, row) => ({ id, row })).sort((x, y) => (x.id < y.id ? -1 : 1));
  return Int32Array.from(order, (entry) => entry.row);
}

/** Units numbered by first appearance, so that their names change nothing. */
function recode(units: Int32Array | null, order: Int32Array): { units: Int32Array | null; count: number } {
  if (units === null) return { units: null, count: order.length };
  const codes = new Map<number, number>();
  const recoded = Int32Array.from(order, (row) => {
    const unit = units[row] as number;
    const code = codes.get(unit) ?? codes.size;
    codes.set(unit, code);
    return code;
  });
  return { units: recoded, count: codes.size };
}

function prepareArm(variant: AnalysisVariant, rows: Rows, order: Int32Array): Arm {
  const runs = variant.runs
    .filter((run) => run.status === 'done' && run.scores?.length === rows.n * rows.classes)
    .map((run): ArmRun => {
      const scores = reorder(run.scores as Float64Array, order, rows.classes);
      const predictions = predictionsOf(scores, rows.classes);
      const given = (metric: BootstrapMetric): ArrayLike<number> => (isLabelMetric(metric) ? predictions : scores);
      return {
        seed: run.seed,
        scores,
        predictions,
        seconds: run.seconds,
        peakMemoryBytes: run.peakMemoryBytes,
        conduct: run.conduct ?? null,
        influence: memoize((metric: BootstrapMetric) => influenceValues(metric, rows.labels, given(metric), rows.classes)),
        value: memoize((metric: BootstrapMetric) => metricValue(metric, rows.labels, given(metric), rows.classes)),
      };
    })
    .sort((x, y) => x.seed - y.seed);
  return { name: variant.name, control: variant.control, pretrained: variant.pretrained ?? false, params: variant.params, runs };
}

function reorder(scores: Float64Array, order: Int32Array, classes: number): Float64Array {
  const sorted = new Float64Array(scores.length);
  for (let i = 0; i < order.length; i++) {
    const from = (order[i] as number) * classes;
    sorted.set(scores.subarray(from, from + classes), i * classes);
  }
  return sorted;
}

function memoize<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? compute(key);
    known.set(key, value);
    return value;
  };
}

/** A gate: without complete pairs no number means what it says. */
function pairsCheck(input: AnalysisInput, variants: AnalysisVariant[]): Check {
  const rows = input.ids.length;
  const problems = variants.flatMap((variant) =>
    variant.runs
      .filter((run) => run.status === 'done')
      .flatMap((run) => {
        const problem = run.problem ?? (run.scores?.length === rows * input.classes.length ? null : 'no predictions for every test row');
        return problem === null ? [] : [`${variant.name}, seed ${run.seed}: ${problem}`];
      }),
  );
  const runs = variants.reduce((sum, variant) => sum + variant.runs.filter((run) => run.status === 'done').length, 0);
  const empty = rows === 0 ? ['the test split has no rows'] : [];
  const all = [...empty, ...problems];
  return {
    name: 'pairs-complete',
    status: all.length === 0 ? 'pass' : 'fail',
    gate: true,
    statistic: all.length,
    pValue: null,
    detail: all.length === 0 ? `Every one of ${rows} test rows is paired by id in all ${runs} runs.` : `${all.slice(0, 5).join('; ')}.`,
  };
}

function runsCheck(failures: ArmFailures[]): Check {
  const lost = failures.filter((arm) => arm.failed > 0);
  return {
    name: 'runs-complete',
    status: lost.length === 0 ? 'pass' : 'warn',
    gate: false,
    statistic: lost.reduce((sum, arm) => sum + arm.failed, 0),
    pValue: null,
    detail:
      lost.length === 0
        ? 'Every planned run ended with a result.'
        : `Runs without a result: ${lost.map((arm) => `${arm.variant} ${arm.failed} of ${arm.planned}`).join(', ')}.`,
  };
}
