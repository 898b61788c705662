import type { Comparison, Result } from '../contract';
import { formatAmount, formatConfidence } from './formatters';
import { metricInfo } from './metricInfo';

export type Direction = 'better' | 'worse' | 'open' | 'unknown';

/** Which way the interval points, whatever the margin: the verdict's rule stays the verdict's. */
export function direction({ metric, low, high, difference }: Pick<Comparison, 'metric' | 'low' | 'high' | 'difference'>): Direction {
  if (low === null || high === null || difference === null) return 'unknown';
  if (low <= 0 && high >= 0) return 'open';
  return low > 0 === (metricInfo(metric).better === 'higher') ? 'better' : 'worse';
}

/** Why its numbers are not those of the variants alone, as the analysis notes it; null where they are. */
export const confoundedBy = ({ notes }: Pick<Comparison, 'notes'>): string | null =>
  notes.flatMap((note) => /^Confounded: ([^]*?)\.?$/.exec(note)?.[1] ?? [])[0] ?? null;

export const directionWords: Record<Direction, { symbol: string; word: string }> = {
  better: { symbol: '▲', word: 'better' },
  worse: { symbol: '▼', word: 'worse' },
  open: { symbol: '◇', word: 'not settled' },
  unknown: { symbol: '–', word: 'not defined' },
};

export interface Bound {
  /** As a difference, variant minus control; null where it is relative and the control's value is undefined. */
  value: number | null;
  label: string;
  kind: 'margin' | 'guardrail';
}

/** The lines a comparison was judged against: margins of the primary metric, limits of guardrails. */
export function bounds(result: Result, metric: string): Bound[] {
  const { plan } = result;
  const up = metricInfo(metric).better === 'higher' ? 1 : -1;
  const control = result.variants.find((variant) => variant.control)?.metrics[metric]?.estimate ?? null;
  const amount = (limit: number, relative: boolean): number | null =>
    relative ? (control === null ? null : Math.abs(control) * limit) : limit;
  const found: Bound[] = [];
  if (metric === plan.primary && plan.margin > 0) {
    const size = amount(plan.margin, plan.marginRelative);
    const signs = plan.test === 'superiority' ? [up] : plan.test === 'non-inferiority' ? [-up] : [-1, 1];
    for (const sign of signs) found.push({ value: size === null ? null : sign * size, label: 'margin', kind: 'margin' });
  }
  for (const rail of plan.guardrails.filter((guardrail) => guardrail.metric === metric)) {
    const size = amount(rail.limit, rail.relative);
    found.push({ value: size === null ? null : -up * size, label: 'guardrail', kind: 'guardrail' });
  }
  return found;
}

/** "20 % of the control's value", "1.00 pp" */
export const limitText = (metric: string, limit: number, relative: boolean): string =>
  relative ? `${formatConfidence(limit)} of the control’s value` : formatAmount(metric, limit);

/** Of a variant's lines, by its place in the result, so that colour is not all that tells them apart. */
export const dashes = (place: number): number[] => lineDashes[place % lineDashes.length] ?? [1, 0];

const lineDashes = [
  [1, 0],
  [7, 3],
  [2, 2],
  [9, 3, 2, 3],
  [4, 4],
  [12, 4],
];

/** Variants in the order of the result; the control's look is neutral, the others' numbered from 1. */
export function looks(result: Result): Map<string, { colour: string; shape: string }> {
  const shapes = ['square', 'triangle-up', 'diamond', 'triangle-down', 'cross', 'triangle-right'];
  let number = 0;
  return new Map(
    result.variants.map((variant) => {
      if (variant.control) return [variant.name, { colour: 'var(--v0)', shape: 'circle' }];
      number += 1;
      return [variant.name, { colour: `var(--v${((number - 1) % 6) + 1})`, shape: shapes[(number - 1) % shapes.length] ?? 'square' }];
    }),
  );
}
