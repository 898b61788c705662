import { metricCatalogue, type MetricName, type RegisteredPlan, type VariantResult } from '../contract';
import { perClass, proportionInterval, tQuantile, varianceComponentsInfluence, type BootstrapMetric } from '../stats';
import { definedInfluences } from './algorithm';
import type { ArmInterval } from './drawn';
import { runValue } from './cost';
import { latencyInterval } from './latency';
import { isPredictionMetric, type Arm, type Rows } from './prepare';
import { critical, mean } from './question';
import { seedsForAlgorithm, type LatencyInput } from './types';

type Estimate = VariantResult['metrics'][string];

/** One arm's value of a metric with its own interval; `resampled` is the arm's side of a bootstrap, where that is the only way. */
export function armMetric(
  metric: string,
  arm: Arm,
  rows: Rows,
  plan: RegisteredPlan,
  latency: LatencyInput | undefined,
  resampled: ArmInterval | undefined,
  seed: number,
): Estimate {
  if (isPredictionMetric(metric)) return predictionEstimate(metric, arm, rows, plan, resampled);
  if (metricCatalogue[metric as MetricName].source === 'latency') {
    const interval = latencyInterval(metric, latency, { confidence: plan.confidence, resamples: plan.resamples, seed });
    return { ...interval, method: interval.low === null ? 'none' : 'block-bootstrap' };
  }
  return runEstimate(metric, arm, plan.confidence);
}

/** Precision, recall and F1 of each class over the pooled seeds; support counts the test rows once. */
export function classTable(arm: Arm, rows: Rows, classes: readonly string[]): VariantResult['perClass'] {
  const runs = arm.runs.length;
  const labels = new Int32Array(rows.n * runs);
  const predictions = new Int32Array(rows.n * runs);
  arm.runs.forEach((run, i) => {
    labels.set(rows.labels, i * rows.n);
    predictions.set(run.predictions, i * rows.n);
  });
  const table = runs === 0 ? [] : perClass(labels, predictions, { classes: classes.length });
  return classes.map((name, c) => ({
    class: name,
    precision: table[c]?.precision ?? null,
    recall: table[c]?.recall ?? null,
    f1: table[c]?.fBeta ?? null,
    support: runs === 0 ? rows.labels.filter((label) => label === c).length : (table[c]?.support ?? 0) / runs,
  }));
}

/** A run's metrics, from its predictions and its record. */
export function runMetrics(arm: Arm, metrics: readonly string[]): { seed: number; metrics: Record<string, number | null> }[] {
  return arm.runs.map((run) => ({
    seed: run.seed,
    metrics: Object.fromEntries(
      metrics.flatMap((metric): [string, number | null][] => {
        if (isPredictionMetric(metric)) return [[metric, run.value(metric) ?? null]];
        return metricCatalogue[metric as MetricName].source === 'run' ? [[metric, runValue(run, metric)]] : [];
      }),
    ),
  }));
}

function predictionEstimate(
  metric: BootstrapMetric,
  arm: Arm,
  rows: Rows,
  plan: RegisteredPlan,
  resampled: ArmInterval | undefined,
): Estimate {
  const only = arm.runs.length === 1 ? arm.runs[0] : undefined;
  if (metric === 'ece') {
    const values = arm.runs.flatMap((run) => run.value(metric) ?? []);
    const estimate = values.length > 0 && values.length === arm.runs.length ? mean(values) : null;
    const bounded = estimate !== null && resampled !== undefined && resampled.low !== null;
    return {
      estimate,
      low: bounded ? resampled.low : null,
      high: bounded ? resampled.high : null,
      method: bounded ? 'percentile' : 'none',
    };
  }
  if (metric === 'accuracy' && only !== undefined && rows.units === null) {
    const estimate = only.value(metric);
    if (estimate === undefined) return none(null);
    const { low, high } = proportionInterval(Math.round(estimate * rows.n), rows.n, { method: 'wilson', confidence: plan.confidence });
    return { estimate, low, high, method: 'wilson' };
  }
  const found = definedInfluences(metric, arm.runs);
  if (found === null || found.values.length === 0) return none(null);
  const { values, influences } = found;
  if (rows.unitCount < 2) return none(mean(values));
  const bound = metric === 'log_loss' ? Number.POSITIVE_INFINITY : metric === 'brier' ? 2 : 1;
  if (plan.question === 'algorithm' && values.length >= seedsForAlgorithm) {
    // Against an arm that is always 0 the difference is the arm's own value.
    const result = varianceComponentsInfluence(
      {
        metricA: values.map(() => 0),
        metricB: values,
        influenceA: values.map(() => new Float64Array(rows.n)),
        influenceB: influences,
        ...(rows.units === null ? {} : { units: rows.units }),
      },
      { confidence: plan.confidence },
    );
    return { estimate: result.difference, ...clip(result.low, result.high, bound), method: 'variance-components' };
  }
  const estimate = mean(values);
  const half = critical(plan.confidence) * rowError(influences, rows);
  return { estimate, ...clip(estimate - half, estimate + half, bound), method: 'influence' };
}

/** Standard error of the seeds' average from the influence of each unit. */
function rowError(influences: readonly Float64Array[], rows: Rows): number {
  const sums = new Float64Array(rows.unitCount);
  for (const influence of influences) {
    for (let i = 0; i < rows.n; i++) {
      const unit = rows.units === null ? i : (rows.units[i] as number);
      sums[unit] = (sums[unit] as number) + (influence[i] as number) / influences.length;
    }
  }
  const centre = sums.reduce((total, value) => total + value, 0) / sums.length;
  const square = sums.reduce((total, value) => total + (value - centre) ** 2, 0);
  return Math.sqrt((square * sums.length) / Math.max(1, sums.length - 1)) / rows.n;
}

function clip(low: number, high: number, bound: number): { low: number; high: number } {
  return { low: Math.max(0, low), high: Math.min(bound, high) };
}

function runEstimate(metric: string, arm: Arm, confidence: number): Estimate {
  const values = arm.runs.flatMap((run) => runValue(run, metric) ?? []);
  if (values.length === 0) return none(null);
  const estimate = mean(values);
  if (values.length < 2) return none(estimate);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - estimate) ** 2, 0) / (values.length - 1));
  const half = (tQuantile(1 - (1 - confidence) / 2, values.length - 1) * deviation) / Math.sqrt(values.length);
  return { estimate, low: Math.max(0, estimate - half), high: estimate + half, method: 't' };
}

function none(estimate: number | null): Estimate {
  return { estimate, low: null, high: null, method: 'none' };
}
