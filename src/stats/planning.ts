import { checkOneOf, checkOpenProbability, checkPositive } from './arguments';
import { poolingFactor, powerMeans } from './power';
import { tQuantile } from './special/distributions';
import { normalQuantile } from './special/normal';
import { solveBetween } from './special/solve';

export interface Power {
  /** Two-sided, default 0.05. */
  alpha?: number;
  /** Default 0.8. */
  power?: number;
}

/** Whole rows needed to see a difference of paired proportions, two-sided (Connor 1987). Discordance: share of rows where the arms differ, at least the difference. */
export function sampleSizePairedProportions(input: { discordance: number; difference: number } & Power): number {
  const { discordance, difference } = input;
  checkDiscordance(discordance);
  checkPositive('difference', Math.abs(difference));
  if (Math.abs(difference) > discordance)
    throw new RangeError(`difference must be at most the discordance ${discordance}, got ${difference}`);
  return Math.ceil(connorRows(discordance, Math.abs(difference), input));
}

/** Smallest difference of paired proportions that n rows show (Connor 1987 turned round), 0..discordance; undefined where not even the whole discordance would do. */
export function detectableDifference(input: { discordance: number; n: number } & Power): number | undefined {
  const { discordance, n } = input;
  checkPositive('n', n);
  if (discordance === 0) return undefined;
  checkDiscordance(discordance);
  if (connorRows(discordance, discordance, input) > n) return undefined;
  return Math.exp(
    solveBetween((u) => Math.log(n / connorRows(discordance, Math.exp(u), input)), Math.log(discordance) - 40, Math.log(discordance)),
  );
}

/** Smallest difference that an estimate with this standard error shows, in its unit: se (q(1 - alpha/2) + q(power)), t quantiles with `df` where given, else normal. */
export function detectableDifferenceOfMean(input: { standardError: number; df?: number } & Power): number {
  const { standardError, df } = input;
  const { alpha, power } = levels(input);
  if (!(standardError >= 0)) throw new RangeError(`standardError must be at least 0, got ${standardError}`);
  const quantile = (p: number): number => (df === undefined ? normalQuantile(p) : tQuantile(p, df));
  return standardError * (quantile(1 - alpha / 2) + quantile(power));
}

/**
 * Whole rows an arm needed to see p1 against p2 in independent samples, two-sided; normal approximation, the test's variance `unpooled`
 * (default) or `pooled` (Fleiss 1981), as `powerTwoProportions` has it.
 */
export function sampleSizeTwoProportions(input: { p1: number; p2: number; variance?: 'unpooled' | 'pooled' } & Power): number {
  const { p1, p2 } = input;
  checkOpenProbability('p1', p1);
  checkOpenProbability('p2', p2);
  checkPositive('|p1 - p2|', Math.abs(p1 - p2));
  return sampleSizeFor(p1 * (1 - p1) + p2 * (1 - p2), p1 - p2, input, poolingFactor(input));
}

/**
 * Whole pairs (or rows an arm, where not `paired`) needed to see a difference of means, two-sided; `standardDeviation` is that of a pair's
 * difference, or of a row. 'z' (default) takes it as known; 't' is exact for the t test, as `powerMeans` has it, which few seeds need.
 */
export function sampleSizeMeans(
  input: { standardDeviation: number; difference: number; paired?: boolean; test?: 'z' | 't' } & Power,
): number {
  checkPositive('standardDeviation', input.standardDeviation);
  checkPositive('|difference|', Math.abs(input.difference));
  const test = checkOneOf('test', input.test ?? 'z', ['z', 't']);
  const known = sampleSizeFor(input.standardDeviation ** 2 * (input.paired === true ? 1 : 2), input.difference, input);
  if (test === 'z') return known;
  const { power } = levels(input);
  // The t test needs a few more than the z test; power rises with n.
  const enough = (n: number): boolean => powerMeans({ ...input, n }) >= power;
  let n = Math.max(2, known);
  while (!enough(n)) n++;
  while (n > 2 && enough(n - 1)) n--;
  return n;
}

/** Whole paired runs needed to see P(B > A) = probability, which is not 0.5 (Noether 1987); alpha is one-sided, beta 1 less the power, both default to 0.05. */
export function sampleSizeNoether(input: { probability: number; alpha?: number; beta?: number }): number {
  const { probability, alpha = 0.05, beta = 0.05 } = input;
  checkOpenProbability('probability', probability);
  checkPositive('|probability - 0.5|', Math.abs(probability - 0.5));
  const z = normalQuantile(1 - checkOpenProbability('alpha', alpha)) + normalQuantile(1 - checkOpenProbability('beta', beta));
  return Math.ceil((z / (Math.sqrt(6) * (0.5 - probability))) ** 2);
}

function checkDiscordance(discordance: number): void {
  if (!(discordance > 0 && discordance <= 1)) throw new RangeError(`discordance must be above 0 and at most 1, got ${discordance}`);
}

function connorRows(discordance: number, difference: number, input: Power): number {
  const { alpha, power } = levels(input);
  const z =
    normalQuantile(1 - alpha / 2) * Math.sqrt(discordance) + normalQuantile(power) * Math.sqrt(discordance - difference * difference);
  return (z / difference) ** 2;
}

function sampleSizeFor(variance: number, difference: number, input: Power, pooling = 1): number {
  const { alpha, power } = levels(input);
  return Math.ceil((variance * (pooling * normalQuantile(1 - alpha / 2) + normalQuantile(power)) ** 2) / (difference * difference));
}

function levels(input: Power): { alpha: number; power: number } {
  return { alpha: checkOpenProbability('alpha', input.alpha ?? 0.05), power: checkOpenProbability('power', input.power ?? 0.8) };
}
