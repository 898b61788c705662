import type { Result } from '../../contract';
import { latencyChart } from '../charts/latency';
import { renderChart } from '../charts/render';
import { formatCount, formatNumber } from '../formatters';
import { type Html, html } from '../html';
import { section, table } from './parts';

/** Box plot and quantiles of a batch's wall time, all variants interleaved on one host. */
export async function latencySection(result: Result, measured: Record<string, number[]>): Promise<Html> {
  const rows = result.variants.flatMap((variant) => (variant.latency === null ? [] : [{ name: variant.name, ...variant.latency }]));
  if (rows.length === 0) return section('latency', 'Latency', html`<p>${nothing(result)}</p>`);
  const chart = await renderChart(latencyChart(result, measured, 'latency-plot'));
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const batches = [...new Set(rows.map((row) => row.batch))].join(' and ');
  const dropped = rows.reduce((sum, row) => sum + row.dropped, 0);
  const quantile = (ms: number | null): string => (ms === null ? 'too few' : formatNumber(ms));
  return section(
    'latency',
    'Latency',
    html`<div class="beside"><figure><figcaption><strong>Wall time of a batch of ${batches}</strong><span class="hint">box: quartiles and median · whiskers: minimum and p95 · ◆ p99 · ○ maximum${Object.keys(measured).length > 0 ? ' · strokes: measured batches' : null}</span></figcaption>${chart}<p class="n">n = ${formatCount(total)} timed batches in interleaved blocks${dropped > 0 ? `, ${formatCount(dropped)} blocks dropped, since the device was throttled` : null}.</p></figure>${table(
      'latency-table',
      'Quantiles in milliseconds, the data of the plot',
      [
        { head: 'Variant' },
        ...['min', 'p25', 'p50', 'p75', 'p95', 'p99', 'max', 'batches', 'blocks'].map((head) => ({ head, number: true })),
      ],
      rows.map((row) => [
        row.name,
        ...[row.min, row.p25, row.p50, row.p75, row.p95].map(formatNumber),
        quantile(row.p99),
        formatNumber(row.max),
        formatCount(row.count),
        formatCount(row.blocks),
      ]),
    )}</div>`,
  );
}

/** Where every block was dropped there was a measurement, and its end has a reason. */
const nothing = ({ checks }: Result): string =>
  checks.find(({ name }) => name === 'latency-blocks')?.detail ?? 'No latency was measured in this experiment.';
