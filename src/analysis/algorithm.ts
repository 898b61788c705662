import { crossedBootstrap, varianceComponentsInfluence, type BootstrapMetric } from '../stats';
import type { Evidence } from './decide';
import type { ArmRun } from './prepare';
import { beside, improvement, needsRatio, unanswered, type Question } from './question';
import { span } from './wording';

/** From this many pairs the crossed bootstrap is no longer too narrow to be shown as a check. */
const seedsForCheck = 10;

/**
 * Would training again favour the variant? Variance components over rows and paired seeds with t.
 * Metrics that are no means enter by the influence of each row; for means that is the row's own value.
 */
export function compareAlgorithms(question: Question, metric: BootstrapMetric, pairs: { a: ArmRun; b: ArmRun }[]): Evidence {
  const { rows, control, variant, confidence } = question;
  const a = definedInfluences(
    metric,
    pairs.map((pair) => pair.a),
  );
  const b = definedInfluences(
    metric,
    pairs.map((pair) => pair.b),
  );
  if (a === null || b === null) return unanswered(question, rows.n, `${metric} is undefined in at least one run (0/0).`);

  const result = components(question, a, b, confidence);
  const { probability, notes } = improvement(question, a.values, b.values);
  const still = [control, variant].find((arm) => arm.pretrained);
  if (still !== undefined)
    notes.push(`${still.name} is already trained: its one model stands for every seed, so its seed variance is zero.`);
  if (rows.units !== null) notes.push(`Rows belong to ${rows.unitCount} units; variances are between units.`);
  if (pairs.length >= seedsForCheck && question.role !== 'secondary') notes.push(crossedCheck(question, a, b, result));
  return {
    ...unanswered(question, rows.n, ''),
    difference: result.difference,
    low: result.low,
    high: result.high,
    claim: 'algorithm',
    method: 'variance-components',
    pValue: result.pValue,
    adjustedPValue: question.family?.adjust?.(result.pValue) ?? null,
    probabilityOfImprovement: probability,
    ...beside(question, result.difference, result.standardError, result.df),
    ratio: needsRatio(question) ? ratioOf(question, a, b) : null,
    notes,
    components: { rows: result.rows, seeds: result.seeds, seedCount: pairs.length },
    pairs: pairs.length,
  };
}

export interface Influences {
  values: number[];
  influences: Float64Array[];
}

export function definedInfluences(metric: BootstrapMetric, runs: readonly ArmRun[]): Influences | null {
  const found = runs.map((run) => run.influence(metric));
  const values = found.flatMap(({ value }) => (value === undefined ? [] : [value]));
  return values.length === runs.length ? { values, influences: found.map(({ influence }) => influence) } : null;
}

function components(question: Question, a: Influences, b: Influences, confidence: number): ReturnType<typeof varianceComponentsInfluence> {
  return varianceComponentsInfluence(bothArms(question, a, b), { confidence });
}

function bothArms({ rows }: Question, a: Influences, b: Influences): Parameters<typeof varianceComponentsInfluence>[0] {
  const units = rows.units === null ? {} : { units: rows.units };
  return { metricA: a.values, metricB: b.values, influenceA: a.influences, influenceB: b.influences, ...units };
}

/** Rows and seeds resampled both, beside the interval that decides. */
function crossedCheck(question: Question, a: Influences, b: Influences, decided: { low: number; high: number }): string {
  const { confidence, seed, rows } = question;
  const check = crossedBootstrap(bothArms(question, a, b), { confidence, seed });
  const what = `${a.values.length} seeds and ${rows.unitCount} ${rows.units === null ? 'rows' : 'units'}`;
  const note = `As a check, the crossed bootstrap over ${what}: ${span(question.metric, check.low, check.high)} (${check.resamples} resamples).`;
  const side = ({ low, high }: { low: number; high: number }): number => (low > 0 ? 1 : high < 0 ? -1 : 0);
  return side(check) === side(decided) ? note : `${note} The two disagree about 0, so the answer is a close one.`;
}

/** The same on the logarithm of the metric (delta method): the ratio of the seeds' geometric means. */
function ratioOf(question: Question, a: Influences, b: Influences): Evidence['ratio'] {
  if ([...a.values, ...b.values].some((value) => !(value > 0))) return null;
  const log = components(question, logarithm(a), logarithm(b), question.confidence);
  return { estimate: Math.exp(log.difference), low: Math.exp(log.low), high: Math.exp(log.high) };
}

function logarithm({ values, influences }: Influences): Influences {
  return {
    values: values.map(Math.log),
    influences: influences.map((influence, s) => influence.map((value) => value / (values[s] as number))),
  };
}
