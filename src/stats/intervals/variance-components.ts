import { checkFinite, checkOpenProbability, checkSameLength } from '../arguments';
import { sumOf } from '../sum';
import { meanAndVariance, tDecision } from '../tests/mean';
import type { Interval } from '../types';

export interface VarianceComponents extends Interval {
  /** B - A, mean over seeds. */
  difference: number;
  df: number;
  standardError: number;
  pValue: number;
  /** Parts of the variance of the difference: from the choice of rows, of seeds, and from their interplay. */
  rows: number;
  seeds: number;
  residual: number;
}

/** Values of both arms, seeds x rows: a[s][i] is the value of row i under seed s. */
export interface SeedRows {
  a: readonly ArrayLike<number>[];
  b: readonly ArrayLike<number>[];
}

/**
 * Difference of two algorithms, B - A, over seeds and rows, for metrics that are means over rows: the two-way random-effects analysis of
 * variance with t and Satterthwaite's degrees of freedom (1946), as `varianceComponentsInfluence` has it. Given as `{ a, b }`, the same under
 * `values`, or under `correct` where each value is 0 or 1. In the values' unit. At least 2 paired seeds and 2 rows, or 2 `units`, any
 * whole numbers. Equal arms: difference 0, p = 1, interval [0, 0].
 */
export function varianceComponents(
  input: (SeedRows | { values: SeedRows } | { correct: SeedRows }) & { units?: ArrayLike<number> },
  options: { confidence?: number } = {},
): VarianceComponents {
  const { a, b } = seedRows(input);
  checkSameLength('a', a, 'b', b);
  const centred = (name: string) => (values: ArrayLike<number>, s: number) => {
    checkFinite(`${name}[${s}]`, values);
    const { mean } = meanAndVariance(values);
    return { mean, influence: Float64Array.from(values, (value) => value - mean) };
  };
  const ofA = a.map(centred('a'));
  const ofB = b.map(centred('b'));
  return varianceComponentsInfluence(
    {
      metricA: ofA.map(({ mean }) => mean),
      metricB: ofB.map(({ mean }) => mean),
      influenceA: ofA.map(({ influence }) => influence),
      influenceB: ofB.map(({ influence }) => influence),
      ...(input.units === undefined ? {} : { units: Int32Array.from(input.units) }),
    },
    options,
  );
}

function seedRows(input: SeedRows | { values: SeedRows } | { correct: SeedRows }): SeedRows {
  if ('values' in input) return input.values;
  if (!('correct' in input)) return input;
  for (const [name, seeds] of Object.entries(input.correct) as [string, SeedRows['a']][])
    seeds.forEach((rows, s) => {
      for (let i = 0; i < rows.length; i++)
        if (rows[i] !== 0 && rows[i] !== 1) throw new RangeError(`correct.${name}[${s}][${i}] must be 0 or 1, got ${rows[i]}`);
    });
  return input.correct;
}

/** Two arms under the same seeds: the metric a seed, and each row's influence on it a seed. */
export interface PairedInfluences {
  metricA: readonly number[];
  metricB: readonly number[];
  influenceA: readonly Float64Array[];
  influenceB: readonly Float64Array[];
  units?: Int32Array;
}

/**
 * Any metric, from its value a seed and the influence of each row a seed (`influenceValues`).
 * V = max(rows + seeds - residual, rows, seeds); degrees of freedom by Satterthwaite (1946), at least the smaller of seeds - 1 and rows - 1;
 * the interval is difference ± t √V, in the metric's unit. At least 2 paired seeds and 2 rows or units; no spread at all is certainty.
 */
export function varianceComponentsInfluence(input: PairedInfluences, options: { confidence?: number } = {}): VarianceComponents {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const gaps = unitGaps(input);
  const seeds = gaps.length;
  const units = gaps[0]!.length;
  const bySeed = meanAndVariance(input.metricA.map((value, s) => input.metricB[s]! - value));
  const meanGap = new Float64Array(units);
  for (const gap of gaps) for (let u = 0; u < units; u++) meanGap[u]! += gap[u]! / seeds;
  const rowVariance = meanAndVariance(meanGap).variance / units;
  const seedVariance = bySeed.variance / seeds;
  const squares = sumOf(gaps.map((gap) => sumOf(gap.map((value, u) => (value - meanGap[u]!) ** 2))));
  const residualDf = (units - 1) * (seeds - 1);
  const residual = squares / residualDf / (units * seeds);
  const variance = Math.max(rowVariance + seedVariance - residual, rowVariance, seedVariance);
  const standardError = Math.sqrt(variance);
  const spread = rowVariance ** 2 / (units - 1) + seedVariance ** 2 / (seeds - 1) + residual ** 2 / residualDf;
  const df = Math.max(Math.min(seeds, units) - 1, spread > 0 ? variance ** 2 / spread : 0);
  const { pValue, low, high } = tDecision(bySeed.mean, standardError, df, confidence);
  return { difference: bySeed.mean, low, high, df, standardError, pValue, rows: rowVariance, seeds: seedVariance, residual };
}

/** Influence of each unit on the difference, a seed a row, scaled so that its mean over units is the error of the difference. */
export function unitGaps(input: PairedInfluences): Float64Array[] {
  const { metricA, metricB, influenceA, influenceB, units } = input;
  checkFinite('metricA', metricA, 2);
  checkFinite('metricB', metricB, 2);
  checkSameLength('metricA', metricA, 'metricB', metricB);
  checkSameLength('metricA', metricA, 'influenceA', influenceA);
  checkSameLength('metricA', metricA, 'influenceB', influenceB);
  const n = influenceA[0]!.length;
  const numbers = units === undefined ? undefined : unitNumbers(units);
  const count = numbers === undefined ? n : numbers.count;
  if (count < 2) throw new RangeError(`rows or units must be at least 2, got ${count}`);
  if (units !== undefined) checkSameLength('units', units, 'influenceA[0]', influenceA[0]!);
  return influenceA.map((ofA, s) => {
    const ofB = influenceB[s]!;
    checkSameLength('influenceA[0]', influenceA[0]!, `influenceA[${s}]`, ofA);
    checkSameLength('influenceA[0]', influenceA[0]!, `influenceB[${s}]`, ofB);
    if (numbers === undefined) return ofB.map((value, i) => value - ofA[i]!);
    const sums = new Float64Array(count);
    for (let i = 0; i < n; i++) sums[numbers.of[i]!]! += ((ofB[i]! - ofA[i]!) * count) / n;
    return sums;
  });
}

/** Units as 0..count-1 in ascending order of their value, so that the order of rows changes nothing. */
export function unitNumbers(units: Int32Array): { of: Int32Array; count: number } {
  const distinct = Int32Array.from(new Set(units)).sort();
  const place = new Map<number, number>();
  distinct.forEach((unit, i) => place.set(unit, i));
  return { of: units.map((unit) => place.get(unit)!), count: distinct.length };
}
