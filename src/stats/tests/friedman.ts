import { checkFinite, checkSameLength } from '../arguments';
import { chiSquareSurvival } from '../special/distributions';
import type { TestResult } from '../types';

/**
 * Friedman's test (1937) of k treatments over the same n blocks: whether some treatment ranks higher. `samples[treatment][block]`, at
 * least 2 treatments and 1 block; ties take midranks, and the statistic is corrected for them (as scipy does). p by chi-square with k - 1
 * degrees of freedom, which is rough under about 10 blocks. `kendallW`, the agreement of the blocks, is the size, in 0..1. Where every
 * block is one tie: 0 and p = 1.
 */
export function friedman(samples: readonly ArrayLike<number>[]): TestResult & { df: number; meanRanks: number[]; kendallW: number } {
  const k = samples.length;
  if (k < 2) throw new RangeError(`samples must have at least 2 treatments, got ${k}`);
  samples.forEach((sample, j) => {
    checkFinite(`samples[${j}]`, sample);
    checkSameLength('samples[0]', samples[0]!, `samples[${j}]`, sample);
  });
  const n = samples[0]!.length;
  // Doubled and about their mean, so that sums are whole numbers and nothing cancels.
  const sums = new Float64Array(k);
  const ranks = new Float64Array(k);
  let squares = 0;
  for (let i = 0; i < n; i++) {
    centredRanks(samples, i, ranks);
    for (let j = 0; j < k; j++) {
      sums[j]! += ranks[j]!;
      squares += ranks[j]! ** 2;
    }
  }
  const between = sums.reduce((total, sum) => total + sum * sum, 0);
  const kendallW = squares === 0 ? 0 : between / (n * squares);
  const statistic = n * (k - 1) * kendallW;
  const meanRanks = Array.from(sums, (sum) => (sum / n + k + 1) / 2);
  return { statistic, pValue: chiSquareSurvival(statistic, k - 1), df: k - 1, meanRanks, kendallW };
}

/** Twice the rank less k + 1: how many are below less how many are above. */
function centredRanks(samples: readonly ArrayLike<number>[], block: number, ranks: Float64Array): void {
  ranks.fill(0);
  for (let j = 0; j < samples.length; j++) {
    const value = samples[j]![block]!;
    for (let l = 0; l < j; l++) {
      const sign = Math.sign(value - samples[l]![block]!);
      ranks[j]! += sign;
      ranks[l]! -= sign;
    }
  }
}
