import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AssayError } from '../contract';
import { stateOf, thisProcess } from './owner';

/** Writes below `root/tmp` under a name that tells its owner, so that what a killed process left is swept by the next one. */
export class TemporaryFiles {
  readonly #dir: string;
  #ready: Promise<void> | undefined;

  constructor(root: string) {
    this.#dir = join(root, 'tmp');
  }

  /** Gives `write` a fresh path; what is left there afterwards is removed. */
  async use<T>(write: (path: string) => Promise<T>): Promise<T> {
    this.#ready ??= this.#prepare();
    await this.#ready;
    const path = join(this.#dir, `${Buffer.from(JSON.stringify(thisProcess())).toString('base64url')}.${randomUUID()}`);
    try {
      return await write(path);
    } catch (error) {
      if (isGone(error, this.#dir)) {
        this.#ready = undefined;
        throw new AssayError(
          'StoreUnavailable',
          `The store cannot be used: ${this.#dir} is gone. Mount or restore it, and the run goes on.`,
          {
            cause: error,
          },
        );
      }
      throw asStoreError(error, path);
    } finally {
      // A store that is away keeps what cannot be removed; the next owner of its folder sweeps it.
      await rm(path, { force: true }).catch(() => undefined);
    }
  }

  async #prepare(): Promise<void> {
    try {
      await mkdir(this.#dir, { recursive: true });
      for (const name of await readdir(this.#dir)) if (isOrphan(name)) await rm(join(this.#dir, name), { force: true });
    } catch (error) {
      this.#ready = undefined;
      throw asStoreError(error, this.#dir);
    }
  }
}

/** Streams `data` to `path`, synced to the disk. */
export async function writeHashed(data: Buffer | string | Readable, path: string): Promise<{ digest: string; size: number }> {
  const counter = new HashingStream();
  const source = data instanceof Readable ? data : Readable.from([Buffer.from(data)]);
  await pipeline(source, counter, createWriteStream(path, { flags: 'wx', flush: true }));
  return counter.result();
}

export async function hashFile(path: string): Promise<{ digest: string; size: number }> {
  const counter = new HashingStream();
  counter.resume();
  await pipeline(createReadStream(path), counter);
  return counter.result();
}

/** Moves a synced file to its name and syncs the folder, so that the name survives a power cut too. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
  await syncFolder(dirname(to));
}

export class HashingStream extends Transform {
  readonly #hash = createHash('sha256');
  #size = 0;

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    done(null, chunk);
  }

  result(): { digest: string; size: number } {
    return { digest: `sha256:${this.#hash.digest('hex')}`, size: this.#size };
  }
}

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const unavailable = new Set(['EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOTDIR', 'ESTALE', 'ETIMEDOUT']);

/** What the file system says, as an error of the catalogue; anything else passes unchanged. */
export function asStoreError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || error instanceof AssayError) return error;
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
      {
        cause: error,
      },
    );
  return error;
}

/** The folder vanished below us; a missing source file is another matter. */
function isGone(error: unknown, dir: string): boolean {
  const { code, path } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' && path !== undefined && path.startsWith(dir);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isOrphan(name: string): boolean {
  try {
    return stateOf(JSON.parse(Buffer.from(name.split('.')[0] ?? '', 'base64url').toString())) === 'dead';
  } catch {
    return false;
  }
}
