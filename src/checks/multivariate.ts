import type { DriftFinding } from '../contract';
import { type CrossFit, crossFit, mmd, quantile, standardise } from '../stats';
import { featuresOf, rowCount, type Sample, sharedColumns, thinned } from './samples';

export interface MultivariateOptions {
  /** Default 0.01. */
  alpha?: number;
  /** Area under the curve above 0.5, and root of MMD², from which a change matters; default 0.05. */
  minEffect?: number;
  columns?: readonly string[];
  /** Default 1. */
  seed?: number;
}

/** Rows a side that are looked at: more find only what is too small to matter. */
const mostRows = 10_000;
const mmdRows = 1_000;
/** Fewer rows a side cannot be cut into folds. */
const leastRows = 20;

const together = {
  column: 'all columns together',
  what: 'multivariate',
  adjustedPValue: null,
  since: null,
} as const;

const mend =
  'Look at the columns named together: a pipeline that changed one of them, or another mix of cases. Train on recent rows if the change is real.';

/**
 * Whether the columns together tell two tables apart, which no column may do alone: a classifier two-sample test and the maximum mean
 * discrepancy. p values are of each test alone; who shows them beside others adjusts them.
 */
export function multivariateDrift(reference: Sample, current: Sample, options: MultivariateOptions = {}): DriftFinding[] {
  return [classifierDrift(reference, current, options), mmdDrift(reference, current, options)];
}

/** Classifier two-sample test: the area under the curve of rows held out, against 0.5. */
export function classifierDrift(reference: Sample, current: Sample, options: MultivariateOptions = {}): DriftFinding {
  const { alpha = 0.01, minEffect = 0.05, columns, seed = 1 } = options;
  const [a, b] = [thinned(reference, mostRows), thinned(current, mostRows)];
  const [n, m] = [rowCount(a), rowCount(b)];
  const base = { ...together, test: 'classifier', mend } as const;
  const bound = 0.5 + minEffect;
  const { features, names } = featuresOf(sharedColumns(a, b, columns));
  if (Math.min(n, m) < leastRows || features.length === 0) return tooFew({ ...base, effect: { name: 'auc', value: 0.5, bound } }, n, m);
  const side = Uint8Array.from({ length: n + m }, (_, i) => (i < n ? 0 : 1));
  const found = crossFit(features, side, { seed });
  const alarm = found.pValue < alpha && found.auc >= bound;
  const strongest = found.contributions.slice(0, 5).map(({ features: parts, share }) => ({ name: termName(parts, names), share }));
  const why = strongest
    .filter(({ share }, i) => i === 0 || share >= 0.01)
    .slice(0, 3)
    .map(({ name, share }) => `"${name}" (${percent(share)})`)
    .join(', ');
  return {
    ...base,
    statistic: found.auc,
    pValue: found.pValue,
    effect: { name: 'auc', value: found.auc, bound },
    sizes: Object.fromEntries(strongest.map(({ name, share }) => [`share of ${name}`, share])),
    alarm,
    detail: alarm
      ? `A classifier tells the two apart by their columns together: area under the curve ${found.auc.toFixed(3)} of rows held out (0.5: not at all), mostly by ${why}.`
      : `A classifier does not tell the two apart by their columns together: area under the curve ${found.auc.toFixed(3)} of rows held out.`,
    where: alarm ? whereOf(found, n, b, strongest[0]?.name ?? '') : null,
    picture: pictureOf(found.scores, n),
  };
}

/** Maximum mean discrepancy on at most 1,000 rows a side. */
export function mmdDrift(reference: Sample, current: Sample, options: MultivariateOptions = {}): DriftFinding {
  const { alpha = 0.01, minEffect = 0.05, columns, seed = 1 } = options;
  const [a, b] = [thinned(reference, mmdRows), thinned(current, mmdRows)];
  const [n, m] = [rowCount(a), rowCount(b)];
  const base = { ...together, test: 'mmd', mend, where: null, picture: null } as const;
  const { features } = featuresOf(sharedColumns(a, b, columns));
  if (Math.min(n, m) < leastRows || features.length === 0)
    return tooFew({ ...base, effect: { name: 'mmd', value: 0, bound: minEffect } }, n, m);
  const scaled = features.map(({ values }) => standardise(values));
  const { statistic, pValue, bandwidth } = mmd(
    scaled.map((column) => column.subarray(0, n)),
    scaled.map((column) => column.subarray(n)),
    { seed, permutations: 999 },
  );
  const size = Math.sqrt(Math.max(0, statistic));
  const alarm = pValue < alpha && size >= minEffect;
  return {
    ...base,
    statistic,
    pValue,
    effect: { name: 'mmd', value: size, bound: minEffect },
    sizes: { bandwidth },
    alarm,
    detail: `The columns together ${alarm ? 'differ' : 'do not differ'}: maximum mean discrepancy ${size.toFixed(3)} (p ${pValue.toFixed(3)}, ${n} and ${m} rows).`,
  };
}

function tooFew(
  base: Pick<DriftFinding, 'column' | 'what' | 'test' | 'adjustedPValue' | 'since' | 'effect' | 'mend'>,
  n: number,
  m: number,
): DriftFinding {
  return {
    ...base,
    statistic: null,
    pValue: null,
    sizes: {},
    alarm: false,
    detail: `The columns together were not compared: ${n} and ${m} rows, and at least ${leastRows} a side and a column that varies are needed.`,
    where: null,
    picture: null,
  };
}

/** Rows that look least like the reference: scores above its 90th percentile. */
function whereOf({ scores }: CrossFit, n: number, current: Sample, strongest: string): DriftFinding['where'] {
  const bound = quantile(scores.subarray(0, n), 0.9) ?? 0;
  const own = Array.from(scores.subarray(n), (score, row) => ({ score, row })).sort((a, b) => b.score - a.score);
  return {
    segment: `rows that look least like the reference, by "${strongest}" above all`,
    share: { reference: shareAbove(scores.subarray(0, n), bound), current: shareAbove(scores.subarray(n), bound) },
    rows: own.slice(0, 5).flatMap(({ row }) => current.ids?.[row] ?? []),
  };
}

const shareAbove = (values: Float64Array, bound: number): number => values.filter((value) => value > bound).length / values.length;

/** Shares of both sides by the classifier's score, 20 bins of equal width; what is beyond a hundredth lies in the outer ones. */
function pictureOf(scores: Float64Array, n: number): DriftFinding['picture'] {
  const [low, high] = [quantile(scores, 0.01) ?? 0, quantile(scores, 0.99) ?? 0];
  if (!(high > low)) return null;
  const bins = 20;
  const edges = Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
  const sharesOf = (values: Float64Array): number[] => {
    const counts = new Array<number>(bins).fill(0);
    for (const value of values) {
      const bin = Math.max(0, Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins)));
      counts[bin] = (counts[bin] ?? 0) + 1 / values.length;
    }
    return counts;
  };
  const [reference, current] = [scores.subarray(0, n), scores.subarray(n)];
  return {
    ...{ labels: null, edges, reference: sharesOf(reference), current: sharesOf(current) },
    n: { reference: reference.length, current: current.length },
  };
}

function termName([j, k]: readonly number[], names: readonly string[]): string {
  const name = (feature: number | undefined): string => names[feature ?? -1] ?? '';
  return k === undefined ? name(j) : j === k ? `${name(j)} squared` : `${name(j)} × ${name(k)}`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
