import type { TopLevelSpec } from 'vega-lite';
import type { Result, UsageSeries } from '../../contract';
import { formatBytes, formatCount, formatNumber, formatPercent, formatSeconds } from '../formatters';
import { dashes, looks } from '../reading';
import type { Chart } from './render';

/** Points drawn of one run: as many as a small drawing can tell apart. */
const drawn = 40;

/** A cross of two strokes, from -1 to 1: Vega's own is filled, and a square at this size. */
export const heldDown = 'M-1,-1L1,1M1,-1L-1,1';

export type UsageQuantity = 'memoryBytes' | 'utilization' | 'smClockMhz' | 'temperatureCelsius';

export const usageQuantities: Record<UsageQuantity, { title: string; show: (value: number) => string }> = {
  memoryBytes: { title: 'Device memory', show: formatBytes },
  utilization: { title: 'GPU use', show: (value) => formatPercent(value, 0) },
  smClockMhz: { title: 'SM clock', show: (value) => `${formatCount(value)} MHz` },
  temperatureCelsius: { title: 'Temperature', show: (value) => `${formatNumber(value)} °C` },
};

export interface UsedRun {
  variant: string;
  seed: number;
  /** Thinned to what is drawn. */
  series: UsageSeries;
}

export const usedRuns = (result: Result): UsedRun[] =>
  result.variants.flatMap(({ name, runs }) =>
    runs.flatMap(({ seed, usage }) => (usage ? [{ variant: name, seed, series: thinned(usage) }] : [])),
  );

/** One line a run, in the colour and the dashes of its variant; a cross on the clock where it was held down. Null where no device told it. */
export function usageChart(result: Result, runs: readonly UsedRun[], quantity: UsageQuantity, id: string): Chart | null {
  const known = runs.map((run) => ({ ...run, points: pointsOf(run, quantity) })).filter(({ points }) => points.length > 0);
  if (known.length === 0) return null;
  const { title, show } = usageQuantities[quantity];
  const all = known.flatMap(({ points }) => points);
  const time = timeUnit(Math.max(...all.map(({ seconds }) => seconds)));
  const unit = quantity === 'memoryBytes' ? memoryUnit(Math.max(...all.map(({ value }) => value))) : units[quantity];
  const values = known.flatMap(({ variant, seed, points }) =>
    points.map((point) => ({
      ...{ variant, run: `${variant} ${seed}`, held: point.held },
      ...{ time: short(point.seconds / time.scale), value: short(point.value / unit.scale) },
    })),
  );
  const ends = known.flatMap(({ variant, seed, points }) => {
    const last = points.at(-1);
    if (last === undefined) return [];
    const { mean, most } = extent(points);
    return {
      ...{ variant, time: short(last.seconds / time.scale), value: short(last.value / unit.scale) },
      tip: `${variant} seed ${seed}: mean ${show(mean)}, at most ${show(most)}, over ${formatSeconds(last.seconds)}`,
    };
  });
  const names = result.variants.map(({ name }) => name);
  const look = looks(result);
  const of = (range: unknown[]) => ({ field: 'variant', type: 'nominal', scale: { domain: names, range }, legend: null });
  const color = of(names.map((name) => look.get(name)?.colour ?? 'var(--v1)'));
  const x = {
    field: 'time',
    type: 'quantitative',
    scale: { nice: false, zero: true },
    axis: { title: time.name, grid: false, tickCount: 4 },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { zero: quantity !== 'temperatureCelsius', nice: true, ...(quantity === 'utilization' ? { domain: [0, 1] } : {}) },
    axis: { title: unit.name, tickCount: 4, ...(quantity === 'utilization' ? { format: '.0%' } : {}) },
  };
  const spec = {
    width: 330,
    height: 130,
    data: { values },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 1.3, opacity: 0.8 },
        encoding: { x, y, color, strokeDash: of(names.map((_, i) => dashes(i))), detail: { field: 'run', type: 'nominal' } },
      },
      {
        data: { values: ends },
        mark: { type: 'point', filled: true, size: 22, opacity: 1, aria: true },
        encoding: { x, y, color, shape: of(names.map((name) => look.get(name)?.shape ?? 'circle')), description: { field: 'tip' } },
      },
      ...(quantity === 'smClockMhz'
        ? [
            {
              transform: [{ filter: 'datum.held > 0' }],
              mark: { type: 'point', shape: heldDown, size: 64, filled: false, strokeWidth: 1.8, color: 'var(--bound)', opacity: 1 },
              encoding: { x, y },
            },
          ]
        : []),
    ],
  } as unknown as TopLevelSpec;
  const description = known
    .map(({ variant, seed, points }) => {
      const { mean, most } = extent(points);
      return `${variant} seed ${seed}: mean ${show(mean)}, at most ${show(most)}.`;
    })
    .join(' ');
  return { id, title: `${title} over the time of each run`, description, spec };
}

interface Point {
  seconds: number;
  value: number;
  held: number;
}

const pointsOf = ({ series }: UsedRun, quantity: UsageQuantity): Point[] =>
  series.seconds.flatMap((seconds, i) => {
    const value = series[quantity][i];
    return typeof value === 'number' ? [{ seconds, value, held: series.throttled[i] ?? 0 }] : [];
  });

function extent(points: readonly Point[]): { mean: number; most: number } {
  const sum = points.reduce((total, { value }) => total + value, 0);
  return { mean: sum / points.length, most: Math.max(...points.map(({ value }) => value)) };
}

/** Neighbours are put together, each by the mean of those that are known. */
function thinned(series: UsageSeries): UsageSeries {
  const { length } = series.seconds;
  const size = Math.ceil(length / drawn);
  if (size <= 1) return series;
  const starts = Array.from({ length: Math.ceil(length / size) }, (_, i) => i * size);
  const joined = (values: readonly (number | null)[]): (number | null)[] =>
    starts.map((from) => {
      const known = values.slice(from, from + size).filter((value) => value !== null);
      return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
    });
  const certain = (values: readonly number[]): number[] => joined(values).map((value) => value ?? 0);
  return {
    seconds: certain(series.seconds),
    throttled: certain(series.throttled),
    memoryBytes: joined(series.memoryBytes),
    utilization: joined(series.utilization),
    smClockMhz: joined(series.smClockMhz),
    temperatureCelsius: joined(series.temperatureCelsius),
    powerWatts: joined(series.powerWatts),
  };
}

const units = {
  utilization: { scale: 1, name: null },
  smClockMhz: { scale: 1, name: 'MHz' },
  temperatureCelsius: { scale: 1, name: '°C' },
} as const;

const memoryUnit = (most: number): { scale: number; name: string } =>
  most >= 2 ** 30 ? { scale: 2 ** 30, name: 'GiB' } : { scale: 2 ** 20, name: 'MiB' };

const timeUnit = (most: number): { scale: number; name: string } =>
  most >= 7200 ? { scale: 3600, name: 'hours' } : most >= 180 ? { scale: 60, name: 'minutes' } : { scale: 1, name: 'seconds' };

const short = (value: number): number => Number(value.toPrecision(5));
