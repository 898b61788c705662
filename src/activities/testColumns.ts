import type { AnalysisInput, TestColumn } from '../analysis';
import type { Snapshot } from '../contract';
import { readStored, type SplitRow } from '../data';
import type { Store } from '../store';

/** Cells of the test rows that are read for the search of weak slices: beyond, only the first columns are. */
const mostCells = 20_000_000;

export interface TestColumnsDeps {
  store: Store;
  workDir: string;
}

/** What is known of the test rows beside label and predictions: their columns, and which rows belong to the slices of the plan. */
export async function testColumns(
  deps: TestColumnsDeps,
  snapshot: Snapshot,
  test: readonly SplitRow[],
): Promise<Required<Pick<AnalysisInput, 'columns' | 'slices'>> & { names: string[] }> {
  const { store } = deps;
  const { label, id, unit, slices = [], profiles } = snapshot;
  const masks = slices.map(async ({ name, ref }) => ({ name, rows: new Uint8Array(await store.get(ref)) }));
  const known = (await store.getJson<{ columns: { name: string }[] }>(profiles.test)).columns.map((column) => column.name);
  const names = known.filter((column) => ![label, id, unit].includes(column));
  const wanted = names.slice(0, Math.floor(mostCells / Math.max(1, test.length)));
  return { columns: await readColumns(deps, snapshot, wanted, test), slices: await Promise.all(masks), names };
}

/** Columns of some rows, in the order of these; null where the data are no table. */
export async function readColumns(
  { store, workDir }: TestColumnsDeps,
  { data, format, file }: Snapshot,
  wanted: readonly string[],
  of: readonly SplitRow[],
): Promise<TestColumn[] | null> {
  const rows = of.flatMap(({ row }) => (row === undefined ? [] : [row]));
  if (wanted.length === 0 || rows.length < of.length) return null;
  const read = await readStored(store, { manifest: data, format, name: file ?? 'the snapshot' }, { workDir, columns: wanted, rows });
  return read === null ? null : inOrder(read, rows);
}

/** The file's order made the order of the test split. */
function inOrder({ columns, ids }: NonNullable<Awaited<ReturnType<typeof readStored>>>, rows: readonly number[]): TestColumn[] {
  const places = new Map(ids.map((id, place) => [Number(id), place]));
  const order = rows.map((row) => places.get(row) ?? -1);
  return columns.map((column) =>
    column.kind === 'number'
      ? { ...column, values: Float64Array.from(order, (place) => column.values[place] ?? Number.NaN) }
      : { ...column, values: order.map((place) => column.values[place] ?? '') },
  );
}
