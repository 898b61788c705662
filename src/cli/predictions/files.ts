import { existsSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { AssayError } from '../../contract';
import { arrayFile, arraysOfFolder, fromArrays, fromOneArray } from './arrays';
import type { PredictionFile } from './file';
import { readPredictionTable, type TableFormat, type TableOptions } from './table';
import { withTemporaryFolder } from '../temporaryFolder';

const predictionKinds = 'a predictions folder, .npz, .npy, .csv, .parquet or .jsonl';

/** Reads a predictions folder, a variant's folder of `seed-*` runs, arrays of NumPy, or a table. */
export async function readRuns(path: string, options: TableOptions): Promise<PredictionFile[]> {
  if (isFolder(path)) return readFolder(path);
  const extension = extname(path).toLowerCase();
  if (extension === '.npz') return [await fromArrays(path)];
  if (extension === '.npy') return [fromOneArray(path, null)];
  return [await readPredictionTable(path, tableFormat(path, predictionKinds), options)];
}

/** The same, for what compares served or watched models by id and score. */
export async function readPredictions(path: string): Promise<(PredictionFile & { ids: string[]; scores: Float64Array })[]> {
  const runs = await withTemporaryFolder('assay-predictions-', (workDir) => readRuns(path, { workDir }));
  return runs.map((run) => {
    const { ids, scores, place } = run;
    if (ids === null) throw new AssayError('DataInvalid', `${place}: has no ids; expected ids.npy, or a column "id"`);
    if (scores === null) throw new AssayError('PredictionsInvalid', `${place}: expected one score column a class, 2 or more, got none`);
    return { ...run, ids, scores };
  });
}

/** Whether a path is a folder or a file that can be read from both ends; everything else is refused before it is opened. */
function isFolder(path: string): boolean {
  if (!existsSync(path)) throw new AssayError('DataInvalid', `${path}: no such file or folder; give ${predictionKinds}`);
  const found = statSync(path);
  if (found.isDirectory()) return true;
  if (!found.isFile())
    throw new AssayError(
      'DataInvalid',
      `${path}: is a pipe or a device, expected a file: its kind is told by its extension, and it is read more than once. Write it to a .csv first.`,
    );
  if (found.size === 0) throw new AssayError('DataInvalid', `${path}: is empty; expected ${predictionKinds}`);
  return false;
}

/** The format of a table by its extension. */
export function tableFormat(path: string, expected: string): TableFormat {
  const extension = extname(path).toLowerCase();
  if (extension === '.csv' || extension === '.parquet') return extension === '.csv' ? 'csv' : 'parquet';
  if (extension === '.jsonl' || extension === '.ndjson') return 'jsonl';
  throw new AssayError('DataInvalid', `${path}: expected ${expected}, got "${extension || path}"`);
}

/** A plain file of a table or an array, for what stands beside predictions. */
export function requireFile(path: string, what: string): void {
  if (!existsSync(path)) throw new AssayError('DataInvalid', `${path}: no such file; give ${what}`);
  if (isFolder(path)) throw new AssayError('DataInvalid', `${path}: is a folder; give ${what}`);
}

function readFolder(path: string): PredictionFile[] {
  const own = predictionsIn(path);
  if (own !== null) return [arraysOfFolder(own, seedOf(path))];
  const entries = readdirSync(path);
  const seeds = entries.filter((name) => /^seed-\d+$/.test(name)).sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  const runs = seeds.flatMap((name) => {
    const folder = predictionsIn(join(path, name));
    return folder === null ? [] : [arraysOfFolder(folder, Number(name.slice(5)))];
  });
  if (runs.length > 0) return runs;
  const inside = entries.length === 0 ? 'it is empty' : `in it are ${entries.slice(0, 5).join(', ')}${entries.length > 5 ? ', ...' : ''}`;
  throw new AssayError(
    'DataInvalid',
    `${path}: not a predictions folder; expected ids.npy, labels.npy and scores.npy (or predictions.npy) in it, in predictions/, or in seed-*/predictions/; ${inside}`,
  );
}

function predictionsIn(path: string): string | null {
  const arrays = [arrayFile('scores'), arrayFile('predictions')];
  return [path, join(path, 'predictions')].find((folder) => arrays.some((name) => existsSync(join(folder, name)))) ?? null;
}

function seedOf(path: string): number | null {
  const match = /(?:^|\/)seed-(\d+)(?:\/predictions)?\/?$/.exec(path);
  return match === null ? null : Number(match[1]);
}
