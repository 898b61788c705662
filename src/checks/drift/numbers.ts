import type { ColumnProfile, DriftFinding } from '../../contract';
import { jensenShannonCounts, kolmogorovSurvival, ksTwoSample, psiCountsTest } from '../../stats';
import { Ladder } from './ladder';
import { type Between, effectiveRows, percent, shortNumber, type Tested } from './side';

const bars = 20;
/** Cells up to which lattice paths are counted exactly; some milliseconds. */
const exactCells = 1e6;

/** Kolmogorov-Smirnov from the stored order statistics; null where a side has no value. Times are compared as numbers. */
export function compareNumbers(a: ColumnProfile, b: ColumnProfile, between: Between): Tested | null {
  if (!a.sample?.length || !b.sample?.length) return null;
  const [x, y] = [new Ladder(a.sample, a.count), new Ladder(b.sample, b.count)];
  const { distance, area } = x.against(y);
  // Between two kept order statistics the count is known to half a step: that much is taken off, so that it never alarms.
  const statistic = Math.max(0, distance - x.resolution - y.resolution);
  const [n, m] = effectiveRows(a, b);
  const pValue = ksPValue(a, b, statistic, n, m);
  const bins = quantileBins(x, y);
  const sizes: Record<string, number> = {
    psi: psiCountsTest(bins.reference, bins.current).psi,
    'jensen-shannon': jensenShannonCounts(bins.reference, bins.current),
  };
  if (a.deviation !== undefined && a.deviation > 0) sizes['wasserstein'] = area / a.deviation;
  const where = mostMoved(bins, x, y, a.kind === 'time');
  const say = a.kind === 'time' ? isoTime : shortNumber;
  const middle = a.mean === undefined || b.mean === undefined ? '' : ` The mean went from ${say(a.mean)} to ${say(b.mean)}.`;
  return {
    test: 'ks',
    statistic,
    pValue,
    effect: { name: 'ks-distance', value: statistic },
    sizes,
    detail: `"${a.name}" is spread otherwise in ${between.current}: Kolmogorov-Smirnov distance ${statistic.toFixed(3)}. ${sentence(where, between)}${middle}`,
    where: { ...where, rows: [] },
    picture: picture(a, b, x, y),
  };
}

/** The limit law, which errs on the safe side; the exact law where it may matter and is cheap. */
function ksPValue(a: ColumnProfile, b: ColumnProfile, statistic: number, n: number, m: number): number {
  const limit = kolmogorovSurvival(Math.sqrt((n * m) / (n + m)) * statistic);
  const whole = a.sample?.length === n && b.sample?.length === m;
  if (!whole || limit > 0.25 || n * m > exactCells) return limit;
  return ksTwoSample(a.sample ?? [], b.sample ?? [], { method: 'exact' }).pValue;
}

interface Bins {
  /** Inner edges; bin i holds [edge i - 1, edge i). */
  edges: number[];
  reference: number[];
  current: number[];
}

/** Tenths of the reference; edges that coincide are merged. */
function quantileBins(x: Ladder, y: Ladder): Bins {
  const edges: number[] = [];
  for (let k = 1; k < 10; k++) {
    const edge = x.quantile(k / 10);
    if (edge !== edges[edges.length - 1]) edges.push(edge);
  }
  if (edges[0] === x.least && y.below(x.least) === 0) edges.shift();
  return { edges, reference: shares(x, edges), current: shares(y, edges) };
}

function shares(ladder: Ladder, edges: readonly number[]): number[] {
  const upTo = [...edges.map((edge) => ladder.below(edge)), 1];
  return upTo.map((share, i) => share - (upTo[i - 1] ?? 0));
}

function mostMoved(
  { edges, reference, current }: Bins,
  x: Ladder,
  y: Ladder,
  time: boolean,
): Omit<NonNullable<DriftFinding['where']>, 'rows'> {
  let worst = 0;
  for (let i = 1; i < reference.length; i++) if (gap(i) > gap(worst)) worst = i;
  function gap(i: number): number {
    return Math.abs((reference[i] ?? 0) - (current[i] ?? 0));
  }
  const say = time ? isoTime : shortNumber;
  const [low, high] = [edges[worst - 1], edges[worst]];
  const only = x.onlyValue(low, high);
  const same = only !== undefined && y.onlyValue(low, high) === only;
  const segment = same
    ? `at ${say(only)}`
    : low === undefined
      ? high === undefined
        ? 'all values'
        : `below ${say(high)}`
      : high === undefined
        ? `from ${say(low)} on`
        : `between ${say(low)} and ${say(high)}`;
  return { segment, share: { reference: reference[worst] ?? 0, current: current[worst] ?? 0 } };
}

const sentence = ({ segment, share }: Omit<NonNullable<DriftFinding['where']>, 'rows'>, between: Between): string =>
  `${segment.charAt(0).toUpperCase()}${segment.slice(1)} lie ${percent(share.current)} of its values, ${percent(share.reference)} in ${between.reference}.`;

/** Each value where there are few; else bins of equal width over the middle 99 % of both sides, the outer ones open. */
function picture(a: ColumnProfile, b: ColumnProfile, x: Ladder, y: Ladder): DriftFinding['picture'] {
  const n = { reference: a.count, current: b.count };
  if (a.kind === 'number' && a.distinct <= bars && b.distinct <= bars) {
    const values = [...new Set([...x.values, ...y.values])].sort((p, q) => p - q);
    if (values.length <= bars) {
      const inner = values.slice(1);
      return { labels: values.map(shortNumber), edges: null, reference: shares(x, inner), current: shares(y, inner), n };
    }
  }
  const least = Math.min(x.least, y.least);
  const most = Math.max(x.most, y.most);
  const low = Math.min(x.quantile(0.005), y.quantile(0.005));
  const high = Math.max(x.quantile(0.995), y.quantile(0.995));
  const inner = Array.from({ length: bars - 1 }, (_, i) => low + ((high - low) * (i + 1)) / bars).filter(
    (edge, i, all) => edge > least && edge < most && edge !== all[i - 1],
  );
  return { labels: null, edges: [least, ...inner, most], reference: shares(x, inner), current: shares(y, inner), n };
}

const isoTime = (milliseconds: number): string => {
  const date = new Date(Math.round(milliseconds));
  return Number.isNaN(date.getTime())
    ? String(milliseconds)
    : date.toISOString().replace(/(T00:00:00)?\.000Z$/, (_, midnight) => (midnight ? '' : 'Z'));
};
