import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AssayError,
  type Manifest,
  mediaTypes,
  type Ref,
  type ResolvedSpec,
  type Snapshot,
  type SplitName,
  splitNames,
  type TableProfile,
} from '../contract';
import type { Store } from '../store';
import { type Assigned, assignSplits } from './assign';
import { type Database, withDatabase } from './database';
import { type Examples, examplesOfFolder, examplesOfTable } from './examples';
import { findLeaks } from './leaks';
import { type LoadedTable, loadTable } from './loadTable';
import { findOverlap } from './overlap';
import { dataInvalid } from './problem';
import { profileSplits, profileTable } from './profile';
import { copyName, fetchTable, recordSnapshot } from './snapshotRecord';
import { openSource, refuseDisguise, type SourceTree } from './source';
import { storeSlices } from './storeSlices';
import { storeTree, type StoredTree } from './storeTree';

/** Stores the data source, splits it, looks for leaks, profiles the splits. The same data and `data` section give the same digest. */
export async function createSnapshot({
  spec,
  store,
  workDir,
  python,
  heartbeat = () => undefined,
  indexDir,
  provenance = null,
}: {
  spec: ResolvedSpec;
  store: Store;
  workDir: string;
  python?: string | undefined;
  heartbeat?: (() => void) | undefined;
  /** Where it is kept what was stored, so that unchanged files are not read again. Default: all are read. */
  indexDir?: string | undefined;
  provenance?: Ref | null | undefined;
}): Promise<{ ref: Ref; snapshot: Snapshot }> {
  await mkdir(workDir, { recursive: true });
  return await withDatabase(workDir, async (db, folder) => {
    const tree = await openSource({ source: spec.data.source, root: spec.root }, { folder, python, store, heartbeat });
    await refuseDisguise(tree);
    let stored = await storeTree(tree, store, { index: indexDir, heartbeat });
    const { examples, table } = await readExamples(db, spec, tree, stored, store, folder).catch(async (error: unknown) => {
      if (indexDir === undefined || !isLost(error)) throw error;
      // The index is right about the files, and the store has lost some of them since.
      stored = await storeTree(tree, store, { heartbeat });
      return await readExamples(db, spec, tree, stored, store, folder);
    });
    heartbeat();
    const assigned = await assignSplits(db, spec, tree.name, folder);
    const slices = await storeSlices(db, spec.data.slices, table, assigned, store);
    heartbeat();
    const profiles = await profileSplits(db, examples, heartbeat);
    const { train, validation, test } = await storeSplits(assigned, store);
    const [only, second] = tree.files;
    const snapshot: Snapshot = {
      schema: 'assay.snapshot/2',
      source: spec.data.source,
      origin: await tree.origin(),
      kind: table === null ? 'folder' : 'table',
      data: stored.manifest,
      file: table === null || only === undefined || second !== undefined ? null : only.path,
      format: formatOf(tree),
      rows: Number((await db.first('SELECT count(*) FROM examples'))[0]),
      label: spec.data.label,
      id: spec.data.id ?? null,
      unit: spec.data.unit ?? null,
      classes: assigned.classes,
      splits: { train, validation, test },
      profiles: {
        train: await store.putJson(profiles.train),
        validation: await store.putJson(profiles.validation),
        test: await store.putJson(profiles.test),
      },
      overlap: await findOverlap(db),
      leaks: await findLeaks(db, spec, examples, { read: async (_, digest) => await store.get({ digest }), heartbeat }),
      units: assigned.units,
      shares: assigned.shares,
      ...(slices.length === 0 ? {} : { slices }),
    };
    await recordSnapshot(store, tree, stored, provenance, () =>
      table === null ? null : profileRows(db, table, tree.name, heartbeat).then(async (profile) => await store.putJson(profile)),
    );
    return { ref: await store.putJson(snapshot), snapshot };
  });
}

function formatOf({ format, name }: SourceTree): Snapshot['format'] {
  if (format === null) throw dataInvalid(`${name} is of no format that an experiment can read.`);
  return format;
}

/** Reads the stored copy, never the source again. */
const isLost = (error: unknown): boolean => error instanceof AssayError && (error.type === 'NotFound' || error.type === 'ObjectCorrupt');

async function readExamples(
  db: Database,
  spec: ResolvedSpec,
  tree: SourceTree,
  { manifest }: StoredTree,
  store: Store,
  folder: string,
): Promise<{ examples: Examples; table: LoadedTable | null }> {
  if (tree.format === 'folder') {
    const examples = await examplesOfFolder(db, await store.getJson<Manifest>(manifest), tree.name);
    return { examples, table: null };
  }
  const path = await fetchTable(store, manifest, folder);
  await refuseDisguise(tree, join(folder, copyName));
  const table = await loadTable(db, 'raw', formatOf(tree), path, tree.name);
  return { examples: await examplesOfTable(db, spec, table, tree.name), table };
}

async function profileRows(db: Database, { columns, rows }: LoadedTable, name: string, heartbeat: () => void): Promise<TableProfile> {
  const loaded = { from: 'raw', row: 'rowid', rows, columns: columns.map((title, i) => ({ name: title, column: `c${i}` })) };
  return await profileTable(db, loaded, undefined, name, heartbeat);
}

async function storeSplits({ rows, files }: Assigned, store: Store): Promise<Snapshot['splits']> {
  const stored: Partial<Record<SplitName, { rows: number; ref: Ref }>> = {};
  for (const split of splitNames) stored[split] = { rows: rows[split], ref: await store.putFile(files[split], mediaTypes.jsonLines) };
  return stored as Snapshot['splits'];
}
