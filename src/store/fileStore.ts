import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AssayError, mediaTypes, type Ref } from '../contract';
import { canonicalJson } from './canonicalJson';
import { asStoreError, HashingStream, hashFile, moveIntoPlace, TemporaryFiles, writeHashed } from './files';
import { fetchFolder, putFolder } from './folders';
import type { Store } from './index';
import { FileRefs } from './refs';

/** Objects in `objects/<2 digits>/<62 digits>`, complete and synced before they get their name. */
export class FileStore implements Store {
  readonly url: string;
  readonly refs: FileRefs;
  readonly #root: string;
  readonly #temporary: TemporaryFiles;

  constructor(url: string, root: string) {
    this.url = url;
    this.#root = root;
    this.#temporary = new TemporaryFiles(root);
    this.refs = new FileRefs(root, this.#temporary);
  }

  async put(data: Buffer | string | Readable, mediaType: string): Promise<Ref> {
    return await this.#temporary.use(async (path) => {
      const { digest, size } = await writeHashed(data, path);
      const target = this.#path(digest);
      // An object already there is kept if it is sound and healed if it is not.
      const there = await hashFile(target).catch(() => null);
      if (there?.digest !== digest) await moveIntoPlace(path, target);
      return { digest, size, mediaType };
    });
  }

  async putFile(path: string, mediaType: string): Promise<Ref> {
    return await this.put(createReadStream(path), mediaType);
  }

  async putJson(value: unknown): Promise<Ref> {
    return await this.put(canonicalJson(value), mediaTypes.json);
  }

  async get(ref: Ref): Promise<Buffer> {
    const path = this.#path(ref.digest);
    const data = await readFile(path).catch((error: unknown) => {
      throw this.#readError(error, ref, path);
    });
    const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
    if (digest !== ref.digest) throw corrupt(ref, path, digest, data.length);
    return data;
  }

  async getJson<T>(ref: Ref): Promise<T> {
    return JSON.parse((await this.get(ref)).toString('utf8')) as T;
  }

  async fetchTo(ref: Ref, path: string): Promise<void> {
    const source = this.#path(ref.digest);
    // Looked up first, so that a missing object and a failing target are told apart.
    await stat(source).catch((error: unknown) => {
      throw this.#readError(error, ref, source);
    });
    const building = join(dirname(path), `.${randomUUID()}.part`);
    const counter = new HashingStream();
    try {
      await mkdir(dirname(path), { recursive: true });
      await pipeline(createReadStream(source), counter, createWriteStream(building, { flags: 'wx' }));
      const { digest, size } = counter.result();
      if (digest !== ref.digest) throw corrupt(ref, source, digest, size);
      await rename(building, path);
    } catch (error) {
      throw asStoreError(error, path);
    } finally {
      await rm(building, { force: true });
    }
  }

  async has(ref: Ref): Promise<boolean> {
    const found = await stat(this.#path(ref.digest)).catch(() => null);
    return found?.size === ref.size;
  }

  async putFolder(dir: string): Promise<Ref> {
    return await putFolder(this, dir);
  }

  async fetchFolder(ref: Ref, dir: string): Promise<void> {
    await fetchFolder(this, ref, dir);
  }

  #path(digest: string): string {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (hex === undefined) throw new AssayError('NotFound', `"${digest}" is no digest: expected sha256: and 64 hexadecimal digits.`);
    return join(this.#root, 'objects', hex.slice(0, 2), hex.slice(2));
  }

  #readError(error: unknown, ref: Ref, path: string): unknown {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return new AssayError(
        'NotFound',
        `The object ${ref.digest} is not in the store ${this.url} (${path}). Look whether this is the store the record was written to.`,
      );
    return asStoreError(error, path);
  }
}

function corrupt(ref: Ref, path: string, digest: string, size: number): AssayError {
  return new AssayError(
    'ObjectCorrupt',
    `The object ${ref.digest} is damaged: ${path} has ${size} bytes with digest ${digest}, expected ${ref.size} bytes. Restore that file from a backup or store the data again.`,
  );
}
