import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, type Ref, type Snapshot, type SplitName, splitNames } from '../contract';
import type { ObjectCache, Store } from '../store';

export interface Materialised {
  /** The data folder: exactly the snapshot's files. */
  dir: string;
  /** Absolute paths of the split files. */
  splits: Record<SplitName, string>;
  snapshot: Snapshot;
}

/** A file as `files.json` tells it. */
interface Placed {
  path: string;
  size: number;
  /** Milliseconds since 1970: a file that is shared with the cache shows here that somebody wrote to it. */
  modified: number;
}

/**
 * The snapshot as files below `dir/<digest>`, made once a host, shared and read-only; a folder of that name is whole. With a cache,
 * files that another snapshot had before are neither fetched nor stored again.
 */
export async function materialise({
  snapshotRef,
  store,
  dir,
  cache,
}: {
  snapshotRef: Ref;
  store: Store;
  dir: string;
  cache?: ObjectCache | undefined;
}): Promise<Materialised> {
  const target = join(dir, snapshotRef.digest.replace('sha256:', ''));
  const snapshot = await store.getJson<Snapshot>(snapshotRef);
  if (!(await isWhole(target))) {
    await sweep(dir);
    const building = join(dir, `.${randomUUID()}.new`);
    try {
      await build(building, snapshot, store, cache);
      await publish(building, target);
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  }
  // When it was last asked for, so that a host can tell what nobody uses any more.
  const now = new Date();
  await utimes(target, now, now);
  return { dir: join(target, 'data'), splits: splitPaths(target), snapshot };
}

/** Milliseconds after which a folder in the making is one that a killed process left. */
const abandonedAfter = 24 * 60 * 60 * 1000;

async function sweep(dir: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => []))
    if (/\.(new|old)$/.test(name)) {
      const found = await stat(join(dir, name)).catch(() => null);
      if (found !== null && Date.now() - found.mtimeMs > abandonedAfter) await rm(join(dir, name), { recursive: true, force: true });
    }
}

async function build(folder: string, { data, splits }: Snapshot, store: Store, cache: ObjectCache | undefined): Promise<void> {
  await makeFolder(folder);
  await makeFolder(join(folder, 'splits'));
  const paths = splitPaths(folder);
  const { files } = await store.getJson<Manifest>(data);
  if (cache === undefined) await fetchReadOnly(store, data, files, join(folder, 'data'));
  else await cache.placeFolder(store, data, files, join(folder, 'data'));
  for (const split of splitNames) {
    const { ref } = splits[split];
    if (cache === undefined) {
      await store.fetchTo(ref, paths[split]);
      await chmod(paths[split], 0o444);
    } else await cache.place(store, ref, paths[split]);
  }
  const placed: Placed[] = [];
  for (const path of [...files.map((file) => `data/${file.path}`), ...splitNames.map((split) => `splits/${split}.jsonl`)]) {
    const { size, mtimeMs } = await stat(join(folder, path));
    placed.push({ path, size, modified: mtimeMs });
  }
  await writeFile(join(folder, 'files.json'), JSON.stringify(placed));
}

async function fetchReadOnly(store: Store, ref: Ref, files: Manifest['files'], dir: string): Promise<void> {
  await store.fetchFolder(ref, dir);
  const folders = new Set(['']);
  for (const { path, mode } of files) {
    await chmod(join(dir, path), mode === '755' ? 0o555 : 0o444);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) folders.add(path.slice(0, end));
  }
  for (const folder of folders) await chmod(join(dir, folder), 0o755);
}

/** Open to every user, whatever this process' umask is: a container runs as somebody else. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

/** Two processes may build at once: the first rename wins, the other takes what is there. */
async function publish(building: string, target: string): Promise<void> {
  try {
    await rename(building, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    if (await isWhole(target)) return;
    const damaged = `${target}.${randomUUID()}.old`;
    await rename(target, damaged);
    await rename(building, target);
    await rm(damaged, { recursive: true, force: true });
  }
}

/** By sizes and times alone: the digests were verified when the files were written, and they are read-only. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    for (const { path, size, modified } of JSON.parse(await readFile(join(folder, 'files.json'), 'utf8')) as Placed[]) {
      const found = await stat(join(folder, path));
      if (found.size !== size || found.mtimeMs !== modified) return false;
    }
    return true;
  } catch {
    return false;
  }
}

const splitPaths = (folder: string): Record<SplitName, string> => ({
  train: join(folder, 'splits', 'train.jsonl'),
  validation: join(folder, 'splits', 'validation.jsonl'),
  test: join(folder, 'splits', 'test.jsonl'),
});
