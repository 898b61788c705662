import { AssayError } from '../contract';
import { type Backend, isDamagedThere, type Source, type TransferOptions } from './backend';
import { changed, copyHashed, type Hashed, hashFile } from './files';
import { objectKey } from './keys';
import type { Marks } from './marks';
import { inspect } from './place';
import type { Replicas } from './replicas';
import type { Spool } from './spool';

/** Half of the least grace of gc. */
const longMilliseconds = 1_800_000;

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
      throw error instanceof AssayError && error.type === 'ObjectCorrupt' && !isDamagedThere(error) ? changed(path, error) : error;
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

  /**
   * Under the key of the present generation; `rest` ends when nothing reads the source any more.
   *
   * What gc marks after the question for the generation it deletes a grace later at the earliest: a write that is done well before finds
   * its key alive. A longer one is followed by another question, which takes a mark back or gives the next generation where a deletion
   * has begun, and by another write, which only looks where the bytes are there; the last one was quick, so that the same holds for it.
   */
  async write(keyOf: typeof objectKey, source: Source, options: TransferOptions): Promise<{ rest: Promise<unknown> }> {
    let generation = await this.#marks.revive(source.digest);
    for (;;) {
      const began = performance.now();
      const { rest } = await this.#write(keyOf(source.digest, generation), source, options);
      const present = await this.#marks.revive(source.digest).catch(async (error: unknown) => {
        await rest;
        throw error;
      });
      if (present === generation && performance.now() - began < longMilliseconds) return { rest };
      await rest;
      generation = present;
    }
  }

  async #putObject(source: Source, options: TransferOptions): Promise<{ rest: Promise<unknown> }> {
    return await this.write(objectKey, source, options);
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

  async #write(key: string, source: Source, { onProgress, signal }: TransferOptions): Promise<{ rest: Promise<unknown> }> {
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

  async #writeTo(backend: Backend, key: string, source: Source, options: TransferOptions): Promise<void> {
    const found = await backend.create(key, source, options).catch((error: unknown) => {
      if (isDamagedThere(error)) return 'damaged' as const;
      throw error;
    });
    if (found === 'created') return;
    if (found === 'exists' && (await this.#isSound(backend, key, source))) options.onProgress?.(source.size);
    else await backend.replace(key, source, options);
  }

  /** A bucket has compared it. Where no other replica could help, a file that is there is read before it is trusted. */
  async #isSound(backend: Backend, key: string, { digest, size }: Source): Promise<boolean> {
    if (backend.spool === null) return true;
    if ((await backend.stat(key))?.size !== size) return false;
    return this.#replicas.all.length > 1 || (await inspect(backend, { key, digest }, digest)).state === 'sound';
  }
}
