import { AssayError } from '../contract';
import { consensus, registersOf } from './consensus';
import { prefixes } from './keys';
import { Marks, shards } from './marks';
import { inParallel } from './parallel';
import { inspect } from './place';
import { compact, reach, type Reached } from './reach';
import { Repairs } from './repairs';
import { Replicas } from './replicas';
import { Spool } from './spool';
import type { Store, Verification } from './store';
import { survey } from './survey';

/** What a writer left half-done is kept so long, in case it goes on with it. */
const leftoverMilliseconds = 24 * 3_600_000;
const atOnce = 4;

export interface ScrubOptions {
  /** Copies from a sound replica what is missing or damaged in another; default true. */
  repair?: boolean;
  /** Two hexadecimal digits that digests begin with: where a scrub that was broken off goes on, as its progress said. */
  from?: string;
  onProgress?: ((progress: ScrubProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface ScrubProgress {
  /** Digests that begin with lower digits are done. */
  next: string;
  objects: number;
  bytes: number;
}

export interface ScrubReport {
  /** Objects and packs, and the bytes of all copies that were read. */
  checked: { objects: number; bytes: number };
  /** Copies that were missing or damaged and are sound now. */
  repaired: { key: string; url: string; was: 'missing' | 'corrupt' }[];
  /** Copies that another replica could make good, with `repair: false` or where the repair failed. */
  repairable: { key: string; url: string; was: 'missing' | 'corrupt' }[];
  /** Sound in no replica that answers. */
  damaged: { digest: string; key: string; replicas: Verification['replicas']; names: string[] }[];
  /** What a record says is stored and no replica has. */
  missing: { digest: string; names: string[] }[];
  names: { checked: number; repaired: { key: string; url: string }[]; damaged: { key: string; reason: string }[] };
  /** Leftovers of writers that are gone. */
  swept: number;
  /** Replicas that did not answer; nothing is known of them. */
  away: string[];
}

/** Reads and hashes every object and pack in every replica, and mends what a sound replica can mend. Safe beside writers and gc. */
export async function scrub(store: Store, options: ScrubOptions = {}): Promise<ScrubReport> {
  const from = options.from ?? '00';
  if (!shards.includes(from))
    throw new AssayError(
      'SpecInvalid',
      `"${from}" is no place to go on from: expected two hexadecimal digits, as the progress tells them.`,
    );
  return await new Scrub(store, options).all(from);
}

class Scrub {
  readonly #store: Store;
  readonly #options: ScrubOptions;
  readonly #marks: Marks;
  readonly #repairs: Repairs;
  readonly #report: ScrubReport = {
    checked: { objects: 0, bytes: 0 },
    repaired: [],
    repairable: [],
    damaged: [],
    missing: [],
    names: { checked: 0, repaired: [], damaged: [] },
    swept: 0,
    away: [],
  };

  constructor(store: Store, options: ScrubOptions) {
    this.#store = store;
    this.#options = options;
    this.#marks = new Marks(registersOf(store.replicas), { cacheMilliseconds: 0 });
    this.#repairs = new Repairs(new Replicas(store.replicas), new Spool(store.replicas), this.#marks);
  }

  async all(from: string): Promise<ScrubReport> {
    const { onProgress, signal } = this.#options;
    await this.#names();
    for (const shard of shards.slice(shards.indexOf(from))) {
      signal?.throwIfAborted();
      onProgress?.({ next: shard, ...this.#report.checked });
      await this.#shard(shard);
    }
    await this.#trace();
    for (const replica of this.#store.replicas)
      this.#report.swept += await replica.sweep(leftoverMilliseconds).catch((error: unknown) => this.#noteAway(replica.url, error));
    return this.#report;
  }

  /** Names and marks: each replica is brought to the value they agree on. */
  async #names(): Promise<void> {
    const { replicas } = this.#store;
    const { names } = this.#report;
    const registers = replicas.length > 1 ? consensus(replicas) : null;
    const keys: string[] = [];
    for (const prefix of [prefixes.refs, prefixes.marks])
      for await (const { key } of registersOf(replicas).list(prefix)) if (key.endsWith('.json')) keys.push(key);
    await inParallel(keys, atOnce, async (key) => {
      this.#options.signal?.throwIfAborted();
      names.checked++;
      try {
        if (registers !== null && this.#options.repair !== false) {
          const { repaired, away } = await registers.repair(key);
          for (const url of repaired) names.repaired.push({ key, url });
          for (const url of away) this.#noteAway(url);
        }
        if (key.startsWith(prefixes.refs)) await this.#store.refs.get(key.slice(prefixes.refs.length, -'.json'.length));
        else await this.#marks.read(key.slice(prefixes.marks.length, -'.json'.length));
      } catch (error) {
        if (!(error instanceof AssayError)) throw error;
        names.damaged.push({ key, reason: error.message });
      }
    });
  }

  async #shard(shard: string): Promise<void> {
    const { found, away } = await survey(this.#store.replicas, shard);
    for (const { url } of away) this.#noteAway(url);
    const marks = await this.#marks.read(shard).catch(damagedMarks);
    const copies = [...found].flatMap(([hex, { digest, keys }]) => {
      const mark = marks.get(hex);
      // What gc is deleting, or left of a former generation, is not copied anywhere.
      const first = mark === undefined ? 0 : mark.state === 'deleting' ? mark.generation + 1 : mark.generation;
      return [...keys].flatMap(([key, { generation }]) => (generation < first ? [] : [{ key, digest }]));
    });
    await inParallel(copies, atOnce, ({ key, digest }) => this.#check(key, digest, found.get(digest.slice('sha256:'.length))?.size ?? 0));
  }

  async #check(key: string, digest: string, size: number): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const before = await this.#inspect(key, digest);
    // Removed since it was listed.
    if (before.every(({ state }) => state === 'missing')) return;
    const { checked, repaired, repairable, damaged } = this.#report;
    checked.objects++;
    checked.bytes += size * before.filter(({ state }) => state === 'sound' || state === 'corrupt').length;
    const broken = before.flatMap(({ url, state }) => (state === 'missing' || state === 'corrupt' ? [{ key, url, was: state }] : []));
    if (broken.length === 0) return;
    if (!before.some(({ state }) => state === 'sound')) {
      damaged.push({ digest, key, replicas: before, names: [] });
      return;
    }
    const after = this.#options.repair === false ? before : await this.#repaired(key, digest);
    for (const one of broken) (after.find(({ url }) => url === one.url)?.state === 'sound' ? repaired : repairable).push(one);
  }

  async #repaired(key: string, digest: string): Promise<Verification['replicas']> {
    try {
      await this.#repairs.now(key, digest);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
    }
    return await this.#inspect(key, digest);
  }

  async #inspect(key: string, digest: string): Promise<Verification['replicas']> {
    return await Promise.all(
      this.#store.replicas.map(async (replica) => ({ url: replica.url, ...(await inspect(replica, { key, digest }, digest)) })),
    );
  }

  /** What names lead to the damaged, and what they lead to that is not there. */
  async #trace(): Promise<void> {
    const { damaged, missing, names } = this.#report;
    const { signal } = this.#options;
    // A name that cannot be read was told above.
    const reached = await reach(this.#store, { damage: 'note', signal });
    const lacking = new Map([...reached.certain()].map((digest) => [compact(digest), digest]));
    const packed = new Map<string, Set<string>>();
    let complete = true;
    try {
      for await (const { digest, pack } of this.#store.list()) {
        lacking.delete(compact(digest));
        if (pack !== null && damaged.some((one) => one.digest === pack)) note(packed, pack, reached.nameOf(digest));
      }
    } catch (error) {
      if (!(error instanceof AssayError) || error.type !== 'ObjectCorrupt') throw error;
      complete = false;
    }
    for (const one of damaged) one.names.push(...namesOf(reached, one.digest), ...(packed.get(one.digest) ?? []));
    // A damaged pack's index would tell what it holds.
    if (complete) for (const digest of lacking.values()) missing.push({ digest, names: namesOf(reached, digest) });
    for (const { digest, name, reason } of reached.unread)
      if (digest === '' && !names.damaged.some(({ key }) => key === `${prefixes.refs}${name}.json`))
        names.damaged.push({ key: name, reason });
  }

  #noteAway(url: string, error?: unknown): number {
    if (error !== undefined && !(error instanceof AssayError)) throw error;
    if (!this.#report.away.includes(url)) this.#report.away.push(url);
    return 0;
  }
}

function note(packed: Map<string, Set<string>>, pack: string, name: string | undefined): void {
  if (name !== undefined) packed.set(pack, (packed.get(pack) ?? new Set()).add(name));
}

function namesOf(reached: Reached, digest: string): string[] {
  const name = reached.nameOf(digest);
  return name === undefined ? [] : [name];
}

/** Told among the names; without it every copy is looked at. */
function damagedMarks(error: unknown): Awaited<ReturnType<Marks['read']>> {
  if (error instanceof AssayError && error.type === 'ObjectCorrupt') return new Map();
  throw error;
}
