import { mkdir } from 'node:fs/promises';
import type { Manifest, SnapshotDiff, TableProfile } from '../contract';
import type { Store } from '../store';
import { type Database, withDatabase } from './database';
import { type FoundSnapshot, findSnapshot } from './findSnapshot';
import { type LoadedTable, loadTable } from './loadTable';
import { dataInvalid, didYouMean } from './problem';
import { fetchTable } from './snapshotRecord';

/** Files of two snapshots, and where both are tables, their columns and rows: by the column `id`, else by content. */
export async function diffSnapshots(
  store: Store,
  from: string,
  to: string,
  { id, workDir }: { id?: string | undefined; workDir: string },
): Promise<SnapshotDiff> {
  const [a, b] = [await findSnapshot(store, from), await findSnapshot(store, to)];
  const files = diffFiles(await store.getJson<Manifest>(a.record.manifest), await store.getJson<Manifest>(b.record.manifest));
  const result: SnapshotDiff = { from: a.digest, to: b.digest, files, rows: null, schema: { added: [], removed: [], changed: [] } };
  if (!isTable(a) || !isTable(b)) {
    if (id !== undefined) throw dataInvalid(`Rows have ids in tables only, and ${isTable(a) ? to : from} is none. Leave the id out.`);
    return result;
  }
  await mkdir(workDir, { recursive: true });
  return await withDatabase(workDir, async (db, folder) => {
    const sides = [await load(db, store, a, 'a', from, folder), await load(db, store, b, 'b', to, folder)] as const;
    return { ...result, schema: diffColumns(...sides), rows: await diffRows(db, id, ...sides) };
  });
}

const isTable = ({ record }: FoundSnapshot): boolean => record.format !== null && record.format !== 'folder';

function diffFiles({ files: before }: Manifest, { files: after }: Manifest): SnapshotDiff['files'] {
  const [old, now] = [before, after].map((files) => new Map(files.map(({ path, digest, mode }) => [path, `${digest} ${mode ?? ''}`])));
  const kept = [...(now as Map<string, string>)].filter(([path]) => old?.has(path));
  const changed = kept.filter(([path, version]) => old?.get(path) !== version).map(([path]) => path);
  return {
    added: after.map(({ path }) => path).filter((path) => !old?.has(path)),
    removed: before.map(({ path }) => path).filter((path) => !now?.has(path)),
    changed,
    unchanged: kept.length - changed.length,
  };
}

interface Side extends LoadedTable {
  /** Name of the table in the database. */
  table: 'a' | 'b';
  name: string;
  /** Kind of each column, as the file or the profile has it. */
  kinds: Map<string, string>;
}

async function load(db: Database, store: Store, { record }: FoundSnapshot, table: 'a' | 'b', name: string, folder: string): Promise<Side> {
  const path = await fetchTable(store, record.manifest, folder, table);
  const loaded = await loadTable(db, table, record.format ?? 'csv', path, name);
  const profile = record.profile === null ? null : await store.getJson<TableProfile>(record.profile);
  const told = new Map(profile?.columns.map((column) => [column.name, column.kind === 'category' ? 'text' : column.kind]));
  const kinds = loaded.columns.map((column, i): [string, string] => {
    const type = loaded.types[i] ?? 'VARCHAR';
    return [column, type === 'VARCHAR' ? (told.get(column) ?? 'text') : type.toLowerCase()];
  });
  return { ...loaded, table, name, kinds: new Map(kinds) };
}

function diffColumns(a: Side, b: Side): SnapshotDiff['schema'] {
  return {
    added: b.columns.filter((column) => !a.columns.includes(column)),
    removed: a.columns.filter((column) => !b.columns.includes(column)),
    changed: b.columns.flatMap((column) => {
      const [was, is] = [a.kinds.get(column), b.kinds.get(column)];
      return was === undefined || is === undefined || was === is ? [] : [{ column, from: was, to: is }];
    }),
  };
}

const shown = 10;

/** Rows are compared by the columns that both tables have; an added column changes no row. */
async function diffRows(db: Database, id: string | undefined, a: Side, b: Side): Promise<SnapshotDiff['rows']> {
  const common = a.columns.filter((column) => b.columns.includes(column));
  if (id !== undefined) return await diffById(db, id, common, a, b);
  if (common.length === 0) return null;
  const sorted = [...common].sort();
  for (const side of [a, b])
    await db.run(
      `CREATE TABLE counted_${side.table} AS SELECT ${cells(sorted, side)} AS content, count(*) AS n FROM ${side.table} GROUP BY content`,
    );
  await db.run(
    `CREATE TABLE compared AS SELECT content, coalesce(a.n, 0) AS before, coalesce(b.n, 0) AS after
     FROM counted_a a FULL JOIN counted_b b USING (content)`,
  );
  const [added, removed, unchanged] = await db.first(
    'SELECT sum(greatest(after - before, 0)), sum(greatest(before - after, 0)), sum(least(before, after)) FROM compared',
  );
  const examples = async (where: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const [content] of db.rows(`SELECT content FROM compared WHERE ${where} ORDER BY content LIMIT ${shown}`))
      found.push(sentence(sorted, String(content)));
    return found;
  };
  return {
    added: Number(added),
    removed: Number(removed),
    changed: 0,
    unchanged: Number(unchanged),
    examples: { added: await examples('after > before'), removed: await examples('before > after'), changed: [] },
  };
}

async function diffById(db: Database, id: string, common: string[], a: Side, b: Side): Promise<SnapshotDiff['rows']> {
  for (const side of [a, b]) {
    const index = side.columns.indexOf(id);
    if (index < 0) throw dataInvalid(`${side.name} has no column "${id}"; ${didYouMean(id, side.columns)}`);
    await db.run(
      `CREATE TABLE keyed_${side.table} AS SELECT coalesce(CAST(c${index} AS VARCHAR), '') AS id, sha256(${cells([...common].sort(), side)}) AS content FROM ${side.table}`,
    );
    const [twice, count] = await db.first(
      `SELECT id, count(*) FROM keyed_${side.table} GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1`,
    );
    if (twice !== undefined)
      throw dataInvalid(
        `${side.name}: the id "${twice}" (column "${id}") stands in ${count} rows. An id names one row: leave it out to compare by content.`,
      );
  }
  const joined = 'keyed_a a FULL JOIN keyed_b b ON a.id = b.id';
  const kinds = { added: 'a.id IS NULL', removed: 'b.id IS NULL', changed: 'a.content <> b.content', unchanged: 'a.content = b.content' };
  const counts = await db.first(
    `SELECT ${Object.values(kinds)
      .map((kind) => `count(*) FILTER (WHERE ${kind})`)
      .join(', ')} FROM ${joined}`,
  );
  const examples = async (where: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const [name] of db.rows(`SELECT coalesce(a.id, b.id) AS id FROM ${joined} WHERE ${where} ORDER BY 1 LIMIT ${shown}`))
      found.push(String(name));
    return found;
  };
  const [added = 0, removed = 0, changed = 0, unchanged = 0] = counts.map(Number);
  return {
    added,
    removed,
    changed,
    unchanged,
    examples: { added: await examples(kinds.added), removed: await examples(kinds.removed), changed: await examples(kinds.changed) },
  };
}

/** The cells of a row as a JSON list of texts, so that the same values are equal whatever file they come from. */
const cells = (columns: string[], side: Side): string =>
  `CAST(to_json([${columns.map((column) => `CAST(c${side.columns.indexOf(column)} AS VARCHAR)`).join(', ')}]) AS VARCHAR)`;

const longest = 200;

function sentence(columns: string[], content: string): string {
  const values = JSON.parse(content) as (string | null)[];
  const text = columns.map((column, i) => `${column}=${values[i] ?? ''}`).join(', ');
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
