import { AssayError, metricCatalogue, type MetricName, type Result } from '../../contract';
import { chiSquareQuantile, tQuantile, varianceComponentsInfluence } from '../../stats';
import type { Noise } from './power';
import { isPredictionMetric, pairRuns, prepare, type Arm, type ArmRun, type Rows } from '../prepare';
import type { AnalysisInput } from '../types';
import { direction } from '../wording';

/** An earlier experiment: its predictions, its result, or both. */
export interface Pilot {
  name: string;
  predictions: AnalysisInput | null;
  result: Result | null;
}

/** What a pilot says of one metric of one variant against the control. */
export interface MeasuredNoise {
  variant: string;
  noise: Noise;
  /** What chance is in: rows and seed pairs, seed pairs alone (costs), or blocks of latency. */
  over: 'rows' | 'seeds' | 'blocks';
  rows: number;
  units: number;
  /** Seed pairs, or blocks. */
  pairs: number;
  /** Share of rows on which one arm alone is right, the mean over seeds; null for what is no accuracy. */
  discordance: number | null;
  controlValue: number;
  /** Variant minus control, turned so that more is better. */
  difference: number;
}

/** By variant of the pilot; those named `candidates` where it has any of them. Empty where the pilot does not know the metric. */
export function measureNoise(pilot: Pilot, metric: string, candidates: readonly string[]): MeasuredNoise[] {
  const found = isPredictionMetric(metric)
    ? pilot.predictions === null
      ? []
      : fromPredictions(pilot.predictions, metric)
    : pilot.result === null
      ? []
      : fromResult(pilot.result, metric);
  const named = found.filter(({ variant }) => candidates.includes(variant));
  return named.length > 0 ? named : found;
}

/**
 * The seeds' variance at the upper end of what the pilot's seeds allow (80 %, chi-square): with five seeds it is half as much again, and more.
 */
export function cautious({ noise, units, pairs }: MeasuredNoise): Noise {
  const seen = noise.seeds + noise.rest / units;
  const most = (seen * (pairs - 1)) / chiSquareQuantile(0.2, pairs - 1);
  return { ...noise, seeds: Math.max(noise.seeds, most - noise.rest / units) };
}

function fromPredictions(input: AnalysisInput, metric: string): MeasuredNoise[] {
  if (!isPredictionMetric(metric) || metric === 'ece') return [];
  const { rows, control, arms } = prepare(input);
  return arms
    .filter((arm) => !arm.control)
    .flatMap((variant): MeasuredNoise[] => {
      const pairs = pairRuns(control, variant);
      if (pairs.length === 0 || rows.unitCount < 2) return [];
      const values = pairs.map(({ a, b }) => ({ a: valueOf(a, metric, control), b: valueOf(b, metric, variant) }));
      const influence = (side: 'a' | 'b'): Float64Array[] => pairs.map((pair) => pair[side].influence(metric).influence);
      const discordance = metric === 'accuracy' ? mean(pairs.map(({ a, b }) => discordant(a, b, rows))) : null;
      const noise = noiseOf(influence('a'), influence('b'), values, rows);
      // Of one pair on independent rows the share itself is what Connor's formula takes.
      const proportion = discordance !== null && pairs.length === 1 && rows.units === null;
      return [
        {
          variant: variant.name,
          noise: proportion ? { ...noise, rows: discordance, proportion } : noise,
          over: 'rows',
          rows: rows.n,
          units: rows.unitCount,
          pairs: pairs.length,
          discordance,
          controlValue: mean(values.map(({ a }) => a)),
          difference: direction(metric) * (mean(values.map(({ b }) => b)) - mean(values.map(({ a }) => a))),
        },
      ];
    });
}

function valueOf(run: ArmRun, metric: string, arm: Arm): number {
  const value = isPredictionMetric(metric) ? run.value(metric) : undefined;
  if (value !== undefined) return value;
  throw new AssayError(
    'PredictionsInvalid',
    `the pilot's ${metric} of ${arm.name}, seed ${run.seed}, is undefined (0/0); give another pilot`,
  );
}

function discordant(a: ArmRun, b: ArmRun, { labels, n }: Rows): number {
  let count = 0;
  for (let i = 0; i < n; i++) if ((a.predictions[i] === labels[i]) !== (b.predictions[i] === labels[i])) count++;
  return count / n;
}

function noiseOf(a: Float64Array[], b: Float64Array[], values: { a: number; b: number }[], rows: Rows): Noise {
  const count = rows.unitCount;
  const [onlyA, onlyB] = [a[0], b[0]];
  if (values.length === 1 && onlyA !== undefined && onlyB !== undefined) {
    const gaps = new Float64Array(count);
    for (let i = 0; i < rows.n; i++) {
      const unit = rows.units === null ? i : (rows.units[i] as number);
      gaps[unit] = (gaps[unit] as number) + (((onlyB[i] as number) - (onlyA[i] as number)) * count) / rows.n;
    }
    return { rows: variance(gaps), seeds: 0, rest: 0, proportion: false };
  }
  const parts = varianceComponentsInfluence({
    metricA: values.map((value) => value.a),
    metricB: values.map((value) => value.b),
    influenceA: a,
    influenceB: b,
    ...(rows.units === null ? {} : { units: rows.units }),
  });
  return {
    rows: Math.max(0, parts.rows - parts.residual) * count,
    seeds: Math.max(0, parts.seeds - parts.residual) * values.length,
    rest: parts.residual * count * values.length,
    proportion: false,
  };
}

/** Costs from the seeds' own values, latency from the blocks behind its interval. */
function fromResult(result: Result, metric: string): MeasuredNoise[] {
  const control = result.variants.find((variant) => variant.control);
  if (control === undefined || !Object.hasOwn(metricCatalogue, metric)) return [];
  const latency = metricCatalogue[metric as MetricName].source === 'latency';
  return result.variants
    .filter((variant) => !variant.control)
    .flatMap((variant): MeasuredNoise[] => {
      const common = { variant: variant.name, rows: result.snapshot.splits.test, units: result.snapshot.splits.test, discordance: null };
      const noise = (perPair: number): Noise => ({ rows: 0, seeds: perPair, rest: 0, proportion: false });
      if (latency) {
        const comparison = result.comparisons.find((each) => each.variant === variant.name && each.metric === metric);
        const blocks = Math.min(control.latency?.blocks ?? 0, variant.latency?.blocks ?? 0);
        const value = control.metrics[metric]?.estimate ?? null;
        const { low = null, high = null, difference = null } = comparison ?? {};
        if (comparison === undefined || low === null || high === null || difference === null || value === null || blocks < 2) return [];
        const error = (high - low) / 2 / tQuantile(0.5 + comparison.confidence / 2, blocks - 1);
        return [
          {
            ...common,
            noise: noise(error ** 2 * blocks),
            over: 'blocks',
            pairs: blocks,
            controlValue: value,
            difference: direction(metric) * difference,
          },
        ];
      }
      const pairs = control.runs.flatMap((run) => {
        const [a, b] = [run.metrics[metric] ?? null, variant.runs.find(({ seed }) => seed === run.seed)?.metrics[metric] ?? null];
        return a === null || b === null ? [] : [{ a, b }];
      });
      if (pairs.length < 2) return [];
      const gaps = pairs.map(({ a, b }) => b - a);
      return [
        {
          ...common,
          noise: noise(variance(gaps)),
          over: 'seeds',
          pairs: pairs.length,
          controlValue: mean(pairs.map(({ a }) => a)),
          difference: direction(metric) * mean(gaps),
        },
      ];
    });
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

function variance(values: ArrayLike<number>): number {
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - centre) ** 2;
  return squares / (values.length - 1);
}
