import type { Leaks } from '../contract';
import type { Bins } from './bins';
import type { PlacedColumn } from './columns';
import type { Placed } from './placed';

/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

export type Revealing = Leaks['revealing'][number];

/** Classes with fewer training rows in or out are left out: a few rows are told apart by chance. */
const fewestRows = 10;

/**
 * The class that this column alone tells best, if the area under the curve (one against the rest) of the training rows reaches the bound:
 * numbers by rank, ties and missing values included; categories, and numbers once more in 64 bins, by the class rates of one half of the
 * rows judged on the other, so that a column of ids does not win by memory.
 */
export function revealingClass(column: PlacedColumn, training: Training, bound: number): Revealing | null {
  if (column.kind === 'text' || training.judged.length === 0) return null;
  const codes = column.kind === 'number' ? column.bins.codes : column.codes;
  const distinct = column.kind === 'number' ? column.bins.edges.length + 2 : column.hashes.length;
  const rated = byRate(codes, distinct, training);
  const ranked = column.kind === 'number' ? byRank(column, training, bound) : null;
  let best: { k: number; auc: number } | null = null;
  for (const k of training.judged) {
    const auc = Math.max(rated[k]!, ranked === null ? 0 : Math.max(ranked[k]!, 1 - ranked[k]!));
    if (auc >= bound && (best === null || auc > best.auc)) best = { k, auc };
  }
  return best === null ? null : { column: column.name, class: training.placed.classes[best.k]!, auc: best.auc };
}

/** The training rows by class, and the classes that have enough of them. */
export interface Training {
  placed: Placed;
  counts: Int32Array;
  byClass: Int32Array[];
  judged: number[];
}

export function trainingByClass(placed: Placed): Training {
  const { training, label, classes } = placed;
  const counts = new Int32Array(classes.length);
  for (const row of training) counts[label[row]!]!++;
  const byClass = Array.from(counts, (count) => new Int32Array(count));
  const filled = new Int32Array(classes.length);
  for (const row of training) byClass[label[row]!]![filled[label[row]!]!++] = row;
  const judged = [...counts.keys()].filter((k) => counts[k]! >= fewestRows && training.length - counts[k]! >= fewestRows);
  return { placed, counts, byClass, judged };
}

/** Areas by rank: of the bins where those settle that the bound is out of reach, else of the values. */
function byRank({ values, bins }: PlacedColumn & { kind: 'number' }, training: Training, bound: number): Float64Array {
  const coarse = byBin(bins, training);
  return coarse.areas.every((area, k) => Math.max(area, 1 - area) + coarse.open[k]! < bound)
    ? coarse.areas
    : byValue(values, training.placed.training, training.placed.label, training.counts);
}

/** Areas with every bin as one tie, and by how much the order inside the bins can change them. */
function byBin({ codes, edges }: Bins, { placed, byClass, counts }: Training): { areas: Float64Array; open: Float64Array } {
  const all = new Int32Array(edges.length + 2);
  for (const row of placed.training) all[codes[row]!]!++;
  const areas = new Float64Array(counts.length);
  const open = new Float64Array(counts.length);
  for (const [k, members] of byClass.entries()) {
    const own = new Int32Array(all.length);
    for (const row of members) own[codes[row]!]!++;
    const pairs = members.length * (placed.training.length - members.length);
    let below = 0;
    for (let bin = 0; bin < all.length; bin++) {
      const others = all[bin]! - own[bin]!;
      areas[k]! += pairs === 0 ? 0 : (own[bin]! * (below + others / 2)) / pairs;
      open[k]! += pairs === 0 ? 0 : (own[bin]! * others) / 2 / pairs;
      below += others;
    }
  }
  return { areas, open };
}

/** Mid-ranks by class; missing values rank lowest, as one tie. */
function byValue(values: Float64Array, rows: Int32Array, label: Int32Array, counts: Int32Array): Float64Array {
  const order = sortedBy(values, rows);
  const rankSums = new Float64Array(counts.length);
  for (let from = 0; from < order.length; ) {
    const value = values[order[from]!]!;
    let to = from + 1;
    while (to < order.length && (values[order[to]!] === value || (value !== value && Number.isNaN(values[order[to]!])))) to++;
    const rank = (from + to + 1) / 2;
    for (let at = from; at < to; at++) rankSums[label[order[at]!]!]! += rank;
    from = to;
  }
  return rankSums.map((sum, k) => (sum - (counts[k]! * (counts[k]! + 1)) / 2) / (counts[k]! * (rows.length - counts[k]!)));
}

/** Rows in order of their value, missing ones first: a radix sort of the bits of the doubles, 16 at a time. */
function sortedBy(values: Float64Array, rows: Int32Array): Int32Array {
  const n = rows.length;
  const bits = new Uint32Array(2 * n);
  const doubles = new Float64Array(bits.buffer);
  for (let at = 0; at < n; at++) {
    const value = values[rows[at]!]!;
    // 0 and -0 are one value; a missing one goes below all.
    doubles[at] = value !== value ? Number.NEGATIVE_INFINITY : value + 0;
    const high = bits[2 * at + 1]!;
    if (high >>> 31 === 1) {
      bits[2 * at] = ~bits[2 * at]!;
      bits[2 * at + 1] = value !== value ? 0 : ~high;
    } else bits[2 * at + 1] = high | 0x80000000;
  }
  let from = new Int32Array(n);
  for (let at = 0; at < n; at++) from[at] = at;
  let to = new Int32Array(n);
  const counts = new Int32Array(65537);
  for (let digit = 0; digit < 4; digit++) {
    const word = digit >> 1;
    const shift = 16 * (digit & 1);
    counts.fill(0);
    for (let at = 0; at < n; at++) counts[((bits[2 * at + word]! >>> shift) & 0xffff) + 1]!++;
    if (counts.includes(n)) continue;
    for (let value = 0; value < 65536; value++) counts[value + 1]! += counts[value]!;
    for (let at = 0; at < n; at++) to[counts[(bits[2 * from[at]! + word]! >>> shift) & 0xffff]!++] = from[at]!;
    [from, to] = [to, from];
  }
  return from.map((at) => rows[at]!);
}

/** Areas of the rate of each class by value: the mean of learning on one half and judging on the other, both ways round. */
function byRate(codes: Int32Array | Uint8Array, distinct: number, { placed, byClass, judged }: Training): Float64Array {
  const areas = new Float64Array(placed.classes.length);
  for (const learnt of [0, 1]) {
    const totals = [new Int32Array(distinct + 1), new Int32Array(distinct + 1)] as const;
    let [learntRows, judgedRows, unseen, seen] = [0, 0, 0, 0];
    // The last place is that of missing values.
    const codeOf = (row: number): number => (codes[row]! < 0 ? distinct : codes[row]!);
    for (const row of placed.training) {
      const own = placed.half[row] === learnt;
      totals[own ? 0 : 1][codeOf(row)]!++;
      if (own) learntRows++;
      else judgedRows++;
    }
    // Rows that are all alike lie in one half.
    if (learntRows === 0 || judgedRows === 0) return areas.fill(0.5);
    for (let code = 0; code <= distinct; code++) {
      if (totals[0][code] === 0) unseen += totals[1][code]!;
      else seen += totals[1][code]!;
    }
    const positive = [new Int32Array(distinct + 1), new Int32Array(distinct + 1)] as const;
    for (const k of judged) {
      const members = byClass[k]!;
      const touched: number[] = [];
      for (const row of members) {
        const code = codeOf(row);
        if (positive[0][code] === 0 && positive[1][code] === 0) touched.push(code);
        positive[placed.half[row] === learnt ? 0 : 1][code]!++;
      }
      let [learntHere, judgedHere, unseenHere, ratedPositive, ratedAll] = [0, 0, 0, 0, 0];
      const groups: { rate: number; positive: number; negative: number }[] = [];
      for (const code of touched) {
        const [inLearnt, inJudged] = [positive[0][code]!, positive[1][code]!];
        positive[0][code] = 0;
        positive[1][code] = 0;
        learntHere += inLearnt;
        judgedHere += inJudged;
        if (totals[0][code] === 0) unseenHere += inJudged;
        else {
          ratedPositive += inJudged;
          ratedAll += totals[1][code]!;
          groups.push({ rate: inLearnt / totals[0][code]!, positive: inJudged, negative: totals[1][code]! - inJudged });
        }
      }
      groups.push({ rate: 0, positive: 0, negative: seen - ratedAll });
      groups.push({ rate: learntHere / learntRows, positive: unseenHere, negative: unseen - unseenHere });
      areas[k]! += judgedHere === 0 || judgedHere === judgedRows || ratedPositive + unseenHere === 0 ? 0.25 : areaUnder(groups) / 2;
    }
  }
  return areas;
}

function areaUnder(groups: { rate: number; positive: number; negative: number }[]): number {
  groups.sort((a, b) => a.rate - b.rate);
  let [below, area, positives, negatives] = [0, 0, 0, 0];
  for (let from = 0; from < groups.length; ) {
    let [positive, negative] = [0, 0];
    const { rate } = groups[from]!;
    for (; from < groups.length && groups[from]!.rate === rate; from++) {
      positive += groups[from]!.positive;
      negative += groups[from]!.negative;
    }
    area += positive * (below + negative / 2);
    below += negative;
    positives += positive;
    negatives += negative;
  }
  return positives === 0 || negatives === 0 ? 0.5 : area / (positives * negatives);
}
