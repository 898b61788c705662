import { metricCatalogue, type MetricName, type RegisteredPlan } from '../../contract';
import type { Amount, Outlook, PlanningInput } from './planning';
import type { MeasuredNoise } from './noise';
import { largestSeeds } from './power';
import { invalid, isFraction, percent, unitOf } from './words';
import { metricLabel } from '../wording';

/** What can be refused before any data are read. */
export function checkPlanning({
  plan,
  power,
  rows,
  pilot,
}: {
  plan: RegisteredPlan;
  power: number;
  rows: number | null;
  pilot: boolean;
}): void {
  const { primary } = plan;
  if (!(power >= 0.5 && power <= 0.999)) throw invalid(`power ${power}: expected 0.5 to 0.999, e.g. --power 0.8`);
  if (rows !== null && !(Number.isInteger(rows) && rows >= 2 && rows <= 1e9))
    throw invalid(`rows ${rows}: expected a whole number from 2 to 1e9`);
  if (plan.seeds.length > largestSeeds) throw invalid(`${plan.seeds.length} seeds: expected at most 10,000`);
  if (primary === 'ece')
    throw invalid(
      'ece has no planning formula (a calibration error is no mean of rows); set analysis.primary to log_loss or another metric to plan',
    );
  if (!pilot && !isShare(primary)) throw invalid(`${primary} can be planned from a pilot alone: give --pilot EXPERIMENT; ${withoutPilot}`);
}

/** A pilot that does not know the primary. */
export function refuseSilent({ plan, pilot }: PlanningInput, measured: readonly MeasuredNoise[]): void {
  const { primary } = plan;
  if (measured.length > 0 || pilot === null) return;
  const source = Object.hasOwn(metricCatalogue, primary) ? metricCatalogue[primary as MetricName].source : 'predictions';
  const needs = {
    predictions: 'predictions of both arms on the same rows, with labels',
    run: 'two or more seeds of both arms in an experiment’s result that measured it',
    latency: 'an experiment’s result with that latency metric and two or more blocks',
  }[source];
  throw invalid(`the pilot ${pilot.name} says nothing of ${primary}, which needs ${needs}; ${withoutPilot}`);
}

const withoutPilot = 'without a pilot there are accuracy, recall_macro and f1_macro';

/** Rates over rows, whose noise a share of discordant rows tells. */
const isShare = (metric: string): boolean => metric === 'accuracy' || metric === 'recall_macro' || metric === 'f1_macro';

/** The difference that is to be seen, and the margin, in the metric's unit. */
export function wantedOf({ plan, difference }: PlanningInput, measured: readonly MeasuredNoise[]): Outlook['wanted'] {
  const { test, primary } = plan;
  const control = measured[0]?.controlValue ?? null;
  const margin = absolute({ value: plan.margin, relative: plan.marginRelative && plan.margin > 0 }, control, 'analysis.margin');
  const one = isFraction(primary) ? 0.01 : control === null ? null : 0.01 * Math.abs(control);
  if (difference === null) {
    if (test !== 'superiority') return { difference: 0, margin, defaulted: true };
    // A true difference of the margin itself is never seen to lie beyond it.
    if (margin > 0) return { difference: 2 * margin, margin, defaulted: true };
    if (one === null || one === 0) throw invalid(`${primary} has no default difference; give --difference in ${unitOf(primary)}`);
    return { difference: one, margin, defaulted: true };
  }
  const value = absolute(difference, control, '--difference');
  const given = `--difference ${value}`;
  if (isFraction(primary) && Math.abs(value) >= 1)
    throw invalid(`${given}: a difference of ${metricLabel(primary)} lies between -1 and 1; one percentage point is 0.01 or 1pp`);
  if (test === 'superiority' && value <= margin)
    throw invalid(
      margin === 0
        ? `${given}: superiority needs a true difference above 0, in which the variant is better`
        : `${given}: superiority is shown beyond the margin ${margin} alone; give a larger difference, or lower analysis.margin`,
    );
  if (test !== 'superiority' && (value <= -margin || (test === 'equivalence' && value >= margin)))
    throw invalid(`${given} lies outside the margin ${margin}, where ${test} does not hold; give a difference within it (default 0)`);
  return { difference: value, margin, defaulted: false };
}

function absolute({ value, relative }: Amount, control: number | null, name: string): number {
  if (!relative) return value;
  if (control !== null) return value * Math.abs(control);
  const points =
    name === '--difference'
      ? `${Number((value * 100).toPrecision(6))}pp or ${Number(value.toPrecision(6))}`
      : 'a number, e.g. --set analysis.margin=0.01';
  throw invalid(`${name} ${percent(value)} is a share of the control’s value, which a pilot alone knows; give --pilot, or write ${points}`);
}

/** Equivalence is two one-sided tests: its interval has 1 - 2 alpha. */
