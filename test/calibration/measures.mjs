/** What is counted of an experiment: how often a method errs, or sees what is there. */
export const alpha = 0.05;

/** An interval that leaves out the truth; of a test without interval, p <= alpha where the truth is 0. `claim` is the most that is claimed. */
export const error = (method, metric, run, truth = () => 0, claim = alpha) => ({
  kind: 'error',
  method,
  metric,
  claim,
  hit: missing(run, truth),
});

/** The same of a common mistake: it has to err above the band of alpha, or it were none. */
export const mistake = (method, metric, run, truth = () => 0) => ({
  kind: 'mistake',
  method,
  metric,
  claim: alpha,
  hit: missing(run, truth),
});

/** p <= alpha where there is a difference; `claim` is what theory promises. */
export const power = (method, metric, run, claim) => ({
  kind: 'power',
  method,
  metric,
  claim,
  hit: (data, context) => {
    const { pValue } = run(data, context);
    return pValue === undefined ? null : pValue <= alpha;
  },
});

/** True, false, or null where the method makes no claim. */
function missing(run, truth) {
  return (data, context) => {
    const { low, high, pValue } = run(data, context);
    if (low === undefined || low === null) return pValue === undefined || pValue === null ? null : pValue <= alpha;
    const value = truth(data);
    // Bounds of alike arms are both 0, but for the last digits.
    return value < low - 1e-12 || value > high + 1e-12;
  };
}

/** Most and least of `trials` that a rate can give, each beyond with chance 0.0005. */
export function band(trials, rate) {
  const tail = 0.0005;
  let log = trials * Math.log1p(-rate);
  let below = 0;
  let least = null;
  for (let k = 0; k <= trials; k++) {
    const mass = Math.exp(log);
    if (least === null && below + mass > tail) least = k;
    below += mass;
    if (1 - below <= tail) return { least: least / trials, most: k / trials };
    log += Math.log((trials - k) / (k + 1)) + Math.log(rate / (1 - rate));
  }
  return { least: least / trials, most: 1 };
}

/** hits of trials, held against the row's claim. */
export function judge({ kind, claim }, { trials, hits, silent }) {
  const claims = trials - silent;
  // An experiment without a claim is not a false one: it counts among the trials.
  const seen = hits / trials;
  const { least, most } = band(trials, claim);
  const nominal = band(trials, alpha);
  if (claims === 0) return { seen, least, most, verdict: 'NO CLAIM MADE', failed: true };
  if (kind === 'mistake') {
    // A few hundred experiments only show that it errs more than it says.
    const edge = trials < 1000 ? alpha : most;
    return { seen, least, most: edge, verdict: seen > edge ? 'mistake' : 'MISTAKE NOT SHOWN', failed: !(seen > edge) };
  }
  if (kind === 'power') return { seen, least, most, verdict: seen >= least ? 'holds' : 'FAILS', failed: seen < least };
  if (seen > most) return { seen, least, most, verdict: 'FAILS', failed: true };
  if (claim > alpha) return { seen, least, most, verdict: 'errs, as stated', failed: false };
  return { seen, least, most, verdict: seen < nominal.least ? 'holds, conservative' : 'holds', failed: false };
}
