import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, mediaTypes, type Ref, type ResolvedSpec, type SplitName, splitNames } from '../contract';
import type { Store } from '../store';
import { type Assigned, assignSplits } from './assign';
import { type Database, withDatabase } from './database';
import { type Examples, examplesOfFolder, examplesOfTable } from './examples';
import { loadTable } from './loadTable';
import { findOverlap } from './overlap';
import { profileSplits } from './profile';
import { openSource, type Source, storeSource } from './source';
import type { DataSnapshot } from './types';

/** Stores the data source, splits it, profiles the splits. The same data and `data` section give the same digest. */
export async function createSnapshot({
  spec,
  store,
  workDir,
  python,
  heartbeat = () => undefined,
}: {
  spec: ResolvedSpec;
  store: Store;
  workDir: string;
  python?: string | undefined;
  heartbeat?: (() => void) | undefined;
}): Promise<{ ref: Ref; snapshot: DataSnapshot }> {
  await mkdir(workDir, { recursive: true });
  return await withDatabase(workDir, async (db, folder) => {
    const source = await openSource(spec, folder, python);
    const data = await storeSource(source, store, heartbeat);
    const examples = await readExamples(db, spec, source, data, store, folder);
    heartbeat();
    const assigned = await assignSplits(db, spec, source.name, folder);
    heartbeat();
    const profiles = await profileSplits(db, examples, heartbeat);
    const { train, validation, test } = await storeSplits(assigned, store);
    const snapshot: DataSnapshot = {
      schema: 'assay.snapshot/1',
      source: spec.data.source,
      kind: source.format === 'folder' ? 'folder' : 'table',
      data,
      file: source.format === 'folder' || source.files.length > 1 ? null : (source.files[0] ?? null),
      format: source.format,
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
      units: assigned.units,
      shares: assigned.shares,
    };
    return { ref: await store.putJson(snapshot), snapshot };
  });
}

/** Reads the stored copy, never the source again. */
async function readExamples(db: Database, spec: ResolvedSpec, source: Source, data: Ref, store: Store, folder: string): Promise<Examples> {
  const manifest = await store.getJson<Manifest>(data);
  if (source.format === 'folder') return await examplesOfFolder(db, manifest, source.name);
  const copy = join(folder, 'copy');
  await store.fetchFolder(data, copy);
  const [file] = source.files;
  const single = source.files.length === 1 && file !== undefined && !file.endsWith('.npy');
  const table = await loadTable(db, 'raw', source.format, single ? join(copy, file) : copy, source.name, folder);
  return await examplesOfTable(db, spec, table, source.name);
}

async function storeSplits({ rows, files }: Assigned, store: Store): Promise<DataSnapshot['splits']> {
  const stored: Partial<Record<SplitName, { rows: number; ref: Ref }>> = {};
  for (const split of splitNames) stored[split] = { rows: rows[split], ref: await store.putFile(files[split], mediaTypes.jsonLines) };
  return stored as DataSnapshot['splits'];
}
