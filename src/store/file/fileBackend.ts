import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AssayError } from '../../contract';
import type { Backend, ByteRange, Entry, Source, TransferOptions } from '../backend';
import { asStoreError, blockBytes, copyHashed, type Hashed, hashBytes, makeFolder, syncFolder, writeHashed } from '../files';
import { linked, withLock } from '../lock';
import { sweepLocks, sweepOrphans, TemporaryFiles } from './temporaryFiles';

const statsAtOnce = 32;

/** Keys are paths below a folder. A file is complete and synced before it gets its name, and its folder is synced after. */
export class FileBackend implements Backend {
  readonly url: string;
  readonly spool: string;
  readonly #root: string;
  readonly #temporary: TemporaryFiles;

  constructor(url: string) {
    this.url = url;
    this.#root = fileURLToPath(url);
    this.spool = join(this.#root, 'tmp');
    this.#temporary = new TemporaryFiles(this.spool);
  }

  async create(key: string, source: Source, options: TransferOptions = {}): Promise<'created' | 'exists'> {
    const path = this.#path(key);
    // Whoever made it may not have come to sync the folder.
    if ((await this.stat(key)) !== null) return await this.#synced(path, 'exists');
    const outcome = await this.#prepared(source, options, async (ready) => {
      await makeFolder(dirname(path));
      return (await linked(ready, path)) ? 'created' : 'exists';
    });
    options.onProgress?.(source.size);
    return await this.#synced(path, outcome);
  }

  async replace(key: string, source: Source, options: TransferOptions = {}): Promise<void> {
    const path = this.#path(key);
    await this.#prepared(source, options, async (ready) => {
      await makeFolder(dirname(path));
      // The caller's file keeps its name until all replicas have it.
      const passing = ready === source.from ? await this.#temporary.fresh() : ready;
      if (passing !== ready) await link(ready, passing);
      await rename(passing, path);
    });
    options.onProgress?.(source.size);
    await this.#synced(path, undefined);
  }

  async read(key: string, range?: ByteRange): Promise<Readable | null> {
    const path = this.#path(key);
    try {
      const handle = await this.#absentAs(null, () => open(path, 'r'));
      if (handle === null) return null;
      const { size } = await handle.stat();
      const start = range?.start ?? 0;
      const end = Math.min(range?.end ?? size, size);
      if (start >= end) {
        await handle.close();
        return Readable.from([], { objectMode: false });
      }
      return handle.createReadStream({ start, end: end - 1, highWaterMark: Math.min(blockBytes, end - start) });
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  async stat(key: string): Promise<{ size: number; modified: number } | null> {
    const path = this.#path(key);
    try {
      const found = await this.#absentAs(null, () => stat(path));
      return found && { size: found.size, modified: found.mtimeMs };
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  async *list(prefix: string): AsyncGenerator<Entry> {
    yield* this.#listBelow('', prefix);
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  /** The tag is the digest of the bytes, of which no two versions are alike. */
  async load(key: string): Promise<{ bytes: Buffer; tag: string } | null> {
    const path = this.#path(key);
    try {
      const bytes = await this.#absentAs(null, () => readFile(path));
      return bytes && { bytes, tag: hashBytes(bytes) };
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  async swap(key: string, bytes: Buffer, expected: string | null): Promise<string | null> {
    const path = this.#path(key);
    return await this.#locked(path, async () => {
      if (((await this.load(key))?.tag ?? null) !== expected) return null;
      await this.#temporary.use(async (temporary) => {
        await writeHashed(bytes, temporary);
        await makeFolder(dirname(path));
        await rename(temporary, path);
      });
      return await this.#synced(path, hashBytes(bytes));
    });
  }

  async sweep(olderThanMilliseconds: number): Promise<number> {
    try {
      const files = await sweepOrphans(this.spool, olderThanMilliseconds);
      return files + (await sweepLocks(join(this.#root, 'locks'), olderThanMilliseconds));
    } catch (error) {
      throw asStoreError(error, this.#root);
    }
  }

  /** Gives `place` the path of a synced file with the bytes of `source` on this disk. */
  async #prepared<T>(source: Source, { signal }: TransferOptions, place: (ready: string) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (source.movable === true && typeof source.from === 'string' && dirname(source.from) === this.spool) {
      try {
        return await place(source.from);
      } catch (error) {
        throw this.#temporary.explain(error, source.from);
      }
    }
    return await this.#temporary.use(async (temporary) => {
      const { from } = source;
      const found = typeof from === 'string' ? await copyHashed(from, temporary, signal) : await writeHashed(from, temporary, signal);
      if (found.digest !== source.digest) throw unlike(source, found);
      return await place(temporary);
    });
  }

  async *#listBelow(folder: string, prefix: string): AsyncGenerator<Entry> {
    const entries = (await this.#entries(folder)).filter(({ name }) => folder !== '' || (name !== 'tmp' && name !== 'locks'));
    for (let at = 0; at < entries.length; at += statsAtOnce) {
      const slice = entries.slice(at, at + statsAtOnce).map(async (entry) => {
        const key = `${folder}${entry.name}`;
        return { key, isFolder: entry.isDirectory(), found: entry.isFile() && key.startsWith(prefix) ? await this.stat(key) : null };
      });
      for (const { key, isFolder, found } of await Promise.all(slice)) {
        const below = `${key}/`;
        if (isFolder && (below.startsWith(prefix) || prefix.startsWith(below))) yield* this.#listBelow(below, prefix);
        // Null: removed meanwhile.
        else if (found !== null) yield { key, ...found };
      }
    }
  }

  /** In the order of the keys, in which a folder's name ends with "/". */
  async #entries(folder: string): Promise<Dirent[]> {
    const path = join(this.#root, folder);
    try {
      const entries = await this.#absentAs([], () => readdir(path, { withFileTypes: true }));
      const sortable = entries.map((entry) => ({ entry, name: entry.isDirectory() ? `${entry.name}/` : entry.name }));
      return sortable.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ entry }) => entry);
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  async #absentAs<T, U>(nothing: U, read: () => Promise<T>): Promise<T | U> {
    try {
      return await read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await this.#temporary.expect();
      return nothing;
    }
  }

  async #locked<T>(path: string, work: () => Promise<T>): Promise<T> {
    const folder = join(this.#root, 'locks');
    const lock = join(folder, createHash('sha256').update(path).digest('hex').slice(0, 32));
    try {
      await this.#temporary.expect();
      await mkdir(folder, { recursive: true });
      return await withLock(lock, work);
    } catch (error) {
      throw asStoreError(error, lock);
    }
  }

  async #synced<T>(path: string, result: T): Promise<T> {
    try {
      await syncFolder(dirname(path));
      return result;
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  #path(key: string): string {
    if (key.split('/').some((part) => part === '' || part.startsWith('.')))
      throw new AssayError('Internal', `"${key}" is no key of a store: a part of it is empty or starts with ".".`);
    return join(this.#root, key);
  }
}

function unlike({ digest, size, from }: Source, found: Hashed): AssayError {
  return new AssayError(
    'ObjectCorrupt',
    `${typeof from === 'string' ? from : 'What was to be stored'} has ${found.size} bytes with digest ${found.digest}, expected ${size} bytes with digest ${digest}. Nothing was stored; store it when whatever writes it is done.`,
  );
}
