/**
 * P(Σ w_i·coin_i >= at) for fair coins and positive whole weights, by convolution. Only positive terms are added, so that far tails keep
 * their digits; below 1e-300 they end in 0. Cost: weights times their sum.
 */
export function coinSumSurvival(weights: ArrayLike<number>, at: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  if (at <= 0) return 1;
  if (at > total) return 0;
  const share = new Float64Array(total + 1);
  share[0] = 1;
  let most = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    most += weight;
    for (let s = most; s >= weight; s--) share[s] = (share[s]! + share[s - weight]!) / 2;
    for (let s = Math.min(weight - 1, most); s >= 0; s--) share[s]! /= 2;
  }
  // From the far end: small terms first.
  let sum = 0;
  for (let s = total; s >= at; s--) sum += share[s]!;
  return Math.min(1, sum);
}
