import type { RegisteredPlan } from '../contract';
import { jointRows, jointVarianceComponents, shrinkTowardsMean, type BootstrapMetric, type Joint } from '../stats';
import { definedInfluences } from './algorithm';
import { answersForAlgorithm } from './approach';
import { drawJointly, type Bootstrap, type Drawn } from './drawn';
import { byInfluence, isResampled } from './influence';
import { isPredictionMetric, pairRuns, type Arm, type ArmRun, type Rows } from './prepare';
import { percent } from './wording';

/** How the primary's intervals and p values of several candidates are made to hold at once. */
export interface Family {
  /** Of each candidate's interval, unless what was drawn for it says another. */
  confidence: number;
  /** A p value adjusted for all, from their joint law; null leaves it to Holm (or to no correction). */
  adjust: ((pValue: number) => number) | null;
  /** By candidate: its part of the joint bootstrap. */
  drawn: ReadonlyMap<string, Drawn>;
  /** By candidate: its difference shrunk towards the mean of all. */
  shrunk: ReadonlyMap<string, number>;
  /** How many candidates it is over. */
  size: number;
  note: string | null;
}

export interface FamilyInput {
  plan: RegisteredPlan;
  rows: Rows;
  control: Arm;
  candidates: readonly Arm[];
  seed: number;
  bootstrap: Bootstrap;
}

/** 1 - alpha; equivalence is two one-sided tests, so its interval has 1 - 2 alpha. */
export function familywise(plan: RegisteredPlan): number {
  return 1 - (1 - plan.confidence) * (plan.test === 'equivalence' ? 2 : 1);
}

/** Null for one candidate: there is nothing to adjust for. */
export function familyOf(input: FamilyInput): Family | null {
  const { plan, rows, control, candidates } = input;
  if (candidates.length < 2) return null;
  const metric = plan.primary;
  if (!isPredictionMetric(metric)) return apart(plan, candidates.length, `${metric} has no joint replicates`);
  if (rows.unitCount < 2) return apart(plan, candidates.length, 'there are too few rows');
  // A candidate without any number cannot be chosen wrongly, so it takes no part.
  const members = candidates.flatMap((variant) => {
    const pairs = pairRuns(control, variant);
    const defined = pairs.length > 0 && pairs.every(({ a, b }) => a.value(metric) !== undefined && b.value(metric) !== undefined);
    return defined ? [{ variant, pairs }] : [];
  });
  if (members.length < 2) {
    return { confidence: familywise(plan), adjust: null, drawn: new Map(), shrunk: new Map(), size: members.length, note: null };
  }
  if (!sharePairs(members, control)) return apart(plan, members.length, 'their runs are under different seeds');
  const algorithm = members.map(({ variant, pairs }) => answersForAlgorithm(plan, metric, control, variant, pairs.length));
  if (algorithm.every((answers) => answers)) return algorithmFamily(input, metric, members);
  return algorithm.some((answers) => answers)
    ? apart(plan, members.length, 'they answer different questions')
    : artifactFamily(input, metric, members);
}

interface Member {
  variant: Arm;
  pairs: { a: ArmRun; b: ArmRun }[];
}

/** Where nothing is known jointly: Bonferroni for intervals, which the rule reads, and Holm for p values. */
function apart(plan: RegisteredPlan, size: number, why: string): Family {
  const base = { adjust: null, drawn: new Map(), shrunk: new Map(), size };
  if (plan.correction === 'none') return { ...base, confidence: familywise(plan), note: null };
  const note = `Over ${size} candidates intervals hold at once by Bonferroni and p values are Holm's, since ${why}.`;
  return { ...base, confidence: bonferroni(plan, size), note };
}

function bonferroni(plan: RegisteredPlan, size: number): number {
  return 1 - (1 - familywise(plan)) / size;
}

/** Seed by seed the same run of the control, and of a pretrained control runs of the same seed. */
function sharePairs(members: readonly Member[], control: Arm): boolean {
  const [first] = members;
  return members.every(
    ({ pairs }) =>
      pairs.length === first?.pairs.length &&
      pairs.every(
        ({ a, b }, i) => a === first.pairs[i]?.a && (!control.pretrained || pairs.length === 1 || b.seed === first.pairs[i]?.b.seed),
      ),
  );
}

function algorithmFamily(input: FamilyInput, metric: BootstrapMetric, members: readonly Member[]): Family {
  const { plan } = input;
  const joint = jointVarianceComponents(jointInput(input.rows, metric, members), { confidence: familywise(plan) });
  const estimates = joint.comparisons.map(({ difference }) => difference);
  const confidence = perComparison(plan, members.length, () => joint.confidence);
  return {
    confidence,
    adjust: plan.correction === 'none' ? null : joint.family.adjust,
    drawn: new Map(),
    shrunk: shrunkBy(members, estimates, joint.covariance),
    size: members.length,
    note: jointNote(plan, members.length),
  };
}

function artifactFamily(input: FamilyInput, metric: BootstrapMetric, members: readonly Member[]): Family {
  return isResampled(metric, input.rows.units) ? resampledFamily(input, metric, members) : influenceFamily(input, metric, members);
}

function resampledFamily(input: FamilyInput, metric: BootstrapMetric, members: readonly Member[]): Family {
  const { plan, rows } = input;
  const size = members.length;
  const first = members[0] as Member;
  // Exact tests come with no replicates: their joint law is the normal one of the rows' influences.
  const exact = first.pairs.length === 1 && rows.units === null && metric === 'accuracy';
  const law: Joint | null = exact ? jointRows(jointInput(rows, metric, members)) : null;
  const arms = [first.pairs.map(({ a }) => a), ...members.map(({ pairs }) => pairs.map(({ b }) => b))];
  const asked = {
    familywise: familywise(plan),
    each: plan.correction === 'none' ? familywise(plan) : plan.test === 'equivalence' ? bonferroni(plan, size) : null,
    ratio: isRelative(plan),
    adjusted: plan.correction === 'holm',
  };
  const drawn = drawJointly({ ...input, metric, arms }, asked);
  return {
    confidence: perComparison(plan, size, (level) => law?.family.confidence(level) ?? 1 - (1 - level) / size),
    adjust: plan.correction === 'none' ? null : (law?.family.adjust ?? null),
    drawn: new Map(members.map(({ variant }, j) => [variant.name, drawn.members[j] as Drawn])),
    shrunk: drawn.covariance === null ? new Map() : shrunkBy(members, drawn.estimates, drawn.covariance),
    size,
    note: jointNote(plan, size),
  };
}

function influenceFamily(input: FamilyInput, metric: BootstrapMetric, members: readonly Member[]): Family {
  const { plan, rows } = input;
  const size = members.length;
  const { covariance, family } = jointRows(jointInput(rows, metric, members));
  const confidence = perComparison(plan, size, (level) => family.confidence(level));
  const adjust = plan.correction === 'none' ? null : family.adjust;
  const drawn = members.map(({ pairs }): Drawn => {
    const own = byInfluence(metric, rows, pairs, confidence, isRelative(plan));
    return { ...own, adjustedPValue: own.pValue === undefined ? undefined : adjust?.(own.pValue) };
  });
  return {
    confidence,
    adjust,
    drawn: new Map(members.map(({ variant }, j) => [variant.name, drawn[j] as Drawn])),
    shrunk: shrunkBy(
      members,
      drawn.map(({ difference }) => difference ?? Number.NaN),
      covariance,
    ),
    size,
    note: jointNote(plan, size),
  };
}

const isRelative = (plan: RegisteredPlan): boolean => plan.marginRelative && plan.margin > 0;

function jointInput(rows: Rows, metric: BootstrapMetric, members: readonly Member[]): Parameters<typeof jointRows>[0] {
  const first = members[0] as Member;
  const arms = [first.pairs.map(({ a }) => a), ...members.map(({ pairs }) => pairs.map(({ b }) => b))];
  const found = arms.map((runs) => definedInfluences(metric, runs) ?? { values: [], influences: [] });
  return {
    metric: found.map(({ values }) => values),
    influence: found.map(({ influences }) => influences),
    ...(rows.units === null ? {} : { units: rows.units }),
  };
}

/**
 * Two candidates can be called equivalent falsely at opposite margins, where what they share helps nothing: there the share of each is
 * Bonferroni's.
 */
function perComparison(plan: RegisteredPlan, size: number, joint: (familywise: number) => number): number {
  if (plan.correction === 'none') return familywise(plan);
  return plan.test === 'equivalence' ? bonferroni(plan, size) : joint(familywise(plan));
}

function shrunkBy(
  members: readonly Member[],
  estimates: readonly number[],
  covariance: readonly (readonly number[])[],
): Map<string, number> {
  const { shrunk } = shrinkTowardsMean({ estimates, covariance });
  return new Map(members.map(({ variant }, j) => [variant.name, shrunk[j] as number]));
}

function jointNote(plan: RegisteredPlan, size: number): string | null {
  if (plan.correction === 'none') return null;
  const level = percent(familywise(plan));
  const how = plan.test === 'equivalence' ? 'Bonferroni, since false equivalence may lie at either margin' : 'max-T over their joint law';
  return `One of ${size} candidates: the intervals hold at once at ${level} by ${how}; the adjusted p is of max-T.`;
}
