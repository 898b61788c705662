import type { Check, Comparison, Result } from '../contract';

/** What the answer and its doubts are read from: a result, or what `assay compare` found, which has no runs. */
export type Told = Pick<Result, 'verdict' | 'plan' | 'comparisons' | 'checks'> & Partial<Pick<Result, 'variants' | 'breakdowns'>>;

/** The primary comparison that the verdict speaks of; null where there are several and it names none. */
export function subjectOf({ verdict, comparisons, plan }: Pick<Told, 'verdict' | 'comparisons' | 'plan'>): Comparison | null {
  const primaries = comparisons.filter(({ metric }) => metric === plan.primary);
  const named = primaries
    .filter(
      ({ variant, control }) => verdict.sentence.startsWith(`${variant} `) || verdict.sentence.includes(`${variant} against ${control}`),
    )
    .sort((a, b) => b.variant.length - a.variant.length)[0];
  return primaries.find(({ variant }) => variant === verdict.variant) ?? named ?? (primaries.length === 1 ? (primaries[0] ?? null) : null);
}

/** Checks without which no number means what it says. */
export const failedGates = (checks: readonly Check[]): Check[] => checks.filter(({ gate, status }) => gate && status === 'fail');
