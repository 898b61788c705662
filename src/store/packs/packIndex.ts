import { AssayError } from '../../contract';
import type { ByteRange } from '../backend';
import { hexOf } from '../keys';
import { encodeRecords, type PackMember, readRecords, recordAt, recordBytes } from './format';

/** Where the packs are; `digest` is a pack's name. */
export interface PackSource {
  list(): AsyncIterable<{ digest: string; size: number }>;
  read(pack: string, range: ByteRange): Promise<Buffer>;
}

interface Pack {
  digest: string;
  /** Number of its first member among those of all packs. */
  first: number;
  /** Null once it was dropped. */
  records: Buffer | null;
}

/** Milliseconds for which a listing serves further misses. */
const freshMilliseconds = 1_000;

/**
 * Which pack a digest lies in. The packs' indexes are read at the first need and kept as they are on the disk, 40 bytes a member,
 * beside a table of 4-byte slots by hash: a million members take about 50 MB, and a look-up does not depend on the number of packs.
 */
export class PackIndex {
  readonly #source: PackSource;
  readonly #packs: Pack[] = [];
  readonly #byDigest = new Map<string, Pack>();
  readonly #damaged = new Map<string, AssayError>();
  /** Open addressing: the number of a member plus one, 0 where free. */
  #slots = new Uint32Array(1 << 10);
  #members = 0;
  /** Members of packs that were dropped. */
  #gone = 0;
  #listing: { begun: number; done: Promise<void> } | null = null;
  /** When the next miss lists again, by `performance.now()`. */
  #staleAt = 0;

  constructor(source: PackSource) {
    this.#source = source;
  }

  /**
   * Null where no known pack has it; a miss lists the packs again, at most once a second. With `sure` a miss lists them in any case,
   * and rejects with ObjectCorrupt where a pack whose index cannot be read might have it.
   */
  async find(digest: string, { sure = false }: { sure?: boolean } = {}): Promise<{ pack: string; start: number; end: number } | null> {
    const key = Buffer.from(hexOf(digest), 'hex');
    const known = this.#lookUp(key);
    if (known !== null) return known;
    if (!sure && performance.now() < this.#staleAt) return null;
    await this.#refresh(sure);
    const found = this.#lookUp(key);
    if (found === null && sure) this.#complain(`The object ${digest} may lie in it`);
    return found;
  }

  /** A pack just written. */
  add(pack: string, members: readonly PackMember[]): void {
    this.#take(pack, encodeRecords(members));
  }

  /** Forgets a pack that is gone or is not what it was; one that is still there is found again by the next listing. */
  drop(pack: string): void {
    const known = this.#byDigest.get(pack);
    this.#damaged.delete(pack);
    if (known === undefined || known.records === null) return;
    this.#gone += known.records.length / recordBytes;
    known.records = null;
    this.#byDigest.delete(pack);
  }

  /** The members of all packs, freshly listed; one that lies in two packs comes twice. Ends with ObjectCorrupt where a pack could not be read. */
  async *all(): AsyncIterable<{ digest: string; size: number; pack: string }> {
    await this.#refresh(true);
    for (const pack of this.#packs.slice())
      for (let i = 0; pack.records !== null && i < pack.records.length / recordBytes; i++) {
        const { digest, start, end } = recordAt(pack.records, i);
        yield { digest, size: end - start, pack: pack.digest };
      }
    this.#complain('The list of objects is not complete without it');
  }

  /** Members of one pack, as its own index has them; ObjectCorrupt where that cannot be read. */
  async members(pack: string): Promise<PackMember[]> {
    if (!this.#byDigest.has(pack)) await this.#refresh(true);
    const records = this.#byDigest.get(pack)?.records ?? null;
    if (records === null) {
      const error = this.#damaged.get(pack);
      if (error !== undefined) throw error;
      return [];
    }
    return Array.from({ length: records.length / recordBytes }, (_, i) => recordAt(records, i));
  }

  #lookUp(key: Buffer): { pack: string; start: number; end: number } | null {
    const mask = this.#slots.length - 1;
    for (let slot = key.readUInt32BE(0) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const member = (this.#slots[slot] ?? 0) - 1;
      const { digest, first, records } = this.#packOf(member);
      if (records === null) continue;
      const at = (member - first) * recordBytes;
      if (records.compare(key, 0, 32, at, at + 32) !== 0) continue;
      const start = records.readUInt32BE(at + 32);
      return { pack: digest, start, end: start + records.readUInt32BE(at + 36) };
    }
    return null;
  }

  #packOf(member: number): Pack {
    let low = 0;
    let high = this.#packs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#packs[middle] as Pack).first <= member) low = middle;
      else high = middle - 1;
    }
    return this.#packs[low] as Pack;
  }

  /** A listing that was begun before the question may miss what was asked for; a sure one begins after it. */
  async #refresh(sure: boolean): Promise<void> {
    const asked = performance.now();
    while (this.#listing !== null) {
      const { begun, done } = this.#listing;
      await done;
      if (!sure || begun >= asked) return;
    }
    const begun = performance.now();
    const done = this.#list().finally(() => {
      this.#listing = null;
      // A listing that takes long is not what the time goes to.
      this.#staleAt = begun + Math.max(freshMilliseconds, 20 * (performance.now() - begun));
    });
    this.#listing = { begun, done };
    await done;
  }

  async #list(): Promise<void> {
    const known = [...this.#byDigest.keys()];
    const there = new Set<string>();
    const reading = new Set<Promise<void>>();
    try {
      for await (const { digest, size } of this.#source.list()) {
        there.add(digest);
        if (this.#byDigest.has(digest)) continue;
        if (reading.size >= 16) await Promise.race(reading);
        const read = this.#load(digest, size).finally(() => reading.delete(read));
        // Looked at again below; here only so that it is never an unhandled one.
        read.catch(() => undefined);
        reading.add(read);
      }
    } finally {
      await Promise.all(reading);
    }
    // What was written since the listing began need not be in it.
    for (const digest of known) if (!there.has(digest)) this.drop(digest);
    for (const digest of this.#damaged.keys()) if (!there.has(digest)) this.#damaged.delete(digest);
  }

  async #load(digest: string, size: number): Promise<void> {
    try {
      const records = await readRecords(digest, size, async (range) => await this.#source.read(digest, range));
      this.#damaged.delete(digest);
      this.#take(digest, records);
    } catch (error) {
      // Gone between the listing and the reading.
      if (error instanceof AssayError && error.type === 'NotFound') return;
      if (!(error instanceof AssayError) || error.type !== 'ObjectCorrupt') throw error;
      this.#damaged.set(digest, error);
    }
  }

  #take(digest: string, records: Buffer): void {
    if (this.#byDigest.has(digest)) return;
    const pack: Pack = { digest, first: this.#members, records };
    this.#packs.push(pack);
    this.#byDigest.set(digest, pack);
    this.#members += records.length / recordBytes;
    if (2 * (this.#members - this.#gone) > this.#slots.length || 4 * this.#members > 3 * this.#slots.length) this.#rebuild();
    else this.#enter(pack);
  }

  #enter({ first, records }: Pack): void {
    if (records === null) return;
    const mask = this.#slots.length - 1;
    for (let at = 0; at < records.length; at += recordBytes) {
      let slot = records.readUInt32BE(at) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = first + at / recordBytes + 1;
    }
  }

  /** Larger, and without what was dropped. */
  #rebuild(): void {
    const kept = this.#packs.filter(({ records }) => records !== null);
    this.#packs.splice(0, this.#packs.length, ...kept);
    this.#members = 0;
    this.#gone = 0;
    for (const pack of kept) {
      pack.first = this.#members;
      this.#members += (pack.records as Buffer).length / recordBytes;
    }
    let size = 1 << 10;
    while (size < 2 * this.#members) size *= 2;
    this.#slots = new Uint32Array(size);
    for (const pack of kept) this.#enter(pack);
  }

  #complain(why: string): void {
    for (const error of this.#damaged.values())
      throw new AssayError('ObjectCorrupt', `${error.message} ${why}.`, { cause: error, ...(error.details && { details: error.details }) });
  }
}
