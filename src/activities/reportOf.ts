import type { LatencyOutcome, Result } from '../contract';
import { renderReport } from '../report';
import type { Store } from '../store';
import { latencyOf } from './buildResult';

/** The report of a result: the same bytes for the same result, whoever renders it. */
export async function reportOf(store: Store, result: Result, latency: LatencyOutcome | null): Promise<string> {
  const measured = (await latencyOf(store, latency)) ?? [];
  const milliseconds = Object.fromEntries(measured.map(({ variant, blocks }) => [variant, blocks.flatMap((block) => [...block])]));
  return await renderReport(result, { latency: milliseconds });
}
