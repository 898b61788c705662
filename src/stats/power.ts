import { checkCount, checkOneOf, checkOpenProbability, checkPositive, checkProbability } from './arguments';
import { tQuantile } from './special/distributions';
import { normalCdf, normalQuantile } from './special/normal';
import { solveBetween } from './special/solve';
import type { Power } from './planning';

/**
 * Chance that a two-sided test of n paired rows sees a difference of proportions: Connor 1987 turned round, with the far tail, so that a
 * difference of 0 gives alpha. `discordance`: share of rows where the arms differ, at least the difference.
 */
export function powerPairedProportions(input: { discordance: number; difference: number; n: number; alpha?: number }): number {
  const { discordance, n } = input;
  const difference = Math.abs(input.difference);
  checkPositive('n', n);
  checkOpenProbability('discordance', discordance);
  if (!(difference <= discordance)) throw new RangeError(`difference must be at most the discordance ${discordance}, got ${difference}`);
  const critical = criticalOf(input) * Math.sqrt(discordance);
  const spread = Math.sqrt(discordance - difference * difference);
  return bothTails((difference * Math.sqrt(n)) / spread, critical / spread);
}

/**
 * Chance, 0..1, to see p1 against p2 with n rows in each of two independent arms; normal approximation, two-sided, both tails counted.
 * The test's variance is `unpooled` (default: the one of the Wald interval), or `pooled` as in R's `power.prop.test` (Fleiss 1981).
 */
export function powerTwoProportions(input: {
  p1: number;
  p2: number;
  n: number;
  variance?: 'unpooled' | 'pooled';
  alpha?: number;
}): number {
  const { p1, p2, n } = input;
  checkPositive('n', n);
  const variance = checkProbability('p1', p1) * (1 - p1) + checkProbability('p2', p2) * (1 - p2);
  if (variance === 0) return p1 === p2 ? 0 : 1;
  return bothTails(Math.abs(p1 - p2) * Math.sqrt(n / variance), criticalOf(input) * poolingFactor(input));
}

/**
 * Smallest rise of p1 that n rows in each of two independent arms show (normal approximation, unpooled variance); a fall from p1 is a rise
 * from 1 - p1. Undefined where not even the rise to 1 would be seen.
 */
export function detectableDifferenceTwoProportions(input: { p1: number; n: number } & Power): number | undefined {
  const { p1, n } = input;
  checkOpenProbability('p1', p1);
  checkPositive('n', n);
  const wanted = checkOpenProbability('power', input.power ?? 0.8);
  const z = criticalOf(input) + normalQuantile(wanted);
  const excess = (d: number): number => d - z * Math.sqrt((p1 * (1 - p1) + (p1 + d) * (1 - p1 - d)) / n);
  if (z <= 0) return 0;
  if (excess(1 - p1) < 0) return undefined;
  return solveBetween(excess, 0, 1 - p1);
}

/**
 * Chance that a two-sided test sees a difference of means, of n pairs or n rows in each of two arms. 'z' takes the standard deviation (of a
 * pair's difference, or of a row) as known, as `sampleSizeMeans` does; 't' is exact for the t test (noncentral t), which few seeds need.
 */
export function powerMeans(input: {
  standardDeviation: number;
  difference: number;
  n: number;
  paired?: boolean;
  alpha?: number;
  test?: 'z' | 't';
}): number {
  const { n, paired = false } = input;
  const test = checkOneOf('test', input.test ?? 'z', ['z', 't']);
  checkPositive('standardDeviation', input.standardDeviation);
  if (!Number.isFinite(input.difference)) throw new RangeError(`difference must be a finite number, got ${input.difference}`);
  checkPositive('n', n);
  const shift = (Math.abs(input.difference) / input.standardDeviation) * Math.sqrt(paired ? n : n / 2);
  if (test === 'z') return bothTails(shift, criticalOf(input));
  const df = (checkCount('n', n, 2) - 1) * (paired ? 1 : 2);
  return noncentralTails(shift, tQuantile(1 - checkOpenProbability('alpha', input.alpha ?? 0.05) / 2, df), df);
}

/** Standard error under equal proportions over the one under p1 and p2; 1 for the unpooled test. */
export function poolingFactor({ p1, p2, variance }: { p1: number; p2: number; variance?: 'unpooled' | 'pooled' }): number {
  if (checkOneOf('variance', variance ?? 'unpooled', ['unpooled', 'pooled']) === 'unpooled') return 1;
  return Math.sqrt(((p1 + p2) * (1 - (p1 + p2) / 2)) / (p1 * (1 - p1) + p2 * (1 - p2)));
}

function criticalOf(input: { alpha?: number }): number {
  return -normalQuantile(checkOpenProbability('alpha', input.alpha ?? 0.05) / 2);
}

function bothTails(shift: number, critical: number): number {
  return normalCdf(shift - critical) + normalCdf(-shift - critical);
}

/** P(|T| > critical) of a noncentral t: the normal tails given s, over the law of log s (s² chi-square over df), by the trapezoid rule. */
function noncentralTails(shift: number, critical: number, df: number): number {
  const step = Math.min(0.1, 0.25 / Math.sqrt(df));
  // Relative to its peak at 0, and divided by the sum of the weights below.
  const density = (u: number): number => Math.exp(df * (u - Math.expm1(2 * u) / 2));
  let sum = 0;
  let whole = 0;
  for (const sign of [-1, 1])
    for (let i = sign < 0 ? 1 : 0; i < 1e6; i++) {
      const u = sign * i * step;
      const weight = density(u);
      if (weight < 1e-18) break;
      whole += weight;
      sum += weight * bothTails(shift, critical * Math.exp(u));
    }
  return sum / whole;
}
