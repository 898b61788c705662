import { checkOpenProbability, checkPositive } from './arguments';
import { normalCdf, normalPdf, normalQuantile } from './special/normal';
import type { Interval } from './types';

/**
 * Posterior of a difference with a normal likelihood; flat prior unless a normal one is given (Gelman et al., Bayesian Data Analysis, 2.5).
 * Mean, standard deviation and central credible interval in the difference's unit, P(difference > 0), and what choosing the variant is
 * expected to lose, E max(0, -difference). A standard error of 0 is certainty. Display only, not the rule, and not immune to peeking.
 */
export function normalPosterior(
  input: { difference: number; standardError: number },
  prior?: { mean: number; standardDeviation: number },
  options: { confidence?: number } = {},
): Interval & { mean: number; standardDeviation: number; probabilityBetter: number; expectedLoss: number } {
  const { difference, standardError } = input;
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  if (!Number.isFinite(difference)) throw new RangeError(`difference must be a finite number, got ${difference}`);
  if (!(standardError >= 0 && standardError < Infinity))
    throw new RangeError(`standardError must be finite and at least 0, got ${standardError}`);
  let mean = difference;
  let standardDeviation = standardError;
  if (prior !== undefined && standardError > 0) {
    if (!Number.isFinite(prior.mean)) throw new RangeError(`prior.mean must be a finite number, got ${prior.mean}`);
    checkPositive('prior.standardDeviation', prior.standardDeviation);
    const ofPrior = prior.standardDeviation ** -2;
    const ofData = standardError ** -2;
    mean = (prior.mean * ofPrior + difference * ofData) / (ofPrior + ofData);
    standardDeviation = Math.sqrt(1 / (ofPrior + ofData));
  }
  if (standardDeviation === 0) {
    const probabilityBetter = mean > 0 ? 1 : mean < 0 ? 0 : 0.5;
    return { mean, standardDeviation, low: mean, high: mean, probabilityBetter, expectedLoss: Math.max(0, -mean) };
  }
  const z = mean / standardDeviation;
  const half = normalQuantile(0.5 + confidence / 2) * standardDeviation;
  return {
    mean,
    standardDeviation,
    low: mean - half,
    high: mean + half,
    probabilityBetter: normalCdf(z),
    expectedLoss: Math.max(0, standardDeviation * normalPdf(z) - mean * normalCdf(-z)),
  };
}
