import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, type Manifest, type Ref, refNames, type Snapshot, type SnapshotRecord } from '../contract';
import type { Store } from '../store';
import { RefConflict } from '../store/refs';
import { type FoundSnapshot, findSnapshot, isName } from './findSnapshot';
import { dataInvalid } from './problem';
import type * as Profile from './profile';
import { openSource, refuseDisguise, type SourceTree } from './source';
import { storeTree, type StoredTree } from './storeTree';

type Progress = (done: { files: number; bytes: number }) => void;

/** Takes a snapshot of data as they are: stores what is new, and names it. The same data are the same snapshot. */
export async function snapshotData({
  source,
  root,
  store,
  workDir,
  python,
  name,
  provenance = null,
  indexDir,
  onProgress,
  heartbeat,
}: {
  source: string;
  /** Folder that a relative path starts from. */
  root: string;
  store: Store;
  workDir: string;
  python?: string | undefined;
  /** Moves to this snapshot. */
  name?: string | undefined;
  provenance?: Ref | null | undefined;
  /** Where it is kept what was stored, so that unchanged files are not read again. Default: all are read. */
  indexDir?: string | undefined;
  onProgress?: Progress | undefined;
  heartbeat?: (() => void) | undefined;
}): Promise<{ digest: string; record: SnapshotRecord; created: boolean }> {
  if (name !== undefined && (!isName(name) || /^[0-9a-f]{4,64}$/.test(name)))
    throw dataInvalid(
      `"${name}" is no name of a snapshot: expected letters, digits, ".", "_" and "-", at most 100, and not the look of a digest.`,
    );
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'source-'));
  try {
    const tree = await openSource({ source, root }, { folder, python, store, heartbeat, anyFormat: true });
    await refuseDisguise(tree);
    const stored = await storeTree(tree, store, { index: indexDir, onProgress, heartbeat });
    const { record, created } = await recordSnapshot(store, tree, stored, provenance, () =>
      tree.format === null || tree.format === 'folder' ? null : profileStored(tree.format, tree, stored, store, { folder, heartbeat }),
    );
    const { digest } = stored.manifest;
    if (name !== undefined && (await store.refs.get<string>(refNames.namedSnapshot(name)))?.value !== digest)
      await store.refs.update<string>(refNames.namedSnapshot(name), () => digest);
    return { digest, record, created };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The record of these data, made where there is none yet: the first taker's stands. */
export async function recordSnapshot(
  store: Store,
  { source, format, ...tree }: SourceTree,
  { manifest, files, bytes }: StoredTree,
  provenance: Ref | null,
  profile: () => Promise<Ref> | null,
): Promise<{ record: SnapshotRecord; created: boolean }> {
  const ref = refNames.snapshot(manifest.digest);
  const there = await store.refs.get<SnapshotRecord>(ref);
  if (there !== null) return { record: there.value, created: false };
  const record: SnapshotRecord = {
    schema: 'assay.snapshot-record/1',
    manifest,
    source,
    origin: await tree.origin(),
    format,
    files,
    bytes,
    createdAt: new Date().toISOString(),
    provenance,
    profile: await profile(),
  };
  try {
    await store.refs.set(ref, record, null);
    return { record, created: true };
  } catch (error) {
    if (!(error instanceof RefConflict)) throw error;
    return { record: (await store.refs.get<SnapshotRecord>(ref))?.value ?? record, created: false };
  }
}

/** Profile of all rows of the stored copy. */
async function profileStored(
  format: Exclude<Snapshot['format'], 'folder'>,
  tree: SourceTree,
  { manifest }: StoredTree,
  store: Store,
  { folder, heartbeat }: { folder: string; heartbeat: (() => void) | undefined },
): Promise<Ref> {
  const path = await fetchTable(store, manifest, folder);
  await refuseDisguise(tree, join(folder, copyName));
  return await store.putJson((await profiling().profileFile({ path, format, name: tree.name, workDir: folder, heartbeat })).profile);
}

/** Loaded at need: folders have no profile. */
const profiling = (): typeof Profile => require('./profile') as typeof Profile;

export const copyName = 'copy';

/** The stored table as a path that `loadTable` takes: a file, or a folder of arrays. */
export async function fetchTable(store: Store, manifest: Ref, folder: string, copy = copyName): Promise<string> {
  const dir = join(folder, copy);
  await store.fetchFolder(manifest, dir);
  const [only, second] = (await store.getJson<Manifest>(manifest)).files;
  return only === undefined || second !== undefined || only.path.endsWith('.npy') ? dir : join(dir, only.path);
}

/** Hashes every file of a snapshot again, in every replica. */
export async function verifySnapshot(
  store: Store,
  digest: string,
  onProgress: Progress = () => undefined,
): Promise<{ files: number; bytes: number; problems: string[] }> {
  const { record } = await findSnapshot(store, digest);
  const problems: string[] = [];
  const verify = async (path: string, object: string): Promise<boolean> => {
    const { replicas } = await store.verify(object);
    for (const { url, state, detail } of replicas)
      if (state !== 'sound') problems.push(`${path} (${object}): ${state} in ${url}: ${detail}`);
    return replicas.some(({ state }) => state === 'sound');
  };
  if (!(await verify('the list of files', record.manifest.digest))) return { files: 0, bytes: 0, problems };
  const done = { files: 0, bytes: 0 };
  const seen = new Set<string>();
  for (const { path, digest: object, size } of (await store.getJson<Manifest>(record.manifest)).files) {
    if (!seen.has(object)) await verify(path, object);
    seen.add(object);
    done.files++;
    done.bytes += size;
    onProgress(done);
  }
  return { ...done, problems };
}

/** The files of a snapshot as a new folder. */
export async function getSnapshot(store: Store, digest: string, dir: string, onProgress?: Progress): Promise<void> {
  const { record } = await findSnapshot(store, digest);
  const there = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw dataInvalid(`${dir} is no folder. Name one that is not there yet.`, error);
  });
  if (there !== null && there.length > 0) throw dataInvalid(`${dir} is not empty. Name a folder that is not there yet.`);
  await store.fetchFolder(record.manifest, dir, { onProgress });
}

/** Takes a name away, and with the last one the record; by digest all of them. Returns what was removed. */
export async function removeSnapshot(store: Store, which: string): Promise<string> {
  const found: FoundSnapshot = await findSnapshot(store, which);
  const name = found.names.find((each) => each === which.replace(/^snapshot:/, ''));
  for (const each of name === undefined ? found.names : [name]) await removeRef(store, refNames.namedSnapshot(each));
  if (name === undefined || found.names.length === 1) await removeRef(store, refNames.snapshot(found.digest));
  return name ?? found.digest;
}

async function removeRef(store: Store, name: string): Promise<void> {
  const there = await store.refs.get(name);
  if (there === null) return;
  await store.refs.remove(name, there.version).catch((error: unknown) => {
    if (error instanceof RefConflict)
      throw new AssayError('StoreUnavailable', `${name} was changed at the same moment. Try again.`, { cause: error });
    throw error;
  });
}
