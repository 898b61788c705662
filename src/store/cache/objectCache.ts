import { chmod, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Ref } from '../../contract';
import { sweepOrphans, temporaryName } from '../file/temporaryFiles';
import { hexOf } from '../keys';
import { inParallel } from '../parallel';
import type { Store } from '../store';
import { evict, type Usage, usageOf } from './evict';
import { type Placement, Transfer } from './transfer';

export type { Placement } from './transfer';

export interface CachedFile {
  digest: string;
  size: number;
  mode?: '755' | undefined;
}

/** When every cached file was last changed, seconds since 1970: anything else there tells that somebody wrote to it. */
const unchangedSince = Date.UTC(2000, 0, 1) / 1000;
/** A file used again within this time keeps its place in the order of use. */
const sameUseMilliseconds = 60_000;
/** Files of a folder that are fetched one by one; more come together, by the packs they lie in. */
const singly = 8;
const parallel = 16;

/**
 * Objects of the store on this host's disk, verified when they came, read-only, shared by all processes of the host. A file is whole
 * whenever it has its name, so nothing is locked: two that fetch one object do so for nothing, and one that was removed under a
 * reader's hands is fetched again.
 */
export class ObjectCache {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #temporary: string;
  readonly #transfer = new Transfer();
  readonly #fetching = new Map<string, Promise<void>>();
  #ready: Promise<void> | undefined;
  /** Bytes here as far as this process knows; null before it looked. Others add to them, so it looks again now and then. */
  #known: number | null = null;
  #added = 0;
  #pruning: Promise<unknown> | undefined;
  /** By path, how many calls of this process are about to place it: what makes room does not take it from under their hands. */
  readonly #wanted = new Map<string, number>();

  /** `maxBytes`: what lies here for longer than one fetch; what a run's folder is linked to stays on the disk with that folder. */
  constructor(dir: string, { maxBytes }: { maxBytes: number }) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    this.#temporary = join(dir, 'tmp', temporaryName());
  }

  /** Puts a read-only file with these bytes at `target`, over whatever is there: without copying where the file system can. */
  async place(store: Pick<Store, 'fetchTo'>, file: CachedFile, target: string): Promise<Placement> {
    return await this.#wanting([file], async () => await this.#placeAny(store, file, target));
  }

  /** Places all `files` of the folder `ref` below `dir`; those of them that are not here come by few requests where they are many. */
  async placeFolder(
    store: Pick<Store, 'fetchTo' | 'fetchFolder'>,
    ref: Pick<Ref, 'digest'>,
    files: readonly (CachedFile & { path: string })[],
    dir: string,
  ): Promise<void> {
    await makeFolders(dir, files);
    const missing: (CachedFile & { path: string })[] = [];
    await inParallel(files, parallel, async (file) => {
      if ((await this.#placeCached(file, join(dir, file.path))) === null) missing.push(file);
    });
    await this.#wanting(missing, async () => {
      const kept = missing.filter(({ size }) => size <= this.#maxBytes);
      if (kept.length > singly) await this.#fetchAll(store, ref, kept);
      await inParallel(missing, parallel, async (file) => {
        await this.#placeAny(store, file, join(dir, file.path));
      });
    });
  }

  async usage(): Promise<Usage> {
    return await usageOf(join(this.#dir, 'objects'));
  }

  /** Removes the least recently used files until no more than `maxBytes` are left. */
  async prune(maxBytes = this.#maxBytes): Promise<{ files: number; bytes: number }> {
    const { left, removed } = await evict(join(this.#dir, 'objects'), maxBytes, this.#wanted);
    this.#known = left;
    this.#added = 0;
    return removed;
  }

  async #placeAny(store: Pick<Store, 'fetchTo'>, file: CachedFile, target: string): Promise<Placement> {
    await mkdir(dirname(target), { recursive: true });
    if (file.size <= this.#maxBytes)
      for (let attempt = 0; attempt < 3; attempt++) {
        const placed = await this.#placeCached(file, target);
        if (placed !== null) return placed;
        await this.#fetchOnce(store, file);
      }
    // Too large to keep, or other processes remove what comes faster than it is taken.
    await store.fetchTo(file, target);
    await seal(target, file);
    return 'copied';
  }

  /** Afterwards the bound holds again. */
  async #wanting<T>(files: readonly CachedFile[], work: () => Promise<T>): Promise<T> {
    const paths = files.map((file) => this.#path(file));
    for (const path of paths) this.#wanted.set(path, (this.#wanted.get(path) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const path of paths) {
        const others = (this.#wanted.get(path) ?? 1) - 1;
        if (others === 0) this.#wanted.delete(path);
        else this.#wanted.set(path, others);
      }
      if (this.#isOver()) await this.#pruned();
    }
  }

  async #placeCached(file: CachedFile, target: string): Promise<Placement | null> {
    const path = this.#path(file);
    const found = await stat(path).catch(() => null);
    if (found === null) return null;
    if (found.size !== file.size || found.mtimeMs !== unchangedSince * 1000 || (found.mode & 0o777) !== modeOf(file)) {
      await rm(path, { force: true });
      return null;
    }
    const placed = await this.#transfer.place(path, target);
    if (placed === null) return null;
    if (placed !== 'linked') await seal(target, file);
    if (Date.now() - found.atimeMs > sameUseMilliseconds) await utimes(path, Date.now() / 1000, unchangedSince).catch(() => undefined);
    return placed;
  }

  async #fetchOnce(store: Pick<Store, 'fetchTo'>, file: CachedFile): Promise<void> {
    const path = this.#path(file);
    const running = this.#fetching.get(path);
    if (running !== undefined) return await running;
    const fetch = this.#fetch(store, file).finally(() => this.#fetching.delete(path));
    this.#fetching.set(path, fetch);
    await fetch;
  }

  async #fetch(store: Pick<Store, 'fetchTo'>, file: CachedFile): Promise<void> {
    const temporary = await this.#fresh();
    try {
      await store.fetchTo(file, temporary);
      await this.#adopt(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #fetchAll(
    store: Pick<Store, 'fetchFolder'>,
    ref: Pick<Ref, 'digest'>,
    files: readonly (CachedFile & { path: string })[],
  ): Promise<void> {
    const temporary = await this.#fresh();
    try {
      await store.fetchFolder(ref, temporary, { only: new Set(files.map(({ path }) => path)) });
      const seen = new Set<string>();
      await inParallel(files, parallel, async (file) => {
        const path = this.#path(file);
        if (seen.has(path)) return;
        seen.add(path);
        await this.#adopt(join(temporary, file.path), file);
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** A verified file of the same disk gets its name here. */
  async #adopt(from: string, file: CachedFile): Promise<void> {
    const path = this.#path(file);
    await seal(from, file);
    await rename(from, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(dirname(path), { recursive: true });
      await rename(from, path);
    });
    await this.#count(file.size);
  }

  async #count(bytes: number): Promise<void> {
    this.#added += bytes;
    // What is wanted may be over the bound for a while: then not every new file costs a look at all of them.
    if (this.#known !== null && this.#added < this.#maxBytes / 16 && (!this.#isOver() || this.#known > this.#maxBytes)) return;
    await this.#pruned();
  }

  async #pruned(): Promise<void> {
    this.#pruning ??= this.prune().finally(() => {
      this.#pruning = undefined;
    });
    await this.#pruning;
  }

  #isOver(): boolean {
    return this.#known !== null && this.#known + this.#added > this.#maxBytes;
  }

  async #fresh(): Promise<string> {
    this.#ready ??= this.#prepare().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    await this.#ready;
    return join(this.#temporary, temporaryName());
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#temporary, { recursive: true });
    await sweepOrphans(join(this.#dir, 'tmp'), Number.POSITIVE_INFINITY);
  }

  #path({ digest, mode }: CachedFile): string {
    const hex = hexOf(digest);
    return join(this.#dir, 'objects', hex.slice(0, 2), `${hex.slice(2)}${mode === '755' ? '.x' : ''}`);
  }
}

const modeOf = ({ mode }: CachedFile): number => (mode === '755' ? 0o555 : 0o444);

async function seal(path: string, file: CachedFile): Promise<void> {
  await chmod(path, modeOf(file));
  await utimes(path, Date.now() / 1000, unchangedSince);
}

/** Open to every user, whatever this process' umask is: a container runs as somebody else. */
async function makeFolders(dir: string, files: readonly { path: string }[]): Promise<void> {
  const folders = new Set(['']);
  for (const { path } of files) for (let at = dirname(path); at !== '.'; at = dirname(at)) folders.add(at);
  for (const folder of [...folders].sort()) {
    await mkdir(join(dir, folder), { recursive: true });
    await chmod(join(dir, folder), 0o755);
  }
}
