import type { Generator } from './generator';

/**
 * Draws of `pack` independent Poisson counts at once, the first in the lowest byte (one count alone may be larger than a byte). Most of the
 * law stands in a table that a few random bits index; the rest, what a table of that size cannot express, is drawn by its own probabilities with 53
 * bits (Marsaglia, Tsang and Wang 2004, "Fast generation of discrete random variables", method II).
 */
export interface PoissonTable {
  /** Value of each index below `direct`. */
  values: Uint32Array;
  direct: number;
  /** Bits of an index. */
  bits: number;
  /** Values and cumulated probabilities of the rest. */
  restValues: Uint32Array;
  restSums: Float64Array;
}

/** Joint values rarer than this are left out: 1e-14 of the mass together, less than the rounding of its sum. */
const leastProbability = 2 ** -60;

export function poissonTable(mean: number, pack: number, bits: number): PoissonTable {
  const { first, probabilities } = poissonLaw(mean);
  const size = 2 ** bits;
  const values = new Uint32Array(size);
  const restValues: number[] = [];
  const restSums: number[] = [];
  let sum = 0;
  let direct = 0;
  const walk = (place: number, value: number, probability: number): void => {
    if (place < pack) {
      for (let i = 0; i < probabilities.length; i++) {
        const joint = probability * probabilities[i]!;
        if (joint > leastProbability) walk(place + 1, value + (first + i) * 256 ** place, joint);
        else if (first + i > mean) return;
      }
      return;
    }
    const places = Math.floor(probability * size);
    values.fill(value, direct, direct + places);
    direct += places;
    if (probability === places / size) return;
    restValues.push(value);
    restSums.push((sum += probability - places / size));
  };
  walk(0, 0, 1);
  return { values, direct, bits, restValues: Uint32Array.from(restValues), restSums: Float64Array.from(restSums) };
}

/** Probabilities of first, first + 1, ...: ratios from the mode outwards, divided by their sum. */
function poissonLaw(mean: number): { first: number; probabilities: number[] } {
  const mode = Math.floor(mean);
  const up: number[] = [];
  for (let [k, ratio] = [mode, 1]; ratio > leastProbability; ratio *= mean / ++k) up.push(ratio);
  const down: number[] = [];
  for (let [k, ratio] = [mode, mode / mean]; k > 0 && ratio > leastProbability; ratio *= --k / mean) down.push(ratio);
  const ratios = [...down.reverse(), ...up];
  let sum = 0;
  for (const ratio of ratios) sum += ratio;
  return { first: mode - down.length, probabilities: ratios.map((ratio) => ratio / sum) };
}

/** The same, made once: tables of several counts take milliseconds. */
export function sharedPoissonTable(mean: number, pack: number, bits: number): PoissonTable {
  const name = `${mean} ${pack} ${bits}`;
  const known = shared.get(name);
  if (known !== undefined) return known;
  const made = poissonTable(mean, pack, bits);
  if (shared.size >= 32) shared.clear();
  shared.set(name, made);
  return made;
}

const shared = new Map<string, PoissonTable>();

const places = new Uint32Array(512);

/** Adds `draws` single draws of places 0..n-1: through `cellOf` where places stand for cells. */
export function addSingles(
  generator: Generator,
  draws: number,
  n: number,
  weights: Uint8Array | Int32Array,
  cellOf?: Int32Array | Uint16Array,
): void {
  for (let left = draws; left > 0; ) {
    const count = Math.min(places.length, left);
    if (n <= 2097152) generator.fillBelow(n, places, count);
    else for (let i = 0; i < count; i++) places[i] = generator.below(n);
    if (cellOf === undefined) for (let i = 0; i < count; i++) weights[places[i]!]!++;
    else for (let i = 0; i < count; i++) weights[cellOf[places[i]!]!]!++;
    left -= count;
  }
}

/**
 * How much lower than the draws wanted the sum of the means is, as a share: 2.5 to 5 standard deviations of that sum, and one of few numbers, so
 * that tables can be shared.
 */
export function shortfall(draws: number): number {
  let share = 0.5;
  while (share > 5 / Math.sqrt(draws)) share /= 2;
  return share;
}

/** A value of the part of the law that the table's indices leave over. */
export function drawRest(table: PoissonTable, generator: Generator): number {
  const { restSums, restValues } = table;
  const at = generator.uniform() * restSums[restSums.length - 1]!;
  let low = 0;
  let high = restSums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (restSums[middle]! > at) high = middle;
    else low = middle + 1;
  }
  return restValues[low]!;
}
