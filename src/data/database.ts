import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';

/** A DuckDB database in a folder of its own below `workDir`, removed afterwards; one thread, so that sums have one order. */
export async function withDatabase<T>(workDir: string, work: (db: Database, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(workDir, 'data-'));
  const instance = await DuckDBInstance.create(join(folder, 'work.duckdb'), {
    threads: '1',
    memory_limit: '1GB',
    temp_directory: join(folder, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    return await work(new Database(instance, connection), folder);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

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

  async first(sql: string): Promise<DuckDBValue[]> {
    for await (const row of this.rows(sql)) return row;
    return [];
  }

  /** Rows from this process into a table, by way of DuckDB's appender. */
  async append(table: string, rows: AsyncIterable<(string | bigint | null)[]> | Iterable<(string | bigint | null)[]>): Promise<void> {
    const appender = await this.#connection.createAppender(table);
    for await (const row of rows) {
      for (const value of row) {
        if (value === null) appender.appendNull();
        else if (typeof value === 'bigint') appender.appendBigInt(value);
        else appender.appendVarchar(value);
      }
      appender.endRow();
    }
    appender.closeSync();
  }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
