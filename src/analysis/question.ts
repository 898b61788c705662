import type { RegisteredPlan } from '../contract';
import { detectableDifferenceOfMean, normalPosterior, normalQuantile, probabilityOfImprovement } from '../stats';
import type { Evidence } from './decide';
import type { Family } from './family';
import type { Arm, Rows } from './prepare';
import { direction } from './wording';

/** One question: this metric, this variant against the control, at this confidence. */
export interface Question {
  plan: RegisteredPlan;
  rows: Rows;
  control: Arm;
  variant: Arm;
  metric: string;
  role: Evidence['role'];
  confidence: number;
  seed: number;
  /** Of the primary of several candidates; null for every other question. */
  family: Family | null;
}

/** An answer without numbers, saying why. */
export function unanswered(question: Question, n: number, why: string): Evidence {
  return {
    control: question.control.name,
    variant: question.variant.name,
    metric: question.metric,
    difference: null,
    low: null,
    high: null,
    confidence: question.confidence,
    claim: 'artifact',
    method: 'none',
    resamples: null,
    pValue: null,
    adjustedPValue: null,
    probabilityOfImprovement: null,
    posteriorProbabilityBetter: null,
    detectableDifference: null,
    ratio: null,
    role: question.role,
    n,
    notes: [why],
  };
}

/** Whether the plan puts a relative margin or guardrail on the metric. */
export function needsRatio({ plan, metric }: Question): boolean {
  return (
    (plan.primary === metric && plan.marginRelative && plan.margin > 0) ||
    plan.guardrails.some((guardrail) => guardrail.metric === metric && guardrail.relative && guardrail.limit > 0)
  );
}

/** What is shown beside an interval: the posterior under a flat prior and the difference seen with 80 % power. Display, never the rule. */
export function beside(
  question: Question,
  difference: number,
  standardError: number,
  df?: number,
): Pick<Evidence, 'posteriorProbabilityBetter' | 'detectableDifference'> {
  const better = difference * direction(question.metric);
  const posterior =
    standardError > 0 ? normalPosterior({ difference: better, standardError }).probabilityBetter : better === 0 ? 0.5 : Number(better > 0);
  const finite = df !== undefined && Number.isFinite(df) ? { df } : {};
  const detectable =
    standardError > 0 ? detectableDifferenceOfMean({ standardError, alpha: 1 - question.confidence, power: 0.8, ...finite }) : 0;
  return { posteriorProbabilityBetter: posterior, detectableDifference: detectable };
}

/** P(the variant's run is better than the control's under the same seed), ties half; null under two pairs. */
export function improvement(
  question: Question,
  a: readonly number[],
  b: readonly number[],
): { probability: number | null; notes: string[] } {
  if (a.length < 2) return { probability: null, notes: [] };
  const [worse, better] = direction(question.metric) === 1 ? [a, b] : [b, a];
  const { estimate, low, high } = probabilityOfImprovement(worse, better, { paired: true, confidence: question.plan.confidence });
  const text = [estimate, low, high].map((value) => value.toFixed(2));
  const note =
    `P(${question.variant.name} beats ${question.control.name} under one seed) = ${text[0]} (${text[1]} to ${text[2]}) over ${a.length} seed pairs; ` +
    'from 0.75 on an improvement counts as meaningful.';
  return { probability: estimate, notes: [note] };
}

/** Two-sided normal critical value. */
export const critical = (confidence: number): number => normalQuantile(1 - (1 - confidence) / 2);

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
