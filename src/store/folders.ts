import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { AssayError, Manifest, mediaTypes, type Ref } from '../contract';
import type { Store } from './index';

/** Files below `dir` as `/`-separated paths in code unit order; anything but files and folders is refused. */
export async function listFiles(dir: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(dir, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) found.push(path);
      else
        throw new AssayError(
          'DataInvalid',
          `${join(dir, path)} is neither a file nor a folder (a link, a socket or a device): put the file itself there, or remove it.`,
        );
    }
  };
  await walk('');
  return found.sort();
}

export async function putFolder(store: Store, dir: string): Promise<Ref> {
  const files: Manifest['files'] = [];
  for (const path of await listFiles(dir)) {
    const { digest, size } = await store.putFile(join(dir, path), mediaTypes.bytes);
    files.push({ path, size, digest });
  }
  return { ...(await store.putJson({ files } satisfies Manifest)), mediaType: mediaTypes.manifest };
}

export async function fetchFolder(store: Store, ref: Ref, dir: string): Promise<void> {
  const { files } = Manifest.parse(await store.getJson(ref));
  const building = `${dir}.${randomUUID()}.new`;
  try {
    await mkdir(building, { recursive: true });
    for (const { path, size, digest } of files) {
      if (isAbsolute(path) || path.split('/').some((part) => part === '..' || part === '.' || part === ''))
        throw new AssayError(
          'ObjectCorrupt',
          `The manifest ${ref.digest} names "${path}", which lies outside its folder. Restore it from a backup.`,
        );
      await store.fetchTo({ digest, size, mediaType: mediaTypes.bytes }, join(building, path));
    }
    await replace(building, dir);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function replace(building: string, dir: string): Promise<void> {
  await mkdir(dirname(dir), { recursive: true });
  const aside = `${dir}.${randomUUID()}.old`;
  try {
    await rename(dir, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rename(building, dir);
  await rm(aside, { recursive: true, force: true });
}
