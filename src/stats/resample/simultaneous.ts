import { countUpTo } from './interval';

/** The joint law of several comparisons, on the scale of two-sided ranks. */
export interface JointRanks {
  /** Confidence of each comparison at which all hold together with `confidence`. */
  each: (confidence: number) => number;
  /** A comparison's p value for the most extreme of all. */
  adjusted: (pValue: number) => number;
}

/**
 * For each joint replicate the most extreme two-sided rank over the comparisons (Beran 1988; single-step max-T of Westfall and Young 1993,
 * on ranks, so that comparisons of different spread weigh the same). The confidence of each lies between Bonferroni's and the joint one,
 * a p value between its own and Bonferroni's.
 */
export function jointRanks(comparisons: readonly Float64Array[]): JointRanks {
  const m = comparisons.length;
  const joint = comparisons[0]!.length;
  const extreme = new Float64Array(joint).fill(1);
  for (const values of comparisons) {
    const sorted = values.slice().sort();
    for (let r = 0; r < joint; r++) {
      const below = countUpTo(sorted, values[r]!, false);
      const upTo = countUpTo(sorted, values[r]!, true);
      // Two-sided share of replicates at least as far out; of ties the middle one.
      const share = (below + upTo) / (2 * joint);
      extreme[r] = Math.min(extreme[r]!, 2 * Math.min(share, 1 - share));
    }
  }
  extreme.sort();
  return {
    each: (confidence) => {
      const alpha = 1 - confidence;
      const kept = extreme[Math.min(joint - 1, Math.floor(alpha * joint))]!;
      return 1 - Math.min(alpha, Math.max(alpha / m, kept));
    },
    adjusted: (pValue) => Math.min(1, m * pValue, Math.max(pValue, countUpTo(extreme, pValue, true) / joint)),
  };
}
