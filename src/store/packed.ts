import { link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AssayError } from '../contract';
import type { ByteRange, Source } from './backend';
import { temporaryName } from './file';
import { asStoreError } from './files';
import { packKey, parseKey, prefixes } from './keys';
import type { Marks } from './marks';
import { PackIndex, type PackMember } from './packs';
import type { Replicas } from './replicas';
import type { Writer } from './writer';

/** The packs of a store's replicas, and what lies in them. */
export class Packed {
  readonly index: PackIndex;
  readonly #replicas: Replicas;
  readonly #marks: Marks;
  readonly #writer: Writer;

  constructor(replicas: Replicas, marks: Marks, writer: Writer) {
    this.#replicas = replicas;
    this.#marks = marks;
    this.#writer = writer;
    this.index = new PackIndex({ list: () => this.list(), read: (pack, range) => this.read(pack, range) });
  }

  /** Packs in `durable` are not asked for again. */
  async has(digest: string, durable = new Set<string>()): Promise<boolean> {
    const found = await this.index.find(digest);
    if (found === null) return false;
    const { pack } = found;
    if (durable.has(pack)) return true;
    const key = packKey(pack, await this.#marks.revive(pack));
    if (await this.#replicas.agree(`The pack ${pack}`, async (backend) => (await backend.stat(key)) !== null)) {
      durable.add(pack);
      return true;
    }
    this.index.drop(pack);
    return false;
  }

  /** The packer removes its file when the pack is durable, so that slower replicas read another name of it. */
  async put(source: Source, members: readonly PackMember[], signal: AbortSignal | undefined): Promise<void> {
    const packed = source.from as string;
    const path = join(dirname(packed), temporaryName());
    const free = async (): Promise<void> => await rm(path, { force: true }).catch(() => undefined);
    try {
      await link(packed, path);
      const { rest } = await this.#writer.write(packKey, { ...source, from: path }, { signal });
      if (this.#replicas.all.length === 1) await free();
      else await this.#replicas.later(rest.then(free));
    } catch (error) {
      await free();
      throw asStoreError(error, path);
    }
    this.index.add(source.digest, members);
  }

  async *list(): AsyncGenerator<{ digest: string; size: number; modified: number }> {
    let last: string | null = null;
    for await (const { key, size, modified } of this.#replicas.list(prefixes.packs)) {
      const digest = parseKey(key)?.digest ?? null;
      if (digest !== null && digest !== last) yield { digest, size, modified };
      last = digest;
    }
  }

  /** Not verified as a whole: its index has a digest of its own, and so has every member. */
  async read(pack: string, range: ByteRange): Promise<Buffer> {
    const generation = await this.#marks.generation(pack);
    let failure: unknown;
    for (const key of generation === 0 ? [packKey(pack)] : [packKey(pack, generation), packKey(pack)])
      for (const backend of this.#replicas.order()) {
        try {
          const stream = await backend.read(key, range);
          if (stream !== null) return Buffer.concat((await stream.toArray()) as Buffer[]);
        } catch (error) {
          this.#replicas.blame(backend);
          failure ??= asStoreError(error, `${backend.url} ${key}`);
        }
      }
    throw failure ?? new AssayError('NotFound', `The pack ${pack} is in no replica. Restore ${packKey(pack)} from a backup.`);
  }
}
