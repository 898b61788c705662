import { checkCount, checkOneOf, checkProbability } from '../arguments';
import { binomialCdf, binomialPmf, binomialSurvival, chiSquareSurvival } from '../special/distributions';
import { type Alternative, alternatives, type TestResult } from '../types';
import { cells2x2 } from './chi-square';

/**
 * Exact binomial test of k successes in n against the probability p; two-sided sums the outcomes no more likely than the one seen, as scipy
 * and R do. The statistic is k/n, NaN for n = 0, where p is 1. Cost is that of the incomplete beta function, for any n.
 */
export function binomialTest(k: number, n: number, p = 0.5, options: { alternative?: Alternative } = {}): TestResult {
  checkCount('n', n);
  checkCount('k', k);
  if (k > n) throw new RangeError(`k must be at most n = ${n}, got ${k}`);
  checkProbability('p', p);
  const alternative = checkOneOf('alternative', options.alternative ?? 'two-sided', alternatives);
  const statistic = n === 0 ? NaN : k / n;
  if (alternative === 'less') return { statistic, pValue: binomialCdf(k, n, p) };
  if (alternative === 'greater') return { statistic, pValue: binomialSurvival(k - 1, n, p) };
  return { statistic, pValue: n === 0 ? 1 : Math.min(1, twoSided(k, n, p)) };
}

/**
 * McNemar's test (1947) of paired labels, `table` [[both right, only A right], [only B right, neither]]: whether the two off-diagonal counts
 * differ, two-sided. `exact` (default): binomial; `mid-p`: half the probability of the count seen left out (Fagerland et al. 2013), nearer to
 * its level; `asymptotic`: chi-square with 1 degree of freedom; `corrected`: with Edwards' correction (1948). The statistic is the smaller
 * count, or chi-square. Equal counts, none at all among them: p = 1.
 */
export function mcnemar(
  table: readonly ArrayLike<number>[],
  options: { method?: 'exact' | 'mid-p' | 'asymptotic' | 'corrected' } = {},
): TestResult {
  const method = checkOneOf('method', options.method ?? 'exact', ['exact', 'mid-p', 'asymptotic', 'corrected']);
  const [, b, c] = cells2x2('table', table);
  const n = b + c;
  const least = Math.min(b, c);
  if (method === 'exact' || method === 'mid-p') {
    if (b === c) return { statistic: least, pValue: 1 };
    const both = Math.min(1, 2 * binomialCdf(least, n, 0.5));
    return { statistic: least, pValue: method === 'exact' ? both : both - binomialPmf(least, n, 0.5) };
  }
  if (n === 0) return { statistic: 0, pValue: 1, df: 1 };
  const gap = Math.abs(b - c) - (method === 'corrected' ? 1 : 0);
  // As published, the corrected gap of equal counts is -1; that is no evidence, so it is held at 0.
  const statistic = Math.max(0, gap) ** 2 / n;
  return { statistic, pValue: chiSquareSurvival(statistic, 1), df: 1 };
}

function twoSided(k: number, n: number, p: number): number {
  if (p === 0) return k === 0 ? 1 : 0;
  if (p === 1) return k === n ? 1 : 0;
  const limit = binomialPmf(k, n, p) * (1 + 1e-7);
  const mean = n * p;
  if (k === mean) return 1;
  if (k < mean) {
    // Smallest i above the mean that is no more likely than k: the weights fall there.
    let low = Math.floor(mean);
    let high = n + 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (binomialPmf(middle, n, p) <= limit) high = middle;
      else low = middle;
    }
    return binomialCdf(k, n, p) + binomialSurvival(high - 1, n, p);
  }
  let low = -1;
  let high = Math.ceil(mean);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (binomialPmf(middle, n, p) <= limit) low = middle;
    else high = middle;
  }
  return binomialSurvival(k - 1, n, p) + (low < 0 ? 0 : binomialCdf(low, n, p));
}
