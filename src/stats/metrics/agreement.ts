import { checkOneOf } from '../arguments';
import { confusionMatrix, ratio } from './labels';

/**
 * Cohen's kappa (1960, weighted 1968): agreement beyond chance, at most 1, 0 where it is chance's, below 0 where it is less. Weighted by
 * the `linear` or `quadratic` distance of the class numbers where they have an order. Undefined (0/0) without rows and where both give
 * one and the same class throughout.
 */
export function cohenKappa(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number; weights?: 'linear' | 'quadratic' } = {},
): number | undefined {
  const { weights } = options;
  if (weights !== undefined) checkOneOf('weights', weights, ['linear', 'quadratic']);
  const { matrix, support, predicted } = margins(labels, predictions, options);
  const distance = (i: number, j: number): number =>
    weights === undefined ? Number(i !== j) : weights === 'linear' ? Math.abs(i - j) : (i - j) ** 2;
  let [seen, byChance] = [0, 0];
  matrix.forEach((row, i) =>
    row.forEach((count, j) => {
      seen += distance(i, j) * count;
      byChance += distance(i, j) * support[i]! * predicted[j]!;
    }),
  );
  const share = ratio(seen * labels.length, byChance);
  return share === undefined ? undefined : 1 - share;
}

/**
 * Matthews' correlation (1975), for any number of classes (Gorodkin 2004): -1..1 with two, 0 where predictions tell nothing. Undefined
 * (0/0), not 0 as in scikit-learn, where the labels or the predictions are all of one class, and without rows.
 */
export function matthewsCorrelation(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number } = {},
): number | undefined {
  const { matrix, support, predicted } = margins(labels, predictions, options);
  const n = labels.length;
  let [covariance, ofLabels, ofPredictions] = [0, 0, 0];
  // Σ over classes of n·hits - support·predicted: whole numbers, so that nothing is lost.
  for (let c = 0; c < support.length; c++) {
    covariance += n * matrix[c]![c]! - support[c]! * predicted[c]!;
    ofLabels += support[c]! * (n - support[c]!);
    ofPredictions += predicted[c]! * (n - predicted[c]!);
  }
  return ratio(covariance, Math.sqrt(ofLabels * ofPredictions));
}

function margins(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: { classes?: number },
): { matrix: number[][]; support: number[]; predicted: number[] } {
  const matrix = confusionMatrix(labels, predictions, options.classes === undefined ? {} : { classes: options.classes });
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return { matrix, support: matrix.map(sum), predicted: matrix.map((_, j) => sum(matrix.map((row) => row[j]!))) };
}
