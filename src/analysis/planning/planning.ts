import type { RegisteredPlan } from '../../contract';
import { sampleSizeNoether } from '../../stats';
import { checkPlanning, refuseSilent, wantedOf } from './aim';
import { type LatencyOutlook, latencyOutlook } from './latency';
import { type MeasuredNoise, measureNoise, type Pilot } from './noise';
import { type Aim, chanceOf, type Noise } from './power';
import { isMiddling, scenariosOf, unitsOf } from './scenarios';
import { percent, unitOf } from './words';
import { seedsForAlgorithm } from '../types';
import { direction, metricLabel } from '../wording';

/** A size in the metric's unit, or a share of the control's value. */
export interface Amount {
  value: number;
  relative: boolean;
}

export interface PlanningInput {
  plan: RegisteredPlan;
  /** Variants that are compared with the control. */
  candidates: string[];
  /** The test split as planned. `effective`: rows if all rows of a unit were alike; `classes`: rows of each class, null where unknown. */
  test: { rows: number; units: number | null; effective: number; classes: readonly number[] | null };
  /** Wanted chance to show it, e.g. 0.8. */
  power: number;
  /** True difference that is wanted to be seen, variant better by so much; null for the default. */
  difference: Amount | null;
  pilot: Pilot | null;
  /** Blocks of each variant, and examples a request; null without a latency phase. */
  latency: { blocks: number; batch: number } | null;
}

/** What an experiment of this size would see, before it is run. */
export interface Outlook {
  plan: RegisteredPlan;
  candidates: string[];
  test: PlanningInput['test'];
  power: number;
  /** Of one primary interval: the plan's, by Bonferroni over the candidates; 1 - 2 alpha for equivalence. */
  confidence: number;
  /** In the metric's unit, positive where the variant is better. `defaulted`: nobody named the difference. */
  wanted: { difference: number; margin: number; defaulted: boolean };
  pilot: { name: string; variants: MeasuredNoise[] } | null;
  scenarios: Scenario[];
  /** Seed pairs for P(variant beats control) = 0.75, both errors 5 % (Noether); the algorithm question only. */
  noether: { probability: number; seeds: number } | null;
  guardrails: GuardrailOutlook[];
  latency: LatencyOutlook | null;
  warnings: string[];
  notes: string[];
}

export interface Scenario {
  label: string;
  /** Of the pilot's variant; null where the noise is assumed. */
  variant: string | null;
  /** Seeds spread as far as the pilot's few seeds allow. */
  cautious: boolean;
  /** Assumed share of rows on which one arm alone is right. */
  discordance: number | null;
  /** Standard deviation of the true difference from one seed pair to the next. */
  seedDeviation: number | null;
  noise: Noise;
  standardError: number;
  /** Null where the interval is normal. */
  df: number | null;
  /** Superiority: the smallest true difference that is seen. Else the smallest margin that equals show. Null where nothing will do. */
  detectable: number | null;
  /** Chance to show it at these rows and seeds, if the wanted difference is the true one. */
  chance: number;
  /** At these seeds; null where no number of rows alone will do. */
  rowsNeeded: number | null;
  /** At these rows; null where no number of seeds alone will do, or seeds are not what chance is in. */
  seedsNeeded: number | null;
  /** Other ways to the same chance, from a pilot: rows needed with other numbers of seeds. */
  options: { seeds: number; rows: number | null }[];
}

export interface GuardrailOutlook {
  metric: string;
  limit: number;
  /** Chance that the limit is shown to be kept if the true difference is 0, by the pilot's noisiest variant; null where nothing tells. */
  chance: number | null;
  note: string;
}

/** Detectable difference, rows and seeds needed, and chance of an answer for a plan, from a pilot's noise or from assumed noise. */
export function planExperiment(input: PlanningInput): Outlook {
  const { plan, candidates, test, power, pilot } = input;
  checkPlanning({ plan, power, rows: test.rows, pilot: pilot !== null });
  const measured = pilot === null ? [] : measureNoise(pilot, plan.primary, candidates);
  refuseSilent(input, measured);
  const wanted = wantedOf(input, measured);
  const alpha = alphaOf(plan, candidates.length);
  const notes: string[] = [];
  const aim: Aim = {
    question: overSeedsAlone(measured) ? 'algorithm' : plan.question,
    test: plan.test,
    margin: wanted.margin,
    difference: wanted.difference,
    alpha,
    power,
    fewestSeeds: overSeedsAlone(measured) ? 2 : seedsForAlgorithm,
  };
  const scenarios = scenariosOf(input, aim, measured, notes);
  if (candidates.length > 1 && plan.correction === 'holm')
    notes.push(
      `${candidates.length} candidates: each interval is planned at ${percent(1 - alpha)} (Bonferroni); the analysis is a little sharper.`,
    );
  if (pilot !== null)
    notes.push('Do not count the pilot’s rows twice: an experiment on the same test rows repeats its evidence, and is not new evidence.');
  return {
    plan,
    candidates,
    test,
    power,
    confidence: 1 - alpha,
    wanted,
    pilot: pilot === null ? null : { name: pilot.name, variants: measured },
    scenarios,
    noether:
      plan.question === 'algorithm' && !measured.some(({ over }) => over === 'blocks')
        ? { probability: 0.75, seeds: sampleSizeNoether({ probability: 0.75 }) }
        : null,
    guardrails: guardrailsOf(input),
    latency: latencyOutlook(input),
    warnings: warningsOf(input, aim, scenarios, !overSeedsAlone(measured)),
    notes,
  };
}

const overSeedsAlone = (measured: readonly MeasuredNoise[]): boolean => measured.some(({ over }) => over !== 'rows');

/** Equivalence is two one-sided tests: its interval has 1 - 2 alpha. */
function alphaOf(plan: RegisteredPlan, candidates: number): number {
  const alpha = (1 - plan.confidence) * (plan.test === 'equivalence' ? 2 : 1);
  return alpha / (plan.correction === 'holm' ? candidates : 1);
}

function guardrailsOf(input: PlanningInput): GuardrailOutlook[] {
  const { plan, pilot, candidates, power } = input;
  return plan.guardrails.map(({ metric, limit, relative }) => {
    const found = pilot === null ? [] : measureNoise(pilot, metric, candidates);
    const chances = found.flatMap((each): number[] => {
      const margin = relative ? limit * Math.abs(each.controlValue) : limit;
      const question = each.over === 'rows' ? plan.question : 'algorithm';
      const aim: Aim = {
        question,
        test: 'non-inferiority',
        margin,
        difference: 0,
        alpha: 1 - plan.confidence,
        power,
        fewestSeeds: seedsForAlgorithm,
      };
      const seeds = each.over === 'blocks' ? (input.latency?.blocks ?? each.pairs) : plan.seeds.length;
      if (question === 'algorithm' && (seeds < 2 || each.pairs < 2)) return [];
      return [chanceOf(each.noise, aim, { units: unitsOf(input, each).units, seeds })];
    });
    const allowed = relative ? percent(limit) : `${limit} ${unitOf(metric)}`;
    const tolerance = `${metricLabel(metric)} at most ${allowed} ${direction(metric) === 1 ? 'lower' : 'higher'}`;
    if (chances.length > 0) return { metric, limit, chance: Math.min(...chances), note: tolerance };
    return {
      metric,
      limit,
      chance: null,
      note: `${tolerance}: ${pilot === null ? 'a pilot would tell' : 'the pilot does not tell'} the chance`,
    };
  });
}

function warningsOf({ plan, power, pilot }: PlanningInput, aim: Aim, scenarios: readonly Scenario[], overRows: boolean): string[] {
  const warnings: string[] = [];
  const judged = pilot === null ? scenarios.filter(isMiddling) : scenarios.filter((each) => !each.cautious);
  const worst = judged.reduce((lowest, each) => (each.chance < lowest.chance ? each : lowest), judged[0] as Scenario);
  if (worst.chance < power) {
    const fifths = Math.min(5, Math.max(1, Math.round((1 - worst.chance) * 5)));
    const given = pilot === null ? `with ${worst.label}` : `by the pilot’s noise (${worst.label})`;
    warnings.push(
      `This experiment would be inconclusive in ${fifths} of 5 cases ${given}: the chance of an answer is ${worst.chance < 0.005 ? 'under 1 %' : percent(worst.chance, 0)}, wanted ${percent(power, 0)}.`,
    );
    if (overRows && worst.rowsNeeded === null && aim.question === 'algorithm')
      warnings.push(
        worst.seedsNeeded === null
          ? 'Neither rows alone nor seeds alone will do: it takes more of both.'
          : 'No number of rows alone will do: the seeds bound what can be seen.',
      );
  }
  if (aim.question === 'algorithm' && plan.seeds.length < 2)
    warnings.push(`${metricLabel(plan.primary)} has no interval from one seed; give --seed-count 5.`);
  return warnings;
}
