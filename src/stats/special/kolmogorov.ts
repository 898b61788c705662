/**
 * P(K > x) of Kolmogorov's limiting distribution (1933): 2 Σ (-1)^(k-1) e^(-2k²x²), below 1 one minus `kolmogorovCdf`. 1 for x <= 0.
 */
export function kolmogorovSurvival(x: number): number {
  if (Number.isNaN(x)) throw new RangeError('x must be a number, got NaN');
  if (x <= 0) return 1;
  return x < 0.9 ? 1 - cdfSmall(x) : survivalLarge(x);
}

/** P(K <= x) of Kolmogorov's limiting distribution, precise also where it is tiny. 0 for x <= 0. */
export function kolmogorovCdf(x: number): number {
  if (Number.isNaN(x)) throw new RangeError('x must be a number, got NaN');
  if (x <= 0) return 0;
  return x < 0.9 ? cdfSmall(x) : 1 - survivalLarge(x);
}

function survivalLarge(x: number): number {
  let sum = 0;
  for (let k = 1; k < 20; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < sum * 1e-18) break;
  }
  return Math.min(1, 2 * sum);
}

/** √(2π)/x Σ e^(-(2k-1)² π² / (8 x²)): converges at once where the other series does not. */
function cdfSmall(x: number): number {
  // Below 0.04 no double holds it, and below 1e-162 the square of x is 0.
  if (x < 0.03) return 0;
  let sum = 0;
  for (let k = 1; k < 20; k++) {
    const term = Math.exp((-((2 * k - 1) ** 2) * Math.PI * Math.PI) / (8 * x * x));
    sum += term;
    if (term <= sum * 1e-18) break;
  }
  return (Math.sqrt(2 * Math.PI) / x) * sum;
}
