import { mkdir } from 'node:fs/promises';
import type { Snapshot, TableProfile } from '../../contract';
import { type Database, quoted, withDatabase } from '../database';
import { loadTable, parquetColumns } from '../loadTable';
import { dataInvalid, didYouMean } from '../problem';
import { sampleUnits } from './noise';
import { type ProfiledTable, profileParts } from './profileParts';

/** Profile of a data file as it is, before any split; `name` is for messages, `unit` a column that says what was sampled independently. */
export async function profileFile({
  path,
  format,
  name,
  workDir,
  unit,
  heartbeat = () => undefined,
}: {
  path: string;
  format: Exclude<Snapshot['format'], 'folder'>;
  name: string;
  workDir: string;
  unit?: string | undefined;
  heartbeat?: (() => void) | undefined;
}): Promise<{ profile: TableProfile; columns: string[] }> {
  await mkdir(workDir, { recursive: true });
  return await withDatabase(workDir, async (db) => {
    const { columns, table } = format === 'parquet' ? await viewed(db, path, name) : await loaded(db, path, format, name);
    heartbeat();
    return { profile: await profileTable(db, table, unit, name, heartbeat), columns };
  });
}

/** Profile of a table that is loaded, or of a view. */
export async function profileTable(
  db: Database,
  table: ProfiledTable,
  unit: string | undefined,
  name: string,
  heartbeat: () => void = () => undefined,
): Promise<TableProfile> {
  const units = unit === undefined ? null : sampleUnits(await unitsOf(db, table, unit, name));
  const [columns = []] = await profileParts(
    db,
    table,
    { rows: [table.rows], of: null, from: `(SELECT 0 AS part, * FROM ${table.from})`, units: [units] },
    heartbeat,
  );
  return { schema: 'assay.table-profile/1', rows: table.rows, columns };
}

/** A Parquet file is read where it lies, column by column. */
async function viewed(db: Database, path: string, name: string): Promise<{ columns: string[]; table: ProfiledTable }> {
  const { columns, rows } = await parquetColumns(db, path, name);
  const titles = columns.map((_, i) => `c${i}`);
  await db.run(
    `CREATE VIEW viewed AS SELECT * FROM read_parquet(${quoted(path)}, file_row_number=true) AS t(${[...titles, 'place'].join(', ')})`,
  );
  return { columns, table: { from: 'viewed', row: 'place', rows, columns: columns.map((title, i) => ({ name: title, column: `c${i}` })) } };
}

async function loaded(
  db: Database,
  path: string,
  format: Snapshot['format'],
  name: string,
): Promise<{ columns: string[]; table: ProfiledTable }> {
  const { columns, rows } = await loadTable(db, 'raw', format, path, name);
  return { columns, table: { from: 'raw', row: 'rowid', rows, columns: columns.map((title, i) => ({ name: title, column: `c${i}` })) } };
}

async function unitsOf(db: Database, table: ProfiledTable, unit: string, name: string): Promise<[number, string][]> {
  const titles = table.columns.map((column) => column.name);
  const column = table.columns[titles.indexOf(unit)]?.column;
  if (column === undefined) throw dataInvalid(`${name} has no column "${unit}" (the unit); ${didYouMean(unit, titles)}`);
  const rows: [number, string][] = [];
  for await (const [row, value] of db.rows(`SELECT CAST(${table.row} AS INTEGER), CAST(${column} AS VARCHAR) FROM ${table.from}`))
    if (value !== null) rows.push([Number(row), String(value)]);
  return rows;
}
