import type { WeightedMetric, Weights } from '../score-metrics';

/** Expected calibration error: Σ over bins of |Σ weight · gap| / total. */
export function weightedCalibration(gap: Float64Array, binOf: Float64Array, bins: number): WeightedMetric {
  const bin = Uint8Array.from(binOf);
  const sums = new Float64Array(bins);
  const value = (weights: Weights, total: number): number => {
    sums.fill(0);
    for (let i = 0; i < gap.length; i++) sums[bin[i]!]! += weights[i]! * gap[i]!;
    let sum = 0;
    for (let b = 0; b < bins; b++) sum += Math.abs(sums[b]!);
    return sum / total;
  };
  return {
    value,
    addDerivative: (weights, total, scale, into) => {
      const error = value(weights, total);
      const factor = scale / total;
      for (let i = 0; i < gap.length; i++) into[i]! += factor * (Math.sign(sums[bin[i]!]!) * gap[i]! - error);
    },
  };
}
