import { checkCount, checkOneOf, checkSameLength } from '../arguments';
import { unitNumbers } from '../intervals/variance-components';
import { influenceValues } from '../metrics/influence';
import { checkLabels } from '../metrics/labels';
import { checkScores, rowLogLoss } from '../metrics/scores';
import type { Generator } from '../random/generator';
import { type BootstrapMetric, isLabelMetric, labelMetrics, type ScoreMetric, scoreMetrics } from '../types';
import { eachReplicate } from './bootstrap';
import { CellSampler, countCells } from './cells';
import { type ArmPair, LabelEvaluator } from './label-metrics';
import { rowEvaluator } from './score-metrics';

export interface PairedBootstrapInput {
  labels: Int32Array;
  /** One array a seed. */
  predictionsA: readonly ArrayLike<number>[];
  predictionsB: readonly ArrayLike<number>[];
  /** Row-major n x classes, one array a seed; needed by auc_ovr, log_loss and ece. */
  scoresA?: readonly ArrayLike<number>[];
  scoresB?: readonly ArrayLike<number>[];
  classes: number;
  /** Unit of each row, any whole numbers; units are then what is resampled. */
  units?: Int32Array;
}

export interface PairedResampler {
  /** The metric of the sample itself, averaged over seeds. */
  sample: ArmPair;
  /** Replicates from..to-1; `from` is a multiple of 250. Any division into ranges gives the same bits. */
  replicates(seed: number, from: number, to: number): { a: Float64Array; b: Float64Array };
  /** Arms with one item left out, and how many items each entry stands for. */
  leftOut(): { a: Float64Array; b: Float64Array; weights?: Int32Array };
}

export function pairedResampler(input: PairedBootstrapInput, metric: BootstrapMetric): PairedResampler {
  const resampler = orientedResampler(input, metric);
  // The lower arm goes first, so that swapping the arms draws the same resamples and only turns the sign.
  if (!(resampler.sample.a > resampler.sample.b)) return resampler;
  const { predictionsA, predictionsB, scoresA, scoresB, ...rest } = input;
  const swapped = orientedResampler(
    {
      ...rest,
      predictionsA: predictionsB,
      predictionsB: predictionsA,
      ...(scoresB === undefined ? {} : { scoresA: scoresB }),
      ...(scoresA === undefined ? {} : { scoresB: scoresA }),
    },
    metric,
  );
  return {
    sample: { a: swapped.sample.b, b: swapped.sample.a },
    replicates: (seed, from, to) => {
      const { a, b } = swapped.replicates(seed, from, to);
      return { a: b, b: a };
    },
    leftOut: () => {
      const { a, b, ...weights } = swapped.leftOut();
      return { a: b, b: a, ...weights };
    },
  };
}

function orientedResampler(input: PairedBootstrapInput, metric: BootstrapMetric): PairedResampler {
  checkOneOf('metric', metric, [...labelMetrics, ...scoreMetrics]);
  checkCount('classes', input.classes, 1);
  if (input.labels.length === 0) throw new RangeError('labels must have at least 1 value, got 0');
  checkLabels('labels', input.labels, input.classes);
  if (input.units !== undefined) checkSameLength('labels', input.labels, 'units', input.units);
  if (!isLabelMetric(metric)) return scoreResampler(input, metric);
  const predictionsA = checkedPredictions('predictionsA', input.predictionsA, input);
  const predictionsB = checkedPredictions('predictionsB', input.predictionsB, input);
  checkSameLength('predictionsA', predictionsA, 'predictionsB', predictionsB);
  const { labels, classes } = input;
  const seeds = predictionsA.length;
  const all = [...predictionsA, ...predictionsB];
  const right = (arms: Int32Array[]): Int32Array =>
    labels.map((label, i) => arms.reduce((sum, predictions) => sum + (predictions[i] === label ? 1 : 0), 0));
  const cells =
    metric === 'accuracy'
      ? countCells(labels.length, [right(predictionsA), right(predictionsB)], [seeds + 1, seeds + 1])
      : countCells(labels.length, [labels, ...all], new Array<number>(all.length + 1).fill(classes));
  const evaluator = new LabelEvaluator(metric, { labels, predictionsA, predictionsB, classes }, cells);
  const sample = { a: 0, b: 0 };
  evaluator.evaluate(cells.counts, labels.length, sample);
  const weights = new Int32Array(cells.counts.length);
  if (input.units === undefined) {
    const sampler = new CellSampler(cells);
    const run = (generator: Generator, out: ArmPair): void => {
      sampler.draw(generator, weights);
      evaluator.evaluate(weights, labels.length, out);
    };
    return { sample, replicates: replicatesOf(run), leftOut: () => ({ ...evaluator.leaveOut(), weights: cells.counts }) };
  }
  const units = unitNumbers(input.units);
  const drawn = new Int32Array(units.count);
  const run = (generator: Generator, out: ArmPair): void => {
    drawRows(generator, drawn);
    weights.fill(0);
    let total = 0;
    for (let i = 0; i < labels.length; i++) {
      const weight = drawn[units.of[i]!]!;
      weights[cells.ofRow[i]!]! += weight;
      total += weight;
    }
    evaluator.evaluate(weights, total, out);
  };
  return {
    sample,
    replicates: replicatesOf(run),
    leftOut: () => pseudoLeftOut(metric, labels, predictionsA, predictionsB, classes, sample, units),
  };
}

function scoreResampler(input: PairedBootstrapInput, metric: ScoreMetric): PairedResampler {
  const { classes } = input;
  if (input.scoresA === undefined || input.scoresB === undefined) throw new TypeError(`scoresA and scoresB must be given for ${metric}`);
  checkSameLength('scoresA', input.scoresA, 'scoresB', input.scoresB);
  if (input.scoresA.length === 0) throw new RangeError('scoresA must have at least one seed, got 0');
  for (const scores of [...input.scoresA, ...input.scoresB]) checkScores(input.labels, scores, classes);
  const { labels, scoresA, scoresB, units: unitValues } = inCanonicalOrder(input.labels, input.scoresA, input.scoresB, input.units);
  const n = labels.length;
  const units = unitValues === undefined ? undefined : unitNumbers(unitValues);
  const evaluateA = rowEvaluator(metric, labels, scoresA, classes);
  const evaluateB = rowEvaluator(metric, labels, scoresB, classes);
  const ones = new Int32Array(n).fill(1);
  const sample = { a: evaluateA(ones, n), b: evaluateB(ones, n) };
  const drawn = units === undefined ? new Int32Array(0) : new Int32Array(units.count);
  const weights = new Int32Array(n);
  const weighted = (generator: Generator, out: ArmPair): void => {
    let total = n;
    if (units === undefined) drawRows(generator, weights);
    else {
      drawRows(generator, drawn);
      total = 0;
      for (let i = 0; i < n; i++) total += weights[i] = drawn[units.of[i]!]!;
    }
    out.a = evaluateA(weights, total);
    out.b = evaluateB(weights, total);
  };
  const run = metric === 'log_loss' && units === undefined ? meanDraws(labels, scoresA, scoresB, classes) : weighted;
  return { sample, replicates: replicatesOf(run), leftOut: () => pseudoLeftOut(metric, labels, scoresA, scoresB, classes, sample, units) };
}

/** Means need no weights: the seed-averaged values of the drawn rows are summed at once. */
function meanDraws(
  labels: Int32Array,
  scoresA: readonly ArrayLike<number>[],
  scoresB: readonly ArrayLike<number>[],
  classes: number,
): (generator: Generator, out: ArmPair) => void {
  const n = labels.length;
  const averaged = (scores: readonly ArrayLike<number>[]): Float64Array => {
    const sums = new Float64Array(n);
    for (const values of scores) rowLogLoss(labels, values, classes).forEach((loss, i) => (sums[i]! += loss / scores.length));
    return sums;
  };
  const a = averaged(scoresA);
  const b = averaged(scoresB);
  return (generator, out) => {
    let [sumA, sumB] = [0, 0];
    for (let left = n; left > 0; left--) {
      const i = generator.below(n);
      sumA += a[i]!;
      sumB += b[i]!;
    }
    out.a = sumA / n;
    out.b = sumB / n;
  };
}

function replicatesOf(run: (generator: Generator, out: ArmPair) => void): PairedResampler['replicates'] {
  return (seed, from, to) => {
    const a = new Float64Array(to - from);
    const b = new Float64Array(to - from);
    const out = { a: 0, b: 0 };
    eachReplicate(seed, from, to, (generator, r) => {
      run(generator, out);
      a[r - from] = out.a;
      b[r - from] = out.b;
    });
    return { a, b };
  };
}

/** How often each of n items is drawn in n draws. */
function drawRows(generator: Generator, counts: Int32Array): void {
  const n = counts.length;
  counts.fill(0);
  for (let left = n; left > 0; left--) counts[generator.below(n)]!++;
}

/** Each arm less the mean influence of the item left out: the jackknife to first order. */
function pseudoLeftOut(
  metric: BootstrapMetric,
  labels: Int32Array,
  a: readonly ArrayLike<number>[],
  b: readonly ArrayLike<number>[],
  classes: number,
  sample: ArmPair,
  units: { of: Int32Array; count: number } | undefined,
): { a: Float64Array; b: Float64Array } {
  const n = labels.length;
  const arm = (seeds: readonly ArrayLike<number>[], estimate: number): Float64Array => {
    const values = new Float64Array(units?.count ?? n).fill(estimate);
    for (const values_ of seeds) {
      const { influence } = influenceValues(metric, labels, values_, classes);
      for (let i = 0; i < influence.length; i++) values[units === undefined ? i : units.of[i]!]! -= influence[i]! / n / seeds.length;
    }
    return values;
  };
  return { a: arm(a, sample.a), b: arm(b, sample.b) };
}

/** Rows sorted by label, scores and unit: the order in which they came changes nothing, to the bit. */
function inCanonicalOrder(
  labels: Int32Array,
  scoresA: readonly ArrayLike<number>[],
  scoresB: readonly ArrayLike<number>[],
  units: Int32Array | undefined,
): { labels: Int32Array; scoresA: Float64Array[]; scoresB: Float64Array[]; units: Int32Array | undefined } {
  const n = labels.length;
  const all = [...scoresA, ...scoresB];
  const widths = all.map((scores) => scores.length / n);
  const order = labels
    .map((_, i) => i)
    .sort((i, j) => {
      if (labels[i] !== labels[j]) return labels[i]! - labels[j]!;
      for (let s = 0; s < all.length; s++) {
        const width = widths[s]!;
        for (let c = 0; c < width; c++) {
          const gap = all[s]![i * width + c]! - all[s]![j * width + c]!;
          if (gap !== 0) return gap;
        }
      }
      return units === undefined ? 0 : units[i]! - units[j]!;
    });
  const rearranged = (scores: ArrayLike<number>): Float64Array => {
    const width = scores.length / n;
    const result = new Float64Array(scores.length);
    for (let i = 0; i < n; i++) for (let c = 0; c < width; c++) result[i * width + c] = scores[order[i]! * width + c]!;
    return result;
  };
  return {
    labels: order.map((i) => labels[i]!),
    scoresA: scoresA.map(rearranged),
    scoresB: scoresB.map(rearranged),
    units: units === undefined ? undefined : order.map((i) => units[i]!),
  };
}

function checkedPredictions(name: string, seeds: readonly ArrayLike<number>[], input: PairedBootstrapInput): Int32Array[] {
  if (seeds.length === 0) throw new RangeError(`${name} must have at least one seed, got 0`);
  return seeds.map((predictions, s) => {
    checkSameLength('labels', input.labels, `${name}[${s}]`, predictions);
    checkLabels(`${name}[${s}]`, predictions, input.classes);
    return predictions instanceof Int32Array ? predictions : Int32Array.from(predictions);
  });
}
