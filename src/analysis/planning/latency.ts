import { metricCatalogue, type MetricName } from '../../contract';
import { binomialCdf, normalQuantile, tQuantile } from '../../stats';
import type { PlanningInput } from './planning';

/** Requests that latency quantiles need, and what the planned blocks give. */
export interface LatencyOutlook {
  blocks: number;
  /** Of one variant over all blocks; full batches alone are measured. */
  requests: number;
  /** Requests from which order statistics bound the quantile from above, at 99 % confidence. */
  needed: { p50: number; p95: number; p99: number };
  /** How much wider an interval from these blocks is than one from very many. */
  widening: number;
  problems: string[];
}

/** Null where the plan measures no latency. */
export function latencyOutlook({ plan, latency, test }: PlanningInput): LatencyOutlook | null {
  const asked = [plan.primary, ...plan.metrics, ...plan.guardrails.map((guardrail) => guardrail.metric)];
  const measured = asked.filter(
    (metric) => Object.hasOwn(metricCatalogue, metric) && metricCatalogue[metric as MetricName].source === 'latency',
  );
  if (latency === null || measured.length === 0) return null;
  const requests = latency.blocks * Math.max(1, Math.floor(test.rows / latency.batch));
  const needed = { p50: requestsFor(0.5), p95: requestsFor(0.95), p99: requestsFor(0.99) };
  const problems: string[] = [];
  if (measured.includes('latency_p95') && requests < needed.p95)
    problems.push(
      `${requests} requests a variant cannot bound p95, which needs ${needed.p95}: set evaluation.latency.blocks to ${blocksFor(needed.p95, requests, latency.blocks)}`,
    );
  if (requests < needed.p99) problems.push(`p99 is not reported from ${requests} requests a variant; it needs ${needed.p99}`);
  const widening = tQuantile((1 + plan.confidence) / 2, latency.blocks - 1) / normalQuantile((1 + plan.confidence) / 2);
  return { blocks: latency.blocks, requests, needed, widening, problems };
}

const blocksFor = (needed: number, requests: number, blocks: number): number => Math.ceil((needed * blocks) / requests);

/**
 * Smallest number of requests of which the second largest lies above the p quantile with 99 % confidence; the largest alone would be at the
 * mercy of one slow request. 662 for p99.
 */
export function requestsFor(p: number): number {
  let n = 2;
  while (binomialCdf(1, n, 1 - p) > 0.01) n++;
  return n;
}
