import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { changed, hashBytes } from '../files';

export interface SmallFile {
  path: string;
  digest: string;
  size: number;
  /** Where its bytes lie in the buffer. */
  at: number;
}

/**
 * Reads a file of at most `limit` bytes into `buffer`; null for a larger one. In place, not in the thread pool: for files of the
 * page cache that costs a third of the CPU time.
 */
export function readSmall(path: string, buffer: Buffer, at: number, limit: number): SmallFile | null {
  // Not to wait for ever for the writer of a pipe that stands where a file stood.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = fstatSync(file);
    if (!before.isFile()) throw changed(path);
    if (before.size > limit) return null;
    let size = 0;
    while (size < before.size) {
      const read = readSync(file, buffer, at + size, before.size - size, null);
      if (read === 0) break;
      size += read;
    }
    const after = fstatSync(file);
    if (size !== before.size || !same(before, after)) throw changed(path);
    return { path, digest: hashBytes(buffer.subarray(at, at + size)), size, at };
  } catch (error) {
    throw named(error, path);
  } finally {
    closeSync(file);
  }
}

const same = (a: Stats, b: Stats): boolean => a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;

/** Errors of read() do not tell the path. */
function named(error: unknown, path: string): unknown {
  return error instanceof Error && (error as NodeJS.ErrnoException).path === undefined ? Object.assign(error, { path }) : error;
}
