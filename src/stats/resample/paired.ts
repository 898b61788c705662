import { checkCount, checkOneOf, checkOpenProbability } from '../arguments';
import type { BootstrapMetric } from '../types';
import { accelerationOf, bcaInterval, invertedP, percentileInterval, standardDeviation } from './interval';
import { type PairedBootstrapInput, pairedResampler } from './resampler';

export interface PairedBootstrapOptions {
  /** Default 20,000. */
  resamples?: number;
  /** Default 0.95. */
  confidence?: number;
  seed?: number;
  method?: 'bca' | 'percentile';
}

interface Estimated {
  estimate: number | undefined;
  low: number | undefined;
  high: number | undefined;
}

export interface PairedBootstrapResult {
  /** B - A, averaged over seeds; undefined where the metric is 0/0. */
  difference: number | undefined;
  low: number | undefined;
  high: number | undefined;
  method: 'bca' | 'percentile';
  resamples: number;
  standardError: number | undefined;
  /** Differences of the resamples in order of their number; NaN where undefined. */
  replicates: Float64Array;
  undefinedReplicates: number;
  /** B / A; null where A is not positive in the sample or in any resample. */
  ratio: { estimate: number; low: number; high: number } | null;
  /** Seed-averaged metric of each arm, with its own interval from the same resamples. */
  a: Estimated;
  b: Estimated;
  /** Two-sided, by inverting the interval; 1 for identical arms, else at least 2/(resamples + 1). */
  pValue: number | undefined;
}

/**
 * Paired bootstrap of a metric's difference: each resample draws rows (or units) once for both arms and all seeds. Macro averages are over
 * the classes present in a resample's labels. A resample where the metric is undefined is left out of the interval and counted; bounds and
 * p are undefined where more than 1 % are.
 */
export function pairedBootstrap(
  input: PairedBootstrapInput,
  metric: BootstrapMetric,
  options: PairedBootstrapOptions = {},
): PairedBootstrapResult {
  const { resamples = 20_000, seed = 1 } = options;
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const method = checkOneOf('method', options.method ?? 'bca', ['bca', 'percentile']);
  checkCount('resamples', resamples, 2);
  const resampler = pairedResampler(input, metric);
  const { sample } = resampler;
  const drawn = resampler.replicates(seed, 0, resamples);
  const gaps = drawn.b.map((b, r) => b - drawn.a[r]!);
  const leftOut = resampler.leftOut();
  const summary = (values: Float64Array, estimate: number, jackknife: Float64Array) => {
    const sorted = values.filter((value) => !Number.isNaN(value)).sort();
    const enough = sorted.length >= 0.99 * resamples && sorted.length >= 2 && !Number.isNaN(estimate);
    if (!enough) return { estimate: known(estimate), low: undefined, high: undefined, standardError: undefined, pValue: undefined, sorted };
    const acceleration = method === 'bca' ? accelerationOf(jackknife, leftOut.weights) : null;
    const { low, high } =
      acceleration === null ? percentileInterval(sorted, confidence) : bcaInterval(sorted, estimate, acceleration, confidence);
    return { estimate, low, high, standardError: standardDeviation(sorted), pValue: invertedP(sorted, estimate, acceleration, 0), sorted };
  };
  const gap = summary(
    gaps,
    sample.b - sample.a,
    leftOut.b.map((b, i) => b - leftOut.a[i]!),
  );
  const arm = ({ estimate, low, high }: Estimated): Estimated => ({ estimate, low, high });
  const positive = sample.a > 0 && drawn.a.every((value) => value > 0 || Number.isNaN(value));
  const ratio = positive
    ? arm(
        summary(
          drawn.b.map((b, r) => b / drawn.a[r]!),
          sample.b / sample.a,
          leftOut.b.map((b, i) => b / leftOut.a[i]!),
        ),
      )
    : undefined;
  return {
    difference: gap.estimate,
    low: gap.low,
    high: gap.high,
    method,
    resamples,
    standardError: gap.standardError,
    replicates: gaps,
    undefinedReplicates: resamples - gap.sorted.length,
    ratio:
      ratio?.estimate === undefined || ratio.low === undefined || ratio.high === undefined
        ? null
        : { estimate: ratio.estimate, low: ratio.low, high: ratio.high },
    a: arm(summary(drawn.a, sample.a, leftOut.a)),
    b: arm(summary(drawn.b, sample.b, leftOut.b)),
    pValue: gap.pValue,
  };
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
