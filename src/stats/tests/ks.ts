import { checkFinite, checkOneOf, sortedCopy } from '../arguments';
import { kolmogorovSurvival } from '../special/kolmogorov';
import { type Alternative, alternatives, type TestResult } from '../types';

/**
 * Two-sample Kolmogorov-Smirnov test; `greater` asks whether the distribution function of x lies above that of y.
 * `auto` counts lattice paths exactly while that stays under about 0.1 s and 10,000 values a side, else takes the limit law.
 */
export function ksTwoSample(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  options: { alternative?: Alternative; method?: 'auto' | 'exact' | 'asymptotic' } = {},
): TestResult & { method: 'exact' | 'asymptotic' } {
  const { alternative = 'two-sided', method = 'auto' } = options;
  checkFinite('x', x);
  checkFinite('y', y);
  checkOneOf('alternative', alternative, alternatives);
  checkOneOf('method', method, ['auto', 'exact', 'asymptotic']);
  const n = x.length;
  const m = y.length;
  const gaps = largestGaps(sortedCopy(x), sortedCopy(y));
  const gap = alternative === 'greater' ? gaps.above : alternative === 'less' ? gaps.below : Math.max(gaps.above, gaps.below);
  const statistic = gap / (n * m);
  const cells = alternative === 'two-sided' ? Math.min(n * m, (2 * gap * n) / n + n) : n * m;
  const exact = method === 'exact' || (method === 'auto' && Math.max(n, m) <= 10_000 && cells <= 3e7);
  if (exact) {
    const above = alternative === 'less' ? Infinity : gap;
    const below = alternative === 'greater' ? Infinity : gap;
    return { statistic, pValue: gap === 0 ? 1 : Math.min(1, pathsBeyond(n, m, above, below)), method: 'exact' };
  }
  const scaled = Math.sqrt((n * m) / (n + m)) * statistic;
  const pValue = alternative === 'two-sided' ? kolmogorovSurvival(scaled) : Math.exp(-2 * scaled * scaled);
  return { statistic, pValue, method: 'asymptotic' };
}

/** Largest gaps between the two distribution functions, as whole multiples of 1/(n·m), so that ties of the statistic are exact. */
function largestGaps(x: Float64Array, y: Float64Array): { above: number; below: number } {
  const n = x.length;
  const m = y.length;
  let [i, j, above, below] = [0, 0, 0, 0];
  while (i < n && j < m) {
    const value = Math.min(x[i]!, y[j]!);
    while (i < n && x[i]! === value) i++;
    while (j < m && y[j]! === value) j++;
    const gap = i * m - j * n;
    if (gap > above) above = gap;
    if (-gap > below) below = -gap;
  }
  return { above, below };
}

/** Share of lattice paths that reach i·m - j·n >= above or <= -below. Only positive terms, so that far tails keep their digits. */
function pathsBeyond(n: number, m: number, above: number, below: number): number {
  const u = new Float64Array(m + 1).fill(1);
  for (let i = 0; i <= n; i++) {
    const first = Math.max(0, Math.floor((i * m - above) / n) + 1);
    const last = Math.min(m, Math.ceil((i * m + below) / n) - 1);
    if (first > 0) u[first - 1] = 1;
    for (let j = first; j <= last; j++) {
      if (i === 0) u[j] = j === 0 ? 0 : u[j - 1]!;
      else u[j] = j === 0 ? u[0]! : (i * u[j]! + j * u[j - 1]!) / (i + j);
    }
    // Cells beyond the upper edge count as reached when the band gets there: they still hold 1.
  }
  return u[m]!;
}
