import type { RegisteredPlan } from '../contract';
import {
  type BootstrapMetric,
  idealAccuracyBootstrap,
  type PairedBootstrapResult,
  type PairedDifference,
  type pairedBootstrap,
} from '../stats';
import { isLabelMetric, type ArmRun, type Rows } from './prepare';

/** `pairedBootstrap`, or one with the same bits that shares the work among threads. */
export type Bootstrap = typeof pairedBootstrap;

/** One candidate's part of a bootstrap: the interval that the rule reads, at its own confidence. */
export interface Drawn {
  difference: number | undefined;
  low: number | undefined;
  high: number | undefined;
  confidence: number;
  standardError: number | undefined;
  pValue: number | undefined;
  /** For all candidates of the family; undefined where nothing was adjusted. */
  adjustedPValue: number | undefined;
  ratio: PairedDifference['ratio'];
  undefinedReplicates: number;
  /** Null in closed form, which is as good as infinitely many. */
  resamples: number | null;
  method: string;
  a: ArmInterval;
  b: ArmInterval;
}

export interface ArmInterval {
  estimate: number | null;
  low: number | null;
  high: number | null;
}

interface Resampled {
  plan: RegisteredPlan;
  rows: Rows;
  seed: number;
  bootstrap: Bootstrap;
  metric: BootstrapMetric;
  /** Runs of each arm, the control first, seed by seed. */
  arms: readonly (readonly ArmRun[])[];
}

/** BCa, meant for skewed statistics, errs more often than plain percentiles on paired differences (docs/calibration.md). */
const method = 'percentile';

/** Row visits of the metrics that are recomputed in every resample: beyond it fewer resamples are drawn, and the record says how many. */
const rowVisits = 5e9;

/** One candidate against the control. Accuracy of independent rows has a closed form, unless its ratio is asked for. */
export function drawAlone(input: Resampled, confidence: number, ratio: boolean): Drawn {
  if (input.metric === 'accuracy' && input.rows.units === null && !ratio) return closedForm(input, confidence);
  const result = resample(input, confidence);
  return { ...partOf(result, 0), confidence };
}

function closedForm({ rows, arms }: Resampled, confidence: number): Drawn {
  const predictions = arms.map((arm) => arm.map((run) => run.predictions));
  const ideal = idealAccuracyBootstrap({ labels: rows.labels, predictions, classes: rows.classes }, { confidence, method });
  const { difference, low, high, standardError, pValue } = ideal;
  const own: ArmInterval = { estimate: null, low: null, high: null };
  const found = { difference, low, high, confidence, standardError, pValue, adjustedPValue: undefined, ratio: null };
  return { ...found, undefinedReplicates: 0, resamples: null, method, a: own, b: own };
}

/** All candidates on the same resamples. `each`: confidence of every interval, null for what max-T says of `familywise`. */
export function drawJointly(
  input: Resampled,
  asked: { familywise: number; each: number | null; ratio: boolean; adjusted: boolean },
): { members: Drawn[]; estimates: number[]; covariance: number[][] | null } {
  const confidence = asked.each ?? asked.familywise;
  const result = resample(input, confidence);
  const members = result.comparisons.map(({ simultaneous }, j): Drawn => {
    const part = { ...partOf(result, j), confidence, ...(asked.adjusted ? { adjustedPValue: simultaneous.pValue } : {}) };
    if (asked.each !== null) return part;
    return { ...part, low: simultaneous.low, high: simultaneous.high, confidence: simultaneous.confidence };
  });
  const narrowest = Math.max(...members.map((member) => member.confidence));
  if (asked.ratio && narrowest !== confidence) {
    // Ratios come at the confidence asked for: the same resamples once more, at the one that holds for all.
    const again = resample(input, narrowest);
    members.forEach((member, j) => (member.ratio = again.comparisons[j]?.ratio ?? null));
  }
  return {
    members,
    estimates: members.map((member) => member.difference ?? Number.NaN),
    covariance: covarianceOf(result.comparisons.map(({ replicates }) => replicates)),
  };
}

function resample({ rows, plan, metric, arms, bootstrap, seed }: Resampled, confidence: number): PairedBootstrapResult {
  const runs = arms.reduce((sum, arm) => sum + arm.length, 0);
  const passes = metric === 'auc_ovr' && rows.classes > 2 ? rows.classes : 1;
  const recomputed = metric === 'auc_ovr' || metric === 'ece';
  const most = recomputed ? Math.max(1000, Math.floor(rowVisits / (rows.n * runs * passes))) : plan.resamples;
  return bootstrap(
    {
      labels: rows.labels,
      ...(isLabelMetric(metric)
        ? { predictions: arms.map((arm) => arm.map((run) => run.predictions)) }
        : { scores: arms.map((arm) => arm.map((run) => run.scores)) }),
      classes: rows.classes,
      ...(rows.units === null ? {} : { units: rows.units }),
    },
    metric,
    { resamples: Math.min(plan.resamples, most), confidence, seed, method },
  );
}

function partOf({ comparisons, arms, resamples, method }: PairedBootstrapResult, j: number): Omit<Drawn, 'confidence'> {
  const { difference, low, high, standardError, pValue, ratio, undefinedReplicates } = comparisons[j] as PairedDifference;
  const own = (arm: PairedBootstrapResult['arms'][number] | undefined): ArmInterval => ({
    estimate: arm?.estimate ?? null,
    low: arm?.low ?? null,
    high: arm?.high ?? null,
  });
  const known = { difference, low, high, standardError, pValue, ratio, undefinedReplicates, adjustedPValue: undefined };
  return { ...known, resamples, method, a: own(arms[0]), b: own(arms[j + 1]) };
}

/** Over the resamples in which every comparison is defined; null under two of them. */
function covarianceOf(replicates: readonly Float64Array[]): number[][] | null {
  const first = replicates[0] as Float64Array;
  const kept: number[] = [];
  for (let r = 0; r < first.length; r++) if (replicates.every((values) => !Number.isNaN(values[r]))) kept.push(r);
  if (kept.length < 2) return null;
  const centres = replicates.map((values) => kept.reduce((sum, r) => sum + (values[r] as number), 0) / kept.length);
  const product = (j: number, k: number): number =>
    kept.reduce(
      (sum, r) =>
        sum + ((replicates[j]?.[r] as number) - (centres[j] as number)) * ((replicates[k]?.[r] as number) - (centres[k] as number)),
      0,
    ) /
    (kept.length - 1);
  return replicates.map((_, j) => replicates.map((__, k) => product(j, k)));
}
