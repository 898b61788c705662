import { formatConfidence, formatDifference, formatDifferenceInterval } from '../formatters';
import { metricInfo } from '../metricInfo';
import { direction, directionWords } from '../reading';
import { badges } from '../sections/verdict';
import type { Against } from './compare';
import type { EffectPair } from './effects';

/** Whether the verdict is the same, and what the first effect did, in a sentence. */
export function againstSentence({ experiment, against, effects }: Against): string {
  const [now, then] = [experiment.verdict, against.verdict].map(
    ({ outcome, variant }) => `${badges[outcome].word.toLowerCase()}${variant === null ? '' : ` ${variant}`}`,
  );
  const verdicts = now === then ? `The verdict is the same, ${now}` : `The verdict went from ${then} to ${now}`;
  // Of several candidates the one that either verdict is about.
  const named = [experiment.verdict.variant, against.verdict.variant].filter((variant) => variant !== null);
  const isNamed = ({ variant }: EffectPair): boolean => named.includes(variant.after) || named.includes(variant.before);
  const first = effects.find((pair) => pair.metric === effects[0]?.metric && isNamed(pair)) ?? effects[0];
  const several = new Set(effects.map(({ variant }) => variant.after)).size > 1;
  return first === undefined ? `${verdicts}.` : `${verdicts}; ${effectSentence(first, several)}.`;
}

function effectSentence({ metric, variant, before, after, change }: EffectPair, several: boolean): string {
  const { label } = metricInfo(metric);
  const from = `the difference in ${label}${several ? ` of ${variant.after}` : ''} went from ${formatDifference(metric, before.difference)} to ${formatDifference(metric, after.difference)}`;
  if (change.low === null || change.confidence === null) return `${from}, and no interval can be stated for the change`;
  return `${from}: changed by ${formatDifference(metric, change.difference)} (${levelOf(change)} interval ${formatDifferenceInterval(metric, change.low, change.high)}), ${directionWords[changeDirection(metric, change)].word}`;
}

export const changeDirection = (metric: string, change: EffectPair['change']): ReturnType<typeof direction> =>
  direction({ metric, ...change });

/** "95 %", "at least 90 %" */
export const levelOf = ({ confidence, independent }: EffectPair['change']): string =>
  confidence === null ? 'no' : `${independent ? '' : 'at least '}${formatConfidence(confidence)}`;

/** What the changes are worth together: whether the two may be told apart at all. */
export function dependenceSentence({ sharedTestRows, effects }: Against): string {
  if (!effects.some(({ metric }) => metricInfo(metric).source === 'predictions'))
    return 'Times and costs were measured anew in each experiment, so that the intervals of the changes hold at their level.';
  if (sharedTestRows === 0)
    return 'No test row is in both experiments, so that their effects are independent and the intervals of the changes hold at their level.';
  const why = effects.find(({ change }) => !change.independent)?.change.why ?? '';
  return `The two are not independent: ${why}. The intervals of the changes of such metrics are wider, and hold at the level stated whatever the two share.`;
}

/** How a changed value is written; long ones are cut. */
export function written(value: unknown): string {
  if (value === undefined) return '–';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
