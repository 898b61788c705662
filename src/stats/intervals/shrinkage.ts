import { checkFinite, checkSameLength } from '../arguments';

/**
 * Estimates pulled towards their mean, against the winner's curse: under theta_j ~ N(mu, tau^2) and estimates normal about theta with the
 * given covariance, tau^2 from the spread seen less the spread that noise alone would give, never below 0 (parametric empirical Bayes, Morris
 * 1983; with equal independent variances it is the positive-part James-Stein estimator with m - 1 for m - 3, so that 2 estimates shrink
 * too). Noise common to all, such as a shared control's, moves their mean and not their spread, so it counts for nothing.
 * `kept`: the share of the spread that is left, 0 to 1. One estimate is its own mean.
 */
export function shrinkTowardsMean(input: { estimates: readonly number[]; covariance: readonly (readonly number[])[] }): {
  shrunk: number[];
  mean: number;
  kept: number;
} {
  const { estimates, covariance } = input;
  checkFinite('estimates', estimates);
  checkSameLength('estimates', estimates, 'covariance', covariance);
  const m = estimates.length;
  let [trace, total] = [0, 0];
  covariance.forEach((row, j) => {
    checkFinite(`covariance[${j}]`, row);
    checkSameLength('estimates', estimates, `covariance[${j}]`, row);
    trace += row[j]!;
    for (const value of row) total += value;
  });
  const mean = estimates.reduce((sum, value) => sum + value, 0) / m;
  const spread = estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const noise = Math.max(0, trace - total / m);
  const kept = spread > 0 ? Math.max(0, 1 - noise / spread) : 0;
  return { shrunk: estimates.map((value) => mean + kept * (value - mean)), mean, kept };
}
