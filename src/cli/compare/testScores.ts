import { some } from '../../analysis';
import { AssayError } from '../../contract';
import type { PredictionFile } from '../predictions/file';
import { codesOf } from './testClasses';

/** Sums further from 1 than a float32 leaves them are put right up to here, as numbers that were written with few digits need. */
const rounded = 0.01;
const exact = 1e-4;

/** A file's scores in the order of the test rows and classes, checked; those of predicted classes alone are 1 and 0. */
export function testScores(
  file: PredictionFile,
  classes: readonly string[],
  { order, reference }: { order: Int32Array | null; reference: string },
): { scores: Float64Array; notes: string[] } {
  if (file.scores === null) return fromPredictions(file, classes, order);
  const k = classes.length;
  const { from, notes } = sources(file, classes, reference);
  const read = file.scores;
  const scores = new Float64Array(file.rows === 0 ? 0 : (order?.length ?? file.rows) * k);
  let adjusted = 0;
  for (let i = 0; i < scores.length / k; i++) {
    const row = order === null ? i : (order[i] as number);
    let sum = 0;
    for (let c = 0; c < k; c++) {
      const score = read[row * k + (from[c] as number)] as number;
      if (!(score >= -exact && score <= 1 + exact)) throw notAScore(file, row, classes[c] as string, score);
      scores[i * k + c] = score;
      sum += score;
    }
    if (Math.abs(sum - 1) <= exact) continue;
    if (Math.abs(sum - 1) > rounded) throw notOne(file, row, sum);
    for (let c = 0; c < k; c++) scores[i * k + c] = (scores[i * k + c] as number) / sum;
    adjusted++;
  }
  if (adjusted > 0)
    notes.push(`${file.place}: the scores of ${adjusted} rows sum to 1 only within ${rounded}, and were divided by their sum.`);
  notes.push(...predictionsApart(file, scores, classes, order));
  return { scores, notes };
}

function fromPredictions(file: PredictionFile, classes: readonly string[], order: Int32Array | null): ReturnType<typeof testScores> {
  if (file.predictions === null) throw new RangeError(`expected scores or predictions in ${file.place}`);
  const { codes, note } = codesOf({ ...file, what: 'prediction', column: file.predictions }, classes);
  const scores = new Float64Array((order?.length ?? file.rows) * classes.length);
  for (let i = 0; i < scores.length / classes.length; i++)
    scores[i * classes.length + (codes[order === null ? i : (order[i] as number)] as number)] = 1;
  return { scores, notes: note === null ? [] : [note] };
}

/** For each class the column of the file; by name where it has names. */
function sources(file: PredictionFile, classes: readonly string[], reference: string): { from: number[]; notes: string[] } {
  const k = classes.length;
  if (file.classes !== k)
    throw new AssayError(
      'PredictionsInvalid',
      `${file.place}: ${file.classes} classes, but ${reference} has ${k}; expected the same classes`,
    );
  const same = Array.from({ length: k }, (_, code) => code);
  if (file.positive !== null && file.positive !== classes[1]) {
    if (file.positive === classes[0]) return { from: [1, 0], notes: [] };
    throw new AssayError('PredictionsInvalid', `${file.place}: scores of class ${file.positive}, expected one of ${classes.join(', ')}`);
  }
  if (file.classNames === null) return { from: same, notes: [] };
  const from = classes.map((name) => (file.classNames as string[]).indexOf(name));
  const absent = classes.filter((_, code) => from[code] === -1);
  if (absent.length > 0)
    throw new AssayError(
      'PredictionsInvalid',
      `${file.place}: no score column for ${some(absent)}, which ${reference} has; its columns are ${some(file.classNames)}`,
    );
  return { from, notes: [] };
}

const logits = 'logits become scores with softmax, e.g. scipy.special.softmax(x, axis=1)';

function notAScore(file: PredictionFile, row: number, name: string, score: number): AssayError {
  const mend = Number.isFinite(score) ? `; ${logits}` : '';
  return new AssayError(
    'PredictionsInvalid',
    `${file.place}: ${file.at(row)}, class ${name}: the score is ${score}, expected 0 to 1${mend}`,
  );
}

function notOne(file: PredictionFile, row: number, sum: number): AssayError {
  return new AssayError(
    'PredictionsInvalid',
    `${file.place}: ${file.at(row)}: the scores sum to ${sum.toPrecision(6)}, expected 1; ${logits}`,
  );
}

/** Predicted classes beside scores are not what is compared: where they differ, a threshold was used, and the reader has to know. */
function predictionsApart(file: PredictionFile, scores: Float64Array, classes: readonly string[], order: Int32Array | null): string[] {
  if (file.predictions === null) return [];
  const { codes } = codesOf({ ...file, what: 'prediction', column: file.predictions }, classes);
  const k = classes.length;
  let apart = 0;
  for (let i = 0; i < scores.length / k; i++) {
    let best = 0;
    for (let c = 1; c < k; c++) if ((scores[i * k + c] as number) > (scores[i * k + best] as number)) best = c;
    if (best !== codes[order === null ? i : (order[i] as number)]) apart++;
  }
  if (apart === 0) return [];
  return [
    `${file.place}: in ${apart} rows the column of predictions is not the class of the largest score. The largest score counts; to compare the predictions, leave the scores out.`,
  ];
}
