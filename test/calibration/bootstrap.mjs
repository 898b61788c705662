/** The one place that calls the paired bootstrap. */
import { stats } from './stats.mjs';

export const ofScores = new Set(['auc_ovr', 'average_precision', 'log_loss', 'brier', 'ece']);

/** Resamples of one experiment's metric: several methods look at the same ones. */
const drawn = new WeakMap();

/** A metric of both arms, seeds averaged, rows or units drawn. */
export function paired(data, metric, { method, seed, resamples }) {
  if (!drawn.has(data)) drawn.set(data, new Map());
  const kept = drawn.get(data);
  // Percentiles of units, widened for their number and sizes, as the analysis asks for them.
  const widened =
    method === 'expanded'
      ? { method: 'percentile', confidence: stats.expandedConfidence(0.95, stats.effectiveUnits(data.units)) }
      : { method };
  const settings = stats.pairedSettings({ ...widened, seed, resamples });
  const key = `${metric} ${resamples} ${method === 'studentised'}`;
  if (!kept.has(key)) {
    const resampler = stats.pairedResampler(inputOf(data, metric), metric);
    kept.set(key, { resampler, replicates: stats.drawReplicates(resampler, settings.method, seed, 0, resamples) });
  }
  const { resampler, replicates } = kept.get(key);
  const { low, high, pValue } = stats.summarisePaired(resampler, replicates, settings);
  return { low, high, pValue };
}

/** Accuracy's bootstrap of infinitely many resamples. */
export function ideal(data) {
  const { low, high, pValue } = stats.idealAccuracyBootstrap(inputOf(data, 'accuracy'), { method: 'percentile' });
  return { low, high, pValue };
}

function inputOf(data, metric) {
  const key = ofScores.has(metric) ? 'scores' : 'predictions';
  return {
    labels: data.labels,
    classes: data.classes,
    [key]: data.arms.map((runs) => runs.map((run) => run[key])),
    ...(data.units === null ? {} : { units: data.units }),
  };
}

/** The test whose hypothesis is that the arms cannot be told apart on any row. */
export function permuted(data, metric, options) {
  const [a, b] = data.arms;
  const input = {
    labels: data.labels,
    classes: data.classes,
    predictionsA: a.map((run) => run.predictions),
    predictionsB: b.map((run) => run.predictions),
    scoresA: a.map((run) => run.scores),
    scoresB: b.map((run) => run.scores),
    ...(data.units === null ? {} : { units: data.units }),
  };
  return stats.pairedPermutation({ ...input, metric }, options);
}
