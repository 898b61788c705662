import { mediaTypes, type Snapshot } from '../contract';
import type { Store } from '../store';
import type { Assigned } from './assign';
import type { Database } from './database';
import type { LoadedTable } from './loadTable';
import { knownColumns } from './profile/kinds';
import { type Slice, sliceMasks } from './slices';
import { readSplit } from './splitFile';

/** Conditions are looked at before anything is trained, on all rows: those of the test split are kept. */
export async function storeSlices(
  db: Database,
  slices: readonly Slice[],
  table: LoadedTable | null,
  { files }: Assigned,
  store: Store,
): Promise<NonNullable<Snapshot['slices']>> {
  if (slices.length === 0) return [];
  const titles = table === null ? ['bytes', 'extension'] : table.columns;
  const columns = await knownColumns(db, { from: 'raw', columns: titles.map((name, i) => ({ name, column: `c${i}` })) });
  if (table === null)
    for (const name of ['label', 'path'])
      columns.push({ name, kind: 'category', value: `(SELECT ${name} FROM examples WHERE row = raw.rowid)` });
  const rows = Number((await db.first('SELECT count(*) FROM raw'))[0]);
  const masks = await sliceMasks(db, { from: 'raw', rows, columns }, slices, 'data.slices');
  const test = await readSplit(files.test);
  const rowOf = table === null ? await rowsByPath(db) : null;
  const at = test.map(({ row, path }) => row ?? rowOf?.get(path ?? '') ?? -1);
  return await Promise.all(
    slices.map(async ({ name, where }, i) => {
      const kept = Uint8Array.from(at, (row) => masks[i]?.[row] ?? 0);
      return { name, where, rows: kept.reduce((sum, met) => sum + met, 0), ref: await store.put(Buffer.from(kept), mediaTypes.bytes) };
    }),
  );
}

async function rowsByPath(db: Database): Promise<Map<string, number>> {
  const rows = new Map<string, number>();
  for await (const [path, row] of db.rows('SELECT path, row FROM examples')) rows.set(String(path), Number(row));
  return rows;
}
