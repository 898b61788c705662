import type { Condition } from './searchSpace';

/** Rows, and the sum and squares of their gaps (variant right less control right). */
export interface Totals {
  n: number;
  sum: number;
  squares: number;
}

/** One condition or two that both hold. */
export interface Candidate {
  conditions: Condition[];
  where: string;
  /** How telling it is; only ever compared. */
  score: number;
  /** Rows in the searched half. */
  searched: number;
}

/** Rows of the whole that are mixed into a slice's spread: few discordant pairs make no certainty. */
const pseudoRows = 10;

/**
 * How far the slice lies from the rest, in standard errors, or from 0 where it lies on the other side of it than the whole. It ranks and is
 * no test: units are not looked at. Swapping the arms changes no score.
 */
export function scored(conditions: Condition[], where: string, sums: Totals, whole: Totals): Candidate {
  const rest = { n: whole.n - sums.n, sum: whole.sum - sums.sum, squares: whole.squares - sums.squares };
  const [inside, outside] = [sums.sum / sums.n, rest.sum / rest.n];
  const variance = varianceOfMean(sums, whole);
  const apart = Math.abs(inside - outside) / Math.sqrt(variance + varianceOfMean(rest, whole));
  const against = inside * whole.sum < 0 ? Math.abs(inside) / Math.sqrt(variance) : 0;
  const score = Math.max(apart, against);
  return { conditions, where, score: Number.isNaN(score) ? 0 : score, searched: sums.n };
}

/** Of the second moment, not of the spread about the mean: as if the slice differed in nothing. */
function varianceOfMean({ n, squares }: Totals, whole: Totals): number {
  return (squares + (pseudoRows * whole.squares) / whole.n) / (n + pseudoRows) / n;
}
