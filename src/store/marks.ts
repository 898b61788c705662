import { randomBytes } from 'node:crypto';
import { AssayError } from '../contract';
import { canonicalJson } from './canonicalJson';
import { hexOf, prefixes } from './keys';
import type { Owner } from './owner';
import type { Registers } from './store';

/**
 * What gc means to do with an object. No entry: nothing, its key is that of generation 0.
 * - `marked`: nothing reached it; deleted when the grace is over and still nothing does
 * - `deleting`: its key is being removed and is never written again
 * - `live`: written anew, or about to be, under the key of this generation
 * - `gone`: deleted; whoever stores it again takes this generation, until a late delete of the former can no longer come
 */
export interface Mark {
  state: 'marked' | 'deleting' | 'live' | 'gone';
  /** Milliseconds since 1970. */
  at: number;
  generation: number;
  /** Who deletes it; null in the other states. */
  by: { token: string; owner: Owner } | null;
}

/** By the object's 64 hexadecimal digits. */
export type Shard = Map<string, Mark>;

export const shards: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/**
 * gc's marks, in 256 registers by the first two digits of the digest, so that a `put` or `has` can take one back and gc can begin a
 * deletion by compare-and-swap: one of them comes first, and the other sees it.
 *
 * Reading them from a cache costs no more than its age of the grace time: an entry that the cache does not know was marked after it was
 * read, so that its deletion is the whole grace away; a cached mark is taken back by compare-and-swap, which fails on a stale one.
 */
export class Marks {
  /** Age of what is cached, milliseconds. Less only where the grace is shorter, as in tests: it has to fit in there many times. */
  static cacheMilliseconds = 60_000;

  readonly #registers: Registers;
  readonly #cacheMilliseconds: number;
  #present: Cached<Set<string>> | null = null;
  readonly #shards = new Map<string, Cached<Shard>>();

  constructor(registers: Registers, { cacheMilliseconds = Marks.cacheMilliseconds }: { cacheMilliseconds?: number } = {}) {
    this.#registers = registers;
    this.#cacheMilliseconds = cacheMilliseconds;
  }

  /** For `put` and `has`: what gc has marked stays. The generation whose key holds the object, or is to be written. */
  async revive(digest: string): Promise<number> {
    const hex = hexOf(digest);
    const shard = hex.slice(0, 2);
    const known = (await this.#cached(shard)).get(hex);
    if (known === undefined) return 0;
    if (known.state === 'live') return known.generation;
    return (await this.change(shard, (marks) => revived(marks, hex))).get(hex)?.generation ?? 0;
  }

  /** The generation whose key holds the object, for a reader that did not find it under the key of generation 0. */
  async generation(digest: string): Promise<number> {
    return (await this.#entry(digest))?.generation ?? 0;
  }

  /** The generation whose key may be written by who takes no mark back; null while gc deletes it. */
  async writable(digest: string): Promise<number | null> {
    const mark = await this.#entry(digest);
    return mark?.state === 'deleting' ? null : (mark?.generation ?? 0);
  }

  async #entry(digest: string): Promise<Mark | undefined> {
    const hex = hexOf(digest);
    const known = (await this.#cached(hex.slice(0, 2))).get(hex);
    // No entry and `live` change by way of a mark, and thus not within the age of the cache.
    return known === undefined || known.state === 'live' ? known : (await this.read(hex.slice(0, 2))).get(hex);
  }

  /** As it is now. */
  async read(shard: string): Promise<Shard> {
    const found = await this.#registers.load(keyOf(shard));
    return found === null ? new Map() : parse(shard, found.bytes);
  }

  /** Applies `fn` to the entries, again from the start where another writer came between; it says whether it changed anything. */
  async change(shard: string, fn: (marks: Shard) => boolean): Promise<Shard> {
    const key = keyOf(shard);
    for (;;) {
      const found = await this.#registers.load(key);
      const marks = found === null ? new Map<string, Mark>() : parse(shard, found.bytes);
      if (!fn(marks) || (await this.#registers.swap(key, format(marks), found?.tag ?? null)) !== null) {
        this.#shards.set(shard, { at: performance.now(), value: Promise.resolve(marks) });
        return marks;
      }
    }
  }

  /** Most stores have no marks: one listing a minute tells that, instead of 256 reads. */
  async #cached(shard: string): Promise<Shard> {
    const own = this.#shards.get(shard);
    if (own !== undefined && this.#isFresh(own)) return await own.value;
    if (this.#present === null || !this.#isFresh(this.#present))
      this.#present = this.#kept(this.#list(), () => {
        this.#present = null;
      });
    if (!(await this.#present.value).has(shard)) return new Map();
    const again = this.#shards.get(shard);
    if (again !== undefined && this.#isFresh(again)) return await again.value;
    const read = this.#kept(this.read(shard), () => this.#shards.delete(shard));
    this.#shards.set(shard, read);
    return await read.value;
  }

  async #list(): Promise<Set<string>> {
    const present = new Set<string>();
    for await (const { key } of this.#registers.list(prefixes.marks)) present.add(key.slice(prefixes.marks.length, -'.json'.length));
    return present;
  }

  /** Concurrent readers share one read; a failed one is not kept. */
  #kept<T>(value: Promise<T>, forget: () => void): Cached<T> {
    value.catch(forget);
    return { at: performance.now(), value };
  }

  #isFresh({ at }: Cached<unknown>): boolean {
    return performance.now() - at < this.#cacheMilliseconds;
  }
}

interface Cached<T> {
  /** Before it was read, by performance.now(). */
  at: number;
  value: Promise<T>;
}

function revived(marks: Shard, hex: string): boolean {
  const mark = marks.get(hex);
  if (mark === undefined || mark.state === 'live') return false;
  const generation = mark.state === 'deleting' ? mark.generation + 1 : mark.generation;
  if (mark.state === 'marked' && generation === 0) marks.delete(hex);
  else marks.set(hex, { state: 'live', at: Date.now(), generation, by: null });
  return true;
}

function parse(shard: string, bytes: Buffer): Shard {
  try {
    return new Map(Object.entries((JSON.parse(bytes.toString('utf8')) as { entries: Record<string, Mark> }).entries));
  } catch (cause) {
    const message = `gc's marks are damaged: ${keyOf(shard)} is no JSON any more. Restore the file from a backup.`;
    throw new AssayError('ObjectCorrupt', message, { cause });
  }
}

/** `op` makes the bytes of each write unique. */
const format = (marks: Shard): Buffer =>
  Buffer.from(canonicalJson({ entries: Object.fromEntries(marks), op: randomBytes(9).toString('base64url') }));

const keyOf = (shard: string): string => `${prefixes.marks}${shard}.json`;
