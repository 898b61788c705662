import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { metricTable, type MetricRow } from './metricTable';

type Labels = Record<string, string>;

export interface Prometheus {
  count(name: string, labels: Labels, by: number): void;
  countedAs(name: string, labels: Labels, value: number): void;
  gauge(name: string, labels: Labels, value: number): void;
  clear(name: string): void;
  observe(name: string, labels: Labels, value: number): void;
  onScrape(collect: () => void | Promise<void>): () => void;
  text(): Promise<string>;
}

/** The metrics of one pool, beside those of its process (`process_*`, `nodejs_*`). What another pool serves is counted nowhere. */
export function createPrometheus(pool: MetricRow['from'][number]): Prometheus {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  const rows: readonly MetricRow[] = metricTable.filter(({ from }: MetricRow) => from.includes(pool));
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const { name, type, help, labels, buckets = [] } of rows) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(options));
    else if (type === 'gauge') gauges.set(name, new Gauge(options));
    else histograms.set(name, new Histogram({ ...options, buckets: [...buckets] }));
  }
  const labelsOf = new Map(rows.map((row) => [row.name, row.labels]));
  const bounded = boundLabels();
  const fit = (name: string, labels: Labels): Labels =>
    Object.fromEntries((labelsOf.get(name) ?? []).map((label) => [label, bounded(name, label, labels[label] ?? '')]));
  const collectors = new Set<() => void | Promise<void>>();

  return {
    count: (name, labels, by) => counters.get(name)?.inc(fit(name, labels), by),
    countedAs(name, labels, value) {
      const counter = counters.get(name);
      counter?.remove(fit(name, labels));
      counter?.inc(fit(name, labels), value);
    },
    gauge: (name, labels, value) => gauges.get(name)?.set(fit(name, labels), value),
    clear: (name) => gauges.get(name)?.reset(),
    observe: (name, labels, value) => histograms.get(name)?.observe(fit(name, labels), value),
    onScrape(collect) {
      collectors.add(collect);
      return () => void collectors.delete(collect);
    },
    async text() {
      // One that fails leaves its gauges as they were.
      await Promise.allSettled([...collectors].map(async (collect) => collect()));
      return registry.metrics();
    },
  };
}

/** Gauges that prom-client names like counters. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Names that people give (owners, series) are few; should they not be, the rest count together. */
function boundLabels(most = 200): (name: string, label: string, value: string) => string {
  const seen = new Map<string, Set<string>>();
  return (name, label, value) => {
    const key = `${name} ${label}`;
    const values = seen.get(key) ?? new Set();
    seen.set(key, values);
    if (!values.has(value) && values.size >= most) return 'other';
    values.add(value);
    return value;
  };
}
