import type { Comparison, Result } from '../../contract';
import { formatCount } from '../formatters';
import { metricInfo } from '../metricInfo';
import { metricsInOrder } from '../sections/comparisons';

export type Estimate = Pick<Comparison, 'difference' | 'low' | 'high' | 'confidence' | 'n' | 'claim'>;

/** One candidate's effect in both experiments: candidate minus control, and how much it changed. */
export interface EffectPair {
  metric: string;
  role: Comparison['role'];
  /** The candidate's name in each. */
  variant: { before: string; after: string };
  before: Estimate;
  after: Estimate;
  change: {
    difference: number | null;
    low: number | null;
    high: number | null;
    /** Level that the interval holds: at least that where the two may depend on each other. */
    confidence: number | null;
    independent: boolean;
    /** `mover`: from both intervals, of independent estimates (Zou and Donner 2008); `union`: holds whatever they share. */
    method: 'mover' | 'union' | 'none';
    /** Why they count as independent, or do not. */
    why: string;
  };
}

export interface MetricPair {
  metric: string;
  variant: string;
  before: Value | null;
  after: Value | null;
}

type Value = Pick<Result['variants'][number]['metrics'][string], 'estimate' | 'low' | 'high'>;

/** Effects that both experiments have, the primary first. A single candidate of each is one pair, whatever they are called. */
export function effectsBetween(after: Result, before: Result, sharedTestRows: number | null): EffectPair[] {
  return metricsInOrder(after.comparisons).flatMap((metric) =>
    candidatePairs(after, before).flatMap((variant): EffectPair[] => {
      const a = after.comparisons.find((each) => each.metric === metric && each.variant === variant.after);
      const b = before.comparisons.find((each) => each.metric === metric && each.variant === variant.before);
      if (a === undefined || b === undefined) return [];
      return [{ metric, role: a.role, variant, before: estimateOf(b), after: estimateOf(a), change: changeOf(a, b, sharedTestRows) }];
    }),
  );
}

function candidatePairs(after: Result, before: Result): { before: string; after: string }[] {
  const names = ({ variants }: Result): string[] => variants.filter(({ control }) => !control).map(({ name }) => name);
  const [now, then] = [names(after), names(before)];
  const [one, other] = [now[0], then[0]];
  if (now.length === 1 && then.length === 1 && one !== undefined && other !== undefined) return [{ before: other, after: one }];
  return now.filter((name) => then.includes(name)).map((name) => ({ before: name, after: name }));
}

const estimateOf = ({ difference, low, high, confidence, n, claim }: Comparison): Estimate => ({
  difference,
  low,
  high,
  confidence,
  n,
  claim,
});

function changeOf(a: Comparison, b: Comparison, sharedTestRows: number | null): EffectPair['change'] {
  const { independent, why } = dependence(a.metric, a.n, sharedTestRows);
  const none = { difference: null, low: null, high: null, confidence: null, independent, method: 'none', why } as const;
  if (a.difference === null || b.difference === null) return none;
  const difference = a.difference - b.difference;
  if (a.low === null || a.high === null || b.low === null || b.high === null) return { ...none, difference };
  if (independent) {
    return {
      difference,
      low: difference - Math.hypot(a.difference - a.low, b.high - b.difference),
      high: difference + Math.hypot(a.high - a.difference, b.difference - b.low),
      confidence: Math.min(a.confidence, b.confidence),
      independent,
      method: 'mover',
      why,
    };
  }
  const confidence = Number(Math.max(0, a.confidence + b.confidence - 1).toFixed(10));
  return { difference, low: a.low - b.high, high: a.high - b.low, confidence, independent, method: 'union', why };
}

/** Times and costs are measured anew in each experiment; predictions of the same rows fall together. */
function dependence(metric: string, n: number, shared: number | null): { independent: boolean; why: string } {
  if (metricInfo(metric).source !== 'predictions') return { independent: true, why: 'measured anew in each experiment' };
  if (shared === null) return { independent: false, why: 'nobody knows any more which test rows they share' };
  if (shared > 0) return { independent: false, why: `${formatCount(shared)} test rows are in both, of ${formatCount(n)}` };
  return { independent: true, why: 'no test row is in both' };
}

/** Every variant's own values, wherever it stands. */
export function metricsBetween(after: Result, before: Result): MetricPair[] {
  const variants = [...new Set([...after.variants, ...before.variants].map(({ name }) => name))];
  const metrics = [
    ...new Set([after.plan.primary, ...[...after.variants, ...before.variants].flatMap(({ metrics: own }) => Object.keys(own))]),
  ];
  const valueOf = (result: Result, variant: string, metric: string): Value | null => {
    const found = result.variants.find(({ name }) => name === variant)?.metrics[metric];
    return found === undefined ? null : { estimate: found.estimate, low: found.low, high: found.high };
  };
  return metrics.flatMap((metric) =>
    variants.flatMap((variant) => {
      const pair = { metric, variant, before: valueOf(before, variant, metric), after: valueOf(after, variant, metric) };
      return pair.before === null && pair.after === null ? [] : [pair];
    }),
  );
}
