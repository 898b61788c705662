import type { Result } from './result';

/** The difference that the verdict is about, in the metric's unit, variant minus control. */
export interface Effect {
  metric: string;
  variant: string;
  difference: number | null;
  low: number | null;
  high: number | null;
}

/** Of the variant to ship, else of the first candidate; null where nothing was compared. */
export function effectOf({ comparisons, verdict }: Pick<Result, 'comparisons' | 'verdict'>): Effect | null {
  const primary = comparisons.filter(({ role }) => role === 'primary');
  const one = primary.find(({ variant }) => variant === verdict.variant) ?? primary[0];
  if (one === undefined) return null;
  const { metric, variant, difference, low, high } = one;
  return { metric, variant, difference, low, high };
}
