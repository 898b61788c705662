import { chmod, mkdir } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { AssayError, Manifest, type Ref } from '../contract';
import type { Store } from '../store';
import { placeFolder, readManifest } from './place';

/**
 * The trainer's code as a folder below `cacheDir`, named by its digest: verified each time, shared by all runs of this host, and readable
 * by whatever user a container has.
 */
export async function materialiseCode(store: Store, ref: Ref, cacheDir: string): Promise<string> {
  const { files } = await readManifest(store, ref, (value) => Manifest.parse(value));
  const folder = join(cacheDir, ref.digest.replace('sha256:', ''));
  await mkdir(cacheDir, { recursive: true });
  await placeFolder(folder, files, (building) => write(store, ref, files, building));
  return folder;
}

async function write(store: Store, ref: Ref, files: Manifest['files'], folder: string): Promise<void> {
  const folders = new Set([folder]);
  await mkdir(folder);
  for (const { path, digest, mode } of files) {
    if (isAbsolute(path) || path.split('/').some((part) => ['', '.', '..'].includes(part)))
      throw new AssayError(
        'ObjectCorrupt',
        `The manifest ${ref.digest} names "${path}", which lies outside its folder. Start the experiment again.`,
      );
    const target = join(folder, path);
    await store.fetchTo({ digest }, target);
    await chmod(target, mode === '755' ? 0o555 : 0o444);
    for (let parent = dirname(target); !folders.has(parent); parent = dirname(parent)) folders.add(parent);
  }
  // A worker's umask may keep other users out.
  for (const each of folders) await chmod(each, 0o755);
}
