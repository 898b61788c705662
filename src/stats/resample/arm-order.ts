import type { PairedResampler } from './drawing';
import type { CheckedInput } from './input';

/** Places of the arms by value; of equal values by what the arms hold, whatever the order of rows. */
export function armOrder(sample: Float64Array, input: CheckedInput): number[] {
  const marks = new Map<number, number>();
  const markOf = (arm: number): number => {
    const mark = marks.get(arm) ?? fingerprint(input.labels, input.arms[arm]!);
    marks.set(arm, mark);
    return mark;
  };
  const value = (arm: number): number => (Number.isNaN(sample[arm]!) ? -1e300 : sample[arm]!);
  return Array.from(sample.keys()).sort((i, j) => {
    const gap = value(i) - value(j);
    // Equal but for the order of summation is equal.
    return Math.abs(gap) > 1e-12 * Math.abs(value(i)) ? gap : markOf(i) - markOf(j) || i - j;
  });
}

/** A sum over rows of a hash of the row. */
function fingerprint(labels: Int32Array, seeds: readonly ArrayLike<number>[]): number {
  const float = new Float64Array(1);
  const words = new Uint32Array(float.buffer);
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    let hash = labels[i]! | 0;
    for (const values of seeds) {
      const width = values.length / labels.length;
      for (let c = 0; c < width; c++) {
        float[0] = values[i * width + c]!;
        hash = Math.imul(hash ^ words[0]! ^ (words[1]! * 3), 0x9e3779b1);
        hash ^= hash >>> 15;
      }
    }
    sum = (sum + hash) | 0;
  }
  return sum;
}

/** The resampler with its arms back in the order of the input; order[place] is the arm that stands there. */
export function inOrder(inner: PairedResampler, order: readonly number[]): PairedResampler {
  const { arms } = inner;
  const placeOf = new Array<number>(arms);
  order.forEach((arm, place) => {
    placeOf[arm] = place;
  });
  const square = Array.from({ length: arms * arms }, (_, k) => placeOf[Math.floor(k / arms)]! * arms + placeOf[k % arms]!);
  return {
    arms,
    items: inner.items,
    sample: Float64Array.from(placeOf, (place) => inner.sample[place]!),
    covariance: () => {
      const values = inner.covariance();
      return Float64Array.from(square, (k) => values[k]!);
    },
    replicates: (seed, from, to) => {
      const drawn = inner.replicates(seed, from, to);
      return placeOf.map((place) => drawn[place]!);
    },
    replicatesWithCovariance: (seed, from, to) => {
      const drawn = inner.replicatesWithCovariance(seed, from, to);
      return [...placeOf.map((place) => drawn[place]!), ...square.map((k) => drawn[arms + k]!)];
    },
    leftOut: () => {
      const left = inner.leftOut();
      return { arms: placeOf.map((place) => left.arms[place]!), counts: left.counts };
    },
  };
}
