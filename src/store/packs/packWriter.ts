import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from '../backend';
import { TemporaryFiles, temporaryName } from '../file';
import { writeWhole } from '../files';
import { encodeIndex, type PackMember } from './format';

/** One pack in the making: a file in the spool, hashed while it is written, synced once. */
export class PackWriter {
  readonly members: (PackMember & { path: string })[] = [];
  readonly #digests = new Set<string>();
  readonly #hash: Hash = createHash('sha256');
  readonly #spool: TemporaryFiles;
  readonly #path: string;
  #file: FileHandle | null = null;
  #size = 0;

  constructor(spool: string) {
    this.#spool = new TemporaryFiles(spool);
    this.#path = join(spool, temporaryName());
  }

  /** Bytes of the members so far. */
  get size(): number {
    return this.#size;
  }

  has(digest: string): boolean {
    return this.#digests.has(digest);
  }

  /** `block` is the bytes of these files one after the other. */
  async append(block: Buffer, files: readonly { path: string; digest: string; size: number }[]): Promise<void> {
    for (const { path, digest, size } of files) {
      this.members.push({ path, digest, start: this.#size, end: this.#size + size });
      this.#digests.add(digest);
      this.#size += size;
    }
    await this.#write(block);
  }

  async finish(): Promise<Source> {
    const index = encodeIndex(this.members);
    await this.#write(index);
    try {
      await this.#file?.datasync();
    } catch (error) {
      throw this.#spool.explain(error, this.#path);
    }
    await this.#release();
    return { digest: `sha256:${this.#hash.digest('hex')}`, size: this.#size + index.length, from: this.#path, movable: true };
  }

  /** Removes the file, if nobody has moved it away. */
  async discard(): Promise<void> {
    await this.#release();
    await this.#spool.discard(this.#path);
  }

  async #write(block: Buffer): Promise<void> {
    try {
      this.#file ??= await open(this.#path, 'wx');
      this.#hash.update(block);
      await writeWhole(this.#file, block);
    } catch (error) {
      throw this.#spool.explain(error, this.#path);
    }
  }

  async #release(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}
