import { checkFinite, checkOneOf, sortedCopy } from '../arguments';
import { erfc } from '../special/normal';
import { type Alternative, alternatives, type TestResult } from '../types';
import { eachTie } from './ties';

export interface MannWhitney extends TestResult {
  /** P(X > Y) with ties half, in 0..1: the statistic over n·m. */
  effect: number;
  method: 'exact' | 'asymptotic';
}

/**
 * Mann and Whitney's U (1947), Wilcoxon's rank sum: whether x tends to be larger (`greater`) or smaller (`less`) than y, independent
 * samples.
 *
 * The statistic is that of x: pairs with x > y, ties half, in 0..n·m. `exact`: the law of U over all ways to deal the pooled values to
 * the samples, ties as they are (so with ties it differs from scipy's `exact`, which takes the law without ties); two-sided is twice the
 * smaller tail. It is refused beyond 4e9 additions, about 200 values a side. `asymptotic`: normal with the variance corrected for ties;
 * `continuity` moves U by 1/2 towards its mean (default true). `auto`, the default, is scipy's rule: exact without ties where a sample
 * has at most 8 values, as long as that takes under about a second. Samples without any spread have p = 1. Each sample needs a value.
 */
export function mannWhitneyU(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: { alternative?: Alternative; method?: 'auto' | 'exact' | 'asymptotic'; continuity?: boolean } = {},
): MannWhitney {
  const alternative = checkOneOf('alternative', options.alternative ?? 'two-sided', alternatives);
  const method = checkOneOf('method', options.method ?? 'auto', ['auto', 'exact', 'asymptotic']);
  checkFinite('x', x);
  checkFinite('y', y);
  const [n, m] = [x.length, y.length];
  const ties = countTies(sortedCopy(x), sortedCopy(y));
  const work = (n + m) * Math.min(n, m) * n * m * (ties.tied ? 2 : 1);
  const exact = method === 'exact' || (method === 'auto' && !ties.tied && Math.min(n, m) <= 8 && work <= 3e8);
  if (exact && work > 4e9)
    throw new RangeError(`method exact takes too long for ${n} and ${m} values (${work.toExponential(1)} additions): use asymptotic`);
  const pValue = exact ? oneOf(alternative, exactTails(ties, n, m)) : asymptotic(alternative, ties, n, m, options.continuity ?? true);
  return { statistic: ties.doubled / 2, pValue, effect: ties.doubled / (2 * n * m), method: exact ? 'exact' : 'asymptotic' };
}

interface Ties {
  /** Twice U: a whole number. */
  doubled: number;
  /** Twice the rank of each group of equal values, and its size, ascending. */
  ranks: number[];
  sizes: number[];
  tied: boolean;
  /** N³ - Σ t³ over the groups: what ties leave of the variance, 0 where all is one tie. */
  spread: number;
}

interface Tails {
  atMost: number;
  atLeast: number;
}

function countTies(x: Float64Array, y: Float64Array): Ties {
  const all = x.length + y.length;
  const ties: Ties = { doubled: 0, ranks: [], sizes: [], tied: false, spread: 0 };
  let [below, yBelow] = [0, 0];
  eachTie(x, y, (inX, inY) => {
    const size = inX + inY;
    ties.doubled += inX * (2 * yBelow + inY);
    ties.ranks.push(2 * below + size + 1);
    ties.sizes.push(size);
    ties.tied ||= size > 1;
    // t (N - t) (N + t): N³ - Σ t³ itself would cancel where nearly all is tied.
    ties.spread += size * (all - size) * (all + size);
    below += size;
    yBelow += inY;
  });
  return ties;
}

/**
 * Deals the values in ascending order, k of them so far to the smaller sample, which takes the next with probability (size - k) / left.
 * Taking the k-th adds twice its rank less 2k to twice U. Only positive terms, so that far tails keep their digits.
 */
function exactTails({ doubled, ranks, sizes, tied }: Ties, n: number, m: number): Tails {
  const all = n + m;
  const size = Math.min(n, m);
  const unit = tied ? 1 : 2;
  const width = (2 * n * m) / unit;
  const shares = Array.from({ length: size + 1 }, () => new Float64Array(width + 1));
  const tops = new Int32Array(size + 1).fill(-1);
  shares[0]![0] = 1;
  tops[0] = 0;
  let dealt = 0;
  ranks.forEach((rank, group) => {
    for (let i = 0; i < sizes[group]!; i++, dealt++) {
      const left = all - dealt;
      for (let k = Math.min(size, dealt + 1); k >= 0; k--) {
        const share = shares[k]!;
        const skip = (left - size + k) / left;
        for (let u = 0; u <= tops[k]!; u++) share[u]! *= skip;
        if (k === 0 || tops[k - 1]! < 0) continue;
        const take = (size - k + 1) / left;
        const step = (rank - 2 * k) / unit;
        const before = shares[k - 1]!;
        for (let u = Math.max(0, -step); u <= tops[k - 1]!; u++) share[u + step]! += before[u]! * take;
        tops[k] = Math.max(tops[k]!, tops[k - 1]! + step);
      }
    }
  });
  const law = shares[size]!;
  const at = (size === n ? doubled : 2 * n * m - doubled) / unit;
  let [atMost, atLeast] = [0, 0];
  for (let u = 0; u <= at; u++) atMost += law[u]!;
  for (let u = width; u >= at; u--) atLeast += law[u]!;
  return size === n ? { atMost, atLeast } : { atMost: atLeast, atLeast: atMost };
}

function oneOf(alternative: Alternative, { atMost, atLeast }: Tails): number {
  if (alternative === 'less') return Math.min(1, atMost);
  return Math.min(1, alternative === 'greater' ? atLeast : 2 * Math.min(atMost, atLeast));
}

function asymptotic(alternative: Alternative, { doubled, spread }: Ties, n: number, m: number, continuity: boolean): number {
  if (spread === 0) return 1;
  const all = n + m;
  const deviation = Math.sqrt(((n * m) / 12 / all / (all - 1)) * spread);
  const above = (doubled - n * m) / 2;
  const gap = alternative === 'greater' ? above : alternative === 'less' ? -above : Math.abs(above);
  const tail = erfc((gap - (continuity ? 0.5 : 0)) / deviation / Math.SQRT2);
  return alternative === 'two-sided' ? Math.min(1, tail) : tail / 2;
}
