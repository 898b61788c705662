import type { ColumnProfile, DriftFinding } from '../../contract';
import { chiSquareSurvival, jensenShannonCounts, psiCountsTest } from '../../stats';
import { type Between, designEffects, effectiveRows, percent, type Tested } from './side';

const bars = 20;
const others = 'all other values';

interface Cell {
  name: string;
  a: number;
  b: number;
}

/**
 * Two-sample chi-square of the values that both sides know the count of. Values of which chance gives fewer than 5 to the smaller
 * side are pooled, and so are those that one side may hold among its uncounted rest. Null where one cell or none is left.
 */
export function compareCategories(a: ColumnProfile, b: ColumnProfile, between: Between): Tested | null {
  if (a.count === 0 || b.count === 0) return null;
  const [n, m] = effectiveRows(a, b);
  const pooled: Cell = { name: others, a: a.otherCount ?? 0, b: b.otherCount ?? 0 };
  const cells: Cell[] = [];
  const weight = (cell: Cell): number => (cell.a * n) / a.count + (cell.b * m) / b.count;
  const enough = 5 / (Math.min(n, m) / (n + m));
  for (const cell of paired(a, b)) {
    const known =
      (Object.hasOwn(a.counts ?? {}, cell.name) || a.otherCount === 0) && (Object.hasOwn(b.counts ?? {}, cell.name) || b.otherCount === 0);
    if (known && weight(cell) >= enough) cells.push(cell);
    else {
      pooled.a += cell.a;
      pooled.b += cell.b;
    }
  }
  if (weight(pooled) > 0 && weight(pooled) < enough && cells.length > 0) {
    const least = cells.reduce((rarest, cell) => (weight(cell) < weight(rarest) ? cell : rarest));
    cells.splice(cells.indexOf(least), 1);
    pooled.a += least.a;
    pooled.b += least.b;
  }
  if (pooled.a + pooled.b > 0) cells.push(pooled);
  if (cells.length < 2) return null;
  let statistic = 0;
  let squared = 0;
  for (const cell of cells) {
    const [p, q] = [cell.a / a.count, cell.b / b.count];
    // Pearson's chi-square of effective counts n·p and m·q.
    statistic += ((p - q) ** 2 * n * m) / (n * p + m * q);
    squared += (p - q) ** 2 / (p + q) / 2;
  }
  const df = cells.length - 1;
  const [reference, current] = [cells.map((cell) => cell.a), cells.map((cell) => cell.b)];
  // Cramér's V of sides of equal weight, so that it does not shrink with unequal ones, less what chance alone gives it.
  const value = Math.sqrt(Math.max(0, squared - (df * (1 / n + 1 / m)) / 4));
  const where = mostMoved(cells, a.count, b.count);
  return {
    test: 'chi-square',
    statistic,
    pValue: chiSquareSurvival(statistic, df),
    effect: { name: 'cramers-v', value },
    sizes: { psi: psiCountsTest(reference, current).psi, 'jensen-shannon': jensenShannonCounts(reference, current) },
    detail: `The values of "${a.name}" are not as common in ${between.current} as in ${between.reference} (Cramér's V ${value.toFixed(3)}): ${where.segment} ${percent(where.share.current)}, before ${percent(where.share.reference)}.`,
    where: { ...where, rows: [] },
    picture: picture(cells, a.count, b.count),
  };
}

/**
 * Values that the reference has never: how many rows they make, against what its own rare values let expect. Were both sides one
 * population, a value with t rows would miss the reference with probability (m/(n+m))^t; the p value is Chernoff's bound on the sum.
 * Null where the reference's values are not all counted, or none is new.
 */
export function newCategories(a: ColumnProfile, b: ColumnProfile, between: Between): Tested | null {
  if (a.otherCount !== 0 || a.count === 0 || b.count === 0) return null;
  const [first, second] = designEffects(a, b);
  const [n, m] = [a.count / first, b.count / second];
  const cells = paired(a, b);
  const unseen = cells.filter((cell) => cell.a === 0).sort((p, q) => q.b - p.b || (p.name < q.name ? -1 : 1));
  const rows = unseen.reduce((sum, cell) => sum + cell.b, 0);
  if (rows === 0) return null;
  const value = rows / b.count;
  const named = unseen.slice(0, 5).map(({ name }) => `"${name}"`);
  return {
    test: 'two-proportions',
    statistic: rows,
    pValue: boundOfUnseen(
      cells.map((cell) => Math.max(1, cell.a / first + cell.b / second)),
      m / (n + m),
      unseen.reduce((sum, cell) => sum + Math.max(1, cell.b / second), 0),
    ),
    effect: { name: 'difference-of-shares', value },
    sizes: { 'new values': unseen.length },
    detail: `${percent(value)} of the rows of ${between.current} hold a value of "${a.name}" that ${between.reference} never has: ${named.join(', ')}${unseen.length > 5 ? ` and ${unseen.length - 5} more` : ''}.`,
    where: { segment: named.join(', '), share: { reference: 0, current: value }, rows: [] },
    picture: picture(cells, a.count, b.count),
  };
}

/** P(sum of t over values that all fall to the current side >= u), bounded above: the least over θ of E[e^(θ·sum)]/e^(θ·u). */
function boundOfUnseen(totals: readonly number[], share: number, u: number): number {
  const kinds = new Map<number, number>();
  for (const total of totals) kinds.set(total, (kinds.get(total) ?? 0) + 1);
  const logBound = (theta: number): number => {
    let sum = -theta * u;
    for (const [total, times] of kinds) {
      // log(1 - p + p·e^(θ·total)), without overflow.
      const grown = total * (theta + Math.log(share));
      sum += times * (theta * total > 500 ? softplus(grown) : Math.log1p(share ** total * Math.expm1(theta * total)));
    }
    return sum;
  };
  let best = 0;
  for (let theta = 1e-4; theta < 50; theta *= 1.1) best = Math.min(best, logBound(theta));
  return Math.exp(best);
}

const softplus = (x: number): number => Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));

function paired(a: ColumnProfile, b: ColumnProfile): Cell[] {
  const names = new Set([...Object.keys(a.counts ?? {}), ...Object.keys(b.counts ?? {})]);
  return Array.from(names, (name) => ({ name, a: own(a.counts, name), b: own(b.counts, name) }));
}

function mostMoved(cells: readonly Cell[], a: number, b: number): Omit<NonNullable<DriftFinding['where']>, 'rows'> {
  const gap = (cell: Cell): number => Math.abs(cell.a / a - cell.b / b);
  const worst = cells.reduce((widest, cell) => (gap(cell) > gap(widest) ? cell : widest));
  return { segment: worst.name === others ? others : `"${worst.name}"`, share: { reference: worst.a / a, current: worst.b / b } };
}

function picture(cells: readonly Cell[], a: number, b: number): DriftFinding['picture'] {
  const weight = (cell: Cell): number => cell.a / a + cell.b / b;
  const named = cells.filter(({ name }) => name !== others).sort((p, q) => weight(q) - weight(p) || (p.name < q.name ? -1 : 1));
  const shown = named.length < bars && named.length === cells.length ? named : named.slice(0, bars - 1);
  const labels = shown.map(({ name }) => name);
  const reference = shown.map((cell) => cell.a / a);
  const current = shown.map((cell) => cell.b / b);
  const n = { reference: a, current: b };
  const rest = (shares: number[]): number => Math.max(0, 1 - shares.reduce((sum, share) => sum + share, 0));
  if (shown.length === cells.length) return { labels, edges: null, reference, current, n };
  return { labels: [...labels, others], edges: null, reference: [...reference, rest(reference)], current: [...current, rest(current)], n };
}

const own = (counts: Record<string, number> | undefined, value: string): number =>
  counts !== undefined && Object.hasOwn(counts, value) ? (counts[value] ?? 0) : 0;
