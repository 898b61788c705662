import type { TopLevelSpec } from 'vega-lite';
import type { LatencySummary, Result } from '../../contract';
import { formatMs } from '../formatters';
import { looks } from '../reading';
import type { Chart } from './render';

const rowHeight = 58;
const strokesShown = 240;

/** Box of the quartiles, whiskers to the minimum and the 95 % quantile, a tick at 99 %, a ring at the maximum; measured batches as strokes below. */
export function latencyChart(result: Result, measured: Record<string, number[]>, id: string): Chart {
  const rows = result.variants.flatMap((variant) => (variant.latency === null ? [] : [{ variant: variant.name, ...variant.latency }]));
  const names = rows.map((row) => row.variant);
  const look = looks(result);
  // One stray batch must not squeeze every box into a line: an axis cut at a little over the largest p99 says so by an arrow.
  const limit = Math.max(...rows.map((row) => Math.max(row.p99 ?? 0, row.p95 * 1.15)));
  const top = Math.min(Math.max(...rows.map((row) => row.max)), limit * 1.3);
  const boxes = rows.map((row) => ({
    ...row,
    shownMax: Math.min(row.max, top),
    cut: row.max > top ? `max ${formatMs(row.max)} ▸` : '',
    tip: `${row.variant}: ${quantileSentence(row)}`,
  }));
  const strokes = names.flatMap((variant) => thin(measured[variant] ?? []).flatMap((ms) => (ms <= top ? [{ variant, ms }] : [])));
  const lower = Math.min(...rows.map((row) => row.min));
  const reach = top - lower || 1;
  const x = {
    type: 'quantitative',
    scale: { domain: [Math.max(0, lower - reach * 0.06), top + reach * 0.04], nice: false, zero: false },
    axis: { title: 'milliseconds a batch, left is faster', tickCount: 5, grid: true },
  } as const;
  const y = {
    field: 'variant',
    type: 'nominal',
    sort: names,
    scale: { domain: names },
    axis: { title: null, domain: false, ticks: false, labelLimit: 92, labelPadding: 8, labelColor: 'var(--ink)' },
  } as const;
  const colour = {
    field: 'variant',
    type: 'nominal',
    scale: { domain: names, range: names.map((name) => look.get(name)?.colour ?? 'var(--v1)') },
    legend: null,
  } as const;
  const lift = strokes.length > 0 ? -8 : 0;
  const spec = {
    width: 330,
    height: rows.length * rowHeight,
    data: { values: boxes },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 1.5, yOffset: lift },
        encoding: { y, x: { ...x, field: 'min' }, x2: { field: 'p95' }, color: colour },
      },
      {
        mark: { type: 'bar', size: 18, fillOpacity: 0.22, strokeWidth: 1.5, cornerRadius: 2, yOffset: lift, aria: true },
        encoding: { y, x: { ...x, field: 'p25' }, x2: { field: 'p75' }, color: colour, stroke: colour, description: { field: 'tip' } },
      },
      {
        mark: { type: 'tick', thickness: 3, size: 18, orient: 'vertical', yOffset: lift },
        encoding: { y, x: { ...x, field: 'p50' }, color: colour },
      },
      ...(['min', 'p95'] as const).map((end) => ({
        mark: { type: 'tick', thickness: 1.5, size: 10, orient: 'vertical', yOffset: lift },
        encoding: { y, x: { ...x, field: end }, color: colour },
      })),
      {
        transform: [{ filter: 'isValid(datum.p99)' }],
        mark: { type: 'point', shape: 'diamond', filled: true, size: 45, opacity: 1, yOffset: lift },
        encoding: { y, x: { ...x, field: 'p99' }, color: colour },
      },
      {
        mark: { type: 'point', shape: 'circle', filled: false, size: 40, strokeWidth: 1.5, opacity: 1, yOffset: lift },
        encoding: { y, x: { ...x, field: 'shownMax' }, color: colour },
      },
      {
        transform: [{ filter: "datum.cut !== ''" }],
        mark: { type: 'text', align: 'right', dx: -10, fontSize: 11, color: 'var(--muted)', yOffset: lift - 12 },
        encoding: { y, x: { ...x, field: 'shownMax' }, text: { field: 'cut', type: 'nominal' } },
      },
      ...(strokes.length === 0
        ? []
        : [
            {
              data: { values: strokes },
              mark: { type: 'tick', thickness: 1, size: 9, orient: 'vertical', opacity: 0.35, yOffset: 14 },
              encoding: { y, x: { ...x, field: 'ms' }, color: colour },
            },
          ]),
    ],
  } as unknown as TopLevelSpec;
  return {
    id,
    title: 'Latency of a batch by variant',
    description: rows.map((row) => `${row.variant}: ${quantileSentence(row)}.`).join(' '),
    spec,
  };
}

const quantileSentence = (row: LatencySummary): string =>
  `median ${formatMs(row.p50)}, quartiles ${formatMs(row.p25)} and ${formatMs(row.p75)}, 95 % within ${formatMs(row.p95)}, maximum ${formatMs(row.max)}, ${row.count} batches`;

function thin(values: number[]): number[] {
  if (values.length <= strokesShown) return values;
  return Array.from({ length: strokesShown }, (_, i) => values[Math.floor((i * values.length) / strokesShown)] ?? 0);
}
