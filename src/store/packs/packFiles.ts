import { setImmediate as turn } from 'node:timers/promises';
import type { Source } from '../backend';
import { changed } from '../files';
import type { FolderOptions, StoredFile } from '../store';
import type { PackMember } from './format';
import { PackWriter } from './packWriter';
import { readSmall, type SmallFile } from './readSmall';

export interface PackTarget {
  has(digest: string): Promise<boolean>;
  putFile(path: string): Promise<{ digest: string; size: number }>;
  /** Durable when it resolves; `source` is a file in the spool that may be moved. */
  putPack(source: Source, members: readonly PackMember[]): Promise<void>;
  /** An existing folder. */
  spool: string;
}

/** Larger files are objects of their own. At this size that costs 2.4 ms of CPU in a folder, and a place in a pack 0.7 ms; from there on the bytes count most. */
const largestMember = 256 * 1024;
const packBytes = 32 * 1024 * 1024;
const packMembers = 32_768;
/** A pack of fewer is not worth its index: they become objects of their own. */
const fewestMembers = 8;
/** Read and hashed before the store is asked which of them it has. */
const batchBytes = 4 * 1024 * 1024;
const batchFiles = 512;
/** Longest time for which other work of the process waits. */
const sliceMilliseconds = 10;
/** Files that wait for their turn to be yielded; then everything under way is brought to its end first. */
const mostWaiting = 65_536;
const packsInFlight = 3;
const filesInFlight = 3;

/**
 * Stores the files, small ones in packs, and yields each once it is durable, in the order of `paths`. The same files in the same order
 * give the same packs. A file that changes while it is read rejects with the code ECHANGED and its path.
 */
export async function* packFiles(
  target: PackTarget,
  paths: Iterable<string> | AsyncIterable<string>,
  { onProgress, signal }: FolderOptions = {},
): AsyncIterable<StoredFile> {
  const job = new Packing(target);
  const done = { files: 0, bytes: 0 };
  const durable = function* (): Iterable<StoredFile> {
    const before = done.files;
    for (const file of job.durable()) {
      done.files += 1;
      done.bytes += file.size;
      yield file;
    }
    if (done.files > before) onProgress?.({ ...done });
  };
  try {
    for await (const path of paths) {
      signal?.throwIfAborted();
      if (await job.take(path)) yield* durable();
    }
    await job.finish();
    yield* durable();
  } finally {
    await job.end();
  }
}

/** What becomes durable together: a pack, or one large file. */
class Unit {
  done = false;
  failure: { error: unknown } | null = null;
  promise: Promise<void> = Promise.resolve();

  begin(work: Promise<void>, among: Set<Unit>): void {
    among.add(this);
    this.promise = work
      .catch((error: unknown) => {
        this.failure = { error };
      })
      .finally(() => {
        this.done = true;
        among.delete(this);
      });
  }
}

interface Slot {
  file: StoredFile;
  /** Null until the store was asked; `there` where it has the bytes. */
  unit: Unit | 'there' | null;
}

class Packing {
  readonly #target: PackTarget;
  /** Files not yet yielded, in order. */
  readonly #slots: Slot[] = [];
  readonly #files = new Set<Unit>();
  readonly #packs = new Set<Unit>();
  readonly #writers = new Map<PackWriter, Unit>();
  readonly #buffer = Buffer.allocUnsafeSlow(batchBytes + largestMember);
  #used = 0;
  #batch: { small: SmallFile; slot: Slot }[] = [];
  #pack: PackWriter;
  #sliceEnd = performance.now() + sliceMilliseconds;

  constructor(target: PackTarget) {
    this.#target = target;
    this.#pack = this.#open();
  }

  /** Whether there may be something new that is durable. */
  async take(path: string): Promise<boolean> {
    const small = readSmall(path, this.#buffer, this.#used, largestMember);
    if (small === null) await this.#large(path);
    else {
      const slot: Slot = { file: { path, digest: small.digest, size: small.size }, unit: null };
      this.#slots.push(slot);
      this.#batch.push({ small, slot });
      this.#used += small.size;
    }
    if (performance.now() > this.#sliceEnd) {
      await turn();
      this.#sliceEnd = performance.now() + sliceMilliseconds;
    }
    if (this.#used < batchBytes && this.#batch.length < batchFiles) return small === null;
    if (this.#slots.length > mostWaiting) await this.finish();
    else await this.#flush();
    return true;
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#close();
    await Promise.all([...this.#packs, ...this.#files].map(async ({ promise }) => await promise));
  }

  *durable(): Iterable<StoredFile> {
    let count = 0;
    for (; count < this.#slots.length; count++) {
      const unit = this.#slots[count]?.unit ?? null;
      if (unit === 'there') continue;
      if (unit === null || !unit.done) break;
      if (unit.failure !== null) throw unit.failure.error;
    }
    for (const { file } of this.#slots.splice(0, count)) yield file;
  }

  /** Waits for what is under way and leaves nothing in the spool. */
  async end(): Promise<void> {
    await Promise.all([...this.#packs, ...this.#files].map(async ({ promise }) => await promise));
    for (const writer of this.#writers.keys()) await writer.discard();
  }

  #open(): PackWriter {
    const writer = new PackWriter(this.#target.spool);
    this.#writers.set(writer, new Unit());
    return writer;
  }

  async #large(path: string): Promise<void> {
    await room(this.#files, filesInFlight);
    const slot = { file: { path, digest: '', size: 0 }, unit: new Unit() };
    this.#slots.push(slot);
    const store = async (): Promise<void> => {
      const { digest, size } = await this.#target.putFile(path);
      Object.assign(slot.file, { digest, size });
    };
    slot.unit.begin(store(), this.#files);
  }

  /** Decides for each file of the batch where its bytes are, and appends those that are nowhere yet. */
  async #flush(): Promise<void> {
    const batch = this.#batch;
    const asked = new Map<string, boolean>();
    for (const { small } of batch) if (this.#holder(small.digest) === null) asked.set(small.digest, false);
    await Promise.all([...asked.keys()].map(async (digest) => asked.set(digest, await this.#target.has(digest))));
    const fresh: SmallFile[] = [];
    const open = this.#writers.get(this.#pack) as Unit;
    for (const { small, slot } of batch) {
      const there = asked.get(small.digest);
      if (there === undefined) slot.unit = this.#holder(small.digest) ?? open;
      else if (there) slot.unit = 'there';
      else {
        slot.unit = open;
        fresh.push(small);
        asked.delete(small.digest);
      }
    }
    for (const run of runs(fresh)) {
      const [first, last] = [run[0] as SmallFile, run.at(-1) as SmallFile];
      await this.#pack.append(this.#buffer.subarray(first.at, last.at + last.size), run);
    }
    this.#batch = [];
    this.#used = 0;
    const full = this.#pack.size + batchBytes + largestMember > packBytes || this.#pack.members.length + batchFiles > packMembers;
    if (full) await this.#close();
  }

  /** The open pack, or one on its way, that has these bytes. */
  #holder(digest: string): Unit | null {
    for (const [writer, unit] of this.#writers) if (writer.has(digest)) return unit;
    return null;
  }

  async #close(): Promise<void> {
    const writer = this.#pack;
    const unit = this.#writers.get(writer) as Unit;
    if (writer.members.length === 0) return;
    await room(this.#packs, packsInFlight);
    this.#pack = this.#open();
    unit.begin(this.#store(writer), this.#packs);
  }

  async #store(writer: PackWriter): Promise<void> {
    try {
      if (writer.members.length < fewestMembers) await this.#storeSingly(writer);
      else await this.#target.putPack(await writer.finish(), writer.members);
    } finally {
      await writer.discard();
      this.#writers.delete(writer);
    }
  }

  async #storeSingly(writer: PackWriter): Promise<void> {
    for (const { digest, path } of writer.members) {
      const stored = await this.#target.putFile(path);
      if (stored.digest !== digest) throw changed(path);
    }
  }
}

/** Neighbours in the buffer, which are written at once. */
function runs(files: readonly SmallFile[]): SmallFile[][] {
  const found: SmallFile[][] = [];
  let end = -1;
  for (const file of files) {
    if (file.at === end) found.at(-1)?.push(file);
    else found.push([file]);
    end = file.at + file.size;
  }
  return found;
}

async function room(units: Set<Unit>, most: number): Promise<void> {
  while (units.size >= most) await Promise.race([...units].map(async ({ promise }) => await promise));
}
