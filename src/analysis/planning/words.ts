import { AssayError, metricCatalogue, type MetricName } from '../../contract';

export const isFraction = (metric: string): boolean =>
  Object.hasOwn(metricCatalogue, metric) && metricCatalogue[metric as MetricName].unit === 'fraction';

export const unitOf = (metric: string): string =>
  Object.hasOwn(metricCatalogue, metric) ? metricCatalogue[metric as MetricName].unit : 'its unit';

/** 0.002 -> "0.2 %" */
export const percent = (share: number, digits = 2): string => `${Number((share * 100).toFixed(digits))} %`;

/** 0.002 -> "0.2 pp" */
export const points = (size: number): string => `${Number((size * 100).toFixed(2))} pp`;

export const invalid = (message: string): AssayError => new AssayError('SpecInvalid', message);
