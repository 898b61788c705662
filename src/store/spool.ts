import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssayError } from '../contract';
import type { Backend } from './backend';
import { TemporaryFiles } from './file';

interface Place {
  dir: string;
  files: TemporaryFiles;
  /** Milliseconds by `performance.now()`. */
  failedAt: number;
}

/** A new file; `free` is called when nothing reads it any more. */
export interface Spooled {
  path: string;
  explain: (error: unknown) => unknown;
  free: () => Promise<void>;
}

/** Where bytes wait whose digest is not known yet: on the disk of the first replica that has one and works, else of this host. */
export class Spool {
  readonly #places: Place[];

  constructor(backends: readonly Backend[]) {
    const own = backends.flatMap(({ spool }) => (spool === null ? [] : [spool]));
    const dirs = own.length === backends.length ? own : [...own, hostSpool()];
    this.#places = dirs.map((dir) => ({ dir, files: new TemporaryFiles(dir), failedAt: Number.NEGATIVE_INFINITY }));
  }

  /** Number of places to try. */
  get places(): number {
    return this.#places.length;
  }

  /** An existing folder. */
  async folder(): Promise<string> {
    return (await this.#fresh()).place.dir;
  }

  async make(): Promise<Spooled> {
    const { place, path } = await this.#fresh();
    return {
      path,
      explain: (error) => {
        const explained = place.files.explain(error, path);
        if (explained instanceof AssayError && explained.type === 'StoreUnavailable') place.failedAt = performance.now();
        return explained;
      },
      free: async () => await place.files.discard(path),
    };
  }

  async use<T>(work: (path: string) => Promise<T>): Promise<T> {
    const { path, free, explain } = await this.make();
    try {
      return await work(path);
    } catch (error) {
      throw explain(error);
    } finally {
      await free();
    }
  }

  /** What failed last is tried last. */
  async #fresh(): Promise<{ place: Place; path: string }> {
    let first: unknown;
    for (const place of [...this.#places].sort((a, b) => a.failedAt - b.failedAt || 0)) {
      try {
        if (place.dir === hostSpool()) makeHostSpool(place.dir);
        return { place, path: await place.files.fresh() };
      } catch (error) {
        place.failedAt = performance.now();
        first ??= error;
      }
    }
    throw first;
  }
}

const hostSpool = (): string => join(tmpdir(), `assay-spool-${process.getuid?.() ?? 'user'}`);

/** Of this user alone: what waits here may be anybody's data. */
function makeHostSpool(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(dir);
  if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o077) !== 0))
    throw new AssayError(
      'StoreUnavailable',
      `${dir} can be read by other users, and data would wait there. Remove it, or set TMPDIR to a folder of your own.`,
    );
}
