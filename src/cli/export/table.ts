import { type Cell, type Database, quoted } from '../../data/database';

/** `VARCHAR` and `BIGINT` take texts and bigints, the others numbers; every column takes null. */
export interface Column {
  name: string;
  type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'FLOAT';
}

/** A Parquet file with the rows in their order. */
export async function writeParquet(
  db: Database,
  path: string,
  columns: readonly Column[],
  rows: AsyncIterable<Cell[]> | Iterable<Cell[]>,
): Promise<void> {
  const name = 'exported';
  await db.run(`CREATE OR REPLACE TABLE ${name} (${columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ')})`);
  await db.append(name, rows);
  await db.run(`COPY ${name} TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`);
  await db.run(`DROP TABLE ${name}`);
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
