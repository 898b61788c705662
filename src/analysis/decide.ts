import type { Check, Comparison, Guardrail, Outcome, RegisteredPlan, Verdict } from '../contract';
import { remediesCheck } from './remedies';
import { settlement } from './settle';
import { seedsForAlgorithm } from './types';
import { amount, differences, direction, effect, metricLabel, metricSource, percent } from './wording';

/** Of what people changed of the plan while it ran. */
const planCheck = 'plan-followed';

/** How many of an arm's planned runs gave no result. */
export interface ArmFailures {
  variant: string;
  failed: number;
  planned: number;
}

/** A comparison with the parts of its variance, where the method has them; they say what would narrow the interval. */
export interface Evidence extends Comparison {
  components?: { rows: number; seeds: number; seedCount: number };
  /** Why the number says more about the devices than about the variants: nothing is decided on it. */
  confounded?: string;
  /** Paired seeds behind the number, of metrics of predictions. */
  pairs?: number;
  /** The difference shrunk towards the mean of so many candidates, where their joint noise is known. */
  shrunk?: { difference: number; of: number };
}

/** An effect's interval turned so that more is better; in the metric's unit, or a fraction of the control's value. */
interface Oriented {
  estimate: number;
  low: number;
  high: number;
}

interface Judgement {
  variant: string;
  outcome: Exclude<Outcome, 'invalid'>;
  harm: boolean;
  low: number;
  sentence: string;
  reasons: string[];
  primary: Evidence;
}

/** The pre-declared rule: intervals against margins, never a p value; a failed gate beats everything. */
export function decide(plan: RegisteredPlan, comparisons: Evidence[], checks: Check[], failures: ArmFailures[]): Verdict {
  const failed = checks.filter((check) => check.gate && check.status === 'fail');
  const first = failed[0];
  if (first !== undefined) {
    return {
      outcome: 'invalid',
      harm: false,
      variant: null,
      sentence: `The comparison is invalid: ${first.detail}`,
      reasons: failed.map((check) => `${check.name}: ${check.detail}`),
    };
  }
  const primaries = comparisons.filter((comparison) => comparison.metric === plan.primary);
  const judgements = primaries.map((primary) =>
    judge(
      plan,
      primary,
      comparisons.filter((comparison) => comparison.variant === primary.variant),
      failures,
    ),
  );
  const verdict = combine(plan, judgements);
  // What was declared beforehand as unequal is said before anything that follows from it.
  const declared = checks.filter((check) => [remediesCheck, planCheck].includes(check.name) && check.status === 'warn');
  return { ...verdict, reasons: [...declared.map((check) => check.detail), ...verdict.reasons] };
}

/** Of several candidates the adoptable one with the largest lower bound wins; else what is still open comes before `keep`. */
function combine(plan: RegisteredPlan, judgements: Judgement[]): Verdict {
  const best = (['adopt', 'equivalent', 'inconclusive', 'keep'] as const)
    .map((outcome) => judgements.filter((judgement) => judgement.outcome === outcome).sort(byLow)[0])
    .find((judgement) => judgement !== undefined);
  if (best === undefined) {
    const sentence = `There is no comparison of ${metricLabel(plan.primary)} to decide on; inconclusive`;
    return { outcome: 'inconclusive', harm: false, variant: null, sentence, reasons: [sentence] };
  }
  // A candidate without an interval could not have won.
  const compared = judgements.filter((judgement) => judgement.low > Number.NEGATIVE_INFINITY).length;
  const others = judgements.filter((judgement) => judgement !== best).map((judgement) => judgement.sentence);
  return {
    outcome: best.outcome,
    harm: best.outcome === 'keep' && judgements.some((judgement) => judgement.harm),
    variant: best.outcome === 'adopt' ? best.variant : null,
    sentence: best.sentence,
    reasons: [...best.reasons, ...(best.outcome === 'adopt' && compared > 1 ? [bestOfMany(best.primary, compared)] : []), ...others],
  };
}

/** The winner's curse: what won among many was lucky as well. */
function bestOfMany(primary: Evidence, candidates: number): string {
  const { variant, metric, difference, shrunk } = primary;
  const biased = `As the best of ${candidates} candidates ${variant} was lucky too, so its difference is biased in its favour`;
  if (shrunk === undefined || difference === null) return `${biased}; without joint replicates there is no estimate of by how much.`;
  const [measured, after] = differences(metric, difference, shrunk.difference);
  return `${biased}: ${measured} ${metricLabel(metric)} as measured, about ${after} after shrinkage towards the mean of the candidates.`;
}

function byLow(a: Judgement, b: Judgement): number {
  return b.low - a.low || (a.variant < b.variant ? -1 : 1);
}

function judge(plan: RegisteredPlan, primary: Evidence, all: Evidence[], failures: ArmFailures[]): Judgement {
  const margin = { size: plan.margin, relative: plan.marginRelative && plan.margin > 0 };
  const interval = orient(primary, margin.relative);
  const ruled = interval === null ? { outcome: 'inconclusive' as const, harm: false } : rule(plan.test, interval, margin.size);
  const reasons = [primaryReason(plan, primary, interval, ruled.outcome)];
  let { outcome, harm } = ruled as { outcome: Judgement['outcome']; harm: boolean };

  const wantsGuardrails = outcome === 'adopt' || outcome === 'equivalent' || outcome === 'inconclusive';
  const guardrails = plan.guardrails.map((guardrail) => guard(guardrail, all));
  reasons.push(...guardrails.map((guardrail) => guardrail.reason));
  if (guardrails.some((guardrail) => guardrail.state === 'harmed')) {
    outcome = 'keep';
    harm = true;
  } else if (wantsGuardrails && guardrails.some((guardrail) => guardrail.state === 'open')) {
    outcome = 'inconclusive';
  }

  const limits = limitations(plan, primary, failures);
  if (limits.length > 0) {
    outcome = 'inconclusive';
    harm = false;
    reasons.unshift(...limits.map((limit) => limit.reason));
  }
  if (primary.claim === 'artifact' && interval !== null)
    reasons.push('The claim holds for these trained models, not for training them again.');
  if (ruled.outcome === 'inconclusive' && outcome === 'inconclusive' && interval !== null) {
    reasons.push(settlement(primary, interval, plan.test, margin));
  }
  const sentence = sentenceFor(plan, primary, outcome, {
    harmedGuardrail: guardrails.find((guardrail) => guardrail.state === 'harmed')?.metric ?? null,
    openGuardrail: guardrails.find((guardrail) => guardrail.state === 'open')?.metric ?? null,
    ruled: ruled.outcome,
    limit: limits[0]?.brief ?? null,
    undefined: interval === null,
  });
  return { variant: primary.variant, outcome, harm, low: interval?.low ?? Number.NEGATIVE_INFINITY, sentence, reasons, primary };
}

/** Null where anything is undefined: an undefined number never passes. */
function orient(comparison: Comparison, relative: boolean): Oriented | null {
  const sign = direction(comparison.metric);
  const ratio = comparison.ratio;
  const raw = relative
    ? ratio && { estimate: ratio.estimate - 1, low: ratio.low - 1, high: ratio.high - 1 }
    : { estimate: comparison.difference, low: comparison.low, high: comparison.high };
  if (raw === null || raw.estimate === null || raw.low === null || raw.high === null) return null;
  if (Number.isNaN(raw.estimate) || Number.isNaN(raw.low) || Number.isNaN(raw.high)) return null;
  return sign === 1
    ? { estimate: raw.estimate, low: raw.low, high: raw.high }
    : { estimate: -raw.estimate, low: -raw.high, high: -raw.low };
}

function rule(
  test: RegisteredPlan['test'],
  { low, high }: Oriented,
  margin: number,
): { outcome: 'adopt' | 'keep' | 'equivalent' | 'inconclusive'; harm: boolean } {
  switch (test) {
    case 'superiority':
      if (low > margin) return { outcome: 'adopt', harm: false };
      return high <= margin ? { outcome: 'keep', harm: high < 0 } : { outcome: 'inconclusive', harm: false };
    case 'non-inferiority':
      if (low > -margin) return { outcome: 'adopt', harm: false };
      return high < -margin ? { outcome: 'keep', harm: true } : { outcome: 'inconclusive', harm: false };
    case 'equivalence':
      if (low > -margin && high < margin) return { outcome: 'equivalent', harm: false };
      return high <= -margin || low >= margin ? { outcome: 'keep', harm: high < 0 } : { outcome: 'inconclusive', harm: false };
  }
}

/** A guardrail is a non-inferiority question of its own. */
function guard(guardrail: Guardrail, all: Evidence[]): { metric: string; state: 'shown' | 'harmed' | 'open'; reason: string } {
  const { metric, limit } = guardrail;
  const relative = guardrail.relative && limit > 0;
  const comparison = all.find((candidate) => candidate.metric === metric);
  const interval = comparison === undefined ? null : orient(comparison, relative);
  const allowed = relative ? percent(limit) : amount(metric, limit);
  const tolerance = `at most ${allowed} ${direction(metric) === 1 ? 'lower' : 'higher'}`;
  if (comparison === undefined || interval === null) {
    return { metric, state: 'open', reason: `Guardrail ${metricLabel(metric)} (${tolerance}) is open: no interval can be stated.` };
  }
  if (comparison.confounded !== undefined) {
    const reason = `Guardrail ${metricLabel(metric)} (${tolerance}) is open: it is confounded by ${comparison.confounded}.`;
    return { metric, state: 'open', reason };
  }
  const state = interval.low > -limit ? 'shown' : interval.high < -limit ? 'harmed' : 'open';
  const words = { shown: 'is kept', harmed: 'is broken', open: 'is open' }[state];
  const seen = relative ? ratioText(comparison) : effect(comparison);
  const wanted = state === 'open' ? ` ${settlement(comparison, interval, 'non-inferiority', { size: limit, relative })}` : '';
  return { metric, state, reason: `Guardrail ${metricLabel(metric)} (${tolerance}) ${words}: ${seen}.${wanted}` };
}

function ratioText(comparison: Comparison): string {
  const { ratio, metric, confidence } = comparison;
  if (ratio === null) return `${metricLabel(metric)}: no ratio can be stated`;
  const show = (value: number): string => `${value >= 1 ? '+' : ''}${((value - 1) * 100).toFixed(1)}`;
  return `${show(ratio.estimate)} % ${metricLabel(metric)} (${percent(confidence)} interval ${show(ratio.low)} to ${show(ratio.high)})`;
}

/** What caps a candidate at `inconclusive` whatever its numbers. */
function limitations(plan: RegisteredPlan, primary: Evidence, failures: ArmFailures[]): { brief: string; reason: string }[] {
  const none = { failed: 0, planned: 1 };
  const control = failures.find((arm) => arm.variant === primary.control) ?? none;
  const variant = failures.find((arm) => arm.variant === primary.variant) ?? none;
  const limits: { brief: string; reason: string }[] = [];
  const add = (brief: string, reason = brief): void => void limits.push({ brief, reason });
  if (primary.confounded !== undefined) {
    const what = `${metricLabel(plan.primary)} is confounded`;
    add(`${what}, so it decides nothing.`, `${what} (${primary.confounded}), so it decides nothing.`);
  }
  if (control.failed * variant.planned !== variant.failed * control.planned) {
    const count = (arm: { failed: number; planned: number }): string => `${arm.failed} of ${arm.planned}`;
    add(`Runs failed unequally (${primary.control}: ${count(control)}, ${primary.variant}: ${count(variant)}), so the arms are no equals.`);
  }
  const short = metricSource(plan.primary) === 'predictions' && (primary.pairs ?? 0) < seedsForAlgorithm;
  if (plan.question === 'algorithm' && primary.claim === 'artifact' && short && control.failed + variant.failed > 0) {
    add('Failed runs left fewer than 5 paired seeds, so the registered question about the algorithm has no answer.');
  }
  return limits;
}

function primaryReason(plan: RegisteredPlan, primary: Evidence, interval: Oriented | null, outcome: string): string {
  const about = `${primary.variant} against ${primary.control}`;
  const relative = plan.marginRelative && plan.margin > 0;
  if (interval === null) {
    return `${about}: ${relative ? ratioText(primary) : effect(primary)}; an undefined number never passes. ${primary.notes.join(' ')}`.trim();
  }
  const margin = plan.margin === 0 ? 'no margin' : `margin ${relative ? percent(plan.margin) : amount(plan.primary, plan.margin)}`;
  return `${about}: ${relative ? ratioText(primary) : effect(primary)}; ${plan.test}, ${margin}: ${outcome}.`;
}

interface Circumstances {
  harmedGuardrail: string | null;
  openGuardrail: string | null;
  ruled: Judgement['outcome'];
  limit: string | null;
  undefined: boolean;
}

function sentenceFor(plan: RegisteredPlan, primary: Evidence, outcome: Judgement['outcome'], why: Circumstances): string {
  const { variant, control } = primary;
  const relative = plan.marginRelative && plan.margin > 0;
  const margin = relative ? percent(plan.margin) : amount(plan.primary, plan.margin);
  const seen = relative ? ratioText(primary) : effect(primary);
  switch (outcome) {
    case 'adopt':
      if (plan.test === 'non-inferiority') return `${variant} is at most ${margin} worse than ${control}: ${seen}; adopt`;
      return `${variant} is better than ${control}${plan.margin > 0 ? ` by more than ${margin}` : ''}: ${seen}; adopt`;
    case 'equivalent':
      return `${variant} and ${control} are equivalent within ${margin}: ${seen}; equivalent`;
    case 'keep':
      if (why.harmedGuardrail !== null && why.ruled !== 'keep') {
        return `${variant} breaks the guardrail on ${metricLabel(why.harmedGuardrail)} (${seen}); keep ${control}`;
      }
      return `${variant} is ${keepWords(plan, primary, margin)} ${control}: ${seen}; keep ${control}`;
    case 'inconclusive':
      if (why.limit !== null) return `${why.limit} ${variant} against ${control}: ${seen}; inconclusive`;
      if (why.undefined) return `${variant} against ${control} cannot be compared: ${seen}; inconclusive`;
      if (why.openGuardrail !== null && why.ruled !== 'inconclusive') {
        return `${variant} against ${control}: ${seen}, but the guardrail on ${metricLabel(why.openGuardrail)} is open; inconclusive`;
      }
      return `${variant} against ${control} is open: ${seen}; inconclusive`;
  }
}

function keepWords(plan: RegisteredPlan, primary: Evidence, margin: string): string {
  const interval = orient(primary, plan.marginRelative && plan.margin > 0);
  if (interval !== null && interval.high < 0) return 'worse than';
  if (plan.test === 'equivalence') return `not within ${margin} of`;
  return plan.margin > 0 ? `not more than ${margin} better than` : 'not better than';
}
