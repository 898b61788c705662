import type { PlanningInput, Scenario } from './planning';
import { cautious, type MeasuredNoise } from './noise';
import { type Aim, chanceOf, detectableGap, type Noise, precisionOf, seedsNeeded, unitsNeeded } from './power';
import { invalid, isFraction, percent, points } from './words';
import { metricLabel } from '../wording';

/** Assumed where no pilot tells: shares of rows on which one arm alone is right, and seed deviations of the difference. */
const assumedDiscordance = [0.02, 0.05, 0.1, 0.2] as const;
const assumedDeviation = [0.002, 0.005, 0.01, 0.02] as const;
/** The pair that the warning speaks of. */
const middling = { discordance: 0.1, deviation: 0.005 };
const otherSeeds = [5, 10, 15, 20, 30] as const;

/** One a variant of the pilot (and a cautious one), or one a combination of assumed noise. */
export function scenariosOf(input: PlanningInput, aim: Aim, measured: readonly MeasuredNoise[], notes: string[]): Scenario[] {
  if (measured.length === 0) return assumed(input, aim, notes);
  return measured.flatMap((found): Scenario[] => {
    const label = found.variant;
    if (found.noise.rows + found.noise.seeds + found.noise.rest === 0)
      throw invalid(
        `the pilot's ${found.variant} and its control never differ in ${aimMetric(input)}: there is no noise to plan from; give another pilot`,
      );
    const made = (name: string, noise: Noise, wary = false): Scenario =>
      scenario(input, aim, { label: name, variant: found.variant, noise, found, cautious: wary });
    if (found.over !== 'rows' || aim.question === 'artifact') return [made(label, found.noise)];
    if (found.pairs >= 2) {
      if (!notes.includes(wariness)) notes.push(wariness);
      return [made(label, found.noise), made(`${label}, cautious`, cautious(found), true)];
    }
    if (!isFraction(input.plan.primary))
      throw invalid(`the pilot ${input.pilot?.name} has one seed, and the question is the algorithm’s: give a pilot of two or more seeds`);
    if (!notes.includes(oneSeed)) notes.push(oneSeed);
    return assumedDeviation.map((deviation) =>
      made(
        `${label}, seed deviation ${points(deviation)}`,
        { ...found.noise, seeds: deviation ** 2, proportion: false },
        deviation > middling.deviation,
      ),
    );
  });
}

const wariness = 'Cautious: seeds spread as far as the pilot’s few seeds allow (upper 80 % bound).';
const oneSeed = 'The pilot has one seed: how far seeds spread is assumed.';

const aimMetric = ({ plan }: PlanningInput): string => metricLabel(plan.primary);

function assumed(input: PlanningInput, aim: Aim, notes: string[]): Scenario[] {
  const { plan, test } = input;
  const inflation = plan.primary === 'accuracy' ? 1 : balance(test.classes);
  notes.push(
    `No pilot: the noise is assumed. Discordance is the share of rows on which one arm alone is right${aim.question === 'algorithm' ? '; the seed deviation is how far the true difference spreads from one seed pair to the next' : ''}.`,
  );
  if (aim.question === 'algorithm')
    notes.push(
      'The discordant rows are taken to be the same at every seed, the worst case: what differs from seed to seed averages out, and a pilot measures it.',
    );
  if (plan.primary !== 'accuracy')
    notes.push(
      test.classes === null
        ? `${metricLabel(plan.primary)} is planned as if classes were equally frequent; rare classes need more rows.`
        : `${metricLabel(plan.primary)} weighs classes alike: with the classes of the test split its variance is ${inflation.toFixed(2)} times that of accuracy.`,
    );
  if (test.units !== null)
    notes.push('Rows of a unit are planned as if they were all alike, which is the worst case; a pilot measures how alike they are.');
  const deviations: readonly (number | null)[] = aim.question === 'algorithm' ? assumedDeviation : [null];
  return deviations.flatMap((deviation) =>
    assumedDiscordance.map((share) =>
      scenario(input, aim, {
        label: `discordance ${percent(share)}${deviation === null ? '' : `, seed deviation ${points(deviation)}`}`,
        variant: null,
        discordance: share,
        seedDeviation: deviation,
        // The same rows at every seed: what a plan has to reckon with, since churn of single runs would average out.
        noise: { rows: share * inflation, seeds: (deviation ?? 0) ** 2, rest: 0, proportion: plan.primary === 'accuracy' },
        found: null,
      }),
    ),
  );
}

/** Variance of a mean over classes against that of a mean over rows, both with the same share of discordant rows in every class. */
function balance(classes: readonly number[] | null): number {
  const seen = classes?.filter((count) => count > 0) ?? [];
  if (seen.length === 0) return 1;
  const rows = seen.reduce((sum, count) => sum + count, 0);
  return (rows / seen.length ** 2) * seen.reduce((sum, count) => sum + 1 / count, 0);
}

function scenario(
  input: PlanningInput,
  aim: Aim,
  given: {
    label: string;
    variant: string | null;
    noise: Noise;
    found: MeasuredNoise | null;
    cautious?: boolean;
    discordance?: number;
    seedDeviation?: number | null;
  },
): Scenario {
  const { noise, found } = given;
  const { units, rowsPerUnit } = unitsOf(input, found);
  const seeds = found?.over === 'blocks' ? (input.latency?.blocks ?? found.pairs) : input.plan.seeds.length;
  const size = { units, seeds };
  const { standardError, df } =
    seeds < 2 && aim.question === 'algorithm' ? { standardError: Number.NaN, df: Number.NaN } : precisionOf(noise, aim, size);
  const answered = Number.isFinite(standardError);
  const gap = answered ? detectableGap(noise, aim, size) : null;
  const rowsAt = (count: number): number | null => {
    if (found !== null && found.over !== 'rows') return null;
    const needed = unitsNeeded(noise, aim, count);
    return needed === null ? null : Math.ceil(needed * rowsPerUnit);
  };
  const spreads = aim.question === 'algorithm' && found?.over === 'rows';
  return {
    label: given.label,
    variant: given.variant,
    cautious: given.cautious ?? false,
    discordance: given.discordance ?? found?.discordance ?? null,
    seedDeviation: given.seedDeviation ?? (aim.question === 'algorithm' && noise.seeds > 0 ? Math.sqrt(noise.seeds) : null),
    noise,
    standardError: answered ? standardError : 0,
    df: Number.isFinite(df) ? df : null,
    detectable: gap === null ? null : aim.test === 'superiority' ? aim.margin + gap : gap,
    chance: answered ? chanceOf(noise, aim, size) : 0,
    rowsNeeded: rowsAt(seeds),
    seedsNeeded: found?.over === 'blocks' ? seedsNeeded(noise, { ...aim, fewestSeeds: 2 }, units) : seedsNeeded(noise, aim, units),
    options: spreads ? otherSeeds.map((count) => ({ seeds: count, rows: rowsAt(count) })) : [],
  };
}

/** What the planned rows are worth as independent ones. A pilot with units says how many rows a unit has where the data do not. */
export function unitsOf({ plan, test }: PlanningInput, found: MeasuredNoise | null): { units: number; rowsPerUnit: number } {
  if (found !== null && found.units < found.rows) {
    const units = Math.max(2, test.units ?? Math.round((test.rows * found.units) / found.rows));
    return { units, rowsPerUnit: test.rows / units };
  }
  if (found !== null || plan.unit === null) return { units: test.rows, rowsPerUnit: 1 };
  return { units: Math.max(2, test.effective), rowsPerUnit: test.rows / Math.max(2, test.effective) };
}

export const isMiddling = ({ discordance, seedDeviation }: Scenario): boolean =>
  discordance === middling.discordance && (seedDeviation === null || seedDeviation === middling.deviation);
