import { checkFinite, checkOpenProbability, checkSameLength } from '../arguments';
import { tDecision } from '../tests/mean';
import { type MaxT, maxT } from './max-t';
import { unitNumbers, type VarianceComponents, varianceComponentsInfluence } from './variance-components';

export interface JointInput {
  /** Value of the metric: arms x seeds, the control first; one seed stands at one place for every arm. */
  metric: readonly (readonly number[])[];
  /** Influence of each row on it (`influenceValues`): arms x seeds x rows. */
  influence: readonly (readonly Float64Array[])[];
  units?: Int32Array;
}

export interface Joint {
  /** Of the differences of the candidates from the control, on the diagonal each one's own variance. */
  covariance: number[][];
  correlation: number[][];
  /** Simultaneous confidence and adjusted p values from their joint law. */
  family: MaxT;
}

export interface JointVarianceComponents extends Joint {
  /** Each candidate against the control, at the confidence at which all hold at once. */
  comparisons: (VarianceComponents & { adjustedPValue: number })[];
  /** Of each interval: between 1 - alpha/m and 1 - alpha. */
  confidence: number;
}

/**
 * Variance components of several candidates against one control, with intervals that hold at once. The covariance of two differences has the
 * parts that a variance has: rows + seeds - residual, each from the candidates' shared rows and seeds; variances are those of
 * `varianceComponentsInfluence`. The law of max |t| is simulated (`maxT`) with each candidate's Satterthwaite degrees of freedom. A difference
 * without variance is taken as uncorrelated. `draws` and `seed` are
 * `maxT`'s. At least 2 seeds, 2 rows (or units) and one candidate.
 */
export function jointVarianceComponents(
  input: JointInput,
  options: { confidence?: number; draws?: number; seed?: number } = {},
): JointVarianceComponents {
  const familywise = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const { rows, seeds, residual } = crossProducts(input);
  const alone = input.metric.slice(1).map((_, j) => components(input, j + 1, familywise));
  const variances = alone.map(({ standardError }) => standardError ** 2);
  const joint = jointLaw(
    variances,
    (j, k) => rows[j]![k]! + seeds[j]![k]! - residual[j]![k]!,
    alone.map(({ df }) => df),
    options,
  );
  const confidence = joint.family.confidence(familywise);
  const comparisons = alone.map((own) => {
    const { low, high } = tDecision(own.difference, own.standardError, own.df, confidence);
    return { ...own, low, high, adjustedPValue: joint.family.adjust(own.pValue) };
  });
  return { ...joint, comparisons, confidence };
}

/** The same where chance is in the rows alone: of the seed-averaged differences, conditional on the models, by the normal law. One seed will do. */
export function jointRows(input: JointInput, options: { draws?: number; seed?: number } = {}): Joint {
  const { rows } = crossProducts(input);
  return jointLaw(
    rows.map((row, j) => row[j]!),
    (j, k) => rows[j]![k]!,
    undefined,
    options,
  );
}

function components({ metric, influence, units }: JointInput, arm: number, confidence: number): VarianceComponents {
  return varianceComponentsInfluence(
    {
      metricA: metric[0]!,
      metricB: metric[arm]!,
      influenceA: influence[0]!,
      influenceB: influence[arm]!,
      ...(units === undefined ? {} : { units }),
    },
    { confidence },
  );
}

function jointLaw(
  variances: readonly number[],
  covarianceOf: (j: number, k: number) => number,
  df: readonly number[] | undefined,
  { draws, seed }: { draws?: number; seed?: number },
): Joint {
  const raw = variances.map((own, j) =>
    variances.map((other, k) => {
      if (j === k) return 1;
      return own > 0 && other > 0 ? Math.min(1, Math.max(-1, covarianceOf(j, k) / Math.sqrt(own * other))) : 0;
    }),
  );
  const family = maxT(raw, { ...(df && { df }), ...(draws && { draws }), ...(seed !== undefined && { seed }) });
  const { correlation } = family;
  const covariance = correlation.map((row, j) => row.map((value, k) => value * Math.sqrt(variances[j]! * variances[k]!)));
  return { covariance, correlation, family };
}

interface CrossProducts {
  rows: number[][];
  seeds: number[][];
  residual: number[][];
}

/** The parts of the covariance of each two differences; one seed's gaps are held at a time. */
function crossProducts(input: JointInput): CrossProducts {
  const { metric, influence } = input;
  const [arms, seeds, n] = checkShape(input);
  const numbers = input.units === undefined ? undefined : unitNumbers(input.units);
  const units = numbers?.count ?? n;
  if (units < 2) throw new RangeError(`rows or units must be at least 2, got ${units}`);
  const m = arms - 1;
  const gaps = Array.from({ length: m }, () => new Float64Array(units));
  const means = Array.from({ length: m }, () => new Float64Array(units));
  const raw = square(m, () => 0);
  for (let s = 0; s < seeds; s++) {
    for (let j = 0; j < m; j++) {
      fillGaps(gaps[j]!, influence[0]![s]!, influence[j + 1]![s]!, numbers?.of);
      for (let u = 0; u < units; u++) means[j]![u]! += gaps[j]![u]! / seeds;
    }
    addProducts(raw, gaps);
  }
  const averaged = square(m, () => 0);
  addProducts(averaged, means);
  const centres = means.map((values) => values.reduce((sum, value) => sum + value, 0) / units);
  const differences = Array.from({ length: m }, (_, j) => metric[j + 1]!.map((value, s) => value - metric[0]![s]!));
  const residualDf = (units - 1) * (seeds - 1);
  return {
    rows: square(m, (j, k) => (averaged[j]![k]! - units * centres[j]! * centres[k]!) / (units - 1) / units),
    seeds: square(m, (j, k) => (seeds < 2 ? 0 : sampleCovariance(differences[j]!, differences[k]!) / seeds)),
    residual: square(m, (j, k) => (residualDf === 0 ? 0 : (raw[j]![k]! - seeds * averaged[j]![k]!) / residualDf / (units * seeds))),
  };
}

function checkShape({ metric, influence, units }: JointInput): [arms: number, seeds: number, rows: number] {
  checkSameLength('metric', metric, 'influence', influence);
  if (metric.length < 2) throw new RangeError(`metric must have at least 2 arms, the control first, got ${metric.length}`);
  const seeds = metric[0]!.length;
  const n = influence[0]![0]?.length ?? 0;
  metric.forEach((values, arm) => {
    checkFinite(`metric[${arm}]`, values);
    checkSameLength('metric[0]', metric[0]!, `metric[${arm}]`, values);
    checkSameLength(`metric[${arm}]`, values, `influence[${arm}]`, influence[arm]!);
    influence[arm]!.forEach((rows, s) => checkSameLength('influence[0][0]', influence[0]![0]!, `influence[${arm}][${s}]`, rows));
  });
  if (units !== undefined) checkSameLength('units', units, 'influence[0][0]', influence[0]![0]!);
  return [metric.length, seeds, n];
}

/** Influence of each unit on the difference, scaled so that its mean over units is the error of the difference. */
function fillGaps(gaps: Float64Array, control: Float64Array, candidate: Float64Array, units: Int32Array | undefined): void {
  if (units === undefined) {
    for (let i = 0; i < gaps.length; i++) gaps[i] = candidate[i]! - control[i]!;
    return;
  }
  gaps.fill(0);
  const scale = gaps.length / units.length;
  for (let i = 0; i < units.length; i++) gaps[units[i]!]! += (candidate[i]! - control[i]!) * scale;
}

function addProducts(sums: number[][], columns: readonly Float64Array[]): void {
  for (let j = 0; j < columns.length; j++) {
    for (let k = 0; k <= j; k++) {
      const [a, b] = [columns[j]!, columns[k]!];
      let sum = 0;
      for (let u = 0; u < a.length; u++) sum += a[u]! * b[u]!;
      sums[j]![k]! += sum;
      if (k < j) sums[k]![j]! += sum;
    }
  }
}

function sampleCovariance(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [a, b].map((values) => values.reduce((sum, value) => sum + value, 0) / values.length) as [number, number];
  return a.reduce((sum, value, s) => sum + (value - meanA) * (b[s]! - meanB), 0) / (a.length - 1);
}

function square(m: number, at: (j: number, k: number) => number): number[][] {
  return Array.from({ length: m }, (_, j) => Array.from({ length: m }, (__, k) => at(j, k)));
}
