import type { ColumnNoise } from '../../contract';

/** Rows of whole units, drawn by a stable hash of the unit's name. */
export interface UnitSample {
  /** Numbers of the rows, unit after unit. */
  rows: Int32Array;
  /** Where each unit begins in `rows`, and the end. */
  starts: Int32Array;
}

const fewestRows = 100;
const mostRows = 20_000;
const thresholds = 16;

/**
 * Units for the noise of a profile, up to about 20,000 rows; null under 100 rows, or where every row is its own unit:
 * halves of independent rows are as far apart as rows make them.
 */
export function sampleUnits(rows: Iterable<readonly [row: number, unit: string]>): UnitSample | null {
  const members = new Map<string, number[]>();
  let total = 0;
  for (const [row, unit] of rows) {
    total++;
    const known = members.get(unit);
    if (known === undefined) members.set(unit, [row]);
    else known.push(row);
  }
  if (total < fewestRows || members.size < 2 || members.size === total) return null;
  const units = [...members].map(([name, list]) => ({ name, list, hash: hash(name) }));
  units.sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1));
  const drawn: number[] = [];
  const starts = [0];
  for (const { list } of units) {
    if (drawn.length + list.length > mostRows && starts.length > 30) break;
    for (const row of list) drawn.push(row);
    starts.push(drawn.length);
  }
  return { rows: Int32Array.from(drawn), starts: Int32Array.from(starts) };
}

/** Noise of numbers: the squared distance of the distribution functions of two halves, averaged over 16 quantiles. Missing is NaN. */
export function numberNoise(values: Float64Array, sample: UnitSample): ColumnNoise | undefined {
  const chosen = Float64Array.from(sample.rows, (row) => values[row]!);
  const sorted = chosen.filter(Number.isFinite).sort();
  const edges: number[] = [];
  for (let k = 1; k <= thresholds; k++) {
    const edge = sorted[Math.floor((k * sorted.length) / (thresholds + 1))]!;
    if (edge !== sorted[0] && edge !== edges[edges.length - 1]) edges.push(edge);
  }
  // Cell k holds the values from edge k - 1 on and below edge k; -1 the missing ones.
  const cells = Int32Array.from(chosen, (value) => {
    if (!Number.isFinite(value)) return -1;
    let cell = 0;
    while (cell < edges.length && value >= edges[cell]!) cell++;
    return cell;
  });
  return designEffect(cells, edges.length + 1, sample, 'cumulative');
}

/** Noise of categories: chi-square per degree of freedom of two halves, over the 15 commonest values and the rest. Missing is null. */
export function categoryNoise(values: readonly (string | null)[], sample: UnitSample): ColumnNoise | undefined {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const cellOf = new Map(ranked.slice(0, thresholds - 1).map(([value], cell) => [value, cell]));
  const cells = Int32Array.from(values, (value) => (value === null ? -1 : (cellOf.get(value) ?? cellOf.size)));
  return designEffect(cells, cellOf.size + (ranked.length > cellOf.size ? 1 : 0), sample, 'each');
}

/**
 * The mean over all ways to halve the data by unit of the scaled squared distance between the halves, relative to what halves of
 * independent rows give: sum over units of (their count - expected)², against N·p·(1 - p). In closed form, so without the scatter
 * of drawn halves (Rao and Scott 1981). The larger of that of the values and that of being missing.
 */
function designEffect(cells: Int32Array, width: number, sample: UnitSample, mode: 'cumulative' | 'each'): ColumnNoise | undefined {
  const units = sample.starts.length - 1;
  const total = new Float64Array(width);
  for (const cell of cells) if (cell >= 0) total[cell]!++;
  const present = total.reduce((sum, count) => sum + count, 0);
  const missing = cells.length - present;
  const squares = new Float64Array(width);
  let missingSquares = 0;
  const own = new Float64Array(width);
  if (mode === 'cumulative') for (let cell = 1; cell < width; cell++) total[cell]! += total[cell - 1]!;
  for (let unit = 0; unit < units; unit++) {
    own.fill(0);
    let here = 0;
    const [from, to] = [sample.starts[unit]!, sample.starts[unit + 1]!];
    for (let i = from; i < to; i++) {
      const cell = cells[i]!;
      if (cell < 0) continue;
      own[cell]!++;
      here++;
    }
    let sum = 0;
    for (let cell = 0; cell < width; cell++) {
      sum = mode === 'cumulative' ? sum + own[cell]! : own[cell]!;
      squares[cell]! += (sum - (here * total[cell]!) / present) ** 2;
    }
    missingSquares += (to - from - here - ((to - from) * missing) / cells.length) ** 2;
  }
  let [above, below] = [0, 0];
  for (let cell = 0; cell < width; cell++) {
    const share = total[cell]! / present;
    if (!(share > 0 && share < 1)) continue;
    above += mode === 'cumulative' ? squares[cell]! / present : squares[cell]! / present / share;
    below += mode === 'cumulative' ? share * (1 - share) : 1 - share;
  }
  const correction = units / (units - 1);
  const ofValues = below > 0 ? (correction * above) / below : 1;
  const ofMissing = missing > 0 && present > 0 ? (correction * missingSquares * cells.length) / (missing * present) : 1;
  return { units, designEffect: Math.max(1, ofValues, ofMissing) };
}

/** FNV-1a over code units, with a finisher; stable over versions and machines. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
