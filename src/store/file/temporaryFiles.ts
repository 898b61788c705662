import { randomUUID } from 'node:crypto';
import { access, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '../../contract';
import { asStoreError, isOfSource, makeFolder } from '../files';
import { type Owner, stateOf, thisProcess } from '../owner';

/** Names that tell their owner, so that what a killed process left is swept by the next one. */
export class TemporaryFiles {
  readonly #dir: string;
  #ready: Promise<void> | undefined;
  #wasThere = false;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Gives `write` a fresh path; what is left there afterwards is removed. */
  async use<T>(write: (path: string) => Promise<T>): Promise<T> {
    const path = await this.fresh();
    try {
      return await write(path);
    } catch (error) {
      throw this.explain(error, path);
    } finally {
      await this.discard(path);
    }
  }

  async fresh(): Promise<string> {
    this.#ready ??= this.#prepare();
    await this.#ready;
    return join(this.#dir, temporaryName());
  }

  /** A store that is away keeps what cannot be removed; the next owner of its folder sweeps it. */
  async discard(path: string): Promise<void> {
    await rm(path, { force: true }).catch(() => undefined);
  }

  explain(error: unknown, path: string): unknown {
    return isGone(error, this.#dir) ? this.#gone(error) : asStoreError(error, path);
  }

  /** For who found nothing: throws where that is so because the whole folder vanished since this process first used it. */
  async expect(): Promise<void> {
    if (!this.#wasThere) return;
    await access(this.#dir).catch((error: unknown) => {
      throw this.#gone(error);
    });
  }

  #gone(cause: unknown): AssayError {
    this.#ready = undefined;
    const message = `The store cannot be used: ${this.#dir} is gone. Mount it or restore it, and the run goes on.`;
    return new AssayError('StoreUnavailable', message, { cause });
  }

  async #prepare(): Promise<void> {
    try {
      await makeFolder(this.#dir);
      await sweepOrphans(this.#dir, Number.POSITIVE_INFINITY);
      this.#wasThere = true;
    } catch (error) {
      this.#ready = undefined;
      throw asStoreError(error, this.#dir);
    }
  }
}

export const temporaryName = (): string => `${Buffer.from(JSON.stringify(thisProcess())).toString('base64url')}.${randomUUID()}`;

/** Removes the temporary files of dead processes, and those of owners nobody here knows that are older than so many milliseconds. */
export async function sweepOrphans(dir: string, olderThanMilliseconds: number): Promise<number> {
  return await sweep(dir, olderThanMilliseconds, async (name) => {
    return JSON.parse(Buffer.from(name.split('.')[0] ?? '', 'base64url').toString()) as Owner;
  });
}

/** What dead processes had beside a lock they waited for; locks themselves are taken over by who needs them. */
export async function sweepLocks(dir: string, olderThanMilliseconds: number): Promise<number> {
  return await sweep(dir, olderThanMilliseconds, async (name) => {
    if (!name.includes('.')) return thisProcess();
    return (JSON.parse(await readFile(join(dir, name), 'utf8')) as { owner: Owner }).owner;
  });
}

async function sweep(dir: string, olderThanMilliseconds: number, ownerOf: (name: string) => Promise<Owner>): Promise<number> {
  let swept = 0;
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const state = await ownerOf(name).then(stateOf, () => 'unknown' as const);
    if (state === 'alive' || (state === 'unknown' && !(await isOlder(join(dir, name), olderThanMilliseconds)))) continue;
    await rm(join(dir, name), { recursive: true, force: true });
    swept++;
  }
  return swept;
}

async function isOlder(path: string, milliseconds: number): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > milliseconds;
}

/** The folder vanished below us; a missing source file is another matter. */
function isGone(error: unknown, dir: string): boolean {
  const { code, path } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' && path !== undefined && path.startsWith(dir) && !isOfSource(error);
}
