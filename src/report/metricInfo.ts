import { metricCatalogue } from '../contract';

export interface MetricInfo {
  label: string;
  better: 'higher' | 'lower';
  unit: string | null;
  source: 'predictions' | 'latency' | 'run';
}

/** The catalogue's row; a metric of a newer version is shown by its own name, higher being better. */
export function metricInfo(metric: string): MetricInfo {
  const known: Record<string, MetricInfo | undefined> = metricCatalogue;
  return (
    (Object.hasOwn(known, metric) ? known[metric] : undefined) ?? { label: metric, better: 'higher', unit: null, source: 'predictions' }
  );
}

/** Label with a capital first letter, for headings; "p95" and the like stay. */
export function metricTitle(metric: string): string {
  const { label } = metricInfo(metric);
  return /^[a-z]\d/.test(label) ? label : label.charAt(0).toUpperCase() + label.slice(1);
}
