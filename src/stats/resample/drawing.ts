import type { Generator } from '../random/generator';
import { eachReplicate } from './bootstrap';
import type { Weights } from './score-metrics';

/** Draws the resamples of one metric for all arms at once. */
export interface PairedResampler {
  arms: number;
  /** Rows, or units: what is drawn. */
  items: number;
  /** The metric of each arm in the sample itself, averaged over seeds; NaN where it is 0/0. */
  sample: Float64Array;
  /** Variances and covariances of the arms in the sample, arm j and i at [j · arms + i], by the infinitesimal jackknife. */
  covariance: () => Float64Array;
  /** A value an arm for replicates from..to-1; `from` is a multiple of 250. Any division into ranges gives the same bits. */
  replicates: (seed: number, from: number, to: number) => Float64Array[];
  /** The same, followed by each replicate's own covariances: arms + arms² arrays. */
  replicatesWithCovariance: (seed: number, from: number, to: number) => Float64Array[];
  /** Each arm with one item left out, and how many items each entry stands for. */
  leftOut: () => { arms: Float64Array[]; counts: ArrayLike<number> | undefined };
}

/** A resampler from what it does with one resample: `draw` keeps the weights and returns their sum, the others fill `out`. */
export function resamplerOf(of: {
  arms: number;
  items: number;
  sample: Float64Array;
  draw: (generator: Generator) => number;
  evaluate: (total: number, out: Float64Array) => void;
  covariance: (total: number, out: Float64Array) => void;
  ofSample: (out: Float64Array) => void;
  leftOut: PairedResampler['leftOut'];
}): PairedResampler {
  const { arms } = of;
  const run = (seed: number, from: number, to: number, errors: boolean): Float64Array[] => {
    const drawn = Array.from({ length: errors ? arms + arms * arms : arms }, () => new Float64Array(to - from));
    const values = new Float64Array(arms);
    const covariances = new Float64Array(arms * arms);
    eachReplicate(seed, from, to, (generator, r) => {
      const total = of.draw(generator);
      of.evaluate(total, values);
      for (let j = 0; j < arms; j++) drawn[j]![r - from] = values[j]!;
      if (!errors) return;
      of.covariance(total, covariances);
      for (let j = 0; j < arms * arms; j++) drawn[arms + j]![r - from] = covariances[j]!;
    });
    return drawn;
  };
  return {
    arms,
    items: of.items,
    sample: of.sample,
    covariance: () => {
      const out = new Float64Array(arms * arms);
      of.ofSample(out);
      return out;
    },
    replicates: (seed, from, to) => run(seed, from, to, false),
    replicatesWithCovariance: (seed, from, to) => run(seed, from, to, true),
    leftOut: of.leftOut,
  };
}

/** Σ count · derivative_j · derivative_i. */
export function covarianceOf(derivatives: readonly Float64Array[], counts: Weights, out: Float64Array): void {
  const arms = derivatives.length;
  for (let j = 0; j < arms; j++) {
    for (let i = 0; i <= j; i++) {
      const [a, b] = [derivatives[j]!, derivatives[i]!];
      let sum = 0;
      for (let c = 0; c < a.length; c++) sum += counts[c]! * a[c]! * b[c]!;
      out[j * arms + i] = sum;
      out[i * arms + j] = sum;
    }
  }
}
