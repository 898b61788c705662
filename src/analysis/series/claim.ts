import { metricCatalogue, type Comparison, type MetricName, type RegisteredPlan, type Result } from '../../contract';
import { normalQuantile, normalSurvival, tQuantile, tSurvival } from '../../stats';

/** What one experiment says to its registered question, as a p value that any share of alpha can be held against. */
export interface Claim {
  comparison: Comparison;
  /** Two-sided against the margin, candidates paid for. */
  pValue: number;
  /** What a rejection would say. */
  points: 'adopt' | 'equivalent' | 'keep';
  /** Why it may say nothing whatever its p value: a guardrail, or arms that are no equals. */
  held: string | null;
  /** The comparison's interval at another confidence. */
  at(confidence: number): { low: number | null; high: number | null };
}

type Question = Pick<RegisteredPlan, 'primary' | 'test' | 'margin' | 'marginRelative' | 'correction'>;

/** Null where the comparison is invalid or undefined: no claim, so nothing to pay for. */
export function claimOf(result: Result): Claim | null {
  if (result.verdict.outcome === 'invalid') return null;
  const comparisons = result.comparisons.filter(({ role }) => role === 'primary');
  const claims = comparisons.flatMap((comparison) => claim(comparison, result.plan, comparisons.length, fewestSeeds(result)) ?? []);
  const best = chosen(claims, result.verdict.variant);
  // A candidate without a number may be the better one.
  if (best === null || (best.points === 'keep' && claims.length < comparisons.length)) return null;
  const { outcome, variant, sentence } = result.verdict;
  const agrees = outcome === best.points && (variant === null || variant === best.comparison.variant);
  return { ...best, held: agrees ? null : sentence };
}

/** The verdict's winner, else the candidate with the most evidence for it; only where none is ahead, the last to be shown not to be. */
function chosen(claims: Omit<Claim, 'held'>[], winner: string | null): Omit<Claim, 'held'> | null {
  const ahead = claims.filter(({ points }) => points !== 'keep');
  const won = ahead.find(({ comparison }) => comparison.variant === winner);
  const sorted = [...(ahead.length > 0 ? ahead : claims)].sort((a, b) => a.pValue - b.pValue);
  return won ?? (ahead.length > 0 ? sorted[0] : sorted.at(-1)) ?? null;
}

function claim(comparison: Comparison, question: Question, candidates: number, seeds: number): Omit<Claim, 'held'> | null {
  const oriented = orient(comparison, question);
  if (oriented === null) return null;
  const df = comparison.claim === 'algorithm' ? Math.max(1, seeds - 1) : Number.POSITIVE_INFINITY;
  const { points, pValue } = tested(oriented, comparison, question, df);
  return {
    comparison,
    points,
    pValue: Math.min(1, adjusted(comparison, pValue, candidates)),
    at: (confidence) => widened(comparison, confidence, df),
  };
}

/** Of several candidates the joint adjustment where it fits the null of the claim, else Bonferroni's. */
function adjusted(comparison: Comparison, pValue: number, candidates: number): number {
  return pValue === comparison.pValue && comparison.adjustedPValue !== null ? comparison.adjustedPValue : pValue * candidates;
}

interface Oriented {
  estimate: number;
  low: number;
  high: number;
}

/** More is better; in the metric's unit, or a fraction of the control's value. Null where a number is undefined. */
function orient({ metric, difference, low, high, ratio }: Comparison, { margin, marginRelative }: Question): Oriented | null {
  const relative = marginRelative && margin > 0;
  const raw = relative
    ? ratio && { estimate: ratio.estimate - 1, low: ratio.low - 1, high: ratio.high - 1 }
    : { estimate: difference, low, high };
  if (raw === null) return null;
  const { estimate, low: from, high: to } = raw;
  if (estimate === null || from === null || to === null || [estimate, from, to].some(Number.isNaN)) return null;
  const better = metricCatalogue[metric as MetricName].better;
  return better === 'higher' ? { estimate, low: from, high: to } : { estimate: -estimate, low: -to, high: -from };
}

function tested(oriented: Oriented, comparison: Comparison, { test, margin }: Question, df: number): Pick<Claim, 'points' | 'pValue'> {
  const { estimate } = oriented;
  const from = (bound: number): number => tail(oriented, bound, comparison.confidence, df);
  switch (test) {
    case 'superiority':
      return {
        points: estimate > margin ? 'adopt' : 'keep',
        pValue: margin === 0 && comparison.pValue !== null ? comparison.pValue : 2 * from(margin),
      };
    case 'non-inferiority':
      return {
        points: estimate > -margin ? 'adopt' : 'keep',
        pValue: margin === 0 && comparison.pValue !== null ? comparison.pValue : 2 * from(-margin),
      };
    case 'equivalence':
      // Inside both one-sided tests must reject; outside the nearer bound's.
      return Math.abs(estimate) < margin
        ? { points: 'equivalent', pValue: Math.max(from(margin), from(-margin)) }
        : { points: 'keep', pValue: from(Math.sign(estimate) * margin) };
  }
}

/** One-sided, from the side of the interval that looks at the bound. */
function tail({ estimate, low, high }: Oriented, bound: number, confidence: number, df: number): number {
  const half = estimate > bound ? estimate - low : high - estimate;
  const distance = Math.abs(estimate - bound);
  if (distance === 0) return 0.5;
  if (half <= 0) return 0;
  // Beyond the interval the heavier tail errs on the safe side, within it the lighter one.
  const own = distance > half ? df : Number.POSITIVE_INFINITY;
  return survival((distance / half) * quantile(confidence, own), own);
}

function widened(
  { difference, low, high, confidence }: Comparison,
  wanted: number,
  df: number,
): { low: number | null; high: number | null } {
  if (difference === null || low === null || high === null) return { low, high };
  const own = wanted > confidence ? df : Number.POSITIVE_INFINITY;
  const factor = quantile(wanted, own) / quantile(confidence, own);
  return { low: difference - (difference - low) * factor, high: difference + (high - difference) * factor };
}

/** The fewest degrees of freedom that an interval over seeds can have are one less than these. */
function fewestSeeds({ variants }: Result): number {
  const trained = variants.map(({ runs }) => runs.filter(({ status }) => status === 'done').length).filter((count) => count > 1);
  return trained.length === 0 ? 2 : Math.min(...trained);
}

const quantile = (confidence: number, df: number): number =>
  df === Number.POSITIVE_INFINITY ? -normalQuantile((1 - confidence) / 2) : -tQuantile((1 - confidence) / 2, df);
const survival = (x: number, df: number): number => (df === Number.POSITIVE_INFINITY ? normalSurvival(x) : tSurvival(x, df));
