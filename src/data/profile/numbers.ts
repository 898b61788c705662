import type { ColumnProfile } from '../../contract';
import { distinctOf, type Distinct } from './distinct';
import { orderStatistics } from './orderStatistics';
import { moments } from './sums';

/** Order statistics kept of a column with more values than these. */
export const sampleSize = 10_000;

/** Profile of numbers, or of times as milliseconds since 1970; what is not finite counts as missing. The order of values changes no bit. */
export function profileNumbers(name: string, values: Float64Array, kind: 'number' | 'time' = 'number'): ColumnProfile {
  const finite = finiteOf(values);
  const base = { name, kind, count: finite.length, missing: values.length - finite.length } as const;
  if (finite.length === 0) return { ...base, distinct: 0 };
  const { count: distinct, tally } = distinctOf(finite);
  const sample = sampleOf(finite, tally);
  const [min, max] = [sample[0]!, sample[sample.length - 1]!];
  const { mean, deviation } = moments(finite, min, max);
  return { ...base, distinct, min, max, mean, ...(deviation === undefined ? {} : { deviation }), sample };
}

/** All values in order; of many the order statistics nearest to k/(size - 1) of the way. */
function sampleOf(values: Float64Array, tally: Distinct['tally']): number[] {
  const count = values.length;
  if (count <= sampleSize) return Array.from(values.slice().sort(), (value) => value + 0);
  const ranks = new Float64Array(sampleSize);
  for (let k = 0; k < sampleSize; k++) ranks[k] = Math.round((k * (count - 1)) / (sampleSize - 1));
  if (tally === null) return Array.from(orderStatistics(values, ranks));
  let place = 0;
  let upTo = tally[0]!.times;
  return Array.from(ranks, (rank) => {
    while (rank >= upTo) upTo += tally[++place]!.times;
    return tally[place]!.value;
  });
}

/** The same array where nothing is missing. */
function finiteOf(values: Float64Array): Float64Array {
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value - value !== 0) missing++;
  }
  return missing === 0 ? values : values.filter(Number.isFinite);
}
