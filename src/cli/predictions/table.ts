import { closeSync, openSync, readSync } from 'node:fs';
import { AssayError } from '../../contract';
import { type Database, withDatabase } from '../../data/database';
import { type LoadedTable, loadTable } from '../../data/loadTable';
import { didYouMean } from '../../data/problem';
import { twoColumns } from './arrays';
import { canonical, type Coded, coded, type PredictionFile } from './file';

export type TableFormat = 'csv' | 'parquet' | 'jsonl';

export interface TableOptions {
  /** A folder for scratch files. */
  workDir: string;
  /** Column that names the rows; default `id` where there is one. */
  id?: string | undefined;
  /** Columns that hold something else. */
  leave?: readonly string[];
}

/** Names that a column of true or predicted classes goes by. */
export const labelColumns = ['label', 'y_true', 'target'];
export const predictionColumns = ['prediction', 'y_pred'];
/** Columns that a table may have beside those and one score a class. */
const besides = ['unit', 'latency_ms'];
const scorePrefix = 'score_';

/** A table with the columns id, label, and one score a class or the predicted class. */
export async function readPredictionTable(path: string, format: TableFormat, options: TableOptions): Promise<PredictionFile> {
  return await withDatabase(options.workDir, async (db) => {
    const table = { db, loaded: await load(db, format, path), path };
    const { columns, rows, place: at } = table.loaded;
    const id = idColumn(table, options.id);
    const label = labelColumns.find((name) => columns.includes(name));
    const prediction = predictionColumns.find((name) => columns.includes(name));
    const labels = label === undefined ? null : await readClasses(table, label);
    const predictions = prediction === undefined ? null : await readClasses(table, prediction);
    const taken = new Set([id, label, prediction, ...besides, ...(options.leave ?? [])]);
    const classes = new Set([...(labels?.names ?? []), ...(predictions?.names ?? [])]);
    const score = scoreColumns(
      columns.filter((name) => !taken.has(name)),
      predictions === null ? null : classes,
    );
    if (score.length === 0 && predictions === null)
      throw new AssayError(
        'PredictionsInvalid',
        `${path}: expected one score column a class, or a column "prediction", got ${columns.join(', ')}`,
      );
    const scores = score.length === 0 ? null : await readScores(table, score);
    const [only] = score.length === 1 ? score : [];
    const names = score.map((name) => canonical(name.startsWith(scorePrefix) ? name.slice(scorePrefix.length) : name));
    return {
      place: path,
      seed: null,
      rows,
      ids: id === undefined ? null : await readTexts(table, id),
      labels,
      scores: only === undefined || scores === null ? scores : twoColumns(scores),
      classes: only === undefined ? score.length : 2,
      classNames: only === undefined && scores !== null ? names : null,
      positive: only?.startsWith(scorePrefix) ? (names[0] as string) : null,
      predictions,
      at: (row) => at(row),
    };
  });
}

/** A column as texts, with the ids of the table where it has any: `wanted`, else the only one. */
export async function readTableColumn(
  path: string,
  format: TableFormat,
  wanted: readonly string[],
  options: TableOptions,
): Promise<{ ids: string[] | null; values: string[] }> {
  return await withDatabase(options.workDir, async (db) => {
    const table = { db, loaded: await load(db, format, path), path };
    const id = idColumn(table, options.id);
    const others = table.loaded.columns.filter((name) => name !== id);
    const column = wanted.find((name) => table.loaded.columns.includes(name)) ?? (others.length === 1 ? others[0] : undefined);
    if (column === undefined)
      throw new AssayError('DataInvalid', `${path}: expected the columns id and ${wanted[0]}, got ${table.loaded.columns.join(', ')}`);
    return { ids: id === undefined ? null : await readTexts(table, id), values: await readTexts(table, column) };
  });
}

/** The columns of a table by name, without its rows. */
export async function tableColumns(path: string, format: TableFormat, workDir: string): Promise<string[]> {
  return await withDatabase(workDir, async (db) => (await load(db, format, path)).columns);
}

/** A spreadsheet saves with semicolons where the comma is the decimal mark: read as commas it would be one column of nonsense. */
async function load(db: Database, format: TableFormat, path: string): Promise<LoadedTable> {
  const separator = format === 'csv' ? otherSeparator(path) : null;
  if (separator !== null)
    throw new AssayError(
      'DataInvalid',
      `${path}, line 1: the columns are separated by ${separator}; expected commas. Write it again with sep=',' and decimal='.'.`,
    );
  return await loadTable(db, 'raw', format, path, path);
}

function otherSeparator(path: string): string | null {
  const start = Buffer.alloc(65_536);
  const file = openSync(path, 'r');
  const size = readSync(file, start);
  closeSync(file);
  const [header = ''] = start.toString('utf8', 0, size).split(/\r?\n/);
  if (header.includes(',')) return null;
  if (header.includes(';')) return 'semicolons';
  return header.includes('\t') ? 'tabs' : null;
}

interface Table {
  db: Database;
  loaded: LoadedTable;
  path: string;
}

function idColumn({ loaded: { columns }, path }: Table, wanted: string | undefined): string | undefined {
  if (wanted === undefined) return columns.includes('id') ? 'id' : undefined;
  if (columns.includes(wanted)) return wanted;
  throw new AssayError('DataInvalid', `${path} has no column "${wanted}" (--id); ${didYouMean(wanted, columns)}`);
}

/** Columns that say they are scores; else those named after a class; else, where no class is predicted, all that is left. */
function scoreColumns(left: string[], classes: Set<string> | null): string[] {
  const marked = left.filter((name) => name.startsWith(scorePrefix) && name.length > scorePrefix.length);
  if (marked.length > 0) return marked;
  return classes === null ? left : left.filter((name) => classes.has(canonical(name)));
}

async function readClasses(table: Table, column: string): Promise<Coded> {
  const texts = await readTexts(table, column);
  return coded(texts.map(canonical), texts.length);
}

async function readTexts({ db, loaded, path }: Table, column: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const [value] of db.rows(`SELECT CAST(c${loaded.columns.indexOf(column)} AS VARCHAR) FROM raw`)) {
    if (value === null || value === '')
      throw new AssayError(
        'PredictionsInvalid',
        `${path}: ${loaded.place(texts.length)} has no value in column "${column}"; expected one in every row`,
      );
    texts.push(String(value));
  }
  return texts;
}

/** Row-major; every cell a number. */
async function readScores({ db, loaded, path }: Table, columns: readonly string[]): Promise<Float64Array> {
  const k = columns.length;
  const scores = new Float64Array(loaded.rows * k);
  // A few columns at once, so that a table of a thousand classes is not held twice.
  for (let from = 0; from < k; from += 16) {
    const part = columns.slice(from, from + 16).map((name) => `c${loaded.columns.indexOf(name)}`);
    const read = part.map(() => new Float64Array(loaded.rows));
    await db.doubles(`SELECT ${part.map((cell) => `coalesce(TRY_CAST(${cell} AS DOUBLE), 'nan'::DOUBLE)`).join(', ')} FROM raw`, read);
    for (const [c, values] of read.entries()) {
      for (let row = 0; row < values.length; row++) {
        if (!Number.isFinite(values[row])) await refuseCell({ db, loaded, path }, columns[from + c] as string, row);
        scores[row * k + from + c] = values[row] as number;
      }
    }
  }
  return scores;
}

async function refuseCell({ db, loaded, path }: Table, column: string, row: number): Promise<never> {
  const [cell] = await db.first(`SELECT CAST(c${loaded.columns.indexOf(column)} AS VARCHAR) FROM raw WHERE rowid = ${row}`);
  const got = cell === null || cell === undefined ? 'nothing' : `"${String(cell)}"`;
  throw new AssayError(
    'PredictionsInvalid',
    `${path}: ${loaded.place(row)}, column "${column}": ${got}, expected a score from 0 to 1. Where the column is no score, name the scores score_CLASS.`,
  );
}
