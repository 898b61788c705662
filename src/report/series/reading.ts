import type { SeriesLook, SeriesRecord } from '../../contract';
import { metricInfo } from '../metricInfo';

export interface Drawn {
  difference: number | null;
  low: number | null;
  high: number | null;
}

/** What a look says of the effect: the running mean where there is one, else the look's own. */
export const drawn = ({ sequence, difference, low, high }: SeriesLook): Drawn => sequence ?? { difference, low, high };

/** Differences at which the rule decides; a share of the control's value has no place on this axis. */
export function boundsOf({ question: { primary, test, margin, marginRelative } }: SeriesRecord): number[] {
  if (marginRelative || margin === 0) return [];
  const better = metricInfo(primary).better === 'higher' ? 1 : -1;
  return test === 'equivalence' ? [-margin, margin] : [test === 'superiority' ? better * margin : -better * margin];
}

/** "each look's own level" or the level that holds at all looks together. */
export const levelWords = ({ plan }: SeriesRecord): string =>
  plan.scheme === 'new-units'
    ? `bounds of the running mean, which hold at all looks together with ${Number(((1 - plan.alpha) * 100).toPrecision(4))} %`
    : `each look’s interval at its own share of alpha (look k spends 6 alpha / (π² k²)), together ${Number(((1 - plan.alpha) * 100).toPrecision(4))} %`;
