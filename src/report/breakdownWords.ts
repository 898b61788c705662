import type { Breakdown, Dependence, Result, SliceDifference, WeakSlices } from '../contract';
import { formatCount, formatDifference, formatDifferenceInterval, formatP } from './formatters';

/** Of a kind told one by one; the rest are counted. */
const told = 4;

/** Results stored before there were breakdowns have none. */
export const breakdownsOf = ({ breakdowns }: { breakdowns?: Breakdown[] }): Breakdown[] => breakdowns ?? [];

/** What of a breakdown a reader has to know who reads no table: slices that go another way, few units, reversals. Empty where nothing stands out. */
export function breakdownSentences(result: Pick<Result, 'plan'>, breakdown: Breakdown): string[] {
  const { slices, weakSlices, dependence, reversals } = breakdown;
  const found = weakSlices === null ? [] : heldSlices(weakSlices);
  return [
    ...sliceSentences(breakdown, slices, '', betterSlices),
    ...sliceSentences(
      breakdown,
      found,
      halfWords,
      (better) => `in ${better.length} of the ${weakSlices?.found.length ?? 0} parts of the rows that were searched for and tested`,
    ),
    ...(dependence?.changes === true ? [dependenceSentence(result, breakdown, dependence)] : []),
    ...cut(reversals.map(({ sentence }) => sentence)),
  ];
}

/** Parts of the rows that are worse although the whole may be better, the difference hanging on few units, parts that tell another story. */
export function worrySentences(result: Pick<Result, 'plan'>, breakdown: Breakdown): string[] {
  const { slices, weakSlices, dependence, reversals } = breakdown;
  const found = weakSlices === null ? [] : heldSlices(weakSlices);
  return [
    ...(dependence?.changes === true ? [dependenceSentence(result, breakdown, dependence)] : []),
    ...worseSentences(breakdown, slices, ''),
    ...worseSentences(breakdown, found, halfWords),
    ...cut(reversals.map(({ sentence }) => sentence)),
  ];
}

/** Those of the tested that the other half of the rows confirmed. */
export const heldSlices = ({ found }: WeakSlices): SliceDifference[] =>
  found.filter(({ verdict }) => verdict === 'better' || verdict === 'worse');

/** What the whole interval says, and what it says without the units that speak most for it. */
export function dependenceSentence(
  result: Pick<Result, 'plan'>,
  { metric }: Breakdown,
  { leftOut, of, all, without, changes }: Dependence,
): string {
  const few = `few ${units(result, 2)}`;
  const open = all.low !== null && all.high !== null && all.low <= 0 && all.high >= 0;
  const out = `without the ${formatCount(leftOut)} of ${formatCount(of)} ${units(result, leftOut)} that speak most for it, it goes from ${formatDifference(metric, all.difference)} to ${formatDifference(metric, without.difference)}`;
  if (changes) return `The difference hangs on ${few}: ${out}, and its interval lies otherwise to 0.`;
  return open
    ? `The difference is not settled, with ${few} or without them: ${out}, and its interval holds 0 either way.`
    : `The difference does not hang on ${few}: ${out}, and its interval stays on the same side of 0.`;
}

/** What is sampled: rows, or the values of the plan's unit. */
export function units({ plan }: Pick<Result, 'plan'>, count: number): string {
  if (plan.unit === null) return count === 1 ? 'row' : 'rows';
  return count === 1 ? `value of ${plan.unit}` : `values of ${plan.unit}`;
}

/** Worse parts one by one, since somebody has to look at them; better ones together. */
function sliceSentences(
  breakdown: Breakdown,
  slices: readonly SliceDifference[],
  how: string,
  betterWhere: (better: SliceDifference[]) => string,
): string[] {
  const better = slices.filter(({ verdict }) => verdict === 'better');
  const sentences = worseSentences(breakdown, slices, how);
  if (better.length > 0) sentences.push(`${isolated(breakdown.variant)} is better ${betterWhere(better)}.`);
  return sentences;
}

const halfWords = ', found on one half of the rows and held on the other';

const worseSentences = ({ metric, variant }: Breakdown, slices: readonly SliceDifference[], how: string): string[] =>
  cut(
    slices
      .filter(({ verdict }) => verdict === 'worse')
      .map(
        (slice) =>
          `${isolated(variant)} is worse where ${condition(slice)}: ${formatDifference(metric, slice.difference)}, interval ${formatDifferenceInterval(metric, slice.low, slice.high)}, adjusted ${formatP(slice.adjustedPValue)}, ${formatCount(slice.rows)} rows${how}.`,
      ),
  );

function betterSlices(better: SliceDifference[]): string {
  const names = better.slice(0, told).map(({ name }) => isolated(name));
  return `in the ${better.length === 1 ? 'slice' : 'slices'} ${names.join(', ')}${better.length > told ? ` and ${better.length - told} more` : ''}`;
}

const condition = ({ name, where }: SliceDifference): string =>
  name === where ? isolated(where) : `${isolated(where)} (${isolated(name)})`;

/** What is written from right to left, or says it is, must not turn the rest of its sentence over. */
const isolated = (text: string): string =>
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Bidi_Control}]/u.test(text) ? `\u2068${text}\u2069` : text;

const cut = (items: string[]): string[] =>
  items.length <= told ? items : [...items.slice(0, told), `And ${items.length - told} more of this kind.`];
