import type * as PrometheusClient from './prometheus';
import type { Prometheus } from './prometheus';
import type { MetricName, MetricRow, metricTable } from './metricTable';

export { metricTable, type MetricName, type MetricRow } from './metricTable';

type Row = (typeof metricTable)[number];
type NameOf<Type extends MetricRow['type']> = Extract<Row, { type: Type }>['name'];
/** The labels of a metric, each with its value. */
export type LabelsOf<Name extends MetricName> = Record<Extract<Row, { name: Name }>['labels'][number], string>;

/** Null while this process serves no metrics: counting then costs nothing. */
let prometheus: Prometheus | null = null;

/** Adds to a counter; 0 makes its line appear, so that the first event shows as an increase. */
export function count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by = 1): void {
  prometheus?.count(name, labels, by);
}

/** A counter that somebody else keeps, by its present value. */
export function countedAs<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
  prometheus?.countedAs(name, labels, value);
}

export function gauge<Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
  prometheus?.gauge(name, labels, value);
}

/** Takes all lines of a gauge away: what is asked anew is set anew. */
export function clearGauge(name: NameOf<'gauge'>): void {
  prometheus?.clear(name);
}

/** One value of a histogram. */
export function observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
  prometheus?.observe(name, labels, value);
}

/** Runs before each answer to a scrape, e.g. to set gauges; returns how to stop that. */
export function onScrape(collect: () => void | Promise<void>): () => void {
  return prometheus?.onScrape(collect) ?? (() => undefined);
}

export const metricsOn = (): boolean => prometheus !== null;

/**
 * From here on this process counts. `pool` names it in `assay_build_info` and chooses its metrics; `build` is the build's id. For a server
 * of one's own (`assay serve`) `metricsText` is then the answer; a worker uses `serveMetrics`.
 */
export function openMetrics(options: { pool: MetricRow['from'][number]; version: string; build: string }): void {
  if (prometheus !== null) return;
  // Loaded at need: most processes serve none.
  const { createPrometheus } = require('./prometheus') as typeof PrometheusClient;
  prometheus = createPrometheus(options.pool);
  gauge('assay_build_info', options, 1);
}

/** In the text format 0.0.4 of Prometheus. */
export async function metricsText(): Promise<string> {
  return (await prometheus?.text()) ?? '';
}

/** Of the answer. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';
