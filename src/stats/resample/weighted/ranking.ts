import { wholeWords } from '../row-sampler';
import type { WeightedMetric, Weights } from '../score-metrics';
import { areaDoubled, precisionSum } from './passes';

/** Rows in ascending order of one class's score. */
export interface RankedClass {
  /** row · 4 + 2 at the last of equal scores + 1 for rows of the class; of equal scores the other classes' rows come first. */
  entries: Int32Array;
  /** 255 in the byte of each place that holds a row of the class, four places a word. */
  mask: Int32Array;
  /** The rows themselves stand in this order. */
  inPlace: boolean;
  /** First and next-after-last place of equal scores that hold both sides. */
  mixed: Int32Array;
}

/** AUC or average precision of one class, or their mean over the classes for which it is defined. */
export function weightedRanking(metric: 'auc_ovr' | 'average_precision', ranked: RankedClass[]): WeightedMetric {
  const area = metric === 'auc_ovr';
  const ofClass = area ? areaOf : precisionOf;
  return {
    value: (weights, total) => {
      let sum = 0;
      let used = 0;
      for (const one of ranked) {
        const value = ofClass(one, weights, total);
        if (value < 0) continue;
        sum += value;
        used++;
      }
      return used === 0 ? NaN : sum / used;
    },
    addDerivative: (weights, _total, scale, into) => {
      const used = ranked.filter((one) => isDefined(one, weights, area));
      for (const one of used) (area ? addAreaDerivative : addPrecisionDerivative)(one, weights, scale / used.length, into);
    },
  };
}

/** `order`: rows in ascending order of the column. */
export function rankedClass(labels: Int32Array, column: Float64Array, order: Int32Array, c: number): RankedClass {
  const n = labels.length;
  const entries = new Int32Array(n);
  const mixed: number[] = [];
  for (let start = 0; start < n; ) {
    let end = start;
    let positives = 0;
    const value = column[order[start]!]!;
    while (end < n && column[order[end]!] === value) positives += labels[order[end++]!] === c ? 1 : 0;
    let negativeAt = start;
    let positiveAt = end - positives;
    for (let i = start; i < end; i++) {
      const row = order[i]!;
      if (labels[row] === c) entries[positiveAt++] = row * 4 + 1;
      else entries[negativeAt++] = row * 4;
    }
    entries[end - 1]! |= 2;
    if (positives > 0 && positives < end - start) mixed.push(start, end);
    start = end;
  }
  const bytes = wholeWords(n);
  let inPlace = true;
  for (let i = 0; i < n; i++) {
    bytes[i] = (entries[i]! & 1) * 255;
    if (entries[i]! >> 2 !== i) inPlace = false;
  }
  return { entries, mask: new Int32Array(bytes.buffer), inPlace, mixed: Int32Array.from(mixed) };
}

/** -1 where a side has no weight. */
function areaOf(ranked: RankedClass, weights: Weights, total: number): number {
  const { doubled, positives } = areaDoubled(ranked, weights);
  const negatives = total - positives;
  return positives === 0 || negatives === 0 ? -1 : doubled / (2 * positives * negatives);
}

function precisionOf({ entries }: RankedClass, weights: Weights): number {
  const { sum, positives } = precisionSum(entries, weights);
  return positives === 0 ? -1 : sum / positives;
}

function isDefined({ entries }: RankedClass, weights: Weights, area: boolean): boolean {
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < entries.length; i++) {
    if ((entries[i]! & 1) === 1) positives += weights[entries[i]! >> 2]!;
    else negatives += weights[entries[i]! >> 2]!;
  }
  return positives > 0 && (negatives > 0 || !area);
}

/** A positive: the share of negatives below it less the AUC, over the positives; a negative: the same of the positives above it. */
function addAreaDerivative(ranked: RankedClass, weights: Weights, scale: number, into: Float64Array): void {
  const { entries } = ranked;
  const { doubled, positives } = areaDoubled(ranked, weights);
  const { negatives } = sides(entries, weights);
  const area = doubled / (2 * positives * negatives);
  const each = scale / positives / negatives;
  let hits = 0;
  let others = 0;
  for (let start = 0; start < entries.length; ) {
    let end = start;
    let tied = 0;
    let tiedOthers = 0;
    for (let last = false; !last; end++) {
      const entry = entries[end]!;
      const weight = weights[entry >> 2]!;
      if ((entry & 1) === 1) tied += weight;
      else tiedOthers += weight;
      last = (entry & 2) === 2;
    }
    const ofPositive = each * (others + tiedOthers / 2 - area * negatives);
    const ofNegative = each * (positives - hits - tied / 2 - area * positives);
    for (let i = start; i < end; i++) into[entries[i]! >> 2]! += (entries[i]! & 1) === 1 ? ofPositive : ofNegative;
    hits += tied;
    others += tiedOthers;
    start = end;
  }
}

/**
 * Σ_g T_g H_g / C_g over P, with T the positives at a score, H and C the positives and all rows at or above it: a row at score h moves C at
 * every score below, and a positive H too.
 */
function addPrecisionDerivative({ entries }: RankedClass, weights: Weights, scale: number, into: Float64Array): void {
  const { positives } = sides(entries, weights);
  const { sum } = precisionSum(entries, weights);
  const value = sum / positives;
  // From the lowest score: what a row more at or above each score so far would add.
  let [hits, all] = [positives, positives + sides(entries, weights).negatives];
  let ofHits = 0;
  let ofAll = 0;
  for (let start = 0; start < entries.length; ) {
    let end = start;
    let tied = 0;
    let rows = 0;
    for (let last = false; !last; end++) {
      const entry = entries[end]!;
      const weight = weights[entry >> 2]!;
      rows += weight;
      if ((entry & 1) === 1) tied += weight;
      last = (entry & 2) === 2;
    }
    if (tied > 0) {
      ofHits += tied / all;
      ofAll += (tied * hits) / (all * all);
    }
    const ofNegative = (-scale * ofAll) / positives;
    const ofPositive = (scale * ((all > 0 ? hits / all : 0) + ofHits - ofAll - value)) / positives;
    for (let i = start; i < end; i++) into[entries[i]! >> 2]! += (entries[i]! & 1) === 1 ? ofPositive : ofNegative;
    hits -= tied;
    all -= rows;
    start = end;
  }
}

function sides(entries: Int32Array, weights: Weights): { positives: number; negatives: number } {
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < entries.length; i++) {
    if ((entries[i]! & 1) === 1) positives += weights[entries[i]! >> 2]!;
    else negatives += weights[entries[i]! >> 2]!;
  }
  return { positives, negatives };
}
