import type { Weights } from '../score-metrics';
import type { RankedClass } from './ranking';

const { imul } = Math;

/** Twice the weight of pairs in the right order, ties half; whole numbers, so that no order of summation changes it. */
export function areaDoubled(ranked: RankedClass, weights: Weights): { doubled: number; positives: number } {
  const { pairs, positives } = weights instanceof Uint8Array ? ofBytes(ranked, weights) : ofCounts(ranked.entries, weights);
  return { doubled: 2 * pairs - tiedPairs(ranked, weights), positives };
}

/** Words of four weights that are put in order at a time, so that they stay in the cache. */
const stretch = 1024;
const ordered = new Int32Array(stretch);
const counted = new Float64Array(3);

function ofBytes({ entries, mask, inPlace }: RankedClass, weights: Uint8Array): { pairs: number; positives: number } {
  const words = new Int32Array(weights.buffer);
  counted.fill(0);
  for (let start = 0; start < words.length; start += stretch) {
    const count = Math.min(stretch, words.length - start);
    if (!inPlace) putInOrder(entries, weights, 4 * start, 4 * (start + count));
    addPairs(inPlace ? words.subarray(start, start + count) : ordered, mask.subarray(start, start + count), counted);
  }
  return { pairs: counted[0]!, positives: counted[1]! };
}

function putInOrder(entries: Int32Array, weights: Uint8Array, from: number, to: number): void {
  const whole = to <= entries.length ? to : entries.length & ~3;
  let word = 0;
  for (let i = from; i < whole; i += 4) {
    ordered[word++] =
      weights[entries[i]! >> 2]! |
      (weights[entries[i + 1]! >> 2]! << 8) |
      (weights[entries[i + 2]! >> 2]! << 16) |
      (weights[entries[i + 3]! >> 2]! << 24);
  }
  if (whole === to) return;
  let last = 0;
  for (let i = whole; i < entries.length; i++) last |= weights[entries[i]! >> 2]! << (8 * (i - whole));
  ordered[word] = last;
}

/** Adds to [pairs, positives, negatives] so far the pairs (negative before positive) of words in order, 64 words at a time as 32-bit integers. */
function addPairs(words: Int32Array, mask: Int32Array, so: Float64Array): void {
  let pairs = so[0]!;
  let positives = so[1]!;
  let below = so[2]!;
  for (let start = 0; start < mask.length; start += 64) {
    const end = Math.min(mask.length, start + 64);
    let inside = 0;
    let hits = 0;
    let others = 0;
    for (let i = start; i < end; i++) {
      const word = words[i]!;
      const hit = word & mask[i]!;
      // Byte j of the product is the sum of the bytes up to j.
      const before = imul(word ^ hit, 0x01010101);
      const sum = imul(hit, 0x01010101) >>> 24;
      // Two products of bytes at a time meet in the upper half, which they cannot fill.
      const turned = (before << 16) | (before >>> 16);
      const even = imul(hit & 0xff00ff, turned & 0xff00ff) >>> 16;
      const odd = imul((hit >>> 8) & 0xff00ff, (turned >>> 8) & 0xff00ff) >>> 16;
      inside = (inside + even + odd + imul(sum, others)) | 0;
      hits = (hits + sum) | 0;
      others = (others + (before >>> 24)) | 0;
    }
    pairs += inside + hits * below;
    positives += hits;
    below += others;
  }
  so[0] = pairs;
  so[1] = positives;
  so[2] = below;
}

/** Rows that stand for many have weights of any size. */
function ofCounts(entries: Int32Array, weights: Int32Array): { pairs: number; positives: number } {
  let pairs = 0;
  let positives = 0;
  let below = 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    const weight = weights[entry >> 2]!;
    if ((entry & 1) === 1) {
      pairs += weight * below;
      positives += weight;
    } else below += weight;
  }
  return { pairs, positives };
}

function tiedPairs({ entries, mixed }: RankedClass, weights: Weights): number {
  let pairs = 0;
  for (let g = 0; g < mixed.length; g += 2) {
    let hits = 0;
    let others = 0;
    for (let i = mixed[g]!; i < mixed[g + 1]!; i++) {
      const entry = entries[i]!;
      const weight = weights[entry >> 2]!;
      if ((entry & 1) === 1) hits += weight;
      else others += weight;
    }
    pairs += hits * others;
  }
  return pairs;
}

/** Σ over scores, from the highest, of the positives there times the precision there. */
export function precisionSum(entries: Int32Array, weights: Weights): { sum: number; positives: number } {
  let sum = 0;
  let hits = 0;
  let all = 0;
  let tied = 0;
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i]!;
    if ((entry & 2) === 2 && tied > 0) {
      hits += tied;
      sum += (tied * hits) / all;
      tied = 0;
    }
    const weight = weights[entry >> 2]!;
    all += weight;
    if ((entry & 1) === 1) tied += weight;
  }
  hits += tied;
  if (tied > 0) sum += (tied * hits) / all;
  return { sum, positives: hits };
}
