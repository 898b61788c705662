import { checkFinite, checkOpenProbability, checkSameLength } from '../arguments';
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

/** Metrics that are means over rows: a[s][i] is the value of row i under seed s. At least 2 paired seeds and 2 rows (or units). */
export function varianceComponents(
  input: { a: readonly ArrayLike<number>[]; b: readonly ArrayLike<number>[]; units?: Int32Array },
  options: { confidence?: number } = {},
): VarianceComponents {
  const { a, b } = input;
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
      ...(input.units === undefined ? {} : { units: input.units }),
    },
    options,
  );
}

/**
 * Any metric, from its value a seed and the influence of each row a seed (`influenceValues`).
 * V = max(rows + seeds - residual, rows, seeds); degrees of freedom by Satterthwaite, at least the smaller of seeds - 1 and rows - 1.
 */
export function varianceComponentsInfluence(
  input: {
    metricA: readonly number[];
    metricB: readonly number[];
    influenceA: readonly Float64Array[];
    influenceB: readonly Float64Array[];
    units?: Int32Array;
  },
  options: { confidence?: number } = {},
): VarianceComponents {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const gaps = unitGaps(input);
  const seeds = gaps.length;
  const units = gaps[0]!.length;
  const bySeed = meanAndVariance(input.metricA.map((value, s) => input.metricB[s]! - value));
  const meanGap = new Float64Array(units);
  for (const gap of gaps) for (let u = 0; u < units; u++) meanGap[u]! += gap[u]! / seeds;
  const rowVariance = meanAndVariance(meanGap).variance / units;
  const seedVariance = bySeed.variance / seeds;
  let squares = 0;
  for (const gap of gaps) for (let u = 0; u < units; u++) squares += (gap[u]! - meanGap[u]!) ** 2;
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
function unitGaps(input: {
  metricA: readonly number[];
  metricB: readonly number[];
  influenceA: readonly Float64Array[];
  influenceB: readonly Float64Array[];
  units?: Int32Array;
}): Float64Array[] {
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
