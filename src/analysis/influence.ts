import { type BootstrapMetric, tQuantile, tSurvival } from '../stats';
import { definedInfluences, type Influences } from './algorithm';
import type { Drawn } from './drawn';
import type { ArmRun, Rows } from './prepare';

/**
 * Whether rows are resampled: in clusters, for the calibration error, which has no influence values to speak of, and for accuracy, where every
 * resample there is can be counted. Everything else goes by influence values: there the bootstrap errs more often than it says (docs/calibration.md).
 */
export const isResampled = (metric: BootstrapMetric, units: Int32Array | null): boolean =>
  units !== null || metric === 'accuracy' || metric === 'ece';

/** Student's t on the rows' influence values, averaged over the seeds: chance is in independent rows, the models are given. */
export function byInfluence(
  metric: BootstrapMetric,
  rows: Rows,
  pairs: readonly { a: ArmRun; b: ArmRun }[],
  confidence: number,
  ratio: boolean,
): Drawn {
  const own = { estimate: null, low: null, high: null };
  const base = {
    confidence,
    adjustedPValue: undefined,
    ratio: null,
    undefinedReplicates: 0,
    resamples: null,
    method: 'influence',
    a: own,
    b: own,
  };
  const nothing = { difference: undefined, low: undefined, high: undefined, standardError: undefined, pValue: undefined };
  const [a, b] = [pairs.map((pair) => pair.a), pairs.map((pair) => pair.b)].map((runs) => definedInfluences(metric, runs));
  if (a == null || b == null || a.values.length === 0) return { ...base, ...nothing };
  const found = decided(a, b, confidence);
  // One row of a class: its placement has no variance that could be seen.
  if (metric === 'auc_ovr' && rows.classes === 2 && minority(rows) < 2) return { ...base, ...nothing, difference: found.difference };
  return { ...base, ...found, ratio: ratio ? ratioOf(a, b, confidence) : null };
}

function decided(
  a: Influences,
  b: Influences,
  confidence: number,
): { difference: number; low: number; high: number; standardError: number; pValue: number } {
  const seeds = a.values.length;
  const difference = b.values.reduce((sum, value, s) => sum + value - (a.values[s] as number), 0) / seeds;
  const n = a.influences[0]?.length ?? 0;
  const gaps = new Float64Array(n);
  for (let s = 0; s < seeds; s++) {
    const [ofA, ofB] = [a.influences[s] as Float64Array, b.influences[s] as Float64Array];
    for (let i = 0; i < n; i++) gaps[i] = (gaps[i] as number) + ((ofB[i] as number) - (ofA[i] as number)) / seeds;
  }
  const centre = gaps.reduce((sum, gap) => sum + gap, 0) / n;
  const standardError = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - centre) ** 2, 0) / (n - 1) / n);
  if (standardError === 0) return { difference, low: difference, high: difference, standardError, pValue: difference === 0 ? 1 : 0 };
  const half = tQuantile(0.5 + confidence / 2, n - 1) * standardError;
  const pValue = Math.min(1, 2 * tSurvival(Math.abs(difference) / standardError, n - 1));
  return { difference, low: difference - half, high: difference + half, standardError, pValue };
}

/** The same on the logarithm of the metric (delta method): the ratio of the seeds' geometric means; null where a value is not positive. */
function ratioOf(a: Influences, b: Influences, confidence: number): Drawn['ratio'] {
  if ([...a.values, ...b.values].some((value) => !(value > 0))) return null;
  const logarithm = ({ values, influences }: Influences): Influences => ({
    values: values.map(Math.log),
    influences: influences.map((influence, s) => influence.map((value) => value / (values[s] as number))),
  });
  const log = decided(logarithm(a), logarithm(b), confidence);
  return { estimate: Math.exp(log.difference), low: Math.exp(log.low), high: Math.exp(log.high) };
}

export function minority({ labels }: Rows): number {
  const ones = labels.reduce((sum, label) => sum + label, 0);
  return Math.min(ones, labels.length - ones);
}
