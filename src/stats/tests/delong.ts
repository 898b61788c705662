import { checkFinite, checkOpenProbability, checkSameLength } from '../arguments';
import { placements } from '../metrics/auc';
import { normalQuantile } from '../special/normal';
import { sumOf } from '../sum';
import type { Interval } from '../types';
import { twoSidedNormal } from './mean';

/**
 * DeLong's test (DeLong, DeLong & Clarke-Pearson 1988) of two AUCs over the same rows, labels 0 and 1; `difference` is B - A, `covariance`
 * that of [A, B], p and interval by the normal law. Ties half, n log n (Sun & Xu 2014). At least 2 rows of each class. Equal scores:
 * difference 0 and p = 1; a difference without variance is certain, p = 0. The interval is too short where an AUC is near 1 or a class
 * has few rows.
 */
export function delong(
  labels: ArrayLike<number>,
  scoresA: ArrayLike<number>,
  scoresB: ArrayLike<number>,
  options: { confidence?: number } = {},
): Interval & {
  aucA: number;
  aucB: number;
  difference: number;
  variance: number;
  covariance: number[][];
  z: number;
  pValue: number;
} {
  const confidence = checkOpenProbability('confidence', options.confidence ?? 0.95);
  checkFinite('scoresA', scoresA);
  checkFinite('scoresB', scoresB);
  checkSameLength('labels', labels, 'scoresA', scoresA);
  checkSameLength('labels', labels, 'scoresB', scoresB);
  const positive = Uint8Array.from(labels, (label, i) => {
    if (label !== 0 && label !== 1) throw new RangeError(`labels[${i}] must be 0 or 1, got ${label}`);
    return label;
  });
  const a = placements(positive, scoresA);
  const b = placements(positive, scoresB);
  if (a.auc === undefined || b.auc === undefined) throw new RangeError('labels must hold both classes: an AUC of one class is undefined');
  if (a.positives < 2 || a.negatives < 2) throw new RangeError('labels must hold at least 2 rows of each class');
  const covariance = [
    [structural(positive, a, a), structural(positive, a, b)],
    [structural(positive, b, a), structural(positive, b, b)],
  ];
  const variance = Math.max(0, structuralOfDifference(positive, a, b));
  const difference = b.auc - a.auc;
  const standardError = Math.sqrt(variance);
  const z = standardError > 0 ? difference / standardError : difference === 0 ? 0 : Math.sign(difference) * Infinity;
  const half = normalQuantile(0.5 + confidence / 2) * standardError;
  return {
    aucA: a.auc,
    aucB: b.auc,
    difference,
    variance,
    covariance,
    z,
    pValue: twoSidedNormal(z),
    low: difference - half,
    high: difference + half,
  };
}

type Placements = ReturnType<typeof placements>;

/** Covariance of the placements among positives over their number, plus the same among negatives. */
function structural(positive: Uint8Array, a: Placements, b: Placements): number {
  return twoSides(positive, a, (i) => (a.placement[i]! - a.auc!) * (b.placement[i]! - b.auc!));
}

/** Of the difference row by row: equal arms give exactly 0. */
function structuralOfDifference(positive: Uint8Array, a: Placements, b: Placements): number {
  return twoSides(positive, a, (i) => (b.placement[i]! - a.placement[i]! - (b.auc! - a.auc!)) ** 2);
}

function twoSides(positive: Uint8Array, { positives, negatives }: Placements, term: (row: number) => number): number {
  const [ofPositives, ofNegatives] = [new Float64Array(positives), new Float64Array(negatives)];
  let [p, n] = [0, 0];
  for (let i = 0; i < positive.length; i++) {
    if (positive[i] === 1) ofPositives[p++] = term(i);
    else ofNegatives[n++] = term(i);
  }
  return sumOf(ofPositives) / (positives - 1) / positives + sumOf(ofNegatives) / (negatives - 1) / negatives;
}
