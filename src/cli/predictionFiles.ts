import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { AssayError } from '../contract';
import { type NpyArray, readNpy } from '../data/npy';
import { readNpz } from '../data/npz';

/** One run's predictions as they lie on disk. */
export interface PredictionFile {
  place: string;
  /** From the folder's name `seed-<n>`; null elsewhere. */
  seed: number | null;
  ids: string[];
  /** Index of the class; null where the file has none. */
  labels: Int32Array | null;
  /** Row-major rows x classes. */
  scores: Float64Array;
  classes: number;
  /** Names of the score columns; null for arrays, which have none. */
  classNames: string[] | null;
}

/** Reads a predictions folder, a variant's folder of `seed-*` runs, an .npz, or a CSV or Parquet table. */
export async function readPredictions(path: string): Promise<PredictionFile[]> {
  if (!existsSync(path))
    throw new AssayError('DataInvalid', `${path}: no such file or folder; give a predictions folder, .npz, .csv or .parquet`);
  if (statSync(path).isDirectory()) return readFolder(path);
  const extension = extname(path).toLowerCase();
  if (extension === '.npz') {
    const arrays = await readNpz(path, path);
    return [fromArrays(path, null, (name) => arrays.get(name) ?? null)];
  }
  if (extension === '.csv' || extension === '.parquet') return [fromTable(path, await readTable(path))];
  throw new AssayError(
    'DataInvalid',
    `${path}: expected a predictions folder, .npz, .csv or .parquet, got "${extension || basename(path)}"`,
  );
}

/** One column of a CSV or Parquet table by its column id, as text. */
export async function readColumn(path: string, column: string): Promise<Map<string, string>> {
  if (!existsSync(path))
    throw new AssayError('DataInvalid', `${path}: no such file; give a .csv or .parquet with the columns id and ${column}`);
  const table = await readTable(path);
  const ids = table.get('id');
  const values = table.get(column);
  if (ids === undefined || values === undefined) {
    throw new AssayError('DataInvalid', `${path}: expected the columns id and ${column}, got ${[...table.keys()].join(', ')}`);
  }
  return new Map(ids.map((id, row) => [id, values[row] ?? '']));
}

function readFolder(path: string): PredictionFile[] {
  const own = arraysFolder(path);
  if (own !== null) return [fromFolder(own, seedOf(path))];
  const seeds = readdirSync(path)
    .filter((name) => /^seed-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  const runs = seeds.flatMap((name) => {
    const folder = arraysFolder(join(path, name));
    return folder === null ? [] : [fromFolder(folder, Number(name.slice(5)))];
  });
  if (runs.length > 0) return runs;
  throw new AssayError(
    'DataInvalid',
    `${path}: not a predictions folder; expected ids.npy, labels.npy and scores.npy in it, in predictions/, or in seed-*/predictions/`,
  );
}

function arraysFolder(path: string): string | null {
  return [path, join(path, 'predictions')].find((folder) => existsSync(join(folder, 'scores.npy'))) ?? null;
}

function seedOf(path: string): number | null {
  const match = /(?:^|\/)seed-(\d+)(?:\/predictions)?\/?$/.exec(path);
  return match === null ? null : Number(match[1]);
}

function fromFolder(folder: string, seed: number | null): PredictionFile {
  return fromArrays(folder, seed, (name) => {
    const file = join(folder, `${name}.npy`);
    return existsSync(file) ? readNpy(readFileSync(file), file) : null;
  });
}

function fromArrays(place: string, seed: number | null, array: (name: string) => NpyArray | null): PredictionFile {
  const ids = array('ids');
  const scores = array('scores');
  const labels = array('labels');
  if (ids === null || scores === null) {
    throw new AssayError(
      'DataInvalid',
      `${place}: ${ids === null ? 'ids' : 'scores'}.npy is missing; a predictions folder has ids, labels and scores`,
    );
  }
  const [rows, classes] = scores.shape;
  if (scores.shape.length !== 2 || rows === undefined || classes === undefined || classes < 2) {
    throw new AssayError(
      'PredictionsInvalid',
      `${place}: scores have the shape (${scores.shape.join(', ')}), expected (rows, classes) with 2 classes or more`,
    );
  }
  if (rows !== ids.data.length || (labels !== null && labels.data.length !== rows)) {
    throw new AssayError(
      'PredictionsInvalid',
      `${place}: ${ids.data.length} ids, ${labels?.data.length ?? rows} labels and ${rows} rows of scores; expected as many of each`,
    );
  }
  return {
    place,
    seed,
    ids: Array.from<unknown, string>(ids.data, String),
    labels: labels === null ? null : Int32Array.from(numbers(labels)),
    scores: Float64Array.from(numbers(scores)),
    classes,
    classNames: null,
  };
}

const numbers = ({ data }: NpyArray): number[] => Array.from<unknown, number>(data, Number);

/** Columns that a table may have beside id, label and one score a class. */
const besides = new Set(['unit', 'prediction', 'latency_ms']);

function fromTable(place: string, table: Map<string, string[]>): PredictionFile {
  const ids = table.get('id');
  if (ids === undefined) throw new AssayError('DataInvalid', `${place}: no column "id"; got ${[...table.keys()].join(', ')}`);
  const columns = [...table.keys()].filter((name) => name !== 'id' && name !== 'label' && !besides.has(name));
  if (columns.length < 2) {
    throw new AssayError(
      'PredictionsInvalid',
      `${place}: expected one score column a class, 2 or more, got ${columns.length === 0 ? 'none' : columns.join(', ')}`,
    );
  }
  const classNames = columns.every((name) => name.startsWith('score_')) ? columns.map((name) => name.slice(6)) : columns;
  const scores = new Float64Array(ids.length * columns.length);
  columns.forEach((name, c) => {
    (table.get(name) as string[]).forEach((value, row) => {
      scores[row * columns.length + c] = value.trim() === '' ? Number.NaN : Number(value);
    });
  });
  const labels = table.get('label');
  return {
    place,
    seed: null,
    ids,
    labels: labels === undefined ? null : labelCodes(place, labels, classNames),
    scores,
    classes: columns.length,
    classNames,
  };
}

/** Labels by class name, else by index of the class. */
export function labelCodes(place: string, labels: readonly string[], classNames: readonly string[]): Int32Array {
  const byName = new Map(classNames.map((name, code) => [name, code]));
  return Int32Array.from(labels, (label, row) => {
    const code = byName.get(label) ?? (/^\d+$/.test(label) ? Number(label) : -1);
    if (code < 0 || code >= classNames.length) {
      throw new AssayError(
        'PredictionsInvalid',
        `${place}: label "${label}" in row ${row + 1} is none of the classes ${classNames.slice(0, 10).join(', ')}`,
      );
    }
    return code;
  });
}

/** A table as text, so that ids such as 007 stay what they are. */
async function readTable(path: string): Promise<Map<string, string[]>> {
  // The extension server is never asked: CSV and Parquet are built in.
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    threads: '1',
  });
  const connection = await instance.connect();
  try {
    const source = extname(path).toLowerCase() === '.parquet' ? 'read_parquet($1)' : 'read_csv($1, all_varchar = true, header = true)';
    const reader = await connection.runAndReadAll(`SELECT * FROM ${source}`, [path]);
    const columns = reader.getColumns();
    return new Map(reader.columnNames().map((name, i) => [name, (columns[i] ?? []).map((value) => (value === null ? '' : String(value)))]));
  } catch (cause) {
    throw new AssayError('DataInvalid', `${path}: cannot be read as a table: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
