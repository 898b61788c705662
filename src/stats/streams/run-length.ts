import { checkCount, checkFinite } from '../arguments';
import { Generator } from '../random/generator';
import type { Detector } from './types';

export interface RunLengthOptions {
  /** Rows to a false alarm that are wanted. */
  wanted: number;
  /** Rows that the detector sees before alarms count, at most 10,000; default: as many as the reference has. */
  warmUp?: number;
  /** Rows of a block, so that what hangs together stays together; default from the autocorrelation, `blockLength`. */
  block?: number;
  /** Simulated runs, default 300: the run length is then known to about 10 %. */
  runs?: number;
  /** Rows simulated in all, at most; default 4e6. Beyond it the run length is carried on from lower thresholds. */
  budget?: number;
  seed?: number;
}

export interface CalibratedThreshold {
  /** An alarm is evidence above it, and above all evidence of the last `guard` rows of the warm-up, so that no row of the reference alarms late. */
  threshold: number;
  /** Rows watched over alarms seen at that threshold, in runs as long as the wanted run length. */
  meanRunLength: number;
  block: number;
  warmUp: number;
  guard: number;
}

/**
 * The least threshold at which a detector raises, on data like the reference, no more than one false alarm in `wanted` rows. The reference
 * is drawn anew in blocks (circular; Politis & Romano 1992), for the warm-up and for the run. One pass serves every threshold, as up to the
 * first alarm a detector's evidence does not depend on it. `make` gives a detector that never alarms by itself.
 */
export function calibrateRunLength(reference: ArrayLike<number>, make: () => Detector, options: RunLengthOptions): CalibratedThreshold {
  checkFinite('reference', reference, 50);
  const wanted = checkCount('wanted', options.wanted, 10);
  const runs = checkCount('runs', options.runs ?? 300, 100);
  const warmUp = checkCount('warmUp', options.warmUp ?? Math.min(10_000, reference.length));
  const block = checkCount('block', options.block ?? blockLength(reference), 1);
  const horizon = Math.min(wanted, Math.max(warmUp, Math.floor((options.budget ?? 4e6) / runs) - warmUp));
  // A tenth of what is watched: evidence of longer ago than that would be beaten too seldom for the run length wanted.
  const guard = Math.floor(Math.min(warmUp / 2, wanted / 10));
  const population = widened(reference, block);
  const records: Records[] = [];
  for (let run = 0; run < runs; run++)
    records.push(recordsOf(make(), population, { warmUp, guard, horizon, block, generator: new Generator(options.seed ?? 1, run) }));
  return { ...thresholdFor(records, wanted, horizon), block, warmUp, guard };
}

/**
 * Rows after which autocorrelation is over, ten times, so that blocks hold all but a few hundredths of the variance of a mean: the first lag
 * from which five correlations in a row lie within 2 √(log10(n) / n) of 0 (Politis & White 2004). At most n / 8; 1 where rows are independent,
 * since longer blocks would only repeat the reference's own extremes. The last 20,000 values are looked at.
 */
export function blockLength(values: ArrayLike<number>): number {
  const n = Math.min(values.length, 20_000);
  const start = values.length - n;
  const most = Math.max(1, Math.floor(n / 8));
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[start + i]! / n;
  const covariance = (lag: number): number => {
    let sum = 0;
    for (let i = start + lag; i < values.length; i++) sum += (values[i]! - mean) * (values[i - lag]! - mean);
    return sum;
  };
  const variance = covariance(0);
  if (variance <= 1e-24 * n * mean * mean) return 1;
  const bound = 2 * Math.sqrt(Math.log10(n) / n);
  let [lag, inside] = [1, 0];
  for (; inside < 5 && 10 * (lag - 5) <= most; lag++) inside = Math.abs(covariance(lag)) / variance < bound ? inside + 1 : 0;
  const over = lag - 1 - inside;
  return over === 0 ? 1 : Math.min(most, 10 * (over + 1));
}

/** Means of blocks spread about the reference's own mean too little by block / n: made up for, but for hits and errors, which have two values. */
function widened(reference: ArrayLike<number>, block: number): Float64Array {
  const values = Float64Array.from(reference);
  if (block === 1 || values.every((x) => x === 0 || x === 1)) return values;
  const mean = values.reduce((sum, x) => sum + x / values.length, 0);
  const factor = Math.sqrt(values.length / (values.length - block));
  return values.map((x) => mean + factor * (x - mean));
}

/** Rows (from 1, after the warm-up) at which the evidence rose above all before, and what it rose to. */
interface Records {
  at: number[];
  evidence: number[];
}

function recordsOf(
  detector: Detector,
  reference: ArrayLike<number>,
  { warmUp, guard, horizon, block, generator }: { warmUp: number; guard: number; horizon: number; block: number; generator: Generator },
): Records {
  const records: Records = { at: [], evidence: [] };
  const n = reference.length;
  let highest = Number.NEGATIVE_INFINITY;
  let [place, left] = [0, 0];
  for (let row = 1 - warmUp; row <= horizon; row++) {
    if (left === 0) {
      place = generator.below(n);
      left = block;
    }
    detector.update(reference[place]!);
    left--;
    place = place + 1 === n ? 0 : place + 1;
    if (row <= -guard || detector.evidence <= highest) continue;
    highest = detector.evidence;
    if (row < 1) continue;
    records.at.push(row);
    records.evidence.push(highest);
  }
  return records;
}

/** Rows watched over alarms rises with the threshold; where under an eighth of the runs would alarm, its logarithm is carried on as a line. */
function thresholdFor(records: readonly Records[], wanted: number, horizon: number): { threshold: number; meanRunLength: number } {
  const maxima = Float64Array.from(records, ({ evidence }) => evidence[evidence.length - 1] ?? -Infinity).sort();
  const few = maxima[maxima.length - 1 - Math.floor(maxima.length / 8)]!;
  const atFew = meanRunLength(records, few, horizon);
  if (atFew < wanted) {
    const lower = maxima[maxima.length - 1 - Math.floor(maxima.length / 2.5)]!;
    const slope = (Math.log(atFew) - Math.log(meanRunLength(records, lower, horizon))) / (few - lower);
    if (slope > 0 && slope < Infinity) return { threshold: few + Math.log(wanted / atFew) / slope, meanRunLength: wanted };
    const threshold = maxima[maxima.length - 1]!;
    return { threshold, meanRunLength: meanRunLength(records, threshold, horizon) };
  }
  const levels = Float64Array.from(records.flatMap(({ evidence }) => evidence)).sort();
  let [low, high] = [0, levels.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (meanRunLength(records, levels[middle]!, horizon) >= wanted) high = middle;
    else low = middle + 1;
  }
  const threshold = levels[low] ?? 0;
  return { threshold, meanRunLength: meanRunLength(records, threshold, horizon) };
}

/** All rows watched where no run alarms. */
function meanRunLength(records: readonly Records[], threshold: number, horizon: number): number {
  let [rows, alarms] = [0, 0];
  for (const { at, evidence } of records) {
    let [low, high] = [0, evidence.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (evidence[middle]! > threshold) high = middle;
      else low = middle + 1;
    }
    rows += at[low] ?? horizon;
    if (low < at.length) alarms++;
  }
  return rows / Math.max(1, alarms);
}
