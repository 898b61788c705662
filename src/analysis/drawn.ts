import type { RegisteredPlan } from '../contract';
import {
  type BootstrapMetric,
  effectiveUnits,
  expandedConfidence,
  expandedPValue,
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
  /** Why there are no bounds, where it is not for undefined resamples. */
  why?: string;
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
  const widened = wideningOf(input.rows);
  const level = widened.level(confidence);
  const result = resample(input, level);
  return reachable(level, { ...partOf(result, 0, widened), confidence }, input.rows);
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
  const widened = wideningOf(input.rows);
  const confidence = widened.level(asked.each ?? asked.familywise);
  const result = resample(input, confidence);
  const members = result.comparisons.map(({ simultaneous }, j): Drawn => {
    const part = {
      ...partOf(result, j, widened),
      confidence,
      ...(asked.adjusted ? { adjustedPValue: widened.p(simultaneous.pValue) } : {}),
    };
    if (asked.each !== null) return reachable(confidence, part, input.rows);
    const { low, high } = simultaneous;
    return reachable(simultaneous.confidence, { ...part, low, high, confidence: simultaneous.confidence }, input.rows);
  });
  const narrowest = Math.max(...members.map((member) => member.confidence));
  if (asked.ratio && narrowest !== confidence) {
    // Ratios come at the confidence asked for: the same resamples once more, at the one that holds for all.
    const again = resample(input, narrowest);
    members.forEach((member, j) => (member.ratio = again.comparisons[j]?.ratio ?? null));
  }
  // What each interval claims: the resamples were asked for more.
  for (const member of members) member.confidence = widened.claimed(member.confidence);
  return {
    members,
    estimates: members.map((member) => member.difference ?? Number.NaN),
    covariance: covarianceOf(result.comparisons.map(({ replicates }) => replicates)),
  };
}

/** Percentiles further out than the resamples reach are no bounds. */
function reachable(level: number, drawn: Drawn, { units }: Rows): Drawn {
  if (units === null || drawn.resamples === null || ((1 - level) / 2) * drawn.resamples >= 1) return drawn;
  const why = `the units are so few or so unequal that they are worth ${effectiveUnits(units).toFixed(1)} of one size, too few for an interval.`;
  return { ...drawn, low: undefined, high: undefined, pValue: undefined, adjustedPValue: undefined, ratio: null, why };
}

/** How percentiles of few or unequal units are widened, so that they hold what they claim; rows by themselves need nothing. */
interface Widening {
  /** What to ask the resamples for. */
  level: (confidence: number) => number;
  /** What an interval so asked for claims. */
  claimed: (level: number) => number;
  p: (pValue: number | undefined) => number | undefined;
}

function wideningOf({ units }: Rows): Widening {
  if (units === null) return { level: (confidence) => confidence, claimed: (level) => level, p: (pValue) => pValue };
  const n = effectiveUnits(units);
  return {
    level: (confidence) => expandedConfidence(confidence, n),
    claimed: (level) => 1 - expandedPValue(1 - level, n),
    p: (pValue) => (pValue === undefined ? undefined : expandedPValue(pValue, n)),
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

function partOf({ comparisons, arms, resamples, method }: PairedBootstrapResult, j: number, widened: Widening): Omit<Drawn, 'confidence'> {
  const { difference, low, high, standardError, pValue, ratio, undefinedReplicates } = comparisons[j] as PairedDifference;
  const own = (arm: PairedBootstrapResult['arms'][number] | undefined): ArmInterval => ({
    estimate: arm?.estimate ?? null,
    low: arm?.low ?? null,
    high: arm?.high ?? null,
  });
  const known = { difference, low, high, standardError, pValue: widened.p(pValue), ratio, undefinedReplicates, adjustedPValue: undefined };
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
