import type { TopLevelSpec } from 'vega-lite';
import type { Comparison, Result } from '../../contract';
import {
  differenceUnit,
  formatConfidence,
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatDifferenceWithInterval,
} from '../formatters';
import { metricInfo, metricTitle } from '../metricInfo';
import { bounds, direction, directionWords, looks } from '../reading';
import type { Chart } from './render';

const rowHeight = 46;
const width = 300;
/** Of a bold character of a label, at most, in pixels. */
const characterWidth = 6.8;

/** One metric's differences with their intervals, on the metric's own scale; right of zero is better in every panel. */
export function forestChart(result: Result, metric: string, comparisons: Comparison[], id: string): Chart {
  const info = metricInfo(metric);
  const lines = bounds(result, metric);
  const values = comparisons.flatMap((c) => [c.difference, c.low, c.high]).concat(lines.map((line) => line.value));
  const finite = values.filter((value): value is number => value !== null).concat(0);
  const { scale, suffix } = differenceUnit(metric, Math.max(...finite.map(Math.abs)));
  const [from, to] = padded(Math.min(...finite) / scale, Math.max(...finite) / scale);
  const variants = comparisons.map((c) => c.variant);
  const look = looks(result);
  const rows = comparisons.map((c) => ({
    variant: c.variant,
    difference: c.difference === null ? null : c.difference / scale,
    low: c.low === null ? null : c.low / scale,
    high: c.high === null ? null : c.high / scale,
    text: formatDifferenceWithInterval(metric, c.difference, c.low, c.high),
    middle: (from + to) / 2,
    ...plate(formatDifferenceWithInterval(metric, c.difference, c.low, c.high), from, to),
    tip: `${c.variant}: ${formatDifference(metric, c.difference)}, ${formatConfidence(c.confidence)} interval ${formatDifferenceInterval(metric, c.low, c.high)}, n = ${formatCount(c.n)}`,
  }));
  const intervals = rows.filter((row) => row.low !== null && row.high !== null);
  const x = {
    type: 'quantitative',
    scale: { domain: [from, to], reverse: info.better === 'lower', nice: false, zero: false },
    axis: { title: `difference${suffix === '' ? '' : `,${suffix}`}`, tickCount: 5, grid: true, labelFlush: false },
  } as const;
  const y = {
    field: 'variant',
    type: 'nominal',
    sort: variants,
    axis: { title: null, domain: false, ticks: false, labelLimit: 92, labelPadding: 8, labelColor: 'var(--ink)' },
  } as const;
  const colour = {
    field: 'variant',
    type: 'nominal',
    scale: { domain: variants, range: variants.map((name) => look.get(name)?.colour ?? 'var(--v1)') },
    legend: null,
  } as const;
  const shape = {
    field: 'variant',
    type: 'nominal',
    scale: { domain: variants, range: variants.map((name) => look.get(name)?.shape ?? 'square') },
    legend: null,
  } as const;
  const drawn = lines
    .filter((line) => line.value !== null)
    .map((line) => ({ at: (line.value ?? 0) / scale, label: line.label, tip: `${line.label}: ${formatDifference(metric, line.value)}` }));
  const spec = {
    width,
    height: rows.length * rowHeight,
    data: { values: rows },
    layer: [
      {
        data: { values: [{ at: 0 }] },
        mark: { type: 'rule', color: 'var(--muted)', strokeWidth: 1.5 },
        encoding: { x: { ...x, field: 'at' } },
      },
      {
        data: { values: drawn },
        mark: { type: 'rule', strokeWidth: 1.5, strokeDash: [5, 4], color: 'var(--bound)', aria: true },
        encoding: { x: { ...x, field: 'at' }, description: { field: 'tip' } },
      },
      {
        data: { values: drawn },
        mark: { type: 'text', baseline: 'bottom', y: -4, fontSize: 11, color: 'var(--bound)' },
        encoding: { x: { ...x, field: 'at' }, text: { field: 'label', type: 'nominal' } },
      },
      {
        data: { values: intervals },
        mark: { type: 'rule', strokeWidth: 3, yOffset: 8 },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color: colour },
      },
      ...(['low', 'high'] as const).map((end) => ({
        data: { values: intervals },
        mark: { type: 'tick', thickness: 2, size: 11, orient: 'vertical', yOffset: 8 },
        encoding: { y, x: { ...x, field: end }, color: colour },
      })),
      {
        transform: [{ filter: 'isValid(datum.difference)' }],
        mark: { type: 'point', filled: true, size: 95, opacity: 1, yOffset: 8, aria: true },
        encoding: { y, x: { ...x, field: 'difference' }, color: colour, shape, description: { field: 'tip' } },
      },
      // A plate below the label: lines of zero and of a bound pass behind it, not between its characters.
      {
        mark: { type: 'rule', strokeWidth: 17, yOffset: -11, color: 'var(--halo)' },
        encoding: { y, x: { ...x, field: 'left' }, x2: { field: 'right' } },
      },
      {
        mark: { type: 'text', yOffset: -11, align: 'center', fontSize: 12, fontWeight: 600, color: 'var(--ink)' },
        encoding: { y, x: { ...x, field: 'middle' }, text: { field: 'text', type: 'nominal' } },
      },
    ],
  } as unknown as TopLevelSpec;
  return {
    id,
    title: `${metricTitle(metric)}: difference from ${comparisons[0]?.control ?? 'the control'}`,
    description: describe(metric, comparisons),
    spec,
  };
}

/** Where a label in the middle begins and ends, in units of the axis. */
function plate(text: string, from: number, to: number): { left: number; right: number } {
  const half = (Math.min(width, text.length * characterWidth) / width) * ((to - from) / 2);
  return { left: (from + to) / 2 - half, right: (from + to) / 2 + half };
}

function padded(low: number, high: number): [number, number] {
  const reach = high - low || 1;
  return [low - reach * 0.09, high + reach * 0.09];
}

function describe(metric: string, comparisons: Comparison[]): string {
  const sentences = comparisons.map(
    (c) =>
      `${c.variant}: ${formatDifference(metric, c.difference)}, ${formatConfidence(c.confidence)} interval ${formatDifferenceInterval(metric, c.low, c.high)}, ${directionWords[direction(c)].word}.`,
  );
  return `${metricInfo(metric).better === 'higher' ? 'Higher' : 'Lower'} is better; the axis is turned so that right is better. ${sentences.join(' ')}`;
}
