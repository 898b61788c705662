import type { WeightedMetric } from '../score-metrics';

/** Σ weight · value / total. */
export function weightedMean(values: Float64Array): WeightedMetric {
  const value: WeightedMetric['value'] = (weights, total) => {
    // Four sums, so that additions need not wait for each other.
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    const whole = values.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      s0 += weights[i]! * values[i]!;
      s1 += weights[i + 1]! * values[i + 1]!;
      s2 += weights[i + 2]! * values[i + 2]!;
      s3 += weights[i + 3]! * values[i + 3]!;
    }
    for (let i = whole; i < values.length; i++) s0 += weights[i]! * values[i]!;
    return (s0 + s1 + (s2 + s3)) / total;
  };
  return {
    value,
    addDerivative: (weights, total, scale, into) => {
      const mean = value(weights, total);
      const factor = scale / total;
      for (let i = 0; i < values.length; i++) into[i]! += factor * (values[i]! - mean);
    },
  };
}

/** Squared distance of each row's scores from its label: of class 1 for two classes, summed over classes for more. */
export function rowBrier(labels: ArrayLike<number>, scores: ArrayLike<number>, classes: number): Float64Array {
  const width = scores.length / labels.length;
  const values = new Float64Array(labels.length);
  for (let i = 0; i < values.length; i++) {
    if (classes === 2) values[i] = (scores[i * width + width - 1]! - labels[i]!) ** 2;
    else for (let c = 0; c < width; c++) values[i]! += (scores[i * width + c]! - (labels[i] === c ? 1 : 0)) ** 2;
  }
  return values;
}
