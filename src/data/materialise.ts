import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, type Ref, type SplitName, splitNames } from '../contract';
import type { Store } from '../store';
import type { DataSnapshot } from './types';

export interface Materialised {
  /** The data folder: exactly the snapshot's files. */
  dir: string;
  /** Absolute paths of the split files. */
  splits: Record<SplitName, string>;
  snapshot: DataSnapshot;
}

/** The snapshot as files below `dir/<digest>`, made once a host, shared and read-only; a folder of that name is whole. */
export async function materialise({ snapshotRef, store, dir }: { snapshotRef: Ref; store: Store; dir: string }): Promise<Materialised> {
  const target = join(dir, snapshotRef.digest.replace('sha256:', ''));
  const snapshot = await store.getJson<DataSnapshot>(snapshotRef);
  if (!(await isWhole(target))) {
    const building = join(dir, `.${randomUUID()}.new`);
    try {
      await build(building, snapshot, store);
      await publish(building, target);
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  }
  return { dir: join(target, 'data'), splits: splitPaths(target), snapshot };
}

async function build(folder: string, snapshot: DataSnapshot, store: Store): Promise<void> {
  await mkdir(folder, { recursive: true });
  await store.fetchFolder(snapshot.data, join(folder, 'data'));
  const paths = splitPaths(folder);
  for (const split of splitNames) await store.fetchTo(snapshot.splits[split].ref, paths[split]);
  const { files } = await store.getJson<Manifest>(snapshot.data);
  const sizes = [
    ...files.map((file) => ({ path: `data/${file.path}`, size: file.size })),
    ...splitNames.map((split) => ({ path: `splits/${split}.jsonl`, size: snapshot.splits[split].ref.size })),
  ];
  for (const { path } of sizes) await chmod(join(folder, path), 0o444);
  await writeFile(join(folder, 'files.json'), JSON.stringify(sizes));
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

/** By sizes alone: the digests were verified when the files were written, and they are read-only. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const sizes = JSON.parse(await readFile(join(folder, 'files.json'), 'utf8')) as { path: string; size: number }[];
    for (const { path, size } of sizes) if ((await stat(join(folder, path))).size !== size) return false;
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
