import { AssayError } from '../contract';
import type { Backend, Source, TransferOptions } from './backend';
import { changed, copyHashed, type Hashed, hashFile } from './files';
import { objectKey } from './keys';
import type { Marks } from './marks';
import { inspect } from './place';
import type { Replicas } from './replicas';
import type { Spool } from './spool';

/** An upload of more bytes is preceded by a question whether they are there. */
const askFirstBytes = 1 << 20;

/** Brings bytes to a majority of the replicas under their key; the rest of the replicas follows in the background. */
export class Writer {
  readonly #replicas: Replicas;
  readonly #marks: Marks;
  readonly #spool: Spool;
  readonly #hasDisk: boolean;

  constructor(replicas: Replicas, marks: Marks, spool: Spool) {
    this.#replicas = replicas;
    this.#marks = marks;
    this.#spool = spool;
    this.#hasDisk = replicas.all.some((backend) => backend.spool !== null);
  }

  async put(source: Source, options: TransferOptions): Promise<void> {
    await this.#replicas.later((await this.#putObject(source, options)).rest);
  }

  async putFile(path: string, options: TransferOptions): Promise<Hashed> {
    if (this.#hasDisk) return await this.#putCopy(path, options);
    const hashed = await hashFile(path, options.signal);
    try {
      await this.put({ ...hashed, from: path }, options);
    } catch (error) {
      throw error instanceof AssayError && error.type === 'ObjectCorrupt' ? changed(path, error) : error;
    }
    return hashed;
  }

  /** `fill` writes the bytes to a file that can be moved into the replica on whose disk it lies, and that stays until the last has read it. */
  async putSpooled(fill: (path: string) => Promise<Hashed>, options: TransferOptions): Promise<Hashed> {
    const { path, free, explain } = await this.#spool.make();
    try {
      const hashed = await fill(path);
      const { rest } = await this.#putObject({ ...hashed, from: path, movable: true }, options);
      if (this.#replicas.all.length === 1) await free();
      else await this.#replicas.later(rest.then(free));
      return hashed;
    } catch (error) {
      await free();
      throw explain(error);
    }
  }

  /** `rest` ends when nothing reads the source any more. */
  async write(key: string, source: Source, { onProgress, signal }: TransferOptions): Promise<{ rest: Promise<unknown> }> {
    const progress = new Map<Backend, number>();
    return await this.#replicas.write(`The object ${source.digest}`, async (backend) => {
      const report = (bytes: number): void => {
        progress.set(backend, bytes);
        // What so many bytes of are in a majority.
        const sorted = this.#replicas.all.map((one) => progress.get(one) ?? 0).sort((a, b) => b - a);
        onProgress?.(sorted[this.#replicas.quorum - 1] ?? 0);
      };
      await this.#writeTo(backend, key, source, { signal, onProgress: onProgress && report });
    });
  }

  async #putObject(source: Source, options: TransferOptions): Promise<{ rest: Promise<unknown> }> {
    return await this.write(objectKey(source.digest, await this.#marks.revive(source.digest)), source, options);
  }

  /** Where the disk of one replica is full, the copy is made on another's. */
  async #putCopy(path: string, options: TransferOptions): Promise<Hashed> {
    for (let place = 1; ; place++) {
      let isCopied = false;
      const copy = async (to: string): Promise<Hashed> => {
        const hashed = await copyHashed(path, to, options.signal);
        isCopied = true;
        return hashed;
      };
      try {
        return await this.putSpooled(copy, options);
      } catch (error) {
        if (isCopied || place >= this.#spool.places || !(error instanceof AssayError) || error.type !== 'StoreUnavailable') throw error;
      }
    }
  }

  async #writeTo(backend: Backend, key: string, source: Source, options: TransferOptions): Promise<void> {
    const isThere =
      (source.size > askFirstBytes && (await backend.stat(key)) !== null) || (await backend.create(key, source, options)) === 'exists';
    if (!isThere) return;
    if (await this.#isSound(backend, key, source)) options.onProgress?.(source.size);
    else await backend.replace(key, source, options);
  }

  /** Where no other replica could help, an object that is there is read before it is trusted. */
  async #isSound(backend: Backend, key: string, { digest, size }: Source): Promise<boolean> {
    if ((await backend.stat(key))?.size !== size) return false;
    if (this.#replicas.all.length > 1 || backend.spool === null) return true;
    return (await inspect(backend, { key, digest }, digest)).state === 'sound';
  }
}
