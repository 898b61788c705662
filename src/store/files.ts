import { createHash, hash as hashOnce } from 'node:crypto';
import { chmod, constants, copyFile, type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AssayError } from '../contract';

/** Bytes read, hashed and written at a time. */
export const blockBytes = 1 << 20;

export interface Hashed {
  /** `sha256:…` */
  digest: string;
  /** Bytes. */
  size: number;
}

export async function hashFile(path: string, signal?: AbortSignal): Promise<Hashed> {
  const handle = await open(path, 'r');
  try {
    return await hashThrough(handle, signal, path);
  } finally {
    await handle.close();
  }
}

/** Copies `from` to the new file `to`, synced to the disk; rejects with the code ECHANGED where `from` changed meanwhile. */
export async function copyHashed(from: string, to: string, signal?: AbortSignal): Promise<Hashed> {
  const source = await open(from, 'r').catch((error: unknown) => ofSource(error, from));
  try {
    const before = await version(source);
    // Copied inside the kernel, and the copy hashed: half the work of reading, hashing and writing here.
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(to, 0o644);
    const target = await open(to, 'r+');
    try {
      const hashed = await hashThrough(target, signal, to);
      if ((await version(source)) !== before) throw changed(from);
      await target.datasync();
      return hashed;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Writes `data` to the new file `path`, synced to the disk. */
export async function writeHashed(data: Buffer | AsyncIterable<Buffer | string>, path: string, signal?: AbortSignal): Promise<Hashed> {
  const target = await open(path, 'wx');
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of Buffer.isBuffer(data) ? [data] : guarded(data)) {
      signal?.throwIfAborted();
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      const written = writeWhole(target, bytes);
      hash.update(bytes);
      size += bytes.length;
      await written;
    }
    await target.datasync();
    return { digest: `sha256:${hash.digest('hex')}`, size };
  } finally {
    await target.close();
  }
}

export const hashBytes = (bytes: Buffer | string): string => `sha256:${hashOnce('sha256', bytes, 'hex')}`;

/** A file that changed while it was read: what was read of it is no version of it. */
export function changed(path: string, cause?: unknown): Error {
  const error = new Error(`${path} changed while it was stored. Store it when whatever writes it is done.`, { cause });
  sourceErrors.add(error);
  return Object.assign(error, { code: 'ECHANGED', path });
}

/** Whether it befell what was to be stored, rather than the store. */
export const isOfSource = (error: unknown): boolean => typeof error === 'object' && error !== null && sourceErrors.has(error);

const sourceErrors = new WeakSet<object>();

function ofSource(error: unknown, path?: string): never {
  if (typeof error === 'object' && error !== null) {
    sourceErrors.add(error);
    // Errors of reading do not tell the file.
    if (path !== undefined) Object.assign(error, { path });
  }
  throw error;
}

async function* guarded<T>(data: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* data;
  } catch (error) {
    ofSource(error);
  }
}

/** Makes the folder and syncs every parent that got a new name, so that they survive a power cut too. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the file system says, as an error of the catalogue; anything else passes unchanged. */
export function asStoreError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || error instanceof AssayError || isOfSource(error)) return error;
  if (full.has(code))
    return new AssayError(
      'StoreUnavailable',
      `The store is full: ${path} could not be written (${code}). Nothing half-written is left; free space on that disk, and the run goes on.`,
      { cause: error },
    );
  if (unavailable.has(code))
    return new AssayError(
      'StoreUnavailable',
      `The store cannot be used: ${path}: ${(error as Error).message}. Mend that, and the run goes on.`,
      { cause: error },
    );
  return error;
}

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const unavailable = new Set(['EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOTDIR', 'ESTALE', 'ETIMEDOUT']);

/** Two buffers: the next block is read by the pool's threads while this one is hashed here. */
async function hashThrough(source: FileHandle, signal: AbortSignal | undefined, path: string): Promise<Hashed> {
  const { size: expected } = await source.stat();
  const block = Math.min(blockBytes, Math.max(expected + 1, 4096));
  const hash = createHash('sha256');
  let size = 0;
  let current = Buffer.allocUnsafeSlow(block);
  let other: typeof current | null = null;
  const next = async (into: typeof current): Promise<number> =>
    (await source.read(into, 0, block, null).catch((error: unknown) => ofSource(error, path))).bytesRead;
  let bytesRead = await next(current);
  while (bytesRead > 0) {
    signal?.throwIfAborted();
    const bytes = current.subarray(0, bytesRead);
    other ??= Buffer.allocUnsafeSlow(block);
    const read = next(other);
    hash.update(bytes);
    size += bytesRead;
    bytesRead = await read;
    [current, other] = [other, current];
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

/** A write may end early, on a disk that becomes full for instance. */
export async function writeWhole(target: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await target.write(bytes, at, bytes.length - at, null)).bytesWritten;
}

async function version(handle: FileHandle): Promise<string> {
  // Not the time of the last change to the inode: a link that is made to it changes that.
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return `${size} ${mtimeNs}`;
}
