import { checkFinite, checkOpenProbability } from '../arguments';
import type { Interval, TestResult } from '../types';
import { meanAndVariance, tDecision } from './mean';

/**
 * Welch's t test (1947) of mean(x) - mean(y), independent samples of unequal variances, two-sided; difference, bounds and standard error
 * in the units of the values. Degrees of freedom by Satterthwaite. Each sample needs 2 values. Two samples without spread are taken as
 * certain: p is 1 where they are equal, else 0, with n + m - 2 degrees of freedom.
 */
export function welchTTest(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: { confidence?: number } = {},
): TestResult & Interval & { df: number; difference: number; standardError: number } {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkFinite('x', x, 2);
  checkFinite('y', y, 2);
  const a = meanAndVariance(x);
  const b = meanAndVariance(y);
  const [ofX, ofY] = [a.variance / x.length, b.variance / y.length];
  const variance = ofX + ofY;
  // Shares first: squares of tiny variances would underflow.
  const [shareX, shareY] = [ofX / variance, ofY / variance];
  const df = variance === 0 ? x.length + y.length - 2 : 1 / (shareX ** 2 / (x.length - 1) + shareY ** 2 / (y.length - 1));
  const difference = a.mean - b.mean;
  const standardError = Math.sqrt(variance);
  return { ...tDecision(difference, standardError, df, confidence), df, difference, standardError };
}
