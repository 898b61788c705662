import type { Difference } from '../../contract';
import { mcnemar, tQuantile, tSurvival, varianceComponentsInfluence } from '../../stats';
import type { ArmRun, Rows } from '../prepare';
import { critical, mean } from '../question';
import { pairGaps } from './influences';
import type { Subject } from './subject';
import { unitsOf } from './units';

/** Slices of fewer rows, or of rows of fewer units, are not tested. */
export const fewestRows = 100;
export const fewestUnits = 10;
/** Fewer rows of a class have no spread from which an AUC's interval could come. */
const fewestOfAClass = 10;

export interface Measured extends Difference {
  rows: number;
  units: number;
  pValue: number | null;
}

/**
 * The difference on some of the rows (ascending; null: all). 5 or more paired seeds and the algorithm question: variance components, as for
 * the whole. Accuracy of one pair on independent rows: exact McNemar, and Bonett and Price's interval (2012), which is closed and holds where
 * few rows differ. Else the seed-averaged influence values of the units with t: a bootstrap a slice would cost seconds and say the same.
 */
export function measure(subject: Subject, picked: Int32Array | null, confidence = subject.confidence): Measured {
  const { rows, pairs, metric, algorithm } = subject;
  const n = picked?.length ?? rows.n;
  const units = unitsOf(rows, picked);
  const found = n === 0 ? [] : pairs.map((pair) => pairGaps(subject, pair, picked, units));
  const a = found.flatMap((pair) => pair.a ?? []);
  const b = found.flatMap((pair) => pair.b ?? []);
  const complete = (values: number[]): number | null => (values.length > 0 && values.length === pairs.length ? mean(values) : null);
  const [control, variant] = [complete(a), complete(b)];
  const nothing = { control, variant, difference: null, low: null, high: null, rows: n, units: units.count, pValue: null };
  if (control === null || variant === null) return nothing;
  const known = { ...nothing, difference: mean(b.map((value, s) => value - (a[s] as number))) };
  const only = pairs.length === 1 ? pairs[0] : undefined;
  if (metric === 'accuracy' && only !== undefined && rows.units === null)
    return { ...known, ...discordance(rows, only, picked, confidence) };
  if (metric === 'auc_ovr' && rows.classes === 2 && minority(rows.labels, picked) < fewestOfAClass) return known;
  return { ...known, ...decide({ a, b, gaps: found.map((pair) => pair.gaps) }, algorithm, confidence) };
}

/** Estimates alone. */
export function untested(measured: Measured): Measured {
  return { ...measured, low: null, high: null, pValue: null };
}

export const testable = ({ rows, units }: { rows: number; units: number }): boolean => rows >= fewestRows && units >= fewestUnits;

/** Interval and p from a value a seed of each arm and the units' influences on the difference (their mean is its error). */
export function decide(
  found: { a: readonly number[]; b: readonly number[]; gaps: readonly Float64Array[] },
  algorithm: boolean,
  confidence: number,
): { low: number | null; high: number | null; pValue: number | null } {
  const { a, b, gaps: bySeed } = found;
  const count = bySeed[0]?.length ?? 0;
  if (count < 2) return { low: null, high: null, pValue: null };
  if (algorithm) {
    const none = new Float64Array(count);
    const result = varianceComponentsInfluence(
      { metricA: a, metricB: b, influenceA: bySeed.map(() => none), influenceB: bySeed },
      { confidence },
    );
    return { low: result.low, high: result.high, pValue: result.pValue };
  }
  const difference = mean(b.map((value, s) => value - (a[s] as number)));
  const error = standardError(bySeed);
  if (error === 0) return { low: difference, high: difference, pValue: difference === 0 ? 1 : 0 };
  const half = tQuantile(0.5 + confidence / 2, count - 1) * error;
  return { low: difference - half, high: difference + half, pValue: Math.min(1, 2 * tSurvival(Math.abs(difference) / error, count - 1)) };
}

function standardError(bySeed: readonly Float64Array[]): number {
  const averaged = new Float64Array((bySeed[0] as Float64Array).length);
  for (const seed of bySeed)
    for (let u = 0; u < averaged.length; u++) averaged[u] = (averaged[u] as number) + (seed[u] as number) / bySeed.length;
  const count = averaged.length;
  const centre = averaged.reduce((sum, value) => sum + value, 0) / count;
  const squares = averaged.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (count - 1) / count);
}

function discordance(
  { n, labels }: Rows,
  { a, b }: { a: ArmRun; b: ArmRun },
  picked: Int32Array | null,
  confidence: number,
): { low: number; high: number; pValue: number } {
  const size = picked?.length ?? n;
  let [onlyA, onlyB] = [0, 0];
  for (let j = 0; j < size; j++) {
    const row = picked === null ? j : (picked[j] as number);
    const hitA = a.predictions[row] === labels[row];
    const hitB = b.predictions[row] === labels[row];
    if (hitA && !hitB) onlyA++;
    else if (hitB && !hitA) onlyB++;
  }
  const { pValue } = mcnemar([
    [0, onlyA],
    [onlyB, 0],
  ]);
  const centre = (onlyB - onlyA) / (size + 2);
  const half = critical(confidence) * Math.sqrt(((onlyA + onlyB + 2) / (size + 2) - centre ** 2) / (size + 2));
  return { low: Math.max(-1, centre - half), high: Math.min(1, centre + half), pValue };
}

function minority(labels: Int32Array, picked: Int32Array | null): number {
  const n = picked?.length ?? labels.length;
  let ones = 0;
  for (let j = 0; j < n; j++) ones += labels[picked === null ? j : (picked[j] as number)] as number;
  return Math.min(ones, n - ones);
}
