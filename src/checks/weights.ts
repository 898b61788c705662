import { AssayError } from '../contract';
import { crossFit, importanceMean, quantile } from '../stats';
import { counted, imbalance, textsOf } from './balance';
import { type ColumnPair, featuresOf, rowCount, type Sample, type SampleColumn, sharedColumns } from './samples';

export interface ReweightOptions {
  /** `bins`: shares of crossed bins, for few columns; `density-ratio`: odds of a classifier, cross-fitted, for many. */
  method: 'bins' | 'density-ratio';
  /** Default: all that both sides have. */
  columns?: readonly string[];
  /** Bins of a number, at quantiles of the target; default 5. */
  bins?: number;
  /** Share of the target that may lie where the source has no row; default 0.01. Beyond it the weights are refused. */
  maxUncovered?: number;
  /** Weights of the density ratio are cut at this many times their mean, default 50; the share cut is told. */
  maxWeight?: number;
  /** Default 1. */
  seed?: number;
}

export interface Reweighted {
  method: 'bins' | 'density-ratio';
  /** One a source row, mean 1: for Hájek means. */
  weights: Float64Array;
  /** (Σ w)² / Σ w² (Kish). */
  effectiveSampleSize: number;
  /** The largest weight, of all weights together. */
  largestShare: number;
  /** Share of the source rows whose weight was cut, and the weight it was cut to. */
  clipped: { share: number; at: number | null };
  /** Target rows that no source row stands for; left out. */
  uncovered: { share: number; regions: string[] };
  /** Standardised difference of means (of the share that differs most, for categories), target against source. */
  balance: { column: string; before: number; after: number }[];
  /** One sentence for a person. */
  detail: string;
}

/** Below this share of the rows, the few that count say too little. */
const leastEffectiveShare = 0.05;

/**
 * Weights under which the source rows look like the target. Where they cannot, since the target has rows of a kind that the source
 * lacks, it throws and names the column and the region: a weight of 1 there would be a silent guess.
 */
export function reweight({ source, target }: { source: Sample; target: Sample }, options: ReweightOptions): Reweighted {
  const pairs = sharedColumns(source, target, options.columns);
  const [n, m] = [rowCount(source), rowCount(target)];
  if (n < 20 || m < 20)
    throw new AssayError('DataInvalid', `Re-weighting needs at least 20 rows a side: the source has ${n} and the target ${m}.`);
  const maxUncovered = options.maxUncovered ?? 0.01;
  for (const pair of pairs) refuseUnreached(pair, Math.max(maxUncovered, 5 / (n + 1)));
  const { raw, clipped, uncovered, regionOf } =
    options.method === 'bins' ? byBins(pairs, n, m, maxUncovered, options.bins ?? 5) : byDensityRatio(pairs, n, m, maxUncovered, options);
  const mean = raw.reduce((sum, w) => sum + w / n, 0);
  const weights = raw.map((w) => w / mean);
  const { effectiveSampleSize, largestShare } = importanceMean(weights, weights);
  const balance = pairs.map((pair) => ({
    column: pair.name,
    before: imbalance(pair, null),
    after: imbalance(pair, weights),
  }));
  if (effectiveSampleSize < leastEffectiveShare * n) {
    const worst = balance.reduce((a, b) => (b.before > a.before ? b : a));
    const heaviest = weights.reduce((best, w, row) => (w > (weights[best] ?? 0) ? row : best), 0);
    throw new AssayError(
      'DataInvalid',
      `The source hardly overlaps the target: of ${n} rows only ${effectiveSampleSize.toFixed(1)} would count (at least ${Math.ceil(leastEffectiveShare * n)} must). ` +
        `Column "${worst.column}" differs most, and the most weight lies on few rows at ${regionOf(heaviest)}. Collect rows there, or leave the column out.`,
      { details: { column: worst.column, region: regionOf(heaviest), effectiveSampleSize, rows: n } },
    );
  }
  return {
    method: options.method,
    weights,
    effectiveSampleSize,
    largestShare,
    clipped,
    uncovered,
    balance,
    detail: [
      `The ${n} source rows count as ${effectiveSampleSize.toFixed(0)} under the target; the largest weight is ${percent(largestShare)} of all.`,
      ...(clipped.share > 0 ? [`${percent(clipped.share)} of the weights were cut at ${clipped.at?.toFixed(1)} times the mean.`] : []),
      ...(uncovered.share > 0
        ? [
            `${percent(uncovered.share)} of the target lies where the source has no row and is left out (${uncovered.regions.slice(0, 3).join('; ')}).`,
          ]
        : []),
    ].join(' '),
  };
}

/** A metric that is a mean over rows (accuracy: 1 right, 0 wrong), under the target, with its 95 % interval. */
export function weightedMetric(
  values: ArrayLike<number>,
  { weights }: Pick<Reweighted, 'weights'>,
): { value: number; low: number; high: number; effectiveSampleSize: number } {
  const { hajek, standardError, effectiveSampleSize } = importanceMean(values, weights);
  const half = 1.959963984540054 * standardError;
  return { value: hajek, low: hajek - half, high: hajek + half, effectiveSampleSize };
}

interface Raw {
  raw: Float64Array;
  clipped: Reweighted['clipped'];
  uncovered: Reweighted['uncovered'];
  /** What is special about a source row, for messages. */
  regionOf: (row: number) => string;
}

/** Column by column: target rows at a value, or beyond a bound, that no source row has. */
function refuseUnreached({ name, reference, current }: ColumnPair, bound: number): void {
  if (reference.kind === 'number' && current.kind === 'number') {
    const known = Array.from(reference.values).filter(Number.isFinite);
    if (known.length === 0) return refuse(name, 'any number (the source has none)', 1);
    const low = known.reduce((a, b) => Math.min(a, b), Infinity);
    const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
    const other = Array.from(current.values);
    const below = other.filter((x) => Number.isFinite(x) && x < low).length / other.length;
    const above = other.filter((x) => Number.isFinite(x) && x > high).length / other.length;
    const missing = known.length < reference.values.length ? 0 : other.filter((x) => !Number.isFinite(x)).length / other.length;
    if (below > bound / 2 && below >= above) refuse(name, `${name} < ${digits(low)}`, below);
    if (above > bound / 2) refuse(name, `${name} > ${digits(high)}`, above);
    if (missing > bound) refuse(name, `${name} missing`, missing);
  } else if (reference.kind === 'category' && current.kind === 'category') {
    const known = new Set(reference.values);
    const lost = new Map<string, number>();
    for (const value of current.values) if (!known.has(value)) lost.set(value, (lost.get(value) ?? 0) + 1 / current.values.length);
    const share = [...lost.values()].reduce((sum, one) => sum + one, 0);
    const [value] = [...lost].sort((a, b) => b[1] - a[1])[0] ?? [''];
    if (share > bound) refuse(name, `${name} = ${value === '' ? '(missing)' : value}`, share);
  }
}

function refuse(column: string, region: string, share: number): never {
  throw new AssayError(
    'DataInvalid',
    `No overlap in column "${column}": ${percent(share)} of the target rows lie at ${region}, where the source has no row, so that no weight can stand for them. ` +
      'Collect such rows, or restrict the target to what the source covers.',
    { details: { column, region, share } },
  );
}

/** Share of the target over share of the source in each cell of the crossed bins. */
function byBins(pairs: readonly ColumnPair[], n: number, m: number, maxUncovered: number, bins: number): Raw {
  const binned = pairs.map(({ name, reference, current }) => binsOf(name, reference, current, bins));
  const cellOf = (side: 'source' | 'target', row: number): string => binned.map((one) => one[side][row] ?? -1).join();
  const describe = (cell: string): string =>
    cell
      .split(',')
      .map((bin, j) => binned[j]?.names[Number(bin)] ?? '')
      .join(' and ');
  const inSource = counted(n, (row) => cellOf('source', row));
  const inTarget = counted(m, (row) => cellOf('target', row));
  const empty = [...inTarget].filter(([cell]) => !inSource.has(cell)).sort((a, b) => b[1] - a[1]);
  const lost = empty.reduce((sum, [, count]) => sum + count, 0) / m;
  const regions = empty.map(([cell]) => describe(cell));
  if (lost > maxUncovered) {
    const column = pairs.map(({ name }) => name).join('" and "');
    throw new AssayError(
      'DataInvalid',
      `No overlap in column${pairs.length > 1 ? 's' : ''} "${column}": ${percent(lost)} of the target rows lie in ${empty.length} cells without a source row, first ${regions[0]} ` +
        `(at most ${percent(maxUncovered)} may). Use fewer columns or bins, the density ratio, or collect such rows.`,
      { details: { columns: pairs.map(({ name }) => name), regions: regions.slice(0, 20), share: lost } },
    );
  }
  const raw = Float64Array.from({ length: n }, (_, row) => {
    const cell = cellOf('source', row);
    return ((inTarget.get(cell) ?? 0) / m / (inSource.get(cell) ?? 1)) * n;
  });
  return {
    raw,
    clipped: { share: 0, at: null },
    uncovered: { share: lost, regions },
    regionOf: (row) => describe(cellOf('source', row)),
  };
}

interface Binned {
  source: Int32Array;
  target: Int32Array;
  names: string[];
}

function binsOf(name: string, source: SampleColumn, target: SampleColumn, bins: number): Binned {
  if (source.kind === 'number' && target.kind === 'number') {
    const known = Float64Array.from(Array.from(target.values).filter(Number.isFinite));
    const inner = Array.from({ length: bins - 1 }, (_, i) => quantile(known, (i + 1) / bins)).filter((edge) => edge !== undefined);
    const edges = [...new Set(inner)];
    const binOf = (x: number): number => (Number.isFinite(x) ? edges.filter((edge) => x >= edge).length : edges.length + 1);
    return {
      source: Int32Array.from(source.values, binOf),
      target: Int32Array.from(target.values, binOf),
      names: [
        ...Array.from({ length: edges.length + 1 }, (_, i) => {
          const [low, high] = [edges[i - 1], edges[i]];
          if (low === undefined) return high === undefined ? `any ${name}` : `${name} < ${digits(high)}`;
          return high === undefined ? `${name} >= ${digits(low)}` : `${digits(low)} <= ${name} < ${digits(high)}`;
        }),
        `${name} missing`,
      ],
    };
  }
  const values = [...new Set([...textsOf(source), ...textsOf(target)])].sort();
  const place = new Map(values.map((value, i) => [value, i]));
  const binOf = (value: string): number => place.get(value) ?? -1;
  return {
    source: Int32Array.from(textsOf(source), binOf),
    target: Int32Array.from(textsOf(target), binOf),
    names: values.map((value) => `${name} = ${value === '' ? '(missing)' : value}`),
  };
}

/** Odds of the target, from a classifier that did not see the row. */
function byDensityRatio(pairs: readonly ColumnPair[], n: number, m: number, maxUncovered: number, options: ReweightOptions): Raw {
  const { features } = featuresOf(pairs);
  const side = Uint8Array.from({ length: n + m }, (_, i) => (i < n ? 0 : 1));
  const { scores } = crossFit(features, side, { seed: options.seed ?? 1, penalty: 1e-3 });
  const highest = scores.subarray(0, n).reduce((a, b) => Math.max(a, b), -Infinity);
  const beyond = Array.from({ length: m }, (_, row) => row).filter((row) => (scores[n + row] ?? 0) > highest);
  const lost = beyond.length / m;
  const regions = beyond.length === 0 ? [] : [regionOfRows(pairs, beyond)];
  if (lost > Math.max(maxUncovered, 5 / (n + 1))) {
    const { column, region } = regionOfRows(pairs, beyond);
    refuse(column, region, lost);
  }
  const ratios = Float64Array.from({ length: n }, (_, row) => Math.exp((scores[row] ?? 0) - highest));
  const mean = ratios.reduce((sum, ratio) => sum + ratio / n, 0);
  const at = options.maxWeight ?? 50;
  const cut = ratios.filter((ratio) => ratio > at * mean).length;
  return {
    raw: ratios.map((ratio) => Math.min(ratio, at * mean)),
    clipped: { share: cut / n, at: cut === 0 ? null : at },
    uncovered: { share: lost, regions: regions.map(({ region }) => region) },
    regionOf: (row) => pairs.map(({ name, reference }) => `${name} = ${valueAt(reference, row)}`).join(' and '),
  };
}

/** The column in which these target rows are furthest from the source, and where they lie in it. */
function regionOfRows(pairs: readonly ColumnPair[], rows: readonly number[]): { column: string; region: string } {
  const told = pairs.map((pair) => {
    const current = picked(pair.current, rows);
    return { pair: { ...pair, current }, gap: imbalance({ ...pair, current }, null) };
  });
  const worst = told.reduce((a, b) => (b.gap > a.gap ? b : a));
  const { name, current } = worst.pair;
  if (current.kind === 'category') return { column: name, region: `${name} = ${current.values[0]}` };
  const values = Array.from(current.values).filter(Number.isFinite);
  const [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  return { column: name, region: `${digits(low)} <= ${name} <= ${digits(high)}` };
}

function picked(column: SampleColumn, rows: readonly number[]): SampleColumn {
  return column.kind === 'number'
    ? { ...column, values: Float64Array.from(rows, (row) => column.values[row] ?? Number.NaN) }
    : { ...column, values: rows.map((row) => column.values[row] ?? '') };
}

const valueAt = (column: SampleColumn, row: number): string => {
  const value = column.values[row];
  return typeof value === 'number' ? digits(value) : (value ?? '');
};

const digits = (value: number): string => String(Number(value.toPrecision(4)));
const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
