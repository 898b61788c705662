import { createWriteStream } from 'node:fs';
import { open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Snapshot } from '../contract';
import { type Database, quoted } from './database';
import { type NpyArray, readNpy } from './npy';
import { readNpz } from './npz';
import { dataInvalid } from './problem';
import { scanCsv } from './scanCsv';
import { scanJsonLines } from './scanJsonLines';

export interface LoadedTable {
  columns: string[];
  rows: number;
  place: (row: number) => string;
}

/** Loads a data file into `table` with text columns c0, c1, ...; DuckDB's `rowid` is the row's number in the file. */
export async function loadTable(
  db: Database,
  table: string,
  format: Snapshot['format'],
  path: string,
  name: string,
  folder: string,
): Promise<LoadedTable> {
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
      return await loadArrays(db, table, path, name, folder);
    case 'folder':
      throw new TypeError('a folder is no table');
  }
}

async function readCsv(db: Database, table: string, path: string, name: string, columns: number): Promise<void> {
  const types = Array.from({ length: columns }, (_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const options = `auto_detect=false, header=true, delim=',', quote='"', escape='"', nullstr='', parallel=false, max_line_size=4194304, columns={${types}}`;
  await attempt(name, db.run(`CREATE TABLE ${table} AS SELECT * FROM read_csv(${quoted(path)}, ${options})`));
}

async function loadParquet(db: Database, table: string, path: string, name: string): Promise<LoadedTable> {
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
  await attempt(
    name,
    (async () => {
      for await (const [column] of db.rows(`DESCRIBE SELECT * FROM read_parquet(${quoted(path)})`)) columns.push(String(column));
      const names = columns.map((_, i) => `c${i}`);
      const cells = names.map((column) => `CAST(${column} AS VARCHAR) AS ${column}`);
      await db.run(`CREATE TABLE ${table} AS SELECT ${cells.join(', ')} FROM read_parquet(${quoted(path)}) AS t(${names.join(', ')})`);
    })(),
  );
  const [rows] = await db.first(`SELECT count(*) FROM ${table}`);
  if (Number(rows) === 0) throw dataInvalid(`${name} has columns and no rows.`);
  return { columns, rows: Number(rows), place: (row) => `row ${row} (from 0)` };
}

/** An `.npz` file or a folder of `.npy` files; a matrix x becomes the columns x0, x1, ... */
async function loadArrays(db: Database, table: string, path: string, name: string, folder: string): Promise<LoadedTable> {
  const arrays = path.endsWith('.npz') ? await readNpz(path, name) : await readArrays(path);
  const columns: string[] = [];
  const cells: ((row: number) => string)[] = [];
  let rows: number | undefined;
  for (const [array, { shape, data }] of arrays) {
    const [length = 0] = shape;
    rows ??= length;
    if (length !== rows)
      throw dataInvalid(`${name}: array ${array} has ${length} rows, the arrays before it ${rows}. Every array needs one entry a row.`);
    const width = length === 0 ? 0 : data.length / length;
    for (let i = 0; i < width; i++) {
      columns.push(width === 1 ? array : `${array}${i}`);
      cells.push((row) => csvCell(data[row * width + i]));
    }
  }
  if (rows === undefined || rows === 0) throw dataInvalid(`${name} holds no rows.`);
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) throw dataInvalid(`${name}: two arrays give the column "${twice}". Rename one.`);
  const csv = join(folder, `${table}.csv`);
  const count = rows;
  const lines = function* (): Generator<string> {
    yield `${columns.map((_, i) => `c${i}`).join(',')}\n`;
    for (let row = 0; row < count; row++) yield `${cells.map((cell) => cell(row)).join(',')}\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(csv));
  await readCsv(db, table, csv, name, columns.length);
  return await counted(db, table, name, { columns, rows: count, place: (row) => `row ${row} (from 0)` });
}

async function readArrays(path: string): Promise<Map<string, NpyArray>> {
  const arrays = new Map<string, NpyArray>();
  for (const file of (await readdir(path)).filter((entry) => entry.endsWith('.npy')).sort())
    arrays.set(file.replace(/\.npy$/, ''), readNpy(await readFile(join(path, file)), file));
  return arrays;
}

/** An empty number and a missing one are the same; text is always quoted. */
function csvCell(value: string | number | bigint | undefined): string {
  if (typeof value === 'string') return `"${value.replaceAll('"', '""')}"`;
  return value === undefined || Number.isNaN(value) ? '""' : String(value);
}

async function counted(db: Database, table: string, name: string, loaded: LoadedTable): Promise<LoadedTable> {
  const [rows] = await db.first(`SELECT count(*) FROM ${table}`);
  if (Number(rows) !== loaded.rows)
    throw dataInvalid(`${name}: ${loaded.rows} rows stand in the file, ${rows} could be read. Look for unusual quotes or line ends.`);
  return loaded;
}

async function attempt(name: string, work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    throw dataInvalid(`${name} cannot be read: ${(error as Error).message.split('\n')[0]}`, error);
  });
}

const pointer = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
