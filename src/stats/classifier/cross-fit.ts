import { checkCount, checkFinite } from '../arguments';
import { placements } from '../metrics/auc';
import { Generator } from '../random/generator';
import { normalCdf } from '../special/normal';
import { fitLogisticRows } from './logistic';

/** One feature over the rows of both sides. */
export interface Feature {
  values: ArrayLike<number>;
  /** Column it was made from: features of one column are not multiplied with each other. */
  column: number;
  /** Whether its square is a feature too. */
  continuous: boolean;
}

export interface CrossFitOptions {
  /** Default 5. */
  folds?: number;
  seed?: number;
  /** λ of the ridge, by training row; default 0.05. */
  penalty?: number;
  /** Features, and products of two, that a fold uses at most; default 200 and 30. */
  most?: { features: number; products: number };
}

export interface CrossFit {
  /** Mean over the folds of the area under the curve of rows held out. */
  auc: number;
  standardError: number;
  /** One-sided: the sides can be told apart. */
  pValue: number;
  /** Log odds of side 1 of each row, from folds that did not hold it. */
  scores: Float64Array;
  /** What told the sides apart, strongest first: one feature, or the product of two; shares of the whole difference of mean scores. */
  contributions: { features: number[]; share: number }[];
}

/**
 * Classifier two-sample test (Lopez-Paz & Oquab 2017): logistic regression on standardised features, their squares and products, judged on rows held
 * out. Squares and products are those whose means differ most in the training rows, beyond √(2 ln(candidates)) standard errors. Folds
 * share training rows, so their AUCs hang together: the variance is (1/k + 1/(k - 1)) of a fold's (Nadeau & Bengio 2003).
 */
export function crossFit(features: readonly Feature[], side: Uint8Array, options: CrossFitOptions = {}): CrossFit {
  const folds = checkCount('folds', options.folds ?? 5, 2);
  const columns = features.map(({ values }, j) => {
    checkFinite(`features[${j}]`, values);
    return standardise(values);
  });
  const fold = foldsOf(side, folds, new Generator(options.seed ?? 1));
  const scores = new Float64Array(side.length);
  const told = new Map<string, { features: number[]; sum: number }>();
  let [auc, variance] = [0, 0];
  for (let k = 0; k < folds; k++) {
    const training = rowsOf(fold, (f) => f !== k);
    const held = rowsOf(fold, (f) => f === k);
    const terms = termsOf(features, columns, side, training, options.most ?? { features: 200, products: 30 });
    const trainingSide = Uint8Array.from(training, (row) => side[row]!);
    const design = designOf(terms, columns, training);
    const model = fitLogisticRows(design, terms.length, trainingSide, {
      penalty: (options.penalty ?? 0.05) * training.length,
      tolerance: 1e-5,
      iterations: 50,
    });
    terms.forEach((term, t) => {
      const name = term.features.join();
      const one = told.get(name) ?? { features: term.features, sum: 0 };
      one.sum += Math.abs(model.weights[t]! * term.gap);
      told.set(name, one);
    });
    const heldDesign = designOf(terms, columns, held);
    held.forEach((row, i) => {
      let score = model.intercept;
      for (let t = 0; t < terms.length; t++) score += model.weights[t]! * heldDesign[i * terms.length + t]!;
      scores[row] = score;
    });
    const judged = placements(
      Uint8Array.from(held, (row) => side[row]!),
      Float64Array.from(held, (row) => scores[row]!),
    );
    auc += (judged.auc ?? 0.5) / folds;
    variance += (judged.positives + judged.negatives + 1) / (12 * judged.positives * judged.negatives) / folds;
  }
  const standardError = Math.sqrt(variance * (1 / folds + 1 / (folds - 1)));
  const all = [...told.values()].reduce((sum, one) => sum + one.sum, 0);
  return {
    auc,
    standardError,
    pValue: normalCdf((0.5 - auc) / standardError),
    scores,
    contributions: [...told.values()]
      .map((one) => ({ features: one.features, share: all === 0 ? 0 : one.sum / all }))
      .sort((a, b) => b.share - a.share),
  };
}

/** Mean 0, standard deviation 1 over both sides, at most 4 from 0; zeros where constant. */
export function standardise(values: ArrayLike<number>): Float32Array {
  const { mean, deviation } = moments(values);
  return Float32Array.from(values, (x) => (deviation === 0 ? 0 : Math.max(-4, Math.min(4, (x - mean) / deviation))));
}

function moments(values: ArrayLike<number>): { mean: number; deviation: number } {
  let [mean, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) mean += values[i]! / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  const deviation = Math.sqrt(squares / values.length);
  return { mean, deviation: deviation > 1e-12 * Math.abs(mean) ? deviation : 0 };
}

/** Rows of each side dealt out at random, equally many to each fold. */
function foldsOf(side: Uint8Array, folds: number, generator: Generator): Uint8Array {
  const fold = new Uint8Array(side.length);
  for (const wanted of [0, 1]) {
    const rows = rowsOf(side, (s) => s === wanted);
    if (rows.length < 2 * folds)
      throw new RangeError(`side must hold at least ${2 * folds} rows of each side, got ${rows.length} of ${wanted}`);
    for (let i = rows.length - 1; i > 0; i--) {
      const j = generator.below(i + 1);
      const kept = rows[i]!;
      rows[i] = rows[j]!;
      rows[j] = kept;
    }
    rows.forEach((row, i) => {
      fold[row] = i % folds;
    });
  }
  return fold;
}

function rowsOf(values: Uint8Array, wanted: (value: number) => boolean): Int32Array {
  const rows: number[] = [];
  for (let i = 0; i < values.length; i++) if (wanted(values[i]!)) rows.push(i);
  return Int32Array.from(rows);
}

/** A feature, or a product with its mean and deviation in the training rows; `gap`: mean of side 1 less mean of side 0, in deviations. */
interface Term {
  features: number[];
  mean: number;
  deviation: number;
  gap: number;
}

function termsOf(
  features: readonly Feature[],
  columns: readonly Float32Array[],
  side: Uint8Array,
  training: Int32Array,
  most: { features: number; products: number },
): Term[] {
  const ones = training.filter((row) => side[row] === 1);
  const zeros = training.filter((row) => side[row] === 0);
  const gathered = columns.map((column) => ({ one: gather(column, ones), zero: gather(column, zeros) }));
  const single = gathered
    .map(({ one, zero }, j): Term => ({ features: [j], mean: 0, deviation: 1, gap: meanOf(one) - meanOf(zero) }))
    .sort((a, b) => Math.abs(b.gap) - Math.abs(a.gap) || a.features[0]! - b.features[0]!)
    .slice(0, most.features);
  const candidates = single.slice(0, 100).map((term) => term.features[0]!);
  const products: Term[] = [];
  let tried = 0;
  for (const [p, j] of candidates.entries())
    for (const k of candidates.slice(p)) {
      if (j === k ? !features[j]!.continuous : features[j]!.column === features[k]!.column) continue;
      tried++;
      const term = productTerm(j, k, gathered[j]!, gathered[k]!);
      if (term !== null) products.push(term);
    }
  const bound = Math.sqrt(2 * Math.log(Math.max(2, tried)) * (1 / ones.length + 1 / zeros.length));
  const kept = products
    .filter(({ gap }) => Math.abs(gap) > bound)
    .sort((a, b) => Math.abs(b.gap) - Math.abs(a.gap))
    .slice(0, most.products);
  return [...single, ...kept];
}

interface Sides {
  one: Float32Array;
  zero: Float32Array;
}

function productTerm(j: number, k: number, a: Sides, b: Sides): Term | null {
  const one = sumsOfProducts(a.one, b.one);
  const zero = sumsOfProducts(a.zero, b.zero);
  const [n, m] = [a.one.length, a.zero.length];
  const mean = (one.sum + zero.sum) / (n + m);
  const deviation = Math.sqrt(Math.max(0, (one.squares + zero.squares) / (n + m) - mean * mean));
  return deviation < 1e-6
    ? null
    : { features: [Math.min(j, k), Math.max(j, k)], mean, deviation, gap: (one.sum / n - zero.sum / m) / deviation };
}

function sumsOfProducts(x: Float32Array, y: Float32Array): { sum: number; squares: number } {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const product = x[i]! * y[i]!;
    sum += product;
    squares += product * product;
  }
  return { sum, squares };
}

function gather(column: Float32Array, rows: Int32Array): Float32Array {
  const found = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) found[i] = column[rows[i]!]!;
  return found;
}

function meanOf(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Row-major. */
function designOf(terms: readonly Term[], columns: readonly Float32Array[], rows: Int32Array): Float32Array {
  const width = terms.length;
  const design = new Float32Array(rows.length * width);
  terms.forEach(({ features: [j, k], mean, deviation }, t) => {
    const x = columns[j!]!;
    const y = k === undefined ? null : columns[k]!;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      design[i * width + t] = y === null ? x[row]! : (x[row]! * y[row]! - mean) / deviation;
    }
  });
  return design;
}
