import { checkCount, checkFinite, checkOpenProbability, checkPositive, checkSameLength } from '../arguments';
import { tDecision } from '../tests/mean';
import type { Interval } from '../types';
import { eachReplicate } from './bootstrap';

/*
 * Measurements in blocks (latency): whole blocks are resampled, block i of both arms together, so that what slows the host at a time slows
 * both. The interval is the estimate ± t with n - 1 degrees of freedom times the bootstrap's standard error, scaled by √(n/(n-1)) for n
 * blocks (Hesterberg 2015) and by √(1 + 2r) where neighbouring pairs go together, r > 0 the lag-1 autocorrelation of the jackknife's
 * influences: of turns A B, B A, A B the neighbours of two pairs are of one arm, and share what the host did. Percentiles were tried: with 5
 * to 20 blocks they erred in 6 to 9 % of experiments in place of 5 (docs/calibration.md).
 */

export interface BlockOptions {
  /** Default 10,000. */
  resamples?: number;
  /** Default 0.95. */
  confidence?: number;
  seed?: number;
}

export interface BlockEstimate extends Interval {
  estimate: number;
}

export interface BlockDifference extends Interval {
  /** B - A. */
  difference: number;
  a: BlockEstimate;
  b: BlockEstimate;
  /** B / A, its interval on the logarithm; null where either is not positive. */
  ratio: BlockEstimate | null;
  standardError: number;
  /** Blocks less 1. */
  df: number;
  /** Two-sided; 1 for identical arms. */
  pValue: number;
  resamples: number;
}

/** A quantile (type 7) over all blocks, with its interval; in the unit of the values. At least 2 blocks, none empty. */
export function quantileBlockBootstrap(
  input: { blocks: readonly ArrayLike<number>[] },
  p: number,
  options: BlockOptions = {},
): BlockEstimate & { standardError: number } {
  const statistic = quantileOfBlocks('blocks', input.blocks, checkOpenProbability('p', p));
  const drawn = resampleBlocks(input.blocks.length, [statistic], options);
  const { estimate, low, high, standardError } = boundsOf(drawn, (values) => values[0]!);
  return { estimate, low, high, standardError };
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
  const drawn = resampleBlocks(blocks, [a, b], options);
  const { estimate: difference, low, high, standardError, pValue } = boundsOf(drawn, (values) => values[1]! - values[0]!);
  return {
    difference,
    low,
    high,
    a: estimateOf(drawn, (values) => values[0]!),
    b: estimateOf(drawn, (values) => values[1]!),
    ratio: ratioOf(drawn),
    standardError,
    df: blocks - 1,
    pValue,
    resamples: drawn.replicates[0]!.length,
  };
}

/** Every statistic on the sample, on each resample, and with each block left out. */
interface Drawn {
  sample: Float64Array;
  replicates: Float64Array[];
  leftOut: Float64Array[];
  confidence: number;
}

function resampleBlocks(count: number, statistics: readonly BlockStatistic[], options: BlockOptions): Drawn {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const resamples = checkCount('resamples', options.resamples ?? 10_000, 2);
  if (count < 2) throw new RangeError(`blocks must be at least 2 for an interval, got ${count}`);
  const weights = new Int32Array(count).fill(1);
  const sample = Float64Array.from(statistics, (statistic) => statistic(weights));
  const leftOut = statistics.map((statistic) =>
    Float64Array.from(weights, (_, i) => {
      weights[i] = 0;
      const value = statistic(weights);
      weights[i] = 1;
      return value;
    }),
  );
  const replicates = statistics.map(() => new Float64Array(resamples));
  eachReplicate(options.seed ?? 1, 0, resamples, (generator, r) => {
    weights.fill(0);
    for (let i = 0; i < count; i++) weights[generator.below(count)]!++;
    for (let s = 0; s < statistics.length; s++) replicates[s]![r] = statistics[s]!(weights);
  });
  return { sample, replicates, leftOut, confidence };
}

/** Of a value made from the statistics. */
function boundsOf(
  { sample, replicates, leftOut, confidence }: Drawn,
  combine: (values: ArrayLike<number>) => number,
): BlockEstimate & { standardError: number; pValue: number } {
  const estimate = combine(sample);
  const over = (columns: readonly Float64Array[]): Float64Array =>
    Float64Array.from(columns[0]!, (_, i) => combine(columns.map((column) => column[i]!)));
  const left = over(leftOut);
  const blocks = left.length;
  const standardError = deviation(over(replicates)) * Math.sqrt((blocks / (blocks - 1)) * inflation(left));
  return { estimate, standardError, ...tDecision(estimate, standardError, blocks - 1, confidence) };
}

function estimateOf(drawn: Drawn, combine: (values: ArrayLike<number>) => number): BlockEstimate {
  const { estimate, low, high } = boundsOf(drawn, combine);
  return { estimate, low, high };
}

function ratioOf(drawn: Drawn): BlockEstimate | null {
  if (![drawn.sample, ...drawn.replicates, ...drawn.leftOut].every((values) => values.every((value) => value > 0))) return null;
  const { estimate, low, high } = estimateOf(drawn, (values) => Math.log(values[1]! / values[0]!));
  return { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) };
}

/** 1 + 2r, at least 1: r is the lag-1 autocorrelation of the blocks' influences, from the values with each left out. */
function inflation(leftOut: Float64Array): number {
  const mean = leftOut.reduce((sum, value) => sum + value, 0) / leftOut.length;
  let [squares, products] = [0, 0];
  for (let i = 0; i < leftOut.length; i++) {
    squares += (leftOut[i]! - mean) ** 2;
    if (i > 0) products += (leftOut[i]! - mean) * (leftOut[i - 1]! - mean);
  }
  return squares > 0 ? Math.max(1, 1 + (2 * products) / squares) : 1;
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** Values between two counts that are kept of each block. */
const stride = 32;

/** Type 7 quantile of the drawn blocks' values, from one sort: counts at every 32nd value are searched, then single values. */
function quantileOfBlocks(name: string, blocks: readonly ArrayLike<number>[], p: number): BlockStatistic {
  const { values, block } = sortedWithBlock(name, blocks);
  const count = blocks.length;
  const marks = Math.floor(values.length / stride) + 1;
  const before = new Int32Array(marks * count);
  for (let i = 0; i < (marks - 1) * stride; i++) before[(Math.floor(i / stride) + 1) * count + block[i]!]!++;
  for (let m = 1; m < marks; m++) for (let k = 0; k < count; k++) before[m * count + k]! += before[(m - 1) * count + k]!;
  const drawnBefore = (mark: number, weights: Int32Array): number => {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += weights[k]! * before[mark * count + k]!;
    return sum;
  };
  return (weights) => {
    let total = 0;
    for (let k = 0; k < count; k++) total += weights[k]! * blocks[k]!.length;
    const position = p * (total - 1);
    const below = Math.floor(position);
    let [low, high] = [0, marks];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (drawnBefore(middle, weights) <= below) low = middle;
      else high = middle;
    }
    let i = low * stride;
    for (let seen = drawnBefore(low, weights); ; i++) {
      seen += weights[block[i]!]!;
      if (seen <= below) continue;
      if (position === below || seen > below + 1) return values[i]!;
      break;
    }
    let next = i + 1;
    while (next < values.length && weights[block[next]!] === 0) next++;
    return next < values.length ? values[i]! + (position - below) * (values[next]! - values[i]!) : values[i]!;
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
  const all: number[] = [];
  const of: number[] = [];
  blocks.forEach((values, k) => {
    checkFinite(`${name}[${k}]`, values);
    for (let i = 0; i < values.length; i++) {
      all.push(values[i]!);
      of.push(k);
    }
  });
  const order = Int32Array.from(all, (_, i) => i).sort((i, j) => all[i]! - all[j]!);
  return { values: Float64Array.from(order, (i) => all[i]!), block: Int32Array.from(order, (i) => of[i]!) };
}
