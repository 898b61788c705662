import { metricCatalogue, type Comparison, type MetricName } from '../contract';

/** "accuracy", "p95 latency": the metric as a person says it. */
export function metricLabel(metric: string): string {
  return isMetric(metric) ? metricCatalogue[metric].label : metric;
}

/** What a metric is measured on. */
export function metricSource(metric: string): (typeof metricCatalogue)[MetricName]['source'] {
  return isMetric(metric) ? metricCatalogue[metric].source : 'predictions';
}

/** +1 where more of the metric is better, -1 where less is. */
export function direction(metric: string): 1 | -1 {
  return isMetric(metric) && metricCatalogue[metric].better === 'lower' ? -1 : 1;
}

/** "+2.1 pp accuracy (95 % interval +0.8 to +3.4)", variant minus control. */
export function effect(comparison: Comparison): string {
  const { difference, low, high, metric } = comparison;
  if (difference === null) return `${metricLabel(metric)}: no difference can be stated`;
  const scale = scaleOf(metric, difference, low, high);
  const estimate = `${scale.format(difference, true)}${scale.unit} ${metricLabel(metric)}`;
  if (low === null || high === null) return `${estimate} (no interval can be stated)`;
  const level = percent(comparison.confidence);
  return `${estimate} (${level} interval ${scale.format(low, true)} to ${scale.format(high, true)})`;
}

/** "+0.8 to +3.4 pp". */
export function span(metric: string, low: number, high: number): string {
  const scale = scaleOf(metric, low, high);
  return `${scale.format(low, true)} to ${scale.format(high, true)}${scale.unit}`;
}

/** Differences on one scale: "+2.1 pp", "+1.7 pp". */
export function differences(metric: string, ...values: number[]): string[] {
  const scale = scaleOf(metric, ...values);
  return values.map((value) => `${scale.format(value, true)}${scale.unit}`);
}

/** A size in the metric's unit without a sign: "1 pp", "3 ms". */
export function amount(metric: string, value: number): string {
  const scale = scaleOf(metric, value, value, value);
  return `${Number(scale.format(value, false))}${scale.unit}`;
}

/** 0.95 -> "95 %", 0.975 -> "97.5 %". */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

interface Scale {
  unit: string;
  format: (value: number, signed: boolean) => string;
}

function scaleOf(metric: string, ...values: (number | null)[]): Scale {
  const unit = isMetric(metric) ? metricCatalogue[metric].unit : '';
  const largest = Math.max(...values.map((value) => Math.abs(value ?? 0)));
  const factor = unit === 'fraction' ? 100 : unit === 'bytes' ? 1 / 1048576 : 1;
  const shown = largest * factor;
  const digits = shown === 0 || shown >= 100 ? 0 : shown >= 1 ? 1 : Math.min(6, 1 - Math.floor(Math.log10(shown)));
  return {
    unit: unit === 'fraction' ? ' pp' : unit === 'bytes' ? ' MiB' : unit === '' ? '' : ` ${unit}`,
    format: (value, signed) => {
      const text = (value * factor).toFixed(digits);
      const zero = Number(text) === 0;
      if (zero) return (0).toFixed(digits);
      return signed && value > 0 ? `+${text}` : text;
    },
  };
}

function isMetric(metric: string): metric is MetricName {
  return Object.hasOwn(metricCatalogue, metric);
}
