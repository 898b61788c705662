import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Usage {
  files: number;
  /** Of the files here, whether or not a run's folder shares them. */
  bytes: number;
  /** Of them, bytes that some folder is linked to: removing these from the cache frees nothing. */
  linkedBytes: number;
}

/** So that not every new file costs a look at all of them. */
const keptShare = 0.9;

/**
 * Removes files, the least recently used first, until `maxBytes` are kept to, with some room to spare. Those that are linked to
 * elsewhere come last, since removing them frees nothing; `wanted` ones stay.
 */
export async function evict(
  dir: string,
  maxBytes: number,
  wanted: { has: (path: string) => boolean } = new Set(),
): Promise<{ left: number; removed: { files: number; bytes: number } }> {
  const files = await cachedFiles(dir);
  let left = files.reduce((sum, { size }) => sum + size, 0);
  const removed = { files: 0, bytes: 0 };
  if (left <= maxBytes) return { left, removed };
  files.sort((a, b) => Number(a.linked) - Number(b.linked) || a.used - b.used);
  for (const { path, size } of files) {
    if (left <= maxBytes * keptShare) break;
    if (wanted.has(path)) continue;
    await rm(path, { force: true });
    left -= size;
    removed.files += 1;
    removed.bytes += size;
  }
  return { left, removed };
}

export async function usageOf(dir: string): Promise<Usage> {
  const files = await cachedFiles(dir);
  const sum = (total: number, { size }: { size: number }): number => total + size;
  return { files: files.length, bytes: files.reduce(sum, 0), linkedBytes: files.filter(({ linked }) => linked).reduce(sum, 0) };
}

async function cachedFiles(dir: string): Promise<{ path: string; size: number; used: number; linked: boolean }[]> {
  const found: { path: string; size: number; used: number; linked: boolean }[] = [];
  for (const folder of await names(dir)) {
    const below = join(dir, folder);
    const sizes = (await names(below)).map(async (name) => {
      const path = join(below, name);
      const file = await stat(path).catch(() => null);
      // Null: another process removed it meanwhile.
      if (file?.isFile()) found.push({ path, size: file.size, used: file.atimeMs, linked: file.nlink > 1 });
    });
    await Promise.all(sizes);
  }
  return found;
}

async function names(dir: string): Promise<string[]> {
  return await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) return [];
    throw error;
  });
}
