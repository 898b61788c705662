import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AssayError, Manifest, type Ref } from '../contract';
import { hashFile, listFiles, type Store } from '../store';

type Files = Manifest['files'];

/**
 * The folder `target` with exactly these files. One that is there and verifies is used; else `build` makes it beside, and a rename puts it
 * in place: of several who do so at once one wins, and none ever sees half of it.
 */
export async function placeFolder(target: string, files: Files, build: (folder: string) => Promise<void>): Promise<void> {
  if (await holds(target, files)) return;
  const building = beside(target, 'new');
  try {
    await build(building);
    while (!(await moved(building, target))) {
      if (await holds(target, files)) return;
      await remove(target);
    }
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** A stored folder, every object verified while it is read. */
export async function restoreFolder(store: Store, ref: Ref, target: string): Promise<void> {
  const { files } = await readManifest(store, ref, (value) => Manifest.parse(value));
  await placeFolder(target, files, (folder) => store.fetchFolder(ref, folder));
}

/** An object of the right digest may still be no manifest: its record was wrong. */
export async function readManifest<T>(store: Store, ref: Ref, parse: (value: unknown) => T): Promise<T> {
  const bytes = await store.get(ref);
  try {
    return parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    const message = `The object ${ref.digest} is no manifest of a folder. Restore the record that names it from a backup.`;
    throw new AssayError('ObjectCorrupt', message, { cause });
  }
}

async function holds(folder: string, files: Files): Promise<boolean> {
  try {
    const found = await listFiles(folder);
    const expected = new Map(files.map(({ path, digest }) => [path, digest]));
    if (found.length !== expected.size) return false;
    for (const path of found) {
      const digest = expected.get(path);
      if (digest === undefined || digest !== (await hashFile(join(folder, path))).digest) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** False where `to` is there already. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}

/** Renamed first, so that nobody sees half of it. */
async function remove(folder: string): Promise<void> {
  const old = beside(folder, 'old');
  try {
    await rename(folder, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(old, { recursive: true, force: true });
}

const beside = (folder: string, what: string): string => join(dirname(folder), `.${basename(folder)}.${randomUUID()}.${what}`);
