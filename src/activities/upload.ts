import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Ref } from '../contract';
import { listFiles, type Store } from '../store';

/**
 * Stores a checkpoint folder while the trainer goes on. It may drop or replace the folder at any time, so its files are linked elsewhere
 * first, which takes no time and no space, and read from there: a slow store never meets half a checkpoint.
 * A folder that is gone before it could be linked rejects with ENOENT.
 */
export async function uploadCheckpoint(store: Store, folder: string): Promise<Ref> {
  for (let tries = 1; ; tries++) {
    const held = join(dirname(dirname(folder)), `.${basename(folder)}.${randomUUID()}.upload`);
    try {
      const before = await identity(folder);
      // Where the file system has no links, what was read is trusted only if the folder is still the same.
      const direct = (await linked(folder, held)) ? null : await store.putFolder(folder);
      if ((await identity(folder)) === before) return direct ?? (await store.putFolder(held));
      if (tries === 3) throw new Error(`${folder} changes while it is read; a checkpoint is to be made elsewhere and renamed into place`);
    } finally {
      await rm(held, { recursive: true, force: true });
    }
  }
}

async function linked(folder: string, held: string): Promise<boolean> {
  try {
    await mkdir(held);
    for (const path of await listFiles(folder)) {
      await mkdir(dirname(join(held, path)), { recursive: true });
      await link(join(folder, path), join(held, path));
    }
    return true;
  } catch (error) {
    if (!withoutLinks.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}

/** Another file system, one without links, or files of a user whose files may not be linked. */
const withoutLinks = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Differs when the folder was replaced, or a file of it. */
async function identity(folder: string): Promise<string> {
  const facts = async (path: string, what: string): Promise<string> => {
    const { dev, ino, size, mtimeMs } = await lstat(path);
    return `${dev} ${ino} ${what === '' ? '' : `${size} ${mtimeMs}`} ${what}`;
  };
  const lines = [await facts(folder, '')];
  for (const path of await listFiles(folder)) lines.push(await facts(join(folder, path), path));
  return lines.join('\n');
}
