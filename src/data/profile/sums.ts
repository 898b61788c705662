export interface Moments {
  mean: number;
  /** With n - 1; undefined for one value. */
  deviation: number | undefined;
}

/** Mean and standard deviation of finite values, the same to the bit in whatever order they stand. */
export function moments(values: Float64Array, min: number, max: number): Moments {
  const n = values.length;
  // Powers of two keep their bits and keep sums and squares within range.
  const unit = powerAbove(Math.max(Math.abs(min), Math.abs(max)));
  if (unit === 0) return { mean: 0, deviation: n < 2 ? undefined : 0 };
  const mean = (exactSum(values, 0, 1 / unit, false) / n) * unit;
  if (n < 2) return { mean, deviation: undefined };
  const range = powerAbove(Math.max(max - mean, mean - min));
  const deviation = max === min ? 0 : range * Math.sqrt(exactSum(values, mean, 1 / range, true) / (n - 1));
  return { mean, deviation: Number.isFinite(deviation) ? deviation : undefined };
}

/**
 * Sum of (v - centre)·factor, or of its square, where each is at most 1 in size. Every term is cut into two parts on fixed
 * grids; sums on a grid are exact, so that no order of addition matters (Demmel and Nguyen 2013).
 */
function exactSum(values: Float64Array, centre: number, factor: number, squared: boolean): number {
  const n = values.length;
  const bits = Math.ceil(Math.log2(n)) + 2;
  const coarse = 1.5 * 2 ** bits;
  const fine = 1.5 * 2 ** (2 * bits - 53);
  let high = 0;
  let low = 0;
  for (let i = 0; i < n; i++) {
    const scaled = (values[i]! - centre) * factor;
    const term = squared ? scaled * scaled : scaled;
    const above = term + coarse - coarse;
    high += above;
    low += term - above + fine - fine;
  }
  return high + low;
}

/** A power of two that is no smaller; 0 for 0. */
function powerAbove(size: number): number {
  if (size === 0) return 0;
  return 2 ** Math.min(1023, Math.max(-1022, Math.ceil(Math.log2(size))));
}
