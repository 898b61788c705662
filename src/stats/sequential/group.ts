import { checkOneOf, checkOpenProbability } from '../arguments';
import { normalCdf, normalPdf, normalQuantile } from '../special/normal';

export const spendingFunctions = ['obrien-fleming', 'pocock', 'hwang-shih-decani'] as const;
export type SpendingFunction = (typeof spendingFunctions)[number];

export interface GroupSequentialOptions {
  /** Information at each look as a fraction of what is planned, rising; beyond 1 no alpha is left to spend. At most 1,000 looks. */
  information: ArrayLike<number>;
  /** Error over all looks, of both sides together; default 0.05. */
  alpha?: number;
  /** Default 2: symmetric bounds, each side spending alpha / 2. */
  sides?: 1 | 2;
  /** Default 'obrien-fleming', which spends late; 'pocock' spends about evenly. */
  spending?: SpendingFunction;
  /** Of 'hwang-shih-decani' alone: below 0 spends late, 0 evenly, above 0 early; default -4. */
  gamma?: number;
}

export interface GroupSequentialBounds {
  /** Reject at look i where z (or |z|, with two sides) reaches z[i]; Infinity where a look has nothing to spend. */
  z: number[];
  /** The p value, of as many sides, that z[i] stands for. */
  nominalP: number[];
  /** Alpha spent up to and with look i, of all sides. */
  cumulativeAlpha: number[];
}

/**
 * Bounds for looks at growing data that spend alpha as they go, so that the error over all looks is alpha (Lan & DeMets 1983). The chance to
 * reach a bound first at a look is integrated over the looks before (Armitage, McPherson & Rowe 1969), here to about 1e-10 in z, where R's
 * ldbounds gives 4 digits and rpact 8. A bound depends on the looks so far alone: neither their number nor their times need be planned.
 * The statistics must have independent increments: each look adds units unseen before.
 */
export function groupSequentialBounds(options: GroupSequentialOptions): GroupSequentialBounds {
  const information = checkInformation(options.information);
  const alpha = checkOpenProbability('alpha', options.alpha ?? 0.05);
  const sides = options.sides ?? 2;
  if (sides !== 1 && sides !== 2) throw new RangeError(`sides must be 1 or 2, got ${String(sides)}`);
  const spend = spendingOf(options);
  const bounds: GroupSequentialBounds = { z: [], nominalP: [], cumulativeAlpha: [] };
  let paths: Paths = { at: Float64Array.of(0), mass: Float64Array.of(1) };
  let spent = 0;
  for (let look = 0; look < information.length; look++) {
    const time = information[look]!;
    const total = spend(Math.min(1, time), alpha / sides);
    const step = Math.sqrt(time - (information[look - 1] ?? 0));
    const z = boundFor(paths, total - spent, step, Math.sqrt(time), bounds.z[look - 1]);
    bounds.z.push(z);
    bounds.nominalP.push(sides * normalCdf(-z));
    bounds.cumulativeAlpha.push(sides * total);
    spent = total;
    const next = information[look + 1];
    if (next !== undefined) paths = goOn(paths, step, Math.sqrt(next - time), Math.sqrt(time), sides === 2 ? -z : -Infinity, z);
  }
  return bounds;
}

/** Where the paths that have reached no bound yet are: places of the score, and the mass that a quadrature node there stands for. */
interface Paths {
  at: Float64Array;
  mass: Float64Array;
}

const leastStep = 1e-5;

function checkInformation(information: ArrayLike<number>): number[] {
  const times = Array.from(information);
  if (times.length === 0 || times.length > 1000) throw new RangeError(`information must have 1 to 1000 looks, got ${times.length}`);
  for (const [i, time] of times.entries()) {
    const before = times[i - 1] ?? 0;
    if (!(time < Infinity && time - before >= leastStep * time && time > 0))
      throw new RangeError(`information[${i}] must be finite and above the ${before} before it by 1e-5 of itself, got ${time}`);
  }
  return times;
}

/** Alpha of one side that is spent by information t. */
function spendingOf({ spending = 'obrien-fleming', gamma = -4 }: GroupSequentialOptions): (t: number, alpha: number) => number {
  switch (checkOneOf('spending', spending, spendingFunctions)) {
    case 'obrien-fleming':
      return (t, alpha) => (t === 1 ? alpha : 2 * normalCdf(normalQuantile(alpha / 2) / Math.sqrt(t)));
    case 'pocock':
      return (t, alpha) => (t === 1 ? alpha : alpha * Math.log1p((Math.E - 1) * t));
    case 'hwang-shih-decani':
      if (!Number.isFinite(gamma)) throw new RangeError(`gamma must be a finite number, got ${gamma}`);
      return (t, alpha) => (t === 1 || gamma === 0 ? alpha * t : (alpha * Math.expm1(-gamma * t)) / Math.expm1(-gamma));
  }
}

/**
 * Newton's steps on the logarithm of the chance to be above z. Kernel and bounds keep densities log-concave, so that it is concave in z: from
 * the first step on the iterates come down to the root, and only that step may have to be shortened.
 */
function boundFor(paths: Paths, alpha: number, step: number, root: number, before: number | undefined): number {
  if (!(alpha > 0)) return Infinity;
  if (before === undefined) return -normalQuantile(alpha);
  let z = Math.min(before, -normalQuantile(alpha));
  for (let i = 0; i < 100; i++) {
    const { chance, density } = above(paths, z * root, step);
    const move = (chance * Math.log(chance / alpha)) / (density * root);
    z += Math.min(1, move);
    if (Math.abs(move) <= 1e-14 * Math.abs(z)) break;
  }
  return z;
}

/** Chance and density of the score at a place, one step on; terms rise and fall along the paths, so that what is small after the peak ends the sum. */
function above({ at, mass }: Paths, place: number, step: number): { chance: number; density: number } {
  let [chance, density] = [0, 0];
  for (let i = at.length - 1; i >= 0; i--) {
    const distance = (place - at[i]!) / step;
    const term = mass[i]! * normalCdf(-distance);
    chance += term;
    density += mass[i]! * normalPdf(distance);
    if (term < 1e-20 * chance) break;
  }
  return { chance, density: density / step };
}

/** The paths one step of information further that stay within the bounds, on Gauss-Legendre panels no wider than the density bends. */
function goOn(paths: Paths, step: number, nextStep: number, root: number, lowZ: number, highZ: number): Paths {
  const low = Math.max(lowZ, lowest) * root;
  const high = Math.min(highZ, highest) * root;
  const panels = Math.max(2, Math.ceil((high - low) / (1.5 * Math.min(step, nextStep))));
  const width = (high - low) / panels;
  const at = new Float64Array(panels * abscissae.length);
  const mass = new Float64Array(at.length);
  let first = 0;
  for (let node = 0; node < at.length; node++) {
    const place = low + width * (Math.floor(node / abscissae.length) + (1 + abscissae[node % abscissae.length]!) / 2);
    // Beyond 12 steps the kernel is under 1e-32: both loops run along the places in order.
    while (first < paths.at.length && paths.at[first]! < place - 12 * step) first++;
    let density = 0;
    for (let i = first; i < paths.at.length; i++) {
      const distance = (paths.at[i]! - place) / step;
      if (distance > 12) break;
      density += paths.mass[i]! * Math.exp(-0.5 * distance * distance);
    }
    at[node] = place;
    mass[node] = ((normalPdf(0) * density) / step) * (width / 2) * weights[node % weights.length]!;
  }
  return { at, mass };
}

/** Standard errors beyond which a path is not followed: far below it never comes back, far above it may have been let go by a strict bound. */
const lowest = -9;
const highest = 16;

/** Gauss-Legendre, 8 points on [-1, 1]. */
const abscissae = [
  -0.9602898564975363, -0.7966664774136267, -0.525532409916329, -0.1834346424956498, 0.1834346424956498, 0.525532409916329,
  0.7966664774136267, 0.9602898564975363,
];
const weights = [
  0.1012285362903763, 0.2223810344533745, 0.3137066458778873, 0.362683783378362, 0.362683783378362, 0.3137066458778873, 0.2223810344533745,
  0.1012285362903763,
];
