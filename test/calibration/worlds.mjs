/*
 * Where the experiments come from. A row's latent value under arm a and seed s is signal + row + arm's own view of the row + what this one
 * training adds: normal parts with the variances below, which sum to 1. A training's skill is the arm's plus a seed effect. What a trained
 * model makes of a row is fixed, so that its metric over all rows there could be is known, and with it the truth of either question.
 */
const variances = { row: 0.55, arm: 0.15, training: 0.3 };
/** Standard deviation of a training's skill: about 0, 0.5 and 3 points of accuracy at 85 %. */
export const seedEffects = { no: 0, small: 0.02, large: 0.13 };
/** Share of each part's variance that a unit's rows have in common. */
const unitShare = 0.6;

/**
 * Two classes, scores of class 1.
 * @param options.skill distance of the classes from the threshold, in standard deviations: 1.04 is 85 % right, AUC 0.93
 * @param options.gain added to arm B's skill
 * @param options.positives share of class 1
 * @param options.units null for independent rows, else their number
 */
export function twoClasses(random, options) {
  const { rows = 500, seeds = 1, effect = 0, gain = 0, skill = 1.04, positives = 0.5, units: count = null } = options;
  const { n, units } = rowsOf(random, rows, count);
  const labels = new Int32Array(n);
  for (let i = 0; i < n; i++) labels[i] = random.uniform() < positives ? 1 : 0;
  const row = part(random, n, units, variances.row);
  const arms = [0, gain].map((more) => {
    const own = part(random, n, units, variances.arm);
    const skills = Array.from({ length: seeds }, () => skill + more + effect * random.normal());
    const runs = skills.map((level) => {
      const training = part(random, n, units, variances.training);
      const predictions = new Int32Array(n);
      const scores = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        const logit = (labels[i] === 1 ? level : -level) + row[i] + own[i] + training[i];
        predictions[i] = logit > 0 ? 1 : 0;
        scores[i] = 1 / (1 + Math.exp(-slope * logit));
      }
      return { predictions, scores };
    });
    return { skills, runs };
  });
  const metricsOf = (level) => truthsOf(level, positives);
  return {
    labels,
    classes: 2,
    units,
    arms: arms.map(({ runs }) => runs),
    /** Of these models: the mean over their seeds. */
    ofModels: (metric) =>
      mean(arms[1].skills.map((level) => metricsOf(level)[metric])) - mean(arms[0].skills.map((level) => metricsOf(level)[metric])),
    /** Of the algorithms: over the seeds there could be. */
    ofAlgorithms: (metric) =>
      gain === 0 ? 0 : overSeeds(skill + gain, effect, metric, positives) - overSeeds(skill, effect, metric, positives),
  };
}

/** Several classes by softmax; in expectation the arms are alike, so that every difference is 0. Weights are the classes' shares, rare ones last. */
export function manyClasses(random, options) {
  const { rows = 300, seeds = 1, effect = 0, shares, units: count = null, skill = 2.2 } = options;
  const classes = shares.length;
  const { n, units } = rowsOf(random, rows, count);
  const labels = new Int32Array(n);
  for (let i = 0; i < n; i++) labels[i] = drawn(random, shares);
  const prior = shares.map((share) => 0.3 * Math.log(share));
  const row = part(random, n * classes, null, 0.55);
  const arms = [0, 1].map(() => {
    const own = part(random, n * classes, null, 0.15);
    return Array.from({ length: seeds }, () => {
      const level = skill + 2 * effect * random.normal();
      const training = part(random, n * classes, null, 0.3);
      const predictions = new Int32Array(n);
      const scores = new Float64Array(n * classes);
      for (let i = 0; i < n; i++) {
        let [best, total] = [0, 0];
        for (let c = 0; c < classes; c++) {
          const at = i * classes + c;
          const logit = prior[c] + row[at] + own[at] + training[at] + (labels[i] === c ? level : 0);
          total += scores[at] = Math.exp(logit);
          if (scores[at] > scores[i * classes + best]) best = c;
        }
        predictions[i] = best;
        for (let c = 0; c < classes; c++) scores[i * classes + c] /= total;
      }
      return { predictions, scores };
    });
  });
  const zero = () => 0;
  return { labels, classes, units, arms, ofModels: zero, ofAlgorithms: zero };
}

/** Ten classes, each 0.6 of the one before: of 300 rows the rarest have 1 to 3, and are absent in every third sample. */
export const rareShares = normalised(Array.from({ length: 10 }, (_, c) => 0.6 ** c));
export const threeShares = normalised([1, 1, 1]);

/** Right or wrong alone, for what looks at rows as they come: -1 where the control alone is right, 1 where the variant alone is. */
export function discordantRow(random, discordance, difference = 0) {
  const u = random.uniform();
  if (u < (discordance + difference) / 2) return 1;
  return u < discordance ? -1 : 0;
}

/** Rows and their units: sizes by Pareto's law with exponent 1.5 from 1 to 100 rows, so that a few users hold a large part. */
function rowsOf(random, rows, count) {
  if (count === null) return { n: rows, units: null };
  const units = [];
  for (let unit = 0; unit < count; unit++) {
    const size = Math.min(100, Math.floor(random.uniform() ** (-1 / 1.5)));
    for (let i = 0; i < size; i++) units.push(unit);
  }
  return { n: units.length, units: Int32Array.from(units) };
}

function part(random, n, units, variance) {
  const values = new Float64Array(n);
  if (units === null) {
    const scale = Math.sqrt(variance);
    for (let i = 0; i < n; i++) values[i] = scale * random.normal();
    return values;
  }
  const [shared, alone] = [Math.sqrt(unitShare * variance), Math.sqrt((1 - unitShare) * variance)];
  let common = 0;
  for (let i = 0; i < n; i++) {
    if (i === 0 || units[i] !== units[i - 1]) common = shared * random.normal();
    values[i] = common + alone * random.normal();
  }
  return values;
}

function drawn(random, shares) {
  let u = random.uniform();
  let c = 0;
  while (c < shares.length - 1 && u >= shares[c]) u -= shares[c++];
  return c;
}

/** Scores are overconfident, as those of trained networks are. */
const slope = 2.5;
const nodes = Array.from({ length: 241 }, (_, i) => (i - 120) / 15);
const density = nodes.map((z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / 15);
const known = new Map();

/** Metrics of a model over all rows there could be, in closed form; log loss by the trapezoid rule. */
function truthsOf(level, positives) {
  const right = normalCdf(level);
  const f1 = (share) => (2 * share * right) / (2 * share * right + 1 - right);
  return {
    accuracy: right,
    recall_macro: right,
    f1_macro: (f1(positives) + f1(1 - positives)) / 2,
    auc_ovr: normalCdf(level * Math.SQRT2),
    // Asked for where the arms are alike, so that the difference is 0 whatever the value.
    ece: 0,
    brier: 0,
    get log_loss() {
      return nodes.reduce((sum, z, i) => sum + density[i] * Math.log1p(Math.exp(-slope * (level + z))), 0);
    },
  };
}

function overSeeds(level, effect, metric, positives) {
  const key = `${level} ${effect} ${metric} ${positives}`;
  if (!known.has(key))
    known.set(
      key,
      effect === 0
        ? truthsOf(level, positives)[metric]
        : nodes.reduce((sum, z, i) => sum + density[i] * truthsOf(level + effect * z, positives)[metric], 0),
    );
  return known.get(key);
}

/** By series and, far out, continued fraction; apart from the functions under test. */
function normalCdf(x) {
  if (x < 0) return 1 - normalCdf(-x);
  if (x > 5) {
    let fraction = x;
    for (let k = 60; k > 0; k--) fraction = x + k / fraction;
    return 1 - Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / fraction;
  }
  let [term, sum] = [x, x];
  for (let k = 1; Math.abs(term) > 1e-16 * Math.abs(sum); k++) sum += term *= (x * x) / (2 * k + 1);
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

function normalised(weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
