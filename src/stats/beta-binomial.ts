import { checkCount, checkOpenProbability, checkPositive } from './arguments';
import { incompleteBetaTails } from './special/beta';
import { solveBetween } from './special/solve';
import type { Interval } from './types';

/** Hits out of trials. */
export interface Hits {
  k: number;
  n: number;
}

export interface ProportionsPosterior extends Interval {
  /** Of the variant's share less the control's. */
  mean: number;
  standardDeviation: number;
  /** P(variant > control). */
  probabilityBetter: number;
  /** What choosing the variant is expected to lose: E max(0, control - variant). */
  expectedLoss: number;
}

/**
 * Posterior of the difference of two independent proportions, each with a beta prior (default uniform): chance to win, expected loss and
 * the central credible interval, by quadrature to about 1e-10 whatever n (no sampling). Display only, not the rule, and not immune to peeking.
 * Paired rows are no two independent samples: give their discordant pairs to `discordantEProcess` or their difference to `normalPosterior`.
 */
export function betaBinomial(
  input: { control: Hits; variant: Hits },
  prior: { a?: number; b?: number } = {},
  options: { confidence?: number } = {},
): ProportionsPosterior {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const a = checkPositive('a', prior.a ?? 1);
  const b = checkPositive('b', prior.b ?? 1);
  const control = posterior('control', input.control, a, b);
  const variant = posterior('variant', input.variant, a, b);
  // What is integrated over is the narrower law: at its scale the other's distribution function is smooth.
  const swapped = 1 / control.a + 1 / control.b < 1 / variant.a + 1 / variant.b;
  const integral = integralOver(swapped ? control : variant);
  const below = (d: number): number =>
    swapped
      ? integral((x, y) => tails(variant, x + d, y - d).lower, [-d, 1 - d])
      : integral((x, y) => tails(control, x - d, y + d).upper, [d, 1 + d]);
  const better = swapped ? integral((x, y) => tails(variant, x, y).upper) : integral((x, y) => tails(control, x, y).lower);
  const loss = swapped
    ? integral((x, y) => x * tails(variant, x, y).lower - mean(variant) * tails({ a: variant.a + 1, b: variant.b }, x, y).lower)
    : integral((x, y) => mean(control) * tails({ a: control.a + 1, b: control.b }, x, y).upper - x * tails(control, x, y).upper);
  const difference = mean(variant) - mean(control);
  const standardDeviation = Math.sqrt(variance(variant) + variance(control));
  const quantile = (p: number): number => {
    // Chebyshev's bound holds the quantile, and so do -1 and 1.
    const reach = standardDeviation / Math.sqrt(Math.min(p, 1 - p));
    return solveBetween((d) => below(d) - p, Math.max(-1, difference - reach), Math.min(1, difference + reach));
  };
  return {
    mean: difference,
    standardDeviation,
    low: quantile((1 - confidence) / 2),
    high: quantile((1 + confidence) / 2),
    probabilityBetter: Math.min(1, better),
    expectedLoss: Math.max(0, loss),
  };
}

interface Beta {
  a: number;
  b: number;
}

function posterior(name: string, { k, n }: Hits, a: number, b: number): Beta {
  checkCount(`${name}.n`, n);
  checkCount(`${name}.k`, k);
  if (k > n) throw new RangeError(`${name}.k must be at most ${name}.n = ${n}, got ${k}`);
  return { a: a + k, b: b + n - k };
}

function mean({ a, b }: Beta): number {
  return a / (a + b);
}

function variance({ a, b }: Beta): number {
  return (a * b) / ((a + b) ** 2 * (a + b + 1));
}

function tails({ a, b }: Beta, x: number, y: number): { lower: number; upper: number } {
  return incompleteBetaTails(a, b, x, y);
}

/**
 * The mean over a beta law of a function of x and 1 - x that may bend at some places. In log odds about the mode the density has no singularity
 * and falls on both sides, so that the trapezoid rule converges exponentially; where there are bends, tanh-sinh between them does.
 */
function integralOver({ a, b }: Beta): (f: (x: number, y: number) => number, bends?: readonly number[]) => number {
  const x0 = a / (a + b);
  const y0 = b / (a + b);
  const centre = Math.log(a / b);
  const drop = (t: number): number => a * Math.log1p(y0 * Math.expm1(-t)) + b * Math.log1p(x0 * Math.expm1(t));
  const spread = Math.sqrt(1 / a + 1 / b);
  // Beyond a drop of 45 the density is under 1e-19 of its peak.
  const [low, high] = [-1, 1].map((sign) => {
    let far = 8 * spread;
    while (drop(sign * far) < 45) far *= 1.1;
    return sign * far;
  }) as [number, number];
  const over = (f: (x: number, y: number) => number, bends: readonly number[]): number => {
    const weighted = (t: number): number => Math.exp(-drop(t)) * f(1 / (1 + Math.exp(-centre - t)), 1 / (1 + Math.exp(centre + t)));
    const inside = bends.filter((x) => x > 0 && x < 1).map((x) => Math.log(x / (1 - x)) - centre);
    const places = [low, ...inside.filter((t) => t > low && t < high).sort((s, t) => s - t), high];
    if (places.length === 2) return trapezoid(weighted, low, high, Math.min(0.4, 0.35 * spread));
    return places.slice(1).reduce((sum, place, i) => sum + tanhSinh(weighted, places[i]!, place), 0);
  };
  const whole = over(() => 1, []);
  return (f, bends = []) => over(f, bends) / whole;
}

function trapezoid(f: (t: number) => number, low: number, high: number, most: number): number {
  const steps = Math.ceil((high - low) / most);
  const step = (high - low) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) sum += f(low + i * step);
  return step * sum;
}

function tanhSinh(f: (t: number) => number, low: number, high: number): number {
  const half = (high - low) / 2;
  let sum = 0;
  for (const { distance, weight } of nodes) sum += weight * (f(low + half * distance) + (distance === 1 ? 0 : f(high - half * distance)));
  return half * sum;
}

/** Distances from an end of [-1, 1] and weights, for half the nodes: the others mirror them. */
const nodes = Array.from({ length: 106 }, (_, i) => {
  const step = 1 / 28;
  const u = (Math.PI / 2) * Math.sinh(i * step);
  // 1 - tanh u without cancellation.
  return { distance: 2 / (1 + Math.exp(2 * u)), weight: (step * (Math.PI / 2) * Math.cosh(i * step)) / Math.cosh(u) ** 2 };
});
