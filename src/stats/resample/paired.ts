import { checkCount, checkOneOf, checkOpenProbability } from '../arguments';
import type { BootstrapMetric } from '../types';
import type { PairedBootstrapInput } from './input';
import {
  accelerationOf,
  basicBounds,
  bcaBounds,
  type BootstrapMethod,
  type Bounds,
  bootstrapMethods,
  mirroredBounds,
  percentileBounds,
  standardDeviation,
  studentisedBounds,
} from './interval';
import { type PairedResampler, pairedResampler } from './resampler';
import { jointRanks } from './simultaneous';

export interface PairedBootstrapOptions {
  /** Default 20,000. */
  resamples?: number;
  /** Default 0.95. */
  confidence?: number;
  /** Default 1. */
  seed?: number;
  /** Default bca. `studentised` computes a standard error in every resample, which takes 2 to 5 times as long. */
  method?: BootstrapMethod;
}

/** A seed-averaged metric with its own interval from the same resamples; undefined where it is 0/0. */
export interface ArmEstimate {
  estimate: number | undefined;
  low: number | undefined;
  high: number | undefined;
}

/** An arm against the control. */
export interface PairedDifference {
  /** Arm minus control, averaged over seeds; undefined where the metric is 0/0. */
  difference: number | undefined;
  low: number | undefined;
  high: number | undefined;
  standardError: number | undefined;
  /** Two-sided, by inverting the interval; 1 for identical arms, else at least 2/(resamples + 1). */
  pValue: number | undefined;
  /** Differences of the resamples in order of their number; NaN where undefined. */
  replicates: Float64Array;
  undefinedReplicates: number;
  /** Arm over control; null where the control is not positive in the sample or in any resample. */
  ratio: { estimate: number; low: number; high: number } | null;
  /**
   * Bounds that hold for all comparisons at once, and the p value adjusted for all; `confidence` is that of the one comparison. Equal to
   * low, high and pValue where there is one comparison.
   */
  simultaneous: { low: number | undefined; high: number | undefined; pValue: number | undefined; confidence: number };
}

/** The first comparison's keys stand beside `comparisons`, for the common case of two arms. */
export interface PairedBootstrapResult extends PairedDifference {
  method: BootstrapMethod;
  resamples: number;
  arms: ArmEstimate[];
  /** Arm 1, 2, ... against arm 0. */
  comparisons: PairedDifference[];
}

/**
 * Paired bootstrap of a metric's difference for two or more arms: each resample draws rows (or units) once for all arms and seeds, so that
 * the replicates of all comparisons are joint. Exact: label metrics draw the multinomial counts of the distinct (label, predictions) cells.
 *
 * Macro averages are over the classes present in a resample's labels. A resample where a metric is undefined is left out of the interval
 * and counted; bounds and p are undefined where more than 1 % are. `simultaneous` is the single-step max-T on the scale of ranks (Beran
 * 1988, Westfall and Young 1993). Intervals: Efron 1987 (bca), Efron 1981 (studentised), Davison and Hinkley 1997 (basic, percentile).
 */
export function pairedBootstrap(
  input: PairedBootstrapInput,
  metric: BootstrapMetric,
  options: PairedBootstrapOptions = {},
): PairedBootstrapResult {
  const settings = pairedSettings(options);
  const resampler = pairedResampler(input, metric);
  const { seed, resamples } = settings;
  return summarisePaired(resampler, drawReplicates(resampler, settings.method, seed, 0, resamples), settings);
}

/** Options with their defaults, checked. */
export function pairedSettings(options: PairedBootstrapOptions): Required<PairedBootstrapOptions> {
  return {
    resamples: checkCount('resamples', options.resamples ?? 20_000, 2),
    confidence: checkOpenProbability('confidence', options.confidence ?? 0.95),
    seed: options.seed ?? 1,
    method: checkOneOf('method', options.method ?? 'bca', bootstrapMethods),
  };
}

/** What `summarisePaired` needs of replicates from..to-1: a value an arm, and for `studentised` their covariances. */
export function drawReplicates(
  resampler: PairedResampler,
  method: BootstrapMethod,
  seed: number,
  from: number,
  to: number,
): Float64Array[] {
  return method === 'studentised' ? resampler.replicatesWithCovariance(seed, from, to) : resampler.replicates(seed, from, to);
}

/** The result from all replicates 0..resamples-1, whoever drew them. */
export function summarisePaired(
  resampler: PairedResampler,
  drawn: readonly Float64Array[],
  settings: Required<PairedBootstrapOptions>,
): PairedBootstrapResult {
  const { method, resamples, confidence } = settings;
  const { arms, sample } = resampler;
  const leftOut = method === 'bca' ? resampler.leftOut() : null;
  const spread = method === 'studentised' ? { sample: resampler.covariance(), drawn: drawn.slice(arms) } : null;

  const summary = (of: Combination): Summary => {
    const estimate = combine(of, sample[0]!, sample[of.arm]!);
    const all = combined(of, drawn);
    const kept = withoutUndefined(all);
    const undefinedReplicates = resamples - kept.length;
    // One row is every resample of itself: it says nothing of chance.
    const enough = resampler.items >= 2 && kept.length >= 0.99 * resamples && kept.length >= 2 && !Number.isNaN(estimate);
    if (!enough) return { estimate, all, undefinedReplicates, bounds: null, standardError: undefined };
    const standardError = standardDeviation(kept);
    if (spread !== null) {
      const errors: number[] = [];
      for (let r = 0; r < resamples; r++) {
        if (Number.isNaN(all[r])) continue;
        errors.push(deviation(of, arms, drawn[0]![r]!, drawn[of.arm]![r]!, (k) => spread.drawn[k]![r]!));
      }
      const ofSample = deviation(of, arms, sample[0]!, sample[of.arm]!, (k) => spread.sample[k]!);
      const bounds = studentisedBounds(kept, Float64Array.from(errors), estimate, ofSample);
      return { estimate, all, undefinedReplicates, standardError, bounds };
    }
    // A negative difference is bounded as its mirror image, so that arms that change places turn the bounds over to the bit.
    const turn = of.kind === 'difference' && estimate < 0 ? -1 : 1;
    if (turn < 0) for (let r = 0; r < kept.length; r++) kept[r] = 0 - kept[r]!;
    const sorted = kept.sort();
    const acceleration = leftOut === null ? 0 : turn * accelerationOf(combined(of, leftOut.arms), leftOut.counts);
    const ofMethod =
      method === 'bca'
        ? bcaBounds(sorted, turn * estimate, acceleration)
        : (method === 'basic' ? basicBounds : percentileBounds)(sorted, turn * estimate);
    const bounds = turn < 0 ? mirroredBounds(ofMethod) : ofMethod;
    return { estimate, all, undefinedReplicates, standardError, bounds };
  };

  const numbers = Array.from({ length: arms }, (_, j) => j);
  const own = numbers.map((arm) => {
    const { estimate, bounds } = summary({ arm, kind: 'arm' });
    return { estimate: known(estimate), low: undefined, high: undefined, ...bounds?.interval(confidence) };
  });
  const gaps = numbers.slice(1).map((arm) => summary({ arm, kind: 'difference' }));
  const ranks =
    gaps.length > 1 && gaps.every(({ bounds }) => bounds !== null) ? jointRanks(definedTogether(gaps.map(({ all }) => all))) : null;
  const positive = sample[0]! > 0 && drawn[0]!.every((value) => value > 0 || Number.isNaN(value));
  const ratioTo = (arm: number): PairedDifference['ratio'] => {
    if (!positive) return null;
    const { estimate, bounds } = summary({ arm, kind: 'ratio' });
    return bounds === null ? null : { estimate, ...bounds.interval(confidence) };
  };
  const comparisons = gaps.map(({ estimate, all, undefinedReplicates, bounds, standardError }, i): PairedDifference => {
    const each = gaps.length === 1 ? confidence : (ranks?.each(confidence) ?? 1 - (1 - confidence) / gaps.length);
    const pValue = bounds?.pValue(0);
    const together = bounds?.interval(each);
    return {
      difference: known(estimate),
      low: undefined,
      high: undefined,
      ...bounds?.interval(confidence),
      standardError,
      pValue,
      replicates: all,
      undefinedReplicates,
      ratio: ratioTo(i + 1),
      simultaneous: {
        low: together?.low,
        high: together?.high,
        pValue: pValue === undefined || gaps.length === 1 ? pValue : (ranks?.adjusted(pValue) ?? Math.min(1, gaps.length * pValue)),
        confidence: each,
      },
    };
  });
  return { ...comparisons[0]!, method, resamples, arms: own, comparisons };
}

/** A value made from an arm and the control. */
interface Combination {
  arm: number;
  kind: 'arm' | 'difference' | 'ratio';
}

interface Summary {
  estimate: number;
  all: Float64Array;
  undefinedReplicates: number;
  bounds: Bounds | null;
  standardError: number | undefined;
}

/** Replicates in which every comparison is defined. */
function definedTogether(all: readonly Float64Array[]): Float64Array[] {
  const defined = all[0]!.map((_, r) => (all.every((values) => !Number.isNaN(values[r])) ? 1 : 0));
  return all.map((values) => values.filter((_, r) => defined[r] === 1));
}

function combine({ kind }: Combination, control: number, value: number): number {
  return kind === 'arm' ? value : kind === 'difference' ? value - control : value / control;
}

function combined({ arm, kind }: Combination, arms: readonly Float64Array[]): Float64Array {
  const control = arms[0]!;
  const result = arms[arm]!.slice();
  if (kind === 'difference') for (let r = 0; r < result.length; r++) result[r]! -= control[r]!;
  else if (kind === 'ratio') for (let r = 0; r < result.length; r++) result[r]! /= control[r]!;
  return result;
}

function withoutUndefined(values: Float64Array): Float64Array {
  const kept = new Float64Array(values.length);
  let count = 0;
  for (let r = 0; r < values.length; r++) {
    const value = values[r]!;
    kept[count] = value;
    if (value === value) count++;
  }
  return kept.subarray(0, count);
}

/** Standard error of a combination by the delta method; the covariance of arms j and i stands at j · arms + i. */
function deviation(
  { arm, kind }: Combination,
  arms: number,
  control: number,
  value: number,
  covariance: (place: number) => number,
): number {
  const own = covariance(arm * arms + arm);
  if (kind === 'arm') return Math.sqrt(own);
  const shared = covariance(arm * arms);
  const ofControl = covariance(0);
  const slope = kind === 'difference' ? 1 : value / control;
  const scale = kind === 'difference' ? 1 : Math.abs(control);
  return Math.sqrt(Math.max(0, own - 2 * slope * shared + slope * slope * ofControl)) / scale;
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
