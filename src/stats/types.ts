export type Alternative = 'two-sided' | 'less' | 'greater';
export const alternatives: readonly Alternative[] = ['two-sided', 'less', 'greater'];

export interface Interval {
  low: number;
  high: number;
}

export interface TestResult {
  statistic: number;
  pValue: number;
  df?: number;
}

/** Metrics of predicted labels. */
export const labelMetrics = ['accuracy', 'f1_macro', 'recall_macro'] as const;
export type LabelMetric = (typeof labelMetrics)[number];
/** Metrics of scores. */
export const scoreMetrics = ['auc_ovr', 'average_precision', 'log_loss', 'brier', 'ece'] as const;
export type ScoreMetric = (typeof scoreMetrics)[number];
export type BootstrapMetric = LabelMetric | ScoreMetric;

export function isLabelMetric(metric: BootstrapMetric): metric is LabelMetric {
  return (labelMetrics as readonly string[]).includes(metric);
}
