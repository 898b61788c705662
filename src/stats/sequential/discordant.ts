import { checkPositive } from '../arguments';

export interface EProcess {
  /** Evidence now against "either arm is as likely to be the one that is right"; may fall again. */
  e: number;
  /** 1 over the most evidence so far, at most 1: valid whenever one stops, since evidence reaches 1 / alpha with at most probability alpha. */
  pValue: number;
}

/**
 * Exact sequential McNemar test: the beta-binomial e-process over discordant pairs in the order in which they came (Ville 1939; Robbins 1970).
 * Under the null each pair is a fair coin; the alternative mixes over coins by a beta(a, b) prior, so that e = B(a + k, b + n - k) / B(a, b) · 2^n
 * after k of n pairs in favour of the variant. Only pairs of units unseen before may be added: a re-run of the same carries no information.
 *
 * @param outcomes 1 where the variant alone is right, 0 where the control alone is. None at all gives e = 1 and p = 1.
 * @param prior both default to 1 (uniform); large equal values aim at small differences. Fix them before the first pair.
 */
export function discordantEProcess(outcomes: ArrayLike<number>, prior: { a?: number; b?: number } = {}): EProcess {
  const a = checkPositive('a', prior.a ?? 1);
  const b = checkPositive('b', prior.b ?? 1);
  let wins = 0;
  let logE = 0;
  let lost = 0;
  let most = 0;
  for (let n = 0; n < outcomes.length; n++) {
    const outcome = outcomes[n];
    if (outcome !== 0 && outcome !== 1) throw new RangeError(`outcomes[${n}] must be 0 or 1, got ${String(outcome)}`);
    const term = Math.log((2 * (outcome === 1 ? a + wins : b + n - wins)) / (a + b + n)) - lost;
    // Kahan's sum: a million terms keep all but the last digits.
    const sum = logE + term;
    lost = sum - logE - term;
    logE = sum;
    wins += outcome;
    if (logE > most) most = logE;
  }
  return { e: Math.exp(logE), pValue: Math.exp(-most) };
}
