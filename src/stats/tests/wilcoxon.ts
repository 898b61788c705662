import { checkFinite, checkOneOf, checkSameLength } from '../arguments';
import { erfc } from '../special/normal';
import { type Alternative, alternatives, type TestResult } from '../types';
import { coinSumSurvival } from './sign-flips';
import { eachTie } from './ties';

export interface WilcoxonSignedRank extends TestResult {
  /** Sums of the ranks of the positive and of the negative differences. */
  rankSumPlus: number;
  rankSumMinus: number;
  /** Pairs whose values differ. */
  pairs: number;
  method: 'exact' | 'asymptotic';
}

/**
 * Wilcoxon's signed-rank test (1945) of paired samples: whether x - y lies symmetrically about 0, above it (`greater`) or below (`less`).
 *
 * The statistic is the smaller rank sum where two-sided, else that of the positive differences. `zeros`, the pairs without a difference:
 * `wilcox` (default) leaves them out before ranking; `pratt` ranks them and leaves their ranks out; `zsplit` ranks them and gives half
 * their ranks to each sum, and to the variance of the normal law as if they had signs, as scipy does. `exact`: all signs of the ranks as
 * they are, ties and zeros kept (as scipy's permutation method; its `exact` knows no ties), for up to 1,000 differences. `asymptotic`:
 * normal, variance corrected for ties; `correction` by 1/2 towards the mean (default false). `auto`, the default, is scipy's rule: exact
 * up to 50 pairs without ties and zeros and up to 13 with them. Without any difference p = 1. Differences are compared as floating-point
 * numbers: 0.3 - 0.2 and 0.2 - 0.1 are no tie.
 */
export function wilcoxonSignedRank(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: {
    alternative?: Alternative;
    method?: 'auto' | 'exact' | 'asymptotic';
    correction?: boolean;
    zeros?: 'wilcox' | 'pratt' | 'zsplit';
  } = {},
): WilcoxonSignedRank {
  const alternative = checkOneOf('alternative', options.alternative ?? 'two-sided', alternatives);
  const method = checkOneOf('method', options.method ?? 'auto', ['auto', 'exact', 'asymptotic']);
  const zeros = checkOneOf('zeros', options.zeros ?? 'wilcox', ['wilcox', 'pratt', 'zsplit']);
  checkFinite('x', x);
  checkFinite('y', y);
  checkSameLength('x', x, 'y', y);
  const ranks = signedRanks(x, y, zeros);
  const { plus, minus, pairs } = ranks;
  const smooth = !ranks.tied && pairs === x.length;
  const exact = method === 'exact' || (method === 'auto' && x.length <= (smooth ? 50 : 13));
  if (exact && pairs > 1000) throw new RangeError(`method exact takes at most 1000 differences, got ${pairs}: use asymptotic`);
  const half = zeros === 'zsplit' ? ranks.zeroRanks / 2 : 0;
  return {
    statistic: (alternative === 'two-sided' ? Math.min(plus, minus) : plus) / 2 + half,
    pValue: exact ? exactP(alternative, ranks) : asymptoticP(alternative, ranks, zeros === 'zsplit', options.correction ?? false),
    rankSumPlus: plus / 2 + half,
    rankSumMinus: minus / 2 + half,
    pairs,
    method: exact ? 'exact' : 'asymptotic',
  };
}

/** Doubled, so that midranks are whole numbers. */
interface SignedRanks {
  plus: number;
  minus: number;
  pairs: number;
  tied: boolean;
  /** Doubled rank and size of each group of equal distances, zeros left out. */
  groups: { rank: number; size: number }[];
  /** Ranks of the zeros, not doubled, and the number of zeros that were ranked. */
  zeroRanks: number;
  ranked: number;
}

function signedRanks(x: ArrayLike<number>, y: ArrayLike<number>, zeros: 'wilcox' | 'pratt' | 'zsplit'): SignedRanks {
  const gaps = Float64Array.from(x, (value, i) => value - y[i]!);
  const positive = gaps.filter((gap) => gap > 0).sort();
  const negative = gaps
    .filter((gap) => gap < 0)
    .map((gap) => -gap)
    .sort();
  const pairs = positive.length + negative.length;
  const ranked = zeros === 'wilcox' ? 0 : x.length - pairs;
  const result: SignedRanks = { plus: 0, minus: 0, pairs, tied: false, groups: [], zeroRanks: (ranked * (ranked + 1)) / 2, ranked };
  let below = ranked;
  eachTie(positive, negative, (inPositive, inNegative) => {
    const size = inPositive + inNegative;
    const rank = 2 * below + size + 1;
    result.groups.push({ rank, size });
    result.plus += rank * inPositive;
    result.minus += rank * inNegative;
    result.tied ||= size > 1;
    below += size;
  });
  return result;
}

function exactP(alternative: Alternative, { plus, minus, groups }: SignedRanks): number {
  const ranks = groups.flatMap(({ rank, size }) => new Array<number>(size).fill(rank));
  const unit = ranks.every((rank) => rank % 2 === 0) ? 2 : 1;
  const weights = ranks.map((rank) => rank / unit);
  // The law is symmetric: the lower tail of one sum is the upper tail of the other.
  if (alternative === 'less') return coinSumSurvival(weights, minus / unit);
  if (alternative === 'greater') return coinSumSurvival(weights, plus / unit);
  return Math.min(1, 2 * coinSumSurvival(weights, Math.max(plus, minus) / unit));
}

function asymptoticP(alternative: Alternative, ranks: SignedRanks, zerosVary: boolean, correction: boolean): number {
  const { plus, minus, groups, ranked } = ranks;
  // Σ rank² / 4; the ranks here are doubled.
  let variance = groups.reduce((sum, { rank, size }) => sum + (size * rank * rank) / 16, 0);
  if (zerosVary) variance += (ranked * (ranked + 1) ** 2) / 16;
  if (variance === 0 || ranks.pairs === 0) return 1;
  const above = (plus - minus) / 4;
  const sign = alternative === 'greater' ? 1 : alternative === 'less' ? -1 : Math.sign(above);
  const z = (above - (correction ? sign / 2 : 0)) / Math.sqrt(variance);
  if (alternative === 'two-sided') return erfc(Math.abs(z) / Math.SQRT2);
  return erfc((alternative === 'greater' ? z : -z) / Math.SQRT2) / 2;
}
