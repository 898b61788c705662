/** Costs of runs, and power: what theory promises is computed by power.py. */
import { delong, mcnemar } from './comparisons.mjs';
import { error, power } from './measures.mjs';
import { stats } from './stats.mjs';
import { discordantRow, twoClasses } from './worlds.mjs';

const times = (count, make) => Float64Array.from({ length: count }, make);

/** Right and wrong of two models as data of `mcnemar`. */
const discordant = (rows, discordance, difference) => (random) => {
  const gaps = times(rows, () => discordantRow(random, discordance, difference));
  const labels = new Int32Array(rows).fill(1);
  const predictions = (right) => Int32Array.from(gaps, (gap) => (gap === 0 || gap === right ? 1 : 0));
  return { labels, classes: 2, units: null, arms: [-1, 1].map((right) => [{ predictions: predictions(right) }]) };
};

const pairs = (count, effect) => (random) => ({ x: times(count, () => effect + random.normal()), y: new Float64Array(count) });
const pairedT = ({ x, y }) => stats.pairedTTest(x, y);
const permutation = ({ x, y }, { seed, resamples }) => stats.pairedPermutation({ a: y, b: x }, { seed, resamples });

/** Rows, seeds and their interplay, normal with the variances given. */
const crossedValues =
  ({ rows, seeds, row, seed, rest, difference }) =>
  (random) => {
    const ofRow = times(rows, () => Math.sqrt(row) * random.normal());
    const zero = new Float64Array(rows);
    const b = Array.from({ length: seeds }, () => {
      const level = difference + Math.sqrt(seed) * random.normal();
      return times(rows, (_, i) => level + ofRow[i] + Math.sqrt(rest) * random.normal());
    });
    return { a: b.map(() => zero), b };
  };
const valueComponents = (data) => stats.varianceComponents(data);

const costs = [2, 3, 5, 10].map((seeds) => ({
  name: `${seeds} runs an arm, seconds with a lognormal tail`,
  make: (random) => {
    const seconds = () => times(seeds, () => 100 * Math.exp(0.2 * random.normal()));
    return { x: seconds(), y: seconds() };
  },
  rows: [error('t over seed pairs', 'training_seconds', pairedT)],
}));

const powers = [
  {
    name: '7,847 rows, discordance 10 %, B 1 point better (Connor)',
    make: discordant(7847, 0.1, 0.01),
    rows: [power('McNemar exact', 'accuracy', mcnemar('exact'), 0.8), power('McNemar mid-p', 'accuracy', mcnemar('mid-p'), 0.8)],
  },
  {
    name: '500 rows, discordance 15 %, B 5 points better (exact sum)',
    make: discordant(500, 0.15, 0.05),
    rows: [power('McNemar exact', 'accuracy', mcnemar('exact'), 0.8024), power('McNemar mid-p', 'accuracy', mcnemar('mid-p'), 0.8303)],
  },
  {
    name: '500 rows, B 4 points better (binormal)',
    make: (random) => twoClasses(random, { gain: 0.185 }),
    rows: [power('DeLong', 'auc_ovr', delong, 0.8022)],
  },
  {
    name: '34 pairs, effect 0.5 (noncentral t)',
    make: pairs(34, 0.5),
    rows: [power('paired t', 'mean', pairedT, 0.8078), power('permutation', 'mean', permutation, 0.8078)],
  },
  {
    name: '10 pairs, effect 1 (noncentral t)',
    make: pairs(10, 1),
    rows: [power('paired t', 'mean', pairedT, 0.8031), power('permutation', 'mean', permutation, 0.8031)],
  },
  {
    name: '200 rows, 5 seeds, seeds most of the variance (noncentral t)',
    make: crossedValues({ rows: 200, seeds: 5, row: 10, seed: 1, rest: 10, difference: 2 }),
    rows: [power('variance components', 'mean', valueComponents, 0.9037)],
  },
  {
    name: '200 rows, 10 seeds, rows and seeds alike (noncentral t)',
    make: crossedValues({ rows: 200, seeds: 10, row: 20, seed: 1, rest: 20, difference: 1.5 }),
    rows: [power('variance components', 'mean', valueComponents, 0.8872)],
  },
];

export const otherSituations = [...costs, ...powers];
