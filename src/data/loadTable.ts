import { open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '../contract';
import { type Cell, type Database, quoted } from './database';
import { type NpyArray, readNpy } from './npy';
import { readNpz } from './npz';
import { dataInvalid } from './problem';
import { scanCsv, type TextTable } from './scanCsv';
import { scanJsonLines } from './scanJsonLines';

export interface LoadedTable {
  columns: string[];
  /** DuckDB's type of each column: VARCHAR of text formats. */
  types: string[];
  rows: number;
  place: (row: number) => string;
}

/** Loads a data file into `table` with columns c0, c1, ..., typed where the format is; DuckDB's `rowid` is the row's number in the file. */
export async function loadTable(db: Database, table: string, format: Snapshot['format'], path: string, name: string): Promise<LoadedTable> {
  switch (format) {
    case 'csv': {
      const scanned = await scanCsv(path, name);
      await readCsv(db, table, path, name, scanned.columns.length);
      return await counted(db, table, name, scanned);
    }
    case 'jsonl': {
      const scanned = await scanJsonLines(path, name);
      const cells = scanned.columns.map((column, i) => `json_extract_string(json, ${quoted(pointer(column))}) AS c${i}`);
      await attempt(
        name,
        db.run(
          `CREATE TABLE ${table} AS SELECT ${cells.join(', ')} FROM read_ndjson_objects(${quoted(path)}, maximum_object_size=4194304)`,
        ),
      );
      return await counted(db, table, name, scanned);
    }
    case 'parquet':
      return await loadParquet(db, table, path, name);
    case 'npz':
      return await loadArrays(db, table, path, name);
    case 'folder':
      throw new TypeError('a folder is no table');
  }
}

async function readCsv(db: Database, table: string, path: string, name: string, columns: number): Promise<void> {
  const types = Array.from({ length: columns }, (_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const options = `auto_detect=false, header=true, delim=',', quote='"', escape='"', nullstr='', parallel=false, buffer_size=8388608, max_line_size=4194304, columns={${types}}`;
  await attempt(name, db.run(`CREATE TABLE ${table} AS SELECT * FROM read_csv(${quoted(path)}, ${options})`));
}

async function loadParquet(db: Database, table: string, path: string, name: string): Promise<LoadedTable> {
  const { columns, types, rows } = await parquetColumns(db, path, name);
  const names = columns.map((_, i) => `c${i}`);
  await attempt(name, db.run(`CREATE TABLE ${table} AS SELECT * FROM read_parquet(${quoted(path)}) AS t(${names.join(', ')})`));
  return { columns, types, rows, place: (row) => `row ${row} (from 0)` };
}

/** What the end of a Parquet file says of its columns and rows; a file that is none, or has no rows, is refused. */
export async function parquetColumns(
  db: Database,
  path: string,
  name: string,
): Promise<{ columns: string[]; types: string[]; rows: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const mark = Buffer.alloc(4);
    const marks: string[] = [];
    for (const position of [0, Math.max(0, size - 4)]) {
      await file.read(mark, 0, 4, position);
      marks.push(mark.toString('latin1'));
    }
    if (marks[0] !== 'PAR1') throw dataInvalid(`${name} is no Parquet file: it does not begin with PAR1.`);
    if (marks[1] !== 'PAR1' || size < 12)
      throw dataInvalid(`${name} is a truncated Parquet file: its end mark is missing after ${size} bytes. Copy it again.`);
  } finally {
    await file.close();
  }
  const columns: string[] = [];
  const types: string[] = [];
  let rows = 0;
  await attempt(
    name,
    (async () => {
      for await (const [column, type] of db.rows(`DESCRIBE SELECT * FROM read_parquet(${quoted(path)})`)) {
        columns.push(String(column));
        types.push(String(type));
      }
      rows = Number((await db.first(`SELECT count(*) FROM read_parquet(${quoted(path)})`))[0]);
    })(),
  );
  if (rows === 0) throw dataInvalid(`${name} has columns and no rows.`);
  return { columns, types, rows };
}

/** An `.npz` file or a folder of `.npy` files; a matrix x becomes the columns x0, x1, ... NaN is a missing value. */
async function loadArrays(db: Database, table: string, path: string, name: string): Promise<LoadedTable> {
  const arrays = path.endsWith('.npz') ? await readNpz(path, name) : await readArrays(path);
  const columns: string[] = [];
  const types: string[] = [];
  const cells: ((row: number) => Cell)[] = [];
  let rows: number | undefined;
  for (const [array, { shape, data }] of arrays) {
    const [length = 0] = shape;
    rows ??= length;
    if (length !== rows)
      throw dataInvalid(`${name}: array ${array} has ${length} rows, the arrays before it ${rows}. Every array needs one entry a row.`);
    const width = length === 0 ? 0 : data.length / length;
    const type = arrayType(data);
    for (let i = 0; i < width; i++) {
      columns.push(width === 1 ? array : `${array}${i}`);
      types.push(type);
      cells.push((row) => cellOf(data[row * width + i], type));
    }
  }
  if (rows === undefined || rows === 0) throw dataInvalid(`${name} holds no rows.`);
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) throw dataInvalid(`${name}: two arrays give the column "${twice}". Rename one.`);
  const count = rows;
  await db.run(`CREATE TABLE ${table} (${types.map((type, i) => `c${i} ${type}`).join(', ')})`);
  await db.append(
    table,
    (function* (): Generator<Cell[]> {
      for (let row = 0; row < count; row++) yield cells.map((cell) => cell(row));
    })(),
  );
  return { columns, types, rows: count, place: (row) => `row ${row} (from 0)` };
}

/** Whole numbers that were saved as floats, as labels often are, are whole numbers. */
function arrayType(data: NpyArray['data']): 'VARCHAR' | 'BIGINT' | 'DOUBLE' {
  if (Array.isArray(data)) return 'VARCHAR';
  if (!(data instanceof Float64Array)) return 'BIGINT';
  return data.every((value) => Number.isSafeInteger(value) || Number.isNaN(value)) ? 'BIGINT' : 'DOUBLE';
}

function cellOf(value: string | number | bigint | undefined, type: 'VARCHAR' | 'BIGINT' | 'DOUBLE'): Cell {
  if (value === undefined || Number.isNaN(value)) return null;
  return type === 'BIGINT' ? BigInt(value) : value;
}

async function readArrays(path: string): Promise<Map<string, NpyArray>> {
  const arrays = new Map<string, NpyArray>();
  for (const file of (await readdir(path)).filter((entry) => entry.endsWith('.npy')).sort())
    arrays.set(file.replace(/\.npy$/, ''), readNpy(await readFile(join(path, file)), file));
  return arrays;
}

async function counted(db: Database, table: string, name: string, loaded: TextTable): Promise<LoadedTable> {
  const [rows] = await db.first(`SELECT count(*) FROM ${table}`);
  if (Number(rows) !== loaded.rows)
    throw dataInvalid(`${name}: ${loaded.rows} rows stand in the file, ${rows} could be read. Look for unusual quotes or line ends.`);
  return { ...loaded, types: loaded.columns.map(() => 'VARCHAR') };
}

async function attempt(name: string, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    const [first = ''] = (error as Error).message.split('\n');
    if (first.startsWith('Out of Memory'))
      throw dataInvalid(
        `${name} needs more than 512 MB to be read: it has too many columns, or too long cells. Keep fewer columns, or write them as one matrix of an .npz.`,
        error,
      );
    throw dataInvalid(`${name} cannot be read: ${first}`, error);
  });
}

const pointer = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
