import { type Comparison, type Guardrail, stoppedFailure, type VariantResult } from '../contract';
import { breakdownsOf, worrySentences } from './breakdownWords';
import { formatAmount, formatConfidence, formatCount, formatDifference, formatDifferenceInterval, formatMeanCount } from './formatters';
import { metricInfo } from './metricInfo';
import { confoundedBy, direction } from './reading';
import { whatToDo } from './sections/checks';
import { failedGates, subjectOf, type Told } from './subject';

/** Of an arm's seeds, how many the question about the algorithm needs. */
const seedsForAlgorithm = 5;
/** A guardrail of which more than this share is used up is told. */
const nearLimit = 0.5;
/** Beyond so many rows a clearance is not counted in rows. */
const fewRows = 20;
const mostChecks = 3;

/**
 * What could overturn the verdict, the nearest first, each with its numbers: where the interval ends against the margin, guardrails close to
 * their bound, few seeds or units, seeds and metrics that go the other way, parts that tell another story, moved data, changes of the plan.
 * Of an invalid comparison: what has to be mended before it says anything. Empty where there is no comparison.
 */
export function overturn(result: Told): string[] {
  if (result.verdict.outcome === 'invalid')
    return [...new Set(failedGates(result.checks).map((check) => `${check.name}: ${whatToDo(check)}`))];
  const subject = subjectOf(result);
  if (subject === null) return [...changes(result), ...failures(result, null)];
  return [
    ...nearBound(result, subject),
    ...guardrails(result, subject),
    ...fewSeeds(result, subject),
    ...otherSeeds(result, subject),
    ...disagreeing(subject),
    ...otherMetrics(result, subject),
    ...breakdownsOf(result)
      .filter(({ variant }) => variant === subject.variant)
      .flatMap((breakdown) => worrySentences(result, breakdown)),
    ...failures(result, subject),
    ...changes(result),
    ...warnings(result),
  ];
}

/** An interval turned so that more is better: in the metric's unit, or as a share of the control's value. */
interface Turned {
  low: number;
  high: number;
  /** Back in the metric's own direction, with its sign. */
  show(value: number): string;
  /** A distance, without one. */
  size(value: number): string;
}

function turned({ metric, low, high, ratio }: Comparison, relative: boolean): Turned | null {
  const sign = metricInfo(metric).better === 'higher' ? 1 : -1;
  const ends = relative ? (ratio === null ? null : [ratio.low - 1, ratio.high - 1]) : [low, high];
  if (ends === null) return null;
  const [from, to] = ends;
  if (typeof from !== 'number' || typeof to !== 'number' || !Number.isFinite(from) || !Number.isFinite(to)) return null;
  // As exact as a limit is registered: 12.5 % is not 13 %.
  const share = (value: number): string => formatConfidence(Math.abs(value));
  return {
    low: sign === 1 ? from : -to,
    high: sign === 1 ? to : -from,
    show: (value) => (relative ? `${value * sign < 0 ? '−' : '+'}${share(value)}` : formatDifference(metric, value * sign)),
    size: (value) => (relative ? share(value) : formatAmount(metric, value)),
  };
}

/** Where the interval ends against the bound that decides. */
function nearBound({ plan }: Told, subject: Comparison): string[] {
  const relative = plan.marginRelative && plan.margin > 0;
  const confounded = confoundedBy(subject);
  if (confounded !== null) return [`The difference in ${metricInfo(subject.metric).label} is confounded: ${confounded}.`];
  const interval = turned(subject, relative);
  if (interval === null) return ['No interval can be stated, so that nothing is shown.'];
  const { low, high, show, size } = interval;
  const rows = (gap: number): string =>
    subject.metric === 'accuracy' && !relative && gap * subject.n < fewRows
      ? `, ${formatMeanCount(gap * subject.n)} of ${formatCount(subject.n)} test rows`
      : '';
  const wide = `The ${formatConfidence(subject.confidence)} interval, ${show(low)} to ${show(high)},`;
  const clears = (end: number, gap: number, bound: string): string[] => [
    `The near end of the interval, ${show(end)}, clears ${bound} by ${size(gap)}${rows(gap)}.`,
  ];
  if (plan.test === 'equivalence') {
    const past = Math.max(high - plan.margin, -plan.margin - low);
    const bound = `the margin of ${size(plan.margin)}`;
    if (past < 0) return clears(high - plan.margin === past ? high : low, -past, bound);
    const outside = Math.max(low - plan.margin, -plan.margin - high);
    return outside >= 0
      ? [`${wide} lies outside ${bound} by ${size(outside)}${rows(outside)}.`]
      : [`${wide} reaches past ${bound} by ${size(past)}${rows(past)}.`];
  }
  const at = plan.test === 'superiority' ? plan.margin : -plan.margin;
  const bound = plan.margin === 0 ? 'zero' : `the margin of ${show(at)}`;
  if (low > at) return clears(low, low - at, bound);
  if (high <= at) return [`The near end of the interval, ${show(high)}, stays short of ${bound} by ${size(at - high)}${rows(at - high)}.`];
  return [
    `${wide} holds ${bound}: its lower end is ${size(at - low)} from a better answer, its upper end ${size(high - at)} from a worse one.`,
  ];
}

function guardrails({ plan, comparisons }: Told, subject: Comparison): string[] {
  return plan.guardrails.flatMap((rail) => {
    const own = comparisons.find(({ metric, variant }) => metric === rail.metric && variant === subject.variant);
    const name = `Guardrail ${metricInfo(rail.metric).label}`;
    const confounded = own === undefined ? null : confoundedBy(own);
    if (confounded !== null) return [`${name} is open, since it is confounded: ${confounded}.`];
    const interval = own === undefined ? null : turned(own, rail.relative && rail.limit > 0);
    return interval === null ? [`${name}: no interval can be stated, so that it is open.`] : guardrail(name, rail, interval);
  });
}

function guardrail(name: string, { limit }: Guardrail, { low, high, show, size }: Turned): string[] {
  const allowed = `where ${size(limit)} worse is allowed`;
  if (high < -limit) return [`${name} is broken: the interval ends at ${show(high)}, ${allowed}.`];
  if (low <= -limit) return [`${name} is open: the interval reaches ${show(low)}, ${allowed}.`];
  return limit > 0 && -low / limit >= nearLimit ? [`${name} is close to its bound: the interval reaches ${show(low)}, ${allowed}.`] : [];
}

function fewSeeds(result: Told, { claim, metric, variant, control }: Comparison): string[] {
  if (claim !== 'artifact' || metricInfo(metric).source !== 'predictions') return [];
  const pairs = pairsOf(result, metric, variant, control).length;
  const seeds = `${pairs} ${pairs === 1 ? 'seed' : 'seeds'}`;
  return [
    `It holds for these trained models, of ${seeds}, not for training them again${pairs < seedsForAlgorithm ? `, which takes ${seedsForAlgorithm} seeds` : ''}.`,
  ];
}

/** Seeds that alone would say otherwise than all together. */
function otherSeeds(result: Told, { metric, variant, control, difference }: Comparison): string[] {
  const pairs = pairsOf(result, metric, variant, control);
  if (difference === null || difference === 0 || pairs.length < 2) return [];
  const against = pairs.filter((pair) => pair.difference * difference <= 0);
  if (against.length === 0) return [];
  const said = against.slice(0, 3).map((pair) => `seed ${pair.seed} ${formatDifference(metric, pair.difference)}`);
  return [
    `${against.length} of ${pairs.length} seeds ${against.length === 1 ? 'does' : 'do'} not go that way: ${said.join(', ')}${against.length > said.length ? ', …' : ''}.`,
  ];
}

function pairsOf({ variants = [] }: Told, metric: string, variant: string, control: string): { seed: number; difference: number }[] {
  const runs = (name: string): VariantResult['runs'] => variants.find((each) => each.name === name)?.runs ?? [];
  const [a, b] = [runs(variant), runs(control)];
  // A model that was trained before has one run, which stands for every seed.
  const of = (own: VariantResult['runs'], seed: number): unknown =>
    (own.length === 1 ? own[0] : own.find((run) => run.seed === seed))?.metrics[metric];
  return (a.length >= b.length ? a : b).flatMap(({ seed }) => {
    const [after, before] = [of(a, seed), of(b, seed)];
    return typeof after === 'number' && typeof before === 'number' ? [{ seed, difference: after - before }] : [];
  });
}

/** A second method that comes to another side of 0 says so in its note. */
const disagreeing = ({ notes }: Comparison): string[] => notes.filter((note) => /\bdisagree\b/.test(note));

/** Metrics that are shown to go the other way than the verdict. */
function otherMetrics({ comparisons, verdict }: Told, subject: Comparison): string[] {
  const against = verdict.outcome === 'keep' ? 'better' : verdict.outcome === 'inconclusive' ? null : 'worse';
  return comparisons
    .filter((each) => each.role === 'secondary' && each.variant === subject.variant && direction(each) === against)
    .slice(0, 3)
    .map(
      ({ metric, difference, low, high }) =>
        `${metricInfo(metric).label} is ${against}: ${formatDifference(metric, difference)}, interval ${formatDifferenceInterval(metric, low, high)}.`,
    );
}

/** Arms that lost a different share of their runs are no equals. */
function failures({ variants = [] }: Told, subject: Comparison | null): string[] {
  const arms = variants
    .filter(({ name }) => subject === null || name === subject.variant || name === subject.control)
    .map(({ name, runs }) => ({
      name,
      planned: runs.length,
      failed: runs.filter(({ status, failure }) => status === 'failed' && failure?.type !== stoppedFailure).length,
    }))
    .filter(({ planned }) => planned > 0);
  if (new Set(arms.map(({ failed, planned }) => failed / planned)).size < 2) return [];
  return [`Runs failed unequally: ${arms.map(({ name, failed, planned }) => `${name} ${failed} of ${planned}`).join(', ')}.`];
}

/** What people changed of the plan while it ran. */
function changes({ plan: { addedSeeds = [], stopped = [] } }: Told): string[] {
  return [
    ...(addedSeeds.length === 0 ? [] : [`Seeds ${addedSeeds.join(', ')} were added while it ran, so that a look may have led to them.`]),
    ...(stopped.length === 0
      ? []
      : [`${stopped.join(', ')} ${stopped.length === 1 ? 'was' : 'were'} stopped while it ran and not compared.`]),
  ];
}

/** Told by the lists above, or before the answer. */
const toldElsewhere = new Set(['runs-complete', 'remedies', 'plan-followed']);

function warnings({ checks }: Told): string[] {
  const open = checks.filter(({ status, name }) => status !== 'pass' && !toldElsewhere.has(name));
  const said = open.slice(0, mostChecks).map(({ name, detail }) => `${name}: ${detail}`);
  return open.length > mostChecks ? [...said, `${open.length - mostChecks} more findings stand under Checks.`] : said;
}
