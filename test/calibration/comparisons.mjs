/** The methods of comparison, each (data, context) -> { low, high, pValue }; undefined bounds make no claim. */
import { ideal, ofScores, paired, permuted } from './bootstrap.mjs';
import { stats } from './stats.mjs';

export const bootstrapBy =
  (metric, method = 'bca') =>
  (data, { seed, resamples }) =>
    paired(data, metric, { method, seed, resamples });

/** Accuracy with infinitely many resamples. */
export const closedBootstrap = (data) => ideal(data);

/** Rows are drawn although users are what was sampled. */
export const unclustered = (method) => (data, context) => method({ ...data, units: null }, context);

/** One less than a multiple of 20, so that p <= 0.05 has its exact chance. */
export const permutation =
  (metric) =>
  (data, { seed }) =>
    permuted(data, metric, { seed, resamples: 399 });

export const mcnemar = (method) => (data) => {
  const table = [
    [0, 0],
    [0, 0],
  ];
  const [a, b] = data.arms.map(([run]) => run.predictions);
  for (let i = 0; i < a.length; i++) table[a[i] === data.labels[i] ? 0 : 1][b[i] === data.labels[i] ? 0 : 1]++;
  return stats.mcnemar(table, { method });
};

export const delong = (data) => {
  const [a, b] = data.arms.map(([run]) => run.scores);
  return stats.delong(data.labels, a, b);
};

export const components = (metric) => (data) => {
  const input = influencesOf(data, metric);
  return input === null ? {} : stats.varianceComponentsInfluence(input);
};

/** Null where the metric is 0/0 in a run. */
function influencesOf(data, metric) {
  const key = ofScores.has(metric) ? 'scores' : 'predictions';
  const [a, b] = data.arms.map((runs) => runs.map((run) => stats.influenceValues(metric, data.labels, run[key], data.classes)));
  if ([...a, ...b].some(({ value }) => value === undefined)) return null;
  return {
    metricA: a.map(({ value }) => value),
    metricB: b.map(({ value }) => value),
    influenceA: a.map(({ influence }) => influence),
    influenceB: b.map(({ influence }) => influence),
    ...(data.units === null ? {} : { units: data.units }),
  };
}

/** Of these models: the seeds' mean influence of each row, summed by user, and Student's t. */
export const influences = (metric) => (data) => {
  const input = influencesOf(data, metric);
  if (input === null) return {};
  const { metricA, metricB, influenceA, influenceB, units } = input;
  const [rows, seeds] = [data.labels.length, metricA.length];
  const gaps = new Float64Array(rows);
  for (let s = 0; s < seeds; s++) for (let i = 0; i < rows; i++) gaps[i] += (influenceB[s][i] - influenceA[s][i]) / seeds;
  const difference = metricB.reduce((sum, value, s) => sum + value - metricA[s], 0) / seeds;
  const sums = units === undefined ? gaps : byUnit(gaps, units);
  const values = sums.map((sum) => difference + (sum * sums.length) / rows);
  return stats.pairedTTest(values, new Float64Array(values.length));
};

function byUnit(values, units) {
  const sums = new Map();
  units.forEach((unit, i) => sums.set(unit, (sums.get(unit) ?? 0) + values[i]));
  return Float64Array.from(sums.values());
}

/** The gap of right answers, a seed a list. */
function gapsOf({ labels, arms: [a, b] }) {
  return a.map((run, s) =>
    Float64Array.from(labels, (label, i) => Number(b[s].predictions[i] === label) - Number(run.predictions[i] === label)),
  );
}

/** A mistake: every prediction of every seed counts as a row of its own. */
export const pooledRows = (data) => {
  const gaps = gapsOf(data);
  const all = new Float64Array(gaps.length * gaps[0].length);
  gaps.forEach((gap, s) => all.set(gap, s * gap.length));
  return stats.pairedTTest(all, new Float64Array(all.length));
};

/** A mistake where the question is the algorithm: the seeds' mean a row, with no chance in the seeds. */
export const rowsAlone = (data) => {
  const gaps = gapsOf(data);
  return stats.pairedTTest(
    Float64Array.from(gaps[0], (_, i) => gaps.reduce((sum, gap) => sum + gap[i], 0) / gaps.length),
    new Float64Array(gaps[0].length),
  );
};

/** The usual test over seeds: exact where the test rows are all there are, else blind to what the arms share with the rows. */
export const seedsAlone = (data) => {
  const means = gapsOf(data).map((gap) => gap.reduce((sum, value) => sum + value, 0) / gap.length);
  return stats.pairedTTest(means, new Float64Array(means.length));
};

/** Rows and seeds drawn both; a check beside variance components. */
export const crossed =
  (metric) =>
  (data, { seed, resamples }) =>
    stats.crossedBootstrap(influencesOf(data, metric), { seed, resamples });
