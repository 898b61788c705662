import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ref, Snapshot } from '../contract';
import type { Store } from '../store';
import { type Database, quoted, withDatabase } from './database';
import { loadTable } from './loadTable';
import { dataInvalid, didYouMean } from './problem';
import { type KnownColumn, knownColumns } from './profile/kinds';
import { fetchTable } from './snapshotRecord';

/** Rows of a table by column. A number that is missing is NaN, a text that is missing is empty. */
export interface Rows {
  columns: (
    | { name: string; kind: 'number'; values: Float64Array; time?: boolean }
    | { name: string; kind: 'category'; values: string[] }
  )[];
  /** What names the rows: their numbers in the file, from 0, or the column asked for. */
  ids: string[];
  /** What `order` holds, as text, row by row; null where no order was asked for. */
  times: string[] | null;
}

/** Columns of a data file; at most `sample` rows, chosen by a hash of their number; in the file's order, or by the column `order`. */
export async function readRows({
  path,
  format,
  name,
  workDir,
  columns: wanted,
  leave = [],
  sample,
  order,
  id,
  rows,
}: {
  path: string;
  format: Exclude<Snapshot['format'], 'folder'>;
  name: string;
  workDir: string;
  /** Default: all. */
  columns?: readonly string[] | undefined;
  /** Columns that are left out. */
  leave?: readonly string[] | undefined;
  sample?: number | undefined;
  order?: string | undefined;
  /** Column that names the rows; default their number in the file. */
  id?: string | undefined;
  /** Only these, by their number in the file. */
  rows?: readonly number[] | undefined;
}): Promise<Rows> {
  await mkdir(workDir, { recursive: true });
  return await withDatabase(workDir, async (db) => {
    const loaded = await loadTable(db, 'raw', format, path, name);
    const titles = loaded.columns.map((title, i) => ({ name: title, column: `c${i}` }));
    for (const title of [...(wanted ?? []), ...[order, id].filter((each) => each !== undefined)])
      if (!loaded.columns.includes(title)) throw dataInvalid(`${name} has no column "${title}"; ${didYouMean(title, loaded.columns)}`);
    const known = await knownColumns(db, { from: 'raw', columns: titles });
    const chosen = known.filter((column) => (wanted === undefined || wanted.includes(column.name)) && !leave.includes(column.name));
    const time = known.find((column) => column.name === order);
    if (rows !== undefined) {
      await db.run('CREATE TABLE wanted (row BIGINT)');
      await db.append(
        'wanted',
        rows.map((row) => [BigInt(row)]),
      );
    }
    const from = rows === undefined ? 'raw' : '(SELECT rowid, * FROM raw WHERE rowid IN (SELECT row FROM wanted))';
    return await read(db, from, chosen, { time, id: titles.find((title) => title.name === id)?.column ?? 'rowid' }, sample, name);
  });
}

async function read(
  db: Database,
  all: string,
  chosen: KnownColumn[],
  { time, id }: { time: KnownColumn | undefined; id: string },
  sample: number | undefined,
  name: string,
): Promise<Rows> {
  if (time?.kind === 'category') throw dataInvalid(`${name}, column "${time.name}": no times; expected ISO 8601 or numbers in every row.`);
  const from = sample === undefined ? all : `(SELECT rowid, * FROM ${all} ORDER BY md5(CAST(rowid AS VARCHAR)) LIMIT ${sample})`;
  const columns = chosen.map(({ name: title, kind }): Rows['columns'][number] =>
    kind === 'category'
      ? { name: title, kind, values: [] }
      : { name: title, kind: 'number', values: new Float64Array(0), ...(kind === 'time' ? { time: true } : {}) },
  );
  const cells = chosen.map(({ value }) => value);
  const moment =
    time === undefined
      ? 'NULL'
      : time.kind === 'time'
        ? `strftime(make_timestamp(CAST(${time.value} * 1000 AS BIGINT)), ${quoted('%Y-%m-%dT%H:%M:%SZ')})`
        : `CAST(${time.value} AS VARCHAR)`;
  const ids: string[] = [];
  const times: string[] = [];
  const numbers = columns.map((): number[] => []);
  const sorted = time === undefined ? 'rowid' : `${time.value}, rowid`;
  const kept = time === undefined ? '' : ` WHERE ${time.value} IS NOT NULL`;
  for await (const [title, at, ...values] of db.rows(
    `SELECT ${[`CAST(${id} AS VARCHAR)`, moment, ...cells].join(', ')} FROM ${from}${kept} ORDER BY ${sorted}`,
  )) {
    ids.push(String(title));
    if (time !== undefined) times.push(String(at));
    for (const [i, column] of columns.entries()) {
      const value = values[i] ?? null;
      if (column.kind === 'category') column.values.push(value === null ? '' : String(value));
      else numbers[i]?.push(value === null ? Number.NaN : Number(value));
    }
  }
  return {
    columns: columns.map((column, i) => (column.kind === 'category' ? column : { ...column, values: Float64Array.from(numbers[i] ?? []) })),
    ids,
    times: time === undefined ? null : times,
  };
}

/** Rows of stored data, as `readRows` gives them; null where the data are no table. */
export async function readStored(
  store: Store,
  { manifest, format, name }: { manifest: Ref; format: Snapshot['format'] | null; name: string },
  { workDir, ...options }: Omit<Parameters<typeof readRows>[0], 'path' | 'format' | 'name'>,
): Promise<Rows | null> {
  if (format === null || format === 'folder') return null;
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'rows-'));
  try {
    const path = await fetchTable(store, manifest, folder);
    return await readRows({ path, format, name, workDir: folder, ...options });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
