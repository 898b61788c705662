import { checkCount, checkFinite, checkOpenProbability, checkPositive, checkSameLength } from '../arguments';
import { tQuantile, tSurvival } from '../special/distributions';
import { normalCdf, normalQuantile } from '../special/normal';
import { quantileOfSorted } from '../special/quantile';
import type { Interval } from '../types';
import { eachReplicate } from './bootstrap';

/*
 * Measurements in blocks (latency): blocks are what is resampled. With few blocks a percentile interval is too short; its tails are widened
 * to Φ(-√(n/(n-1)) t), which is exact for a mean of n normal blocks (Hesterberg 2015).
 */

export interface BlockOptions {
  /** Default 10,000. */
  resamples?: number;
  /** Default 0.95. */
  confidence?: number;
  seed?: number;
}

export interface BlockDifference extends Interval {
  /** B - A. */
  difference: number;
  a: Interval & { estimate: number };
  b: Interval & { estimate: number };
  /** B / A; null where A is not positive. */
  ratio: (Interval & { estimate: number }) | null;
  pValue: number;
  replicates: Float64Array;
}

/** A quantile over all blocks, with its interval. */
export function quantileBlockBootstrap(
  input: { blocks: readonly ArrayLike<number>[] },
  p: number,
  options: BlockOptions = {},
): Interval & { estimate: number; replicates: Float64Array } {
  const statistic = quantileOfBlocks('blocks', input.blocks, checkOpenProbability('p', p));
  const { sample, replicates, count, confidence } = resampleBlocks(input.blocks.length, [statistic], options);
  return { estimate: sample[0]!, ...widenedInterval(replicates[0]!, count, confidence), replicates: replicates[0]! };
}

/** The difference B - A and ratio B / A of a quantile; blocks of the same index were run side by side and are drawn together. */
export function quantileDifferenceByBlocks(
  input: { a: readonly ArrayLike<number>[]; b: readonly ArrayLike<number>[] },
  p: number,
  options: BlockOptions = {},
): BlockDifference {
  checkSameLength('a', input.a, 'b', input.b);
  checkOpenProbability('p', p);
  return compareBlocks(input.a.length, quantileOfBlocks('a', input.a, p), quantileOfBlocks('b', input.b, p), options);
}

/** The same of the rate: items times `samplesPerItem` over the sum of their durations (in seconds for samples a second). */
export function meanRateByBlocks(
  input: { a: readonly ArrayLike<number>[]; b: readonly ArrayLike<number>[] },
  samplesPerItem: number,
  options: BlockOptions = {},
): BlockDifference {
  checkSameLength('a', input.a, 'b', input.b);
  checkPositive('samplesPerItem', samplesPerItem);
  return compareBlocks(input.a.length, rateOfBlocks('a', input.a, samplesPerItem), rateOfBlocks('b', input.b, samplesPerItem), options);
}

type BlockStatistic = (weights: Int32Array) => number;

function compareBlocks(blocks: number, a: BlockStatistic, b: BlockStatistic, options: BlockOptions): BlockDifference {
  const { sample, replicates, count, confidence } = resampleBlocks(blocks, [a, b], options);
  const [sampleA, sampleB] = [sample[0]!, sample[1]!];
  const [drawnA, drawnB] = [replicates[0]!, replicates[1]!];
  const gaps = drawnB.map((value, r) => value - drawnA[r]!);
  const positive = sampleA > 0 && drawnA.every((value) => value > 0);
  const difference = sampleB - sampleA;
  return {
    difference,
    ...widenedInterval(gaps, count, confidence),
    a: { estimate: sampleA, ...widenedInterval(drawnA, count, confidence) },
    b: { estimate: sampleB, ...widenedInterval(drawnB, count, confidence) },
    ratio: positive
      ? {
          estimate: sampleB / sampleA,
          ...widenedInterval(
            drawnB.map((value, r) => value / drawnA[r]!),
            count,
            confidence,
          ),
        }
      : null,
    pValue: widenedP(gaps, difference, count),
    replicates: gaps,
  };
}

function resampleBlocks(
  count: number,
  statistics: readonly BlockStatistic[],
  options: BlockOptions,
): { sample: number[]; replicates: Float64Array[]; count: number; confidence: number } {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const resamples = checkCount('resamples', options.resamples ?? 10_000, 2);
  if (count < 2) throw new RangeError(`blocks must be at least 2 for an interval, got ${count}`);
  const weights = new Int32Array(count).fill(1);
  const sample = statistics.map((statistic) => statistic(weights));
  const replicates = statistics.map(() => new Float64Array(resamples));
  eachReplicate(options.seed ?? 1, 0, resamples, (generator, r) => {
    weights.fill(0);
    for (let i = 0; i < count; i++) weights[generator.below(count)]!++;
    for (let s = 0; s < statistics.length; s++) replicates[s]![r] = statistics[s]!(weights);
  });
  return { sample, replicates, count, confidence };
}

/** Type 7 quantile of the drawn blocks' values, from one sort. */
function quantileOfBlocks(name: string, blocks: readonly ArrayLike<number>[], p: number): BlockStatistic {
  const { values, block } = sortedWithBlock(name, blocks);
  return (weights) => {
    let total = 0;
    for (let i = 0; i < blocks.length; i++) total += weights[i]! * blocks[i]!.length;
    const position = p * (total - 1);
    const below = Math.floor(position);
    let seen = 0;
    let i = 0;
    for (; i < values.length; i++) {
      seen += weights[block[i]!]!;
      if (seen > below) break;
    }
    const low = values[i]!;
    if (position === below || seen > below + 1) return low;
    let next = i + 1;
    while (next < values.length && weights[block[next]!] === 0) next++;
    return next < values.length ? low + (position - below) * (values[next]! - low) : low;
  };
}

function rateOfBlocks(name: string, blocks: readonly ArrayLike<number>[], samplesPerItem: number): BlockStatistic {
  const seconds = blocks.map((values, k) => {
    checkFinite(`${name}[${k}]`, values);
    return checkPositive(
      `sum of ${name}[${k}]`,
      Array.from(values).reduce((sum, value) => sum + value, 0),
    );
  });
  return (weights) => {
    let [items, time] = [0, 0];
    for (let k = 0; k < blocks.length; k++) {
      items += weights[k]! * blocks[k]!.length;
      time += weights[k]! * seconds[k]!;
    }
    return (samplesPerItem * items) / time;
  };
}

function sortedWithBlock(name: string, blocks: readonly ArrayLike<number>[]): { values: Float64Array; block: Int32Array } {
  const pairs: [number, number][] = [];
  blocks.forEach((values, k) => {
    checkFinite(`${name}[${k}]`, values);
    for (let i = 0; i < values.length; i++) pairs.push([values[i]!, k]);
  });
  pairs.sort((x, y) => x[0] - y[0] || x[1] - y[1]);
  return { values: Float64Array.from(pairs, (pair) => pair[0]), block: Int32Array.from(pairs, (pair) => pair[1]) };
}

function widenedInterval(replicates: Float64Array, blocks: number, confidence: number): Interval {
  const sorted = replicates.slice().sort();
  const tail = normalCdf(-Math.sqrt(blocks / (blocks - 1)) * tQuantile(0.5 + confidence / 2, blocks - 1));
  return { low: quantileOfSorted(sorted, tail), high: quantileOfSorted(sorted, 1 - tail) };
}

/** The smallest alpha whose widened interval leaves out 0. */
function widenedP(gaps: Float64Array, difference: number, blocks: number): number {
  if (difference === 0) return 1;
  let beyond = 0;
  for (let r = 0; r < gaps.length; r++) if (gaps[r] === 0 || gaps[r]! < 0 === difference > 0) beyond++;
  const share = Math.max(1, beyond) / (gaps.length + 1);
  const t = -normalQuantile(share) * Math.sqrt((blocks - 1) / blocks);
  return Math.min(1, 2 * tSurvival(t, blocks - 1));
}
