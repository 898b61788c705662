import { checkFinite, checkOpenProbability } from '../arguments';

export interface ChangePoint {
  /** First value after the change. */
  at: number;
  /** First and last place where the change may have been. */
  from: number;
  to: number;
  before: number;
  after: number;
}

/**
 * Where the mean of the values changed once: least squares, with the set of places that a likelihood ratio does not reject (Hansen 2000:
 * c = -2 ln(1 - √confidence)). `inflation` is the variance of a mean over that of independent values.
 */
export function changePoint(values: ArrayLike<number>, options: { confidence?: number; inflation?: number } = {}): ChangePoint {
  checkFinite('values', values, 2);
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  const n = values.length;
  let total = 0;
  for (let i = 0; i < n; i++) total += values[i]!;
  const gain = new Float64Array(n);
  let [sum, at] = [0, 1];
  for (let k = 1; k < n; k++) {
    sum += values[k - 1]!;
    gain[k] = ((sum - (total * k) / n) ** 2 * n) / (k * (n - k));
    if (gain[k]! > gain[at]!) at = k;
  }
  const [before, after] = [meanOf(values, 0, at), meanOf(values, at, n)];
  let rest = 0;
  for (let i = 0; i < n; i++) rest += (values[i]! - (i < at ? before : after)) ** 2;
  const allowed = -2 * Math.log(1 - Math.sqrt(confidence)) * (options.inflation ?? 1) * (rest / Math.max(1, n - 2));
  let [from, to] = [at, at];
  for (let k = 1; k < n; k++)
    if (gain[at]! - gain[k]! <= allowed) {
      from = Math.min(from, k);
      to = Math.max(to, k);
    }
  return { at, from, to, before, after };
}

function meanOf(values: ArrayLike<number>, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]!;
  return sum / (to - from);
}
