import { createHash } from 'node:crypto';
import type { SplitName } from '../contract';

/** A number in [0, 1) that depends on the seed and the unit alone: the first 8 bytes of SHA-256 as a fraction of 2^64. */
export function stableFraction(seed: number, unit: string): number {
  return Number(createHash('sha256').update(`${seed}:${unit}`).digest().readBigUInt64BE()) / 2 ** 64;
}

/** A unit's split, whatever else is in the data. */
export function splitOf(unit: string, { seed, test, validation }: { seed: number; test: number; validation: number }): SplitName {
  const u = stableFraction(seed, unit);
  if (u < test) return 'test';
  return u < test + validation ? 'validation' : 'train';
}

/** Whether a unit of the test split belongs to the share that is evaluated; independent of its split. */
export const isEvaluated = (unit: string, seed: number, ratio: number): boolean =>
  ratio >= 1 || stableFraction(seed, `testRatio:${unit}`) < ratio;
