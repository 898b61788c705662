import { checkCount, checkFinite, checkSameLength } from '../arguments';
import { chiSquareSurvival } from '../special/distributions';

/**
 * Whether units arrived in the declared ratio: Pearson's chi-square against the weights' shares. Fails where p < alpha (default 0.001) and some arm is off by at least `minDeviation` of its
 * expected count (default 0.01), or where an arm of weight 0 has any unit.
 */
export function sampleRatio(
  counts: ArrayLike<number>,
  weights: ArrayLike<number>,
  options: { alpha?: number; minDeviation?: number } = {},
): { statistic: number; pValue: number; df: number; status: 'pass' | 'fail'; maxDeviation: number } {
  const { alpha = 0.001, minDeviation = 0.01 } = options;
  checkFinite('counts', counts, 2);
  checkFinite('weights', weights, 2);
  checkSameLength('counts', counts, 'weights', weights);
  let total = 0;
  let whole = 0;
  for (let i = 0; i < counts.length; i++) {
    total += checkCount(`counts[${i}]`, counts[i]!);
    if (weights[i]! < 0) throw new RangeError(`weights[${i}] must be at least 0, got ${weights[i]}`);
    whole += weights[i]!;
  }
  if (whole === 0) throw new RangeError('weights must not all be 0');
  let [statistic, maxDeviation, arms] = [0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    const expected = (total * weights[i]!) / whole;
    if (weights[i] === 0) {
      if (counts[i]! > 0) return { statistic: Infinity, pValue: 0, df: counts.length - 1, status: 'fail', maxDeviation: Infinity };
      continue;
    }
    arms++;
    if (total === 0) continue;
    statistic += (counts[i]! - expected) ** 2 / expected;
    maxDeviation = Math.max(maxDeviation, Math.abs(counts[i]! / expected - 1));
  }
  const df = arms - 1;
  const pValue = df < 1 ? 1 : chiSquareSurvival(statistic, df);
  return { statistic, pValue, df, status: pValue < alpha && maxDeviation >= minDeviation ? 'fail' : 'pass', maxDeviation };
}
