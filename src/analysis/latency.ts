import type { LatencyLine, LatencySummary } from '../contract';
import {
  meanRateByBlocks,
  quantile,
  quantileBlockBootstrap,
  quantileDifferenceByBlocks,
  quantileInterval,
  type BlockDifference,
} from '../stats';
import type { ArmInterval } from './artifact';
import type { Evidence } from './decide';
import { beside, needsRatio, unanswered, type Question } from './question';
import type { LatencyInput } from './types';

/** Below this many requests no order statistic bounds the 99 % quantile at 99 % confidence. */
const requestsForP99 = 662;

/** Lines of `out/latency.jsonl` by block; warm-up, partial batches and whole blocks of a throttled device are left out and counted. */
export function latencyBlocks(variant: string, lines: Iterable<LatencyLine>): LatencyInput {
  const all = [...lines];
  const batch = all.reduce((largest, line) => Math.max(largest, line.batch), 0);
  const measured = all.filter((line) => !line.warmup && line.batch === batch);
  const throttled = new Set(measured.filter((line) => line.throttled === true).map((line) => line.block));
  const kept = measured.filter((line) => !throttled.has(line.block));
  const blocks = measured.reduce((count, line) => Math.max(count, line.block + 1), 0);
  const byBlock = Array.from({ length: blocks }, (): number[] => []);
  for (const line of kept) byBlock[line.block]?.push(line.ms);
  return {
    variant,
    batch,
    dropped: all.length - measured.length,
    throttled: throttled.size,
    blocks: byBlock.map((ms) => Float64Array.from(ms)),
  };
}

/** Quantiles over all blocks, milliseconds a batch; null where nothing was measured. */
export function latencySummary(input: LatencyInput | undefined): LatencySummary | null {
  const all = Float64Array.from((input?.blocks ?? []).flatMap((block) => [...block])).sort();
  if (input === undefined || all.length === 0) return null;
  const at = (p: number): number => quantile(all, p) as number;
  return {
    count: all.length,
    blocks: input.blocks.filter((block) => block.length > 0).length,
    dropped: input.throttled ?? 0,
    batch: input.batch,
    min: at(0),
    p25: at(0.25),
    p50: at(0.5),
    p75: at(0.75),
    p95: at(0.95),
    p99: all.length < requestsForP99 ? null : at(0.99),
    max: at(1),
  };
}

/** Interleaved blocks are resampled in pairs, so that what slows the host at a time slows both arms. */
export function compareLatency(question: Question, latency: LatencyInput[] | null): Evidence {
  const a = latency?.find((entry) => entry.variant === question.control.name);
  const b = latency?.find((entry) => entry.variant === question.variant.name);
  if (a === undefined || b === undefined) return unanswered(question, 0, 'There are no latency measurements.');
  const paired = a.blocks.flatMap((block, i) => {
    const other = b.blocks[i];
    return block.length > 0 && other !== undefined && other.length > 0 ? [{ a: block, b: other }] : [];
  });
  const requests = paired.reduce((sum, block) => sum + block.a.length + block.b.length, 0);
  if (paired.length < 2) {
    const dropped = (a.throttled ?? 0) + (b.throttled ?? 0);
    const why = dropped === 0 ? '' : ` ${dropped} blocks were dropped, since the device was throttled.`;
    return unanswered(question, requests, `Fewer than two blocks are paired, so no interval can be stated.${why}`);
  }
  if (a.batch !== b.batch) return unanswered(question, requests, `Batches differ: ${a.batch} and ${b.batch} samples.`);

  const blocks = { a: paired.map((block) => block.a), b: paired.map((block) => block.b) };
  const result = difference(question, blocks, a.batch);
  if (!supported(question.metric, blocks.a, question.confidence) || !supported(question.metric, blocks.b, question.confidence)) {
    const why = `${requests} requests are too few: no order statistics bound this quantile at the comparison's confidence.`;
    return { ...unanswered(question, requests, why), difference: result.difference };
  }
  return {
    ...unanswered(question, requests, ''),
    difference: result.difference,
    low: result.low,
    high: result.high,
    method: 'block-bootstrap',
    resamples: result.resamples,
    pValue: result.pValue,
    ...beside(question, result.difference, result.standardError, result.df),
    ratio: needsRatio(question) ? result.ratio : null,
    notes: [`${paired.length} interleaved blocks, resampled in pairs.`],
  };
}

/** One arm's latency metric with its interval by resampling its blocks. */
export function latencyInterval(
  metric: string,
  input: LatencyInput | undefined,
  options: { confidence: number; resamples: number; seed: number },
): ArmInterval {
  const blocks = (input?.blocks ?? []).filter((block) => block.length > 0);
  if (input === undefined || blocks.length < 2) return { estimate: null, low: null, high: null };
  if (metric === 'throughput') {
    const seconds = blocks.map(toSeconds);
    const { estimate, low, high } = meanRateByBlocks({ a: seconds, b: seconds }, input.batch, options).a;
    return { estimate, low, high };
  }
  const { estimate, low, high } = quantileBlockBootstrap({ blocks }, probabilityOf(metric), options);
  return supported(metric, blocks, options.confidence) ? { estimate, low, high } : { estimate, low: null, high: null };
}

/** Whether order statistics bound the quantile at all with so many requests; 6 for the median at 95 % confidence, 72 for p95. A rate needs none. */
function supported(metric: string, blocks: readonly Float64Array[], confidence: number): boolean {
  if (metric === 'throughput') return true;
  const all = Float64Array.from(blocks.flatMap((block) => [...block]));
  return quantileInterval(all, probabilityOf(metric), { confidence }) !== null;
}

function difference(question: Question, blocks: { a: Float64Array[]; b: Float64Array[] }, batch: number): BlockDifference {
  const { metric, confidence, seed, plan } = question;
  const options = { confidence, seed, resamples: plan.resamples };
  if (metric === 'throughput') {
    return meanRateByBlocks({ a: blocks.a.map(toSeconds), b: blocks.b.map(toSeconds) }, batch, options);
  }
  return quantileDifferenceByBlocks(blocks, probabilityOf(metric), options);
}

const probabilityOf = (metric: string): number => (metric === 'latency_p50' ? 0.5 : 0.95);

const toSeconds = (block: Float64Array): Float64Array => block.map((ms) => ms / 1000);
