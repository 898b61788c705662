import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { AssayError } from '../contract';

/** A DuckDB database in a folder of its own below `workDir`, removed afterwards; one thread, so that sums have one order. */
export async function withDatabase<T>(workDir: string, work: (db: Database, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(workDir, 'data-'));
  try {
    return await opened(folder, work);
  } catch (error) {
    if (error instanceof AssayError || !/No space left on device/i.test((error as Error).message)) throw error;
    throw new AssayError(
      'StoreUnavailable',
      `The disk of the scratch folder ${workDir} is full. Free space there, or name another by TMPDIR.`,
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function opened<T>(folder: string, work: (db: Database, folder: string) => Promise<T>): Promise<T> {
  // Loaded where it is needed: it costs commands that read no table a third of their time.
  const duckdb = await import('@duckdb/node-api');
  const instance = await duckdb.DuckDBInstance.create(join(folder, 'work.duckdb'), {
    threads: '1',
    memory_limit: '384MB',
    temp_directory: join(folder, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    // Times without an offset read the same on every host.
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    return await work(new Database(instance, connection), folder);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A bigint goes into a BIGINT column, a number into a DOUBLE. */
export type Cell = string | bigint | number | null;

export class Database {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  /** On a connection of its own: a statement or an append on the same one would end the stream early, without an error. */
  async *rows(sql: string): AsyncGenerator<DuckDBValue[]> {
    const connection = await this.#instance.connect();
    try {
      const result = await connection.stream(sql);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield* chunk.getRows();
      }
    } finally {
      connection.closeSync();
    }
  }

  /** Columns of a query whose every cell is a DOUBLE and not null, copied chunk by chunk without an object a row; returns the rows. */
  async doubles(sql: string, into: readonly Float64Array[]): Promise<number> {
    const connection = await this.#instance.connect();
    try {
      const result = await connection.stream(sql);
      for (let rows = 0; ; ) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return rows;
        // The client's vector lies over DuckDB's own memory; `items` is private in its types only.
        for (let i = 0; i < chunk.columnCount; i++)
          into[i]?.set((chunk.getColumnVector(i) as unknown as { items: Float64Array }).items.subarray(0, chunk.rowCount), rows);
        rows += chunk.rowCount;
      }
    } finally {
      connection.closeSync();
    }
  }

  async first(sql: string): Promise<DuckDBValue[]> {
    for await (const row of this.rows(sql)) return row;
    return [];
  }

  /** Rows from this process into a table, by way of DuckDB's appender. */
  async append(table: string, rows: AsyncIterable<Cell[]> | Iterable<Cell[]>): Promise<void> {
    const appender = await this.#connection.createAppender(table);
    for await (const row of rows) {
      for (const value of row) {
        if (value === null) appender.appendNull();
        else if (typeof value === 'bigint') appender.appendBigInt(value);
        else if (typeof value === 'number') appender.appendDouble(value);
        else appender.appendVarchar(value);
      }
      appender.endRow();
    }
    appender.closeSync();
  }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
