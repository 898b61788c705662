import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { ExperimentSpec, type ResolvedSpec } from '../../src/contract';
import { createSnapshot, materialise, readSplit, type SplitRow } from '../../src/data';
import { openStore, type Store } from '../../src/store';
import { temporaryFolder } from '../store/helpers';

export interface Room {
  root: string;
  store: Store;
  write(path: string, content: string | Buffer): void;
  spec(data?: Record<string, unknown>, more?: Record<string, unknown>): ResolvedSpec;
  snapshot(data?: Record<string, unknown>, more?: Record<string, unknown>): ReturnType<typeof createSnapshot>;
  splits(data?: Record<string, unknown>, more?: Record<string, unknown>): Promise<Record<'train' | 'validation' | 'test', SplitRow[]>>;
}

export function room(): Room {
  const root = temporaryFolder();
  const store = openStore(`file://${root}/store`);
  const self: Room = {
    root,
    store,
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    },
    spec: (data = {}, more = {}) => ({
      ...ExperimentSpec.parse({
        name: 'test',
        data: { source: 'data.csv', id: 'id', ...data },
        training: { command: ['true'] },
        variants: [{ name: 'a', control: true }, { name: 'b' }],
        ...more,
      }),
      root,
    }),
    snapshot: (data, more) => createSnapshot({ spec: self.spec(data, more), store, workDir: join(root, 'work') }),
    async splits(data, more) {
      const { ref } = await self.snapshot(data, more);
      const { splits } = await materialise({ snapshotRef: ref, store, dir: join(root, 'cache') });
      return { train: await readSplit(splits.train), validation: await readSplit(splits.validation), test: await readSplit(splits.test) };
    },
  };
  return self;
}

/** Rows `r<n>` of two classes with two features; no two have the same features. */
export const rows = (from: number, to: number): string[] =>
  Array.from(
    { length: to - from },
    (_, i) => `r${from + i},${(from + i) % 2 === 0 ? 'even' : 'odd'},${(from + i) * 1.5},${'abc'[(from + i) % 3]}`,
  );

export const csv = (lines: string[]): string => `${['id,label,x,kind', ...lines].join('\n')}\n`;

export async function parquet(path: string, select: string): Promise<void> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}
