import { checkCount, checkFinite, checkSameLength } from '../arguments';
import { unitNumbers } from '../intervals/variance-components';
import { rowLogLoss } from '../metrics/scores';
import { binomial } from '../random/binomial';
import type { Generator } from '../random/generator';
import { eachReplicate } from '../resample/bootstrap';
import { pairedResampler } from '../resample/resampler';
import { binomialPmf, binomialSurvival } from '../special/distributions';
import type { BootstrapMetric, TestResult } from '../types';
import { coinSumSurvival } from './sign-flips';
import { type Swaps, swapsOf, type TwoArms } from './swaps';

export type PairedPermutationInput =
  | {
      /** Value of each row: the test is of the difference of means. */
      a: ArrayLike<number>;
      b: ArrayLike<number>;
      units?: Int32Array;
    }
  | (TwoArms & { metric: BootstrapMetric });

export interface PairedPermutation extends TestResult {
  /** B - A: of the means, or of the metric averaged over seeds. */
  statistic: number;
  method: 'exact' | 'sampled';
  /** Permutations drawn; 0 where the test is exact. */
  resamples: number;
}

/**
 * Paired permutation test, two-sided: the share of ways to swap the arms, row by row (unit by unit, all seeds together), that give a
 * difference at least as large as the one seen. Its hypothesis is that the arms cannot be told apart on any row, which is more than equal
 * metrics.
 *
 * Exact where that can be had: means by the sign test where all differences have one size (accuracy of one seed: exact McNemar), by
 * convolution where they are whole numbers, else by enumeration where the distinct swaps number at most `resamples` (default 20,000).
 * Otherwise so many are drawn by `seed` (default 1), and p is (1 + hits) / (1 + resamples) (Phipson and Smyth 2010), never 0. Differences
 * within 1e-12 of the one seen count as equal. Swapping arms negates the statistic and leaves p to the bit, as does the order of rows.
 * Arms alike on every row: 0 and p = 1. A metric that is 0/0 on the sample is refused.
 */
export function pairedPermutation(input: PairedPermutationInput, options: { resamples?: number; seed?: number } = {}): PairedPermutation {
  const { resamples = 20_000, seed = 1 } = options;
  checkCount('resamples', resamples, 1);
  if (!('metric' in input)) return ofMeans(input.a, input.b, input.units, resamples, seed);
  const { metric, labels } = input;
  const [valueA, valueB] = armValues(input, metric);
  if (Number.isNaN(valueA) || Number.isNaN(valueB)) throw new RangeError(`labels must hold what ${metric} needs: it is 0/0 on this sample`);
  if (metric === 'accuracy') {
    const { predictionsA, predictionsB } = input;
    const right = (seeds: readonly ArrayLike<number>[]): Float64Array =>
      Float64Array.from(labels, (label, i) => seeds.reduce((sum, predictions) => sum + (predictions[i] === label ? 1 : 0), 0));
    // Whole numbers are tested, so that the law can be exact.
    const found = ofMeans(right(predictionsA), right(predictionsB), input.units, resamples, seed);
    return { ...found, statistic: found.statistic / predictionsA.length };
  }
  if (metric === 'log_loss') {
    const meanLoss = (seeds: readonly ArrayLike<number>[] = []): Float64Array => {
      const losses = seeds.map((scores) => rowLogLoss(labels, scores, input.classes));
      return Float64Array.from(labels, (_, i) => losses.reduce((sum, loss) => sum + loss[i]!, 0) / losses.length);
    };
    return ofMeans(meanLoss(input.scoresA), meanLoss(input.scoresB), input.units, resamples, seed);
  }
  const statistic = valueB - valueA;
  // The lower arm goes first, so that swapping the arms draws the same permutations.
  const swaps = swapsOf(input, metric, statistic < 0);
  return { statistic, ...ofSwaps(swaps, Math.abs(statistic), resamples, seed) };
}

const tolerance = 1e-12;

function armValues({ predictionsA, predictionsB, scoresA, scoresB, ...shared }: TwoArms, metric: BootstrapMetric): [number, number] {
  const { sample } = pairedResampler(
    {
      labels: shared.labels,
      classes: shared.classes,
      predictions: [predictionsA, predictionsB],
      ...(scoresA === undefined || scoresB === undefined ? {} : { scores: [scoresA, scoresB] }),
      ...(shared.units === undefined ? {} : { units: shared.units }),
    },
    metric,
  );
  return [sample[0]!, sample[1]!];
}

function ofMeans(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  units: Int32Array | undefined,
  resamples: number,
  seed: number,
): PairedPermutation {
  checkFinite('a', a);
  checkFinite('b', b);
  checkSameLength('a', a, 'b', b);
  const gaps = unitGaps(a, b, units);
  const plus = gaps.filter((gap) => gap > 0).sort();
  const minus = gaps
    .filter((gap) => gap < 0)
    .map((gap) => -gap)
    .sort();
  const [ofPlus, ofMinus] = [sumOf(plus), sumOf(minus)];
  const statistic = (ofPlus - ofMinus) / a.length;
  const sizes = Float64Array.from([...plus, ...minus]).sort();
  const count = sizes.length;
  const exact = (pValue: number): PairedPermutation => ({ statistic, pValue: Math.min(1, pValue), method: 'exact', resamples: 0 });
  if (ofPlus === ofMinus) return exact(1);
  if (sizes[0] === sizes[count - 1]) return exact(2 * binomialSurvival(Math.max(plus.length, minus.length) - 1, count, 0.5));
  const total = ofPlus + ofMinus;
  if (sizes.every(Number.isInteger) && total <= 1e7 && count * total <= 3e8)
    return exact(2 * coinSumSurvival(sizes, Math.max(ofPlus, ofMinus)));
  // P(|S| >= seen) for S = Σ ± size.
  const seen = Math.abs(ofPlus - ofMinus) - tolerance * total;
  if (2 ** count <= resamples) return exact(enumerateSigns(sizes, seen));
  let hits = 0;
  eachReplicate(seed, 0, resamples, (generator) => {
    if (Math.abs(drawSigned(generator, sizes)) >= seen) hits++;
  });
  return { statistic, pValue: (1 + hits) / (1 + resamples), method: 'sampled', resamples };
}

function unitGaps(a: ArrayLike<number>, b: ArrayLike<number>, units: Int32Array | undefined): Float64Array {
  if (units === undefined) return Float64Array.from(a, (value, i) => b[i]! - value);
  checkSameLength('a', a, 'units', units);
  const { of, count } = unitNumbers(units);
  const sums = new Float64Array(count);
  for (let i = 0; i < a.length; i++) sums[of[i]!]! += b[i]! - a[i]!;
  return sums;
}

/** Half of the signs is enough: the other half is the same with all turned. */
function enumerateSigns(sizes: Float64Array, seen: number): number {
  let hits = 0;
  const walk = (i: number, sum: number): void => {
    if (i < 0) {
      if (Math.abs(sum) >= seen) hits++;
      return;
    }
    walk(i - 1, sum + sizes[i]!);
    walk(i - 1, sum - sizes[i]!);
  };
  walk(sizes.length - 2, sizes[sizes.length - 1]!);
  return hits / 2 ** (sizes.length - 1);
}

function drawSigned(generator: Generator, sizes: Float64Array): number {
  let [sum, bits] = [0, 0];
  for (let i = 0; i < sizes.length; i++) {
    if (i % 32 === 0) bits = generator.uint32();
    sum += (bits & 1) === 1 ? sizes[i]! : -sizes[i]!;
    bits >>>= 1;
  }
  return sum;
}

function ofSwaps({ counts, difference }: Swaps, seen: number, resamples: number, seed: number): Omit<PairedPermutation, 'statistic'> {
  const reached = (swapped: Int32Array): boolean => Math.abs(difference(swapped)) >= seen - tolerance;
  if (seen === 0) return { pValue: 1, method: 'exact', resamples: 0 };
  const swapped = new Int32Array(counts.length);
  let distinct = 1;
  for (const count of counts) distinct *= count + 1;
  if (distinct <= resamples) return { pValue: Math.min(1, enumerateSwaps(counts, swapped, reached)), method: 'exact', resamples: 0 };
  let hits = 0;
  eachReplicate(seed, 0, resamples, (generator) => {
    for (let g = 0; g < counts.length; g++) swapped[g] = counts[g] === 1 ? generator.below(2) : binomial(generator, counts[g]!, 0.5);
    if (reached(swapped)) hits++;
  });
  return { pValue: (1 + hits) / (1 + resamples), method: 'sampled', resamples };
}

/** Every number of swaps in each group, by its probability. */
function enumerateSwaps(counts: Int32Array, swapped: Int32Array, reached: (swapped: Int32Array) => boolean): number {
  const walk = (g: number, probability: number): number => {
    if (g === counts.length) return reached(swapped) ? probability : 0;
    let sum = 0;
    for (let k = 0; k <= counts[g]!; k++) {
      swapped[g] = k;
      sum += walk(g + 1, probability * binomialPmf(k, counts[g]!, 0.5));
    }
    return sum;
  };
  return walk(0, 1);
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
