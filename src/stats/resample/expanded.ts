import { checkOpenProbability, checkProbability } from '../arguments';
import { tQuantile, tSurvival } from '../special/distributions';
import { normalCdf, normalQuantile } from '../special/normal';

/*
 * Percentile intervals of few units are too short: the bootstrap's spread lacks the factor √(n/(n-1)) and its tails are normal where t's
 * would be right. Widening the level to Φ(-√(n/(n-1)) t) mends both, exactly for a mean of n normal units (Hesterberg 2015). With units of
 * unequal size n is what they are worth.
 */

/** (Σ m)² / Σ m² over the units' sizes m: how many units of one size are worth these (Kish 1965). 1 to their number. */
export function effectiveUnits(units: ArrayLike<number>): number {
  if (units.length === 0) throw new RangeError('units must have at least 1 value, got 0');
  const sizes = new Map<number, number>();
  for (let i = 0; i < units.length; i++) sizes.set(units[i]!, (sizes.get(units[i]!) ?? 0) + 1);
  let squares = 0;
  for (const size of sizes.values()) squares += size * size;
  return units.length ** 2 / squares;
}

/**
 * The confidence to ask percentiles for, so that the interval has `confidence` with n units (any number above 1): above it, and near it from
 * 100 on. Under 4 units it asks for more than 20,000 resamples can tell; at most 1 - 1e-12.
 */
export function expandedConfidence(confidence: number, n: number): number {
  checkOpenProbability('confidence', confidence);
  const df = moreThanOne(n) - 1;
  return Math.min(mostConfidence, 1 - 2 * normalCdf(-Math.sqrt(n / df) * tQuantile(0.5 + confidence / 2, df)));
}

/** The two-sided p value that belongs to it: of a percentile's p value, the share of alpha whose expanded interval leaves out the same. At least p. */
export function expandedPValue(pValue: number, n: number): number {
  checkProbability('pValue', pValue);
  const df = moreThanOne(n) - 1;
  return pValue === 0 ? 0 : Math.min(1, 2 * tSurvival(-normalQuantile(pValue / 2) * Math.sqrt(df / n), df));
}

const mostConfidence = 1 - 1e-12;

function moreThanOne(n: number): number {
  if (!(n > 1 && n < Infinity)) throw new RangeError(`n must be above 1 and finite, got ${n}`);
  return n;
}
