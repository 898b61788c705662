import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { AssayError, mediaTypes, type Ref } from '../contract';
import type { Backend, ByteRange, TransferOptions } from './backend';
import { canonicalJson } from './canonicalJson';
import { registersOf } from './consensus';
import { asStoreError, hashBytes, writeHashed, writeWhole } from './files';
import { fetchFolder, putFolder } from './folders';
import { objectKey, packKey, parseKey, prefixes } from './keys';
import { Marks } from './marks';
import { Packed } from './packed';
import { packFiles, type PackTarget } from './packs';
import { compact } from './reach';
import { Reader, TargetFault } from './reader';
import { NamedRefs } from './refs';
import { Repairs } from './repairs';
import { Replicas } from './replicas';
import { Spool } from './spool';
import type { FolderOptions, Refs, Store, StoredFile, StoredObject, Verification } from './store';
import { Writer } from './writer';

/** Objects under keys of their own or in packs, in one backend or in a majority of several. */
export class ContentStore implements Store {
  readonly url: string;
  readonly refs: Refs;
  readonly replicas: readonly Backend[];
  readonly #all: Replicas;
  readonly #marks: Marks;
  readonly #spool: Spool;
  readonly #writer: Writer;
  readonly #packed: Packed;
  readonly #reader: Reader;

  /** With `repair: false` reading changes nothing, so that whoever looks for damage finds all of it. */
  constructor(url: string, replicas: readonly Backend[], { repair = true }: { repair?: boolean } = {}) {
    this.url = url;
    this.replicas = replicas;
    const registers = registersOf(replicas);
    this.refs = new NamedRefs(registers);
    this.#all = new Replicas(replicas);
    this.#marks = new Marks(registers);
    this.#spool = new Spool(replicas);
    this.#writer = new Writer(this.#all, this.#marks, this.#spool);
    this.#packed = new Packed(this.#all, this.#marks, this.#writer);
    this.#reader = new Reader(this.#all, this.#marks, this.#packed.index, new Repairs(this.#all, this.#spool, this.#marks, repair));
  }

  async put(data: Buffer | string | Readable, mediaType: string, options: TransferOptions = {}): Promise<Ref> {
    if (data instanceof Readable) {
      const { digest, size } = await this.#writer.putSpooled((path) => writeHashed(data, path, options.signal), options);
      return { digest, size, mediaType };
    }
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const digest = hashBytes(bytes);
    await this.#writer.put({ digest, size: bytes.length, from: bytes }, options);
    return { digest, size: bytes.length, mediaType };
  }

  async putFile(path: string, mediaType: string, options: TransferOptions = {}): Promise<Ref> {
    const { digest, size } = await this.#writer.putFile(path, options);
    return { digest, size, mediaType };
  }

  async putJson(value: unknown): Promise<Ref> {
    return await this.put(canonicalJson(value), mediaTypes.json);
  }

  async *putFiles(paths: Iterable<string> | AsyncIterable<string>, options: FolderOptions = {}): AsyncGenerator<StoredFile> {
    const durable = new Set<string>();
    const target: PackTarget = {
      spool: await this.#spool.folder(),
      has: async (digest) => await this.#packed.has(digest, durable),
      putFile: async (path) => await this.#writer.putFile(path, { signal: options.signal }),
      putPack: async (source, members) => {
        await this.#packed.put(source, members, options.signal);
        durable.add(source.digest);
      },
    };
    yield* packFiles(target, paths, options);
  }

  async get({ digest }: Pick<Ref, 'digest'>, range?: ByteRange): Promise<Buffer> {
    return await this.#reader.read(digest, async (chunks) => {
      const kept: Buffer[] = [];
      let at = 0;
      for await (const chunk of chunks) {
        const from = Math.max(0, (range?.start ?? 0) - at);
        const to = Math.min(chunk.length, (range?.end ?? Number.POSITIVE_INFINITY) - at);
        if (from < to) kept.push(chunk.subarray(from, to));
        at += chunk.length;
      }
      return kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept);
    });
  }

  async getJson<T>(ref: Pick<Ref, 'digest'>): Promise<T> {
    return JSON.parse((await this.get(ref)).toString('utf8')) as T;
  }

  async stream({ digest }: Pick<Ref, 'digest'>): Promise<Readable> {
    const chunks = this.#reader.flow(digest);
    // What is not there is told here rather than to the first reader of the stream.
    const first = await chunks.next();
    const all = async function* (): AsyncGenerator<Buffer> {
      if (first.done !== true) yield first.value;
      yield* chunks;
    };
    const stream = Readable.from(all(), { objectMode: false });
    // One that is given up before its first byte never enters `all`.
    return stream.once('close', () => void chunks.return(undefined).catch(() => undefined));
  }

  async fetchTo({ digest }: Pick<Ref, 'digest'>, path: string): Promise<void> {
    const building = join(dirname(path), `.${randomUUID()}.part`);
    try {
      await this.#reader.read(digest, async (chunks) => await writeTarget(chunks, building));
      await rename(building, path);
    } catch (error) {
      throw asStoreError(error, path);
    } finally {
      await rm(building, { force: true });
    }
  }

  async has(ref: Pick<Ref, 'digest'> & Partial<Pick<Ref, 'size'>>): Promise<boolean> {
    const { digest, size } = ref;
    const key = objectKey(digest, await this.#marks.revive(digest));
    const isThere = await this.#all.agree(`The object ${digest}`, async (backend) => {
      const found = await backend.stat(key);
      return found !== null && (size === undefined || found.size === size);
    });
    return isThere || (await this.#packed.has(digest));
  }

  async *list(): AsyncGenerator<StoredObject> {
    // 32 bytes an object: they tell which packed ones were named before.
    const loose = new Set<string>();
    let last = null as StoredObject | null;
    for await (const { key, size, modified } of this.#all.list(prefixes.objects)) {
      const digest = parseKey(key)?.digest;
      if (digest === undefined) continue;
      const former: StoredObject | null = last;
      if (former !== null && former.digest !== digest) yield former;
      last = { digest, size, modified: former?.digest === digest ? Math.max(former.modified, modified) : modified, pack: null };
      loose.add(compact(digest));
    }
    if (last !== null) yield last;
    const written = new Map<string, number>();
    for await (const { digest, modified } of this.#packed.list()) written.set(digest, modified);
    for await (const { digest, size, pack } of this.#packed.index.all()) {
      if (loose.has(compact(digest)) || (await this.#packed.index.find(digest))?.pack !== pack) continue;
      yield { digest, size, modified: written.get(pack) ?? 0, pack };
    }
  }

  async delete(digest: string): Promise<void> {
    // A write that is still under way would come after.
    await this.settle();
    for (const prefix of [objectKey(digest), packKey(digest)])
      await this.#all.everywhere(async (backend) => {
        for await (const { key } of backend.list(prefix)) await backend.remove(key);
      });
    this.#packed.index.drop(digest);
    const packed = await this.#packed.index.find(digest);
    if (packed !== null)
      throw new AssayError(
        'Unsupported',
        `The object ${digest} lies in the pack ${packed.pack} with others and stays there. It goes when "assay store gc" removes or rewrites that pack.`,
      );
  }

  async verify(digest: string, options: { repair?: boolean } = {}): Promise<Verification> {
    // What is still under way is not missing.
    await this.settle();
    return await this.#reader.verify(digest, options);
  }

  async putFolder(dir: string, options: FolderOptions = {}): Promise<Ref> {
    return await putFolder(this, dir, options);
  }

  async fetchFolder(ref: Pick<Ref, 'digest'>, dir: string, options: FolderOptions = {}): Promise<void> {
    const port = {
      get: async (one: Pick<Ref, 'digest'>) => await this.get(one),
      fetchTo: async (one: Pick<Ref, 'digest'>, path: string) => await this.fetchTo(one, path),
      findPacked: async (digest: string) => await this.#packed.index.find(digest),
      readPack: async (pack: string, range: ByteRange) => await this.#packed.read(pack, range),
    };
    await fetchFolder(port, ref, dir, options);
  }

  /** Waits for the writes and repairs that go on after their callers were answered. */
  async settle(): Promise<void> {
    await this.#all.settle();
  }
}

async function writeTarget(chunks: AsyncIterable<Buffer>, building: string): Promise<void> {
  const target = await mkdir(dirname(building), { recursive: true })
    .then(() => open(building, 'w'))
    .catch(failed);
  try {
    let written: Promise<void> = Promise.resolve();
    for await (const chunk of chunks) {
      await written;
      written = writeWhole(target, chunk).catch(failed);
      // Looked at with the next chunk; here only so that it is never an unhandled one.
      written.catch(() => undefined);
    }
    await written;
  } finally {
    await target.close();
  }
}

function failed(error: unknown): never {
  throw new TargetFault('', { cause: error });
}
