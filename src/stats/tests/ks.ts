import { checkFinite, checkOneOf, sortedCopy } from '../arguments';
import { kolmogorovSurvivalOf } from '../special/kolmogorov-finite';
import { type Alternative, alternatives, type TestResult } from '../types';

/**
 * Two-sample Kolmogorov-Smirnov test (Smirnov 1939); the statistic, 0..1, is the largest gap of the distribution functions. `greater` asks
 * whether that of x lies above that of y, as in scipy. Exact p values are those without ties, and conservative with them (Hodges 1958).
 * `auto` counts lattice paths exactly while that stays under about 0.1 s and 10,000 values a side, else takes the law for many values.
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
  return { statistic, pValue: gap === 0 ? 1 : asymptotic(alternative, statistic, Math.max(n, m), Math.min(n, m)), method: 'asymptotic' };
}

/** Two-sided by the law of one sample of nm / (n + m) values, one-sided by Hodges' correction (1958, 5.3), both as scipy has it. */
function asymptotic(alternative: Alternative, statistic: number, more: number, fewer: number): number {
  const size = (more * fewer) / (more + fewer);
  if (alternative === 'two-sided') return size < 1 ? 1 : kolmogorovSurvivalOf(roundHalfEven(size), statistic);
  const z = Math.sqrt(size) * statistic;
  return Math.min(1, Math.exp(-2 * z * z - (2 * z * (more + 2 * fewer)) / Math.sqrt(more * fewer * (more + fewer)) / 3));
}

/** NumPy's, so that sizes in the middle give scipy's p. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
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
