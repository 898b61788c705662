/** P(K > x) of Kolmogorov's limiting distribution. */
export function kolmogorovSurvival(x: number): number {
  if (!(x > 0)) return 1;
  if (x < 1) return 1 - kolmogorovCdfSmall(x);
  let sum = 0;
  for (let k = 1; k < 20; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < sum * 1e-18) break;
  }
  return Math.min(1, 2 * sum);
}

/** √(2π)/x Σ e^(-(2k-1)² π² / (8 x²)): converges at once where the other series does not. */
function kolmogorovCdfSmall(x: number): number {
  let sum = 0;
  for (let k = 1; k < 20; k++) {
    const term = Math.exp((-((2 * k - 1) ** 2) * Math.PI * Math.PI) / (8 * x * x));
    sum += term;
    if (term <= sum * 1e-18) break;
  }
  return (Math.sqrt(2 * Math.PI) / x) * sum;
}
