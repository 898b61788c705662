import { checkFinite, checkOpenProbability, checkSameLength } from '../arguments';
import { tQuantile, tSurvival } from '../special/distributions';
import { erfc } from '../special/normal';
import { sumOf } from '../sum';
import type { Interval, TestResult } from '../types';

/**
 * Student's paired t test (1908) of mean(x) - mean(y), two-sided, n - 1 degrees of freedom; difference, bounds and standard error in the
 * values' unit. At least 2 pairs. Equal samples: difference 0, p = 1, interval [0, 0]; a difference without spread is certain, p = 0.
 */
export function pairedTTest(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: { confidence?: number } = {},
): TestResult & Interval & { df: number; difference: number; standardError: number } {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkFinite('x', x, 2);
  checkFinite('y', y, 2);
  checkSameLength('x', x, 'y', y);
  const gaps = Float64Array.from(x, (value, i) => value - y[i]!);
  const { mean, variance } = meanAndVariance(gaps);
  const df = x.length - 1;
  const standardError = Math.sqrt(variance / x.length);
  return { ...tDecision(mean, standardError, df, confidence), df, difference: mean, standardError };
}

/** t statistic, p value and interval of an estimate; without spread the estimate is taken as certain. */
export function tDecision(estimate: number, standardError: number, df: number, confidence: number): TestResult & Interval {
  if (standardError === 0)
    return {
      statistic: estimate === 0 ? 0 : Math.sign(estimate) * Infinity,
      pValue: estimate === 0 ? 1 : 0,
      low: estimate,
      high: estimate,
    };
  const statistic = estimate / standardError;
  const half = tQuantile(0.5 + confidence / 2, df) * standardError;
  return { statistic, pValue: Math.min(1, 2 * tSurvival(Math.abs(statistic), df)), low: estimate - half, high: estimate + half };
}

export function twoSidedNormal(z: number): number {
  return erfc(Math.abs(z) / Math.SQRT2);
}

/** Two passes; the variance has n - 1 below. */
export function meanAndVariance(values: ArrayLike<number>): { mean: number; variance: number } {
  const n = values.length;
  const near = sumOf(values) / n;
  // What the division rounded: equal values have no spread at all.
  const mean = near + sumOf(Float64Array.from(values, (value) => value - near)) / n;
  const squares = sumOf(Float64Array.from(values, (value) => (value - mean) ** 2));
  return { mean, variance: n > 1 ? squares / (n - 1) : NaN };
}
