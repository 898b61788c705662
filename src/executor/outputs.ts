import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, TrainerResult } from '../contract';
import { type NpyArray, readNpy } from '../contract/npy';
import { entries, filesOf } from './layout';
import type { CollectInput, Outputs } from './types';

/** Exit code 0 is not success: the result and a valid prediction for every test id are. */
export async function collectOutputs({ dir, testIds, labels, classes }: CollectInput): Promise<Outputs> {
  const { out, events } = filesOf(dir);
  const result = await readResult(join(out, 'result.json'));
  const predictionsDir = join(out, 'predictions');
  const names = ['ids', 'labels', 'scores'] as const;
  const [ids, given, scores] = await Promise.all(names.map((name) => readArray(join(predictionsDir, `${name}.npy`))));
  if (!ids || !given || !scores) throw new TypeError('three arrays are read');
  checkForms(predictionsDir, { ids, given, scores }, classes);
  const rows = checkIds(join(predictionsDir, 'ids.npy'), ids, testIds);
  checkLabels(join(predictionsDir, 'labels.npy'), { ids, given, rows, labels });
  checkScores(join(predictionsDir, 'scores.npy'), { ids, scores, classes });
  await appendFile(events, '');
  const modelDir = join(out, 'model');
  return { result, predictionsDir, modelDir: entries(modelDir).length > 0 ? modelDir : null, eventsFile: events };
}

async function readResult(path: string): Promise<TrainerResult> {
  const text = (await readOutput(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'one JSON object with finite numbers', `${JSON.stringify(text.slice(0, 60))} (${(cause as Error).message})`, cause);
  }
  const parsed = TrainerResult.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`).join('; ');
  throw invalid(path, '{"metrics": {name: number}, "steps": n, "samples": n, "environment": {}}', problems);
}

async function readArray(path: string): Promise<NpyArray> {
  const bytes = await readOutput(path);
  try {
    return readNpy(bytes);
  } catch (cause) {
    throw new AssayError('PredictionsInvalid', `${path}: ${(cause as Error).message}`, { cause });
  }
}

async function readOutput(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw invalid(path, 'the file, written before exit code 0', 'no such file');
  }
}

function checkForms(dir: string, { ids, given, scores }: Record<'ids' | 'given' | 'scores', NpyArray>, classes: number): void {
  const form = ({ dtype, shape }: NpyArray): string => `${dtype} of shape (${shape.join(', ')})`;
  if (ids.shape.length !== 1 || !/^.[iuUS]/.test(ids.dtype))
    throw invalid(join(dir, 'ids.npy'), 'one row of int64 or fixed-width text', form(ids));
  const n = ids.values.length;
  if (given.shape.length !== 1 || !/^.[iu]/.test(given.dtype) || given.values.length !== n) {
    throw invalid(join(dir, 'labels.npy'), `int32 of shape (${n})`, form(given));
  }
  if (scores.shape.length !== 2 || !/^.f[48]$/.test(scores.dtype) || scores.shape[0] !== n || scores.shape[1] !== classes) {
    throw invalid(join(dir, 'scores.npy'), `float32 or float64 of shape (${n}, ${classes}), a column a class`, form(scores));
  }
}

/** For each prediction the row of `testIds` it answers. */
function checkIds(path: string, ids: NpyArray, testIds: CollectInput['testIds']): number[] {
  const rowOf = new Map(testIds.map((id, row) => [String(id), row]));
  const seen = new Set<string>();
  const [doubled, foreign]: [string[], string[]] = [[], []];
  const rows = Array.from(ids.values as ArrayLike<unknown>, (value) => {
    const id = String(value);
    if (seen.has(id)) doubled.push(id);
    seen.add(id);
    const row = rowOf.get(id);
    if (row === undefined) foreign.push(id);
    return row ?? -1;
  });
  const missing = [...rowOf.keys()].filter((id) => !seen.has(id));
  const expected = `each of the ${rowOf.size} test ids once`;
  if (foreign.length > 0) throw invalid(path, expected, `${foreign.length} that are not in the test split: ${few(foreign)}`);
  if (doubled.length > 0) throw invalid(path, expected, `${doubled.length} more than once: ${few(doubled)}`);
  if (missing.length > 0) throw invalid(path, expected, `${missing.length} missing: ${few(missing)}`);
  return rows;
}

function checkLabels(
  path: string,
  { ids, given, rows, labels }: { ids: NpyArray; given: NpyArray; rows: number[]; labels: ArrayLike<number> },
): void {
  const wrong = rows.flatMap((row, i) => {
    const [got, expected] = [Number(given.values[i]), labels[row]];
    return got === expected ? [] : [`${String(ids.values[i])} (expected ${expected}, got ${got})`];
  });
  if (wrong.length > 0) throw invalid(path, 'the class index of each id as in the snapshot', `${wrong.length} that differ: ${few(wrong)}`);
}

function checkScores(path: string, { ids, scores, classes }: { ids: NpyArray; scores: NpyArray; classes: number }): void {
  const values = Float64Array.from(scores.values as Float64Array | Float32Array);
  const [infinite, negative, unequal]: [string[], string[], string[]] = [[], [], []];
  for (let i = 0; i < ids.values.length; i++) {
    const row = values.subarray(i * classes, (i + 1) * classes);
    const sum = row.reduce((a, b) => a + b, 0);
    const id = String(ids.values[i]);
    if (!row.every(Number.isFinite)) infinite.push(id);
    else if (row.some((score) => score < -tolerance)) negative.push(id);
    else if (Math.abs(sum - 1) > tolerance) unequal.push(`${id} (${Number(sum.toPrecision(6))})`);
  }
  if (infinite.length > 0) throw invalid(path, 'finite scores', `NaN or infinite ones for ${infinite.length} ids: ${few(infinite)}`);
  if (negative.length > 0) throw invalid(path, 'probabilities', `negative ones for ${negative.length} ids: ${few(negative)}`);
  if (unequal.length > 0) throw invalid(path, 'rows that sum to 1 within 1e-4', `other sums for ${unequal.length} ids: ${few(unequal)}`);
}

const tolerance = 1e-4;

const few = (items: string[]): string => `${items.slice(0, 5).join(', ')}${items.length > 5 ? ', ...' : ''}`;

const invalid = (path: string, expected: string, got: string, cause?: unknown): AssayError =>
  new AssayError('PredictionsInvalid', `${path}: expected ${expected}; got ${got}`, { cause });
