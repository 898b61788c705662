import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '../contract';
import { canonicalJson } from './canonicalJson';
import { asStoreError, moveIntoPlace, type TemporaryFiles, writeHashed } from './files';
import type { Refs } from './index';
import { withLock } from './lock';

/** Another writer changed the name since it was read. */
export class RefConflict extends Error {
  override readonly name = 'RefConflict';
  readonly ref: string;
  readonly expected: string | null;
  readonly actual: string | null;

  constructor(ref: string, expected: string | null, actual: string | null) {
    super(
      `The name "${ref}" was changed by another writer: expected ${said(expected)}, found ${said(actual)}. Read it again and decide anew.`,
    );
    this.ref = ref;
    this.expected = expected;
    this.actual = actual;
  }
}

/** JSON files below `root/refs`, written under a lock and by rename. */
export class FileRefs implements Refs {
  readonly #root: string;
  readonly #temporary: TemporaryFiles;

  constructor(root: string, temporary: TemporaryFiles) {
    this.#root = root;
    this.#temporary = temporary;
  }

  async get<T>(name: string): Promise<{ value: T; version: string } | null> {
    const path = this.#path(name);
    try {
      const { version, value } = JSON.parse(await readFile(path, 'utf8')) as { version: number; value: T };
      return { value, version: String(version) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      if (error instanceof SyntaxError)
        throw new AssayError('ObjectCorrupt', `The name "${name}" is no JSON any more: ${path}. Restore the file from a backup.`, {
          cause: error,
        });
      throw asStoreError(error, path);
    }
  }

  async set(name: string, value: unknown, expectedVersion: string | null): Promise<string> {
    return await this.#locked(name, async () => {
      const actual = (await this.get(name))?.version ?? null;
      if (actual !== expectedVersion) throw new RefConflict(name, expectedVersion, actual);
      const version = Number(actual ?? 0) + 1;
      await this.#temporary.use(async (path) => {
        await writeHashed(canonicalJson({ version, value }), path);
        await moveIntoPlace(path, this.#path(name));
      });
      return String(version);
    });
  }

  async update<T>(name: string, fn: (old: T | null) => T): Promise<T> {
    for (;;) {
      const old = await this.get<T>(name);
      const value = fn(old?.value ?? null);
      try {
        await this.set(name, value, old?.version ?? null);
        return value;
      } catch (error) {
        if (!(error instanceof RefConflict)) throw error;
      }
    }
  }

  async list(prefix: string): Promise<string[]> {
    const found: string[] = [];
    const walk = async (folder: string): Promise<void> => {
      const entries = await readdir(join(this.#root, 'refs', folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw asStoreError(error, join(this.#root, 'refs', folder));
      });
      for (const entry of entries) {
        const name = `${folder}${entry.name}`;
        if (entry.isDirectory()) {
          const inside = `${name}/`;
          if (inside.startsWith(prefix) || prefix.startsWith(inside)) await walk(inside);
        } else if (name.endsWith('.json') && name.startsWith(prefix)) found.push(name.slice(0, -'.json'.length));
      }
    };
    await walk('');
    return found.sort();
  }

  async #locked<T>(name: string, work: () => Promise<T>): Promise<T> {
    const folder = join(this.#root, 'locks');
    const path = join(folder, createHash('sha256').update(this.#path(name)).digest('hex').slice(0, 32));
    try {
      await mkdir(folder, { recursive: true });
      return await withLock(path, work);
    } catch (error) {
      throw asStoreError(error, path);
    }
  }

  #path(name: string): string {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(name))
      throw new AssayError(
        'NotFound',
        `"${name}" is no name in the store: use letters, digits, ".", "_", "-" in parts separated by "/", none starting with ".".`,
      );
    return join(this.#root, 'refs', `${name}.json`);
  }
}

const said = (version: string | null): string => (version === null ? 'no such name' : `version ${version}`);
