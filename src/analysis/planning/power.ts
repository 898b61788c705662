import type { RegisteredPlan } from '../../contract';
import {
  detectableDifference,
  normalCdf,
  normalQuantile,
  powerMeans,
  powerPairedProportions,
  sampleSizePairedProportions,
} from '../../stats';

/** Variance of the difference by where it comes from: of one row (or unit), of one seed pair, and of one row under one seed pair. */
export interface Noise {
  rows: number;
  seeds: number;
  rest: number;
  /** `rows + rest` is the share of rows on which one arm alone is right: Connor's formula applies. */
  proportion: boolean;
}

/** Independent rows (units where rows belong to them) and seed pairs (blocks of latency). */
export interface Size {
  units: number;
  seeds: number;
}

/** What has to be shown, in the metric's unit, turned so that more is better. */
export interface Aim {
  question: RegisteredPlan['question'];
  test: RegisteredPlan['test'];
  margin: number;
  /** The true difference that is assumed. */
  difference: number;
  /** Two-sided, of one interval, after every adjustment. */
  alpha: number;
  /** Wanted chance to show it. */
  power: number;
  /** Fewest seed pairs that give an answer. */
  fewestSeeds: number;
}

const largestUnits = 1e9;
export const largestSeeds = 10_000;

/** Standard error of the difference at a size and its degrees of freedom, as `varianceComponents` puts them together. */
export function precisionOf(
  noise: Noise,
  aim: Pick<Aim, 'question' | 'difference'>,
  { units, seeds }: Size,
): { standardError: number; df: number } {
  const { rows, rest } = noise;
  if (aim.question === 'artifact') {
    // Discordance is a second moment: the variance is what the difference leaves of it.
    const variance = rows + rest / seeds - (noise.proportion ? aim.difference ** 2 : 0);
    return { standardError: Math.sqrt(Math.max(0, variance) / units), df: Number.POSITIVE_INFINITY };
  }
  const byRows = (rows + rest / seeds) / units;
  const bySeeds = (noise.seeds + rest / units) / seeds;
  const residual = rest / (units * seeds);
  const variance = Math.max(byRows + bySeeds - residual, byRows, bySeeds);
  const spread = byRows ** 2 / (units - 1) + bySeeds ** 2 / (seeds - 1) + residual ** 2 / ((units - 1) * (seeds - 1));
  return { standardError: Math.sqrt(variance), df: Math.max(Math.min(seeds, units) - 1, spread > 0 ? variance ** 2 / spread : 0) };
}

/** Chance that the interval shows what the test asks for, if the true difference is the one assumed. */
export function chanceOf(noise: Noise, aim: Aim, size: Size): number {
  return chance(noise, aim, size, precisionOf(noise, aim, size));
}

function chance(noise: Noise, aim: Aim, size: Size, { standardError, df }: { standardError: number; df: number }): number {
  const { margin, difference, alpha } = aim;
  if (isConnor(noise, aim)) {
    if (difference > discordance(noise)) return 1;
    return difference <= 0 ? alpha / 2 : powerPairedProportions({ discordance: discordance(noise), difference, n: size.units, alpha });
  }
  const beyond = (gap: number): number => upperTail(gap, standardError, df, alpha);
  switch (aim.test) {
    case 'superiority':
      return beyond(difference - margin);
    case 'non-inferiority':
      return beyond(difference + margin);
    case 'equivalence':
      return Math.max(0, beyond(margin - difference) + beyond(margin + difference) - 1);
  }
}

/**
 * How far the true difference has to be from the bound for the wanted chance; for equivalence the margin that equals show. Null where not
 * even a difference on every discordant row would do.
 */
export function detectableGap(noise: Noise, aim: Aim, size: Size): number | null {
  const { alpha, power } = aim;
  if (isConnor(noise, aim)) return detectableDifference({ discordance: discordance(noise), n: size.units, alpha, power }) ?? null;
  const { standardError, df } = precisionOf(noise, { ...aim, difference: 0 }, size);
  if (standardError === 0) return 0;
  // Both sides have to be shown: each with half of the chance that is left.
  const wanted = aim.test === 'equivalence' ? (1 + power) / 2 : power;
  let low = normalQuantile(1 - alpha / 2) + normalQuantile(wanted);
  let high = low;
  while (upperTail(high, 1, df, alpha) < wanted && high < 1e9) [low, high] = [high, 1.5 * high];
  for (let step = 0; step < 60 && high - low > 1e-8 * high; step++) {
    const middle = (low + high) / 2;
    if (upperTail(middle, 1, df, alpha) < wanted) low = middle;
    else high = middle;
  }
  return high * standardError;
}

/** Independent rows (or units) needed at these seeds; null where no number up to 1e9 will do. */
export function unitsNeeded(noise: Noise, aim: Aim, seeds: number): number | null {
  if (isConnor(noise, aim)) {
    const { difference, alpha, power } = aim;
    if (difference > discordance(noise) || difference <= 0) return null;
    return Math.max(2, sampleSizePairedProportions({ discordance: discordance(noise), difference, alpha, power }));
  }
  return smallest(2, largestUnits, (units) => isEnough(noise, aim, { units, seeds }));
}

/** Seed pairs needed at these rows; null where no number up to 10,000 will do, and where chance is in the rows alone. */
export function seedsNeeded(noise: Noise, aim: Aim, units: number): number | null {
  if (aim.question === 'artifact') return null;
  return smallest(aim.fewestSeeds, largestSeeds, (seeds) => isEnough(noise, aim, { units, seeds }));
}

/** A normal interval sees more than one with few degrees of freedom and costs a hundredth, so it is asked first. */
function isEnough(noise: Noise, aim: Aim, size: Size): boolean {
  const precision = precisionOf(noise, aim, size);
  if (chance(noise, aim, size, { ...precision, df: Number.POSITIVE_INFINITY }) < aim.power) return false;
  return chance(noise, aim, size, precision) >= aim.power;
}

const discordance = (noise: Noise): number => noise.rows + noise.rest;

/** The exact test of paired proportions answers whether there is a difference at all; against a margin the interval does. */
const isConnor = (noise: Noise, { question, test, margin }: Aim): boolean =>
  noise.proportion && question === 'artifact' && test === 'superiority' && margin === 0;

/** P(estimate - critical * its error > 0) where the truth is `gap` beyond the bound. */
function upperTail(gap: number, standardError: number, df: number, alpha: number): number {
  if (standardError === 0) return gap > 0 ? 1 : 0;
  const shift = gap / standardError;
  // Right to 0.0005 there, and what most sizes of a sweep need.
  if (df > 2000) return normalCdf(shift - normalQuantile(1 - alpha / 2));
  if (shift <= 0) return alpha / 2;
  // The noncentral t of whole numbers on either side, in between by 1/df.
  const below = Math.floor(df);
  const at = (whole: number): number =>
    powerMeans({ standardDeviation: Math.sqrt(whole + 1), difference: shift, n: whole + 1, paired: true, alpha, test: 't' });
  if (below === df) return at(below);
  const share = (1 / below - 1 / df) / (1 / below - 1 / (below + 1));
  return at(below) * (1 - share) + at(below + 1) * share;
}

/** The chance need not rise with size everywhere (degrees of freedom fall towards those of the seeds), so sizes are swept upwards. */
function smallest(from: number, to: number, enough: (size: number) => boolean): number | null {
  if (enough(from)) return from;
  let low = from;
  while (low < to) {
    let high = Math.min(to, Math.ceil(low * 1.2) + 1);
    if (!enough(high)) {
      low = high;
      continue;
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (enough(middle)) high = middle;
      else low = middle;
    }
    return high;
  }
  return null;
}
