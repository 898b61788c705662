import { randomBytes } from 'node:crypto';
import { AssayError } from '../contract';
import { registersOf } from './consensus';
import { objectKey, packKey, prefixes } from './keys';
import { type Mark, Marks, type Shard, shards } from './marks';
import { isThisProcess, type Owner, stateOf, thisProcess } from './owner';
import { type PackUse, createInMajority, packUse, rewrite } from './packUse';
import { inParallel } from './parallel';
import { inspect } from './place';
import { reach, type Reached } from './reach';
import { Spool } from './spool';
import type { Store } from './store';
import { majorityOf, type Survey, type Surveyed, survey } from './survey';
import { writeHashed } from './files';

/** Shorter than the time between a `put` and the name that holds it, a grace protects nothing. */
const leastGraceMilliseconds = 3_600_000;
/** A deletion that its process did not finish in so long is taken over where it cannot be looked up whether it lives. */
const abandonedMilliseconds = 600_000;

export interface GcOptions {
  /** From the mark to the deletion, and the least age of what is marked; at least 1 h. */
  graceMilliseconds: number;
  /** Changes nothing and lists what a run would mark and delete. */
  dryRun?: boolean;
  /** Milliseconds since 1970; the clock's by default. */
  now?: () => number;
  onProgress?: ((progress: GcProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Tests pass less than an hour. */
  leastGraceMilliseconds?: number;
}

export interface GcProgress {
  stage: 'walk' | 'packs' | 'sweep';
  /** Objects walked, packs written anew, or shards of 256 swept. */
  done: number;
  /** Objects and packs deleted so far. */
  deleted: number;
}

export interface Tally {
  objects: number;
  bytes: number;
}

export interface GcReport {
  dryRun: boolean;
  /** Objects and packs that the replicas hold; a pack counts as one. */
  scanned: Tally;
  reachable: Tally;
  /** Newly marked in this run. */
  marked: Tally;
  /** Marked before, but not for the whole grace. */
  waiting: Tally;
  /** Marked before, and reached again. */
  revived: Tally;
  deleted: Tally;
  /** Packs of which less than half was live, written anew. */
  rewrittenPacks: number;
  /** Records that should be there and are not, and a name that leads to each. */
  missing: { digest: string; name: string }[];
  /** Replicas that did not answer; what they hold is swept by a later run. */
  away: string[];
  /** With `dryRun`: what a run would do now. */
  would: { digest: string; bytes: number; act: 'mark' | 'delete' }[];
}

/**
 * Deletes what no name leads to: it is marked, and deleted by a later run when the grace has passed and still nothing leads to it. A
 * `put` or `has` in between takes the mark back; one that comes while the object is being deleted stores it under another key. A run
 * that dies loses nothing, and a later one finishes it; several may run at once.
 */
export async function collectGarbage(store: Store, options: GcOptions): Promise<GcReport> {
  const least = options.leastGraceMilliseconds ?? leastGraceMilliseconds;
  if (!(options.graceMilliseconds >= least))
    throw new AssayError(
      'SpecInvalid',
      `The grace of gc is ${options.graceMilliseconds / 1000} s, and has to be at least ${least / 1000} s: what was stored and has no name yet would be deleted. Give a longer one.`,
    );
  const run = new Run(store, options);
  running.add(run.token);
  try {
    return await run.all();
  } finally {
    running.delete(run.token);
  }
}

/** Tokens of the runs of this process. */
const running = new Set<string>();

class Run {
  readonly token = randomBytes(9).toString('base64url');
  readonly #store: Store;
  readonly #options: GcOptions;
  readonly #marks: Marks;
  readonly #now: () => number;
  /** What was marked, or written, before this is old. Taken before the walk, so that a name set while it goes on comes in time. */
  readonly #cutoff: number;
  readonly #report: GcReport;

  constructor(store: Store, options: GcOptions) {
    this.#store = store;
    this.#options = options;
    this.#marks = new Marks(registersOf(store.replicas), { cacheMilliseconds: 0 });
    this.#now = options.now ?? Date.now;
    this.#cutoff = this.#now() - options.graceMilliseconds;
    const none = (): Tally => ({ objects: 0, bytes: 0 });
    this.#report = {
      dryRun: options.dryRun === true,
      scanned: none(),
      reachable: none(),
      marked: none(),
      waiting: none(),
      revived: none(),
      deleted: none(),
      rewrittenPacks: 0,
      missing: [],
      away: [],
      would: [],
    };
  }

  async all(): Promise<GcReport> {
    const { onProgress, signal } = this.#options;
    const reached = await reach(this.#store, { signal, onProgress: (done) => onProgress?.({ stage: 'walk', done, deleted: 0 }) }).catch(
      nothingDeleted,
    );
    this.#report.missing = reached.unread.map(({ digest, name }) => ({ digest, name }));
    const packs = await packUse(this.#store, this.#marks, reached);
    await this.#rewrite(packs);
    let done = 0;
    await inParallel(shards, 4, async (shard) => {
      signal?.throwIfAborted();
      await this.#sweep(shard, reached, packs);
      onProgress?.({ stage: 'sweep', done: ++done, deleted: this.#report.deleted.objects });
    });
    return this.#report;
  }

  /** A young pack may hold what has no name yet. */
  async #rewrite(packs: PackUse): Promise<void> {
    const old: PackUse['sparse'] = [];
    for (const one of packs.sparse) {
      const copies = await Promise.all(this.#store.replicas.map((replica) => replica.stat(packKey(one.pack)).catch(() => null)));
      if (copies.every((copy) => copy === null || copy.modified < this.#cutoff)) old.push(one);
    }
    this.#report.rewrittenPacks = old.length;
    if (old.length === 0 || this.#report.dryRun) return;
    await rewrite(this.#store, this.#marks, old);
    this.#options.onProgress?.({ stage: 'packs', done: old.length, deleted: 0 });
  }

  async #sweep(shard: string, reached: Reached, packs: PackUse): Promise<void> {
    const there = await survey(this.#store.replicas, shard);
    for (const { url } of there.away) if (!this.#report.away.includes(url)) this.#report.away.push(url);
    const isLive = ({ digest, keys }: Surveyed): boolean =>
      reached.has(digest) || ([...keys.keys()].some((key) => key.startsWith(prefixes.packs)) && packs.isNeeded(digest));
    let plan = newPlan();
    const decide = (marks: Shard): boolean => {
      plan = newPlan();
      return this.#decide(marks, there, isLive, plan);
    };
    let marks: Shard;
    if (this.#report.dryRun) decide((marks = await this.#marks.read(shard)));
    else marks = await this.#marks.change(shard, decide);
    this.#count(there, isLive, plan);
    if (!this.#report.dryRun) await this.#remove(shard, there, isLive, marks, plan);
  }

  /** The next state of each entry, in one compare-and-swap for the shard; whether anything changed. */
  #decide(marks: Shard, there: Survey, isLive: (one: Surveyed) => boolean, plan: Plan): boolean {
    const at = this.#now();
    let changed = false;
    const set = (hex: string, mark: Mark | null): void => {
      if (mark === null) marks.delete(hex);
      else marks.set(hex, mark);
      changed = true;
    };
    for (const [hex, one] of there.found) {
      const mark = marks.get(hex);
      const generation = mark?.generation ?? 0;
      if (isLive(one)) {
        if (mark?.state === 'marked') {
          set(hex, generation === 0 ? null : { state: 'live', at, generation, by: null });
          plan.revived.push(one);
        } else if (mark?.state === 'gone' || (mark?.state === 'deleting' && this.#isAbandoned(mark))) {
          set(hex, { state: 'live', at, generation: mark.state === 'gone' ? generation : generation + 1, by: null });
          plan.revived.push(one);
        }
      } else if (mark === undefined || mark.state === 'live') {
        if (Math.max(one.modified, mark?.at ?? 0) >= this.#cutoff) continue;
        // A key of a later generation than its entry says was left by an entry that is lost.
        const last = Math.max(generation, ...[...one.keys.values()].map((copies) => copies.generation));
        set(hex, { state: 'marked', at, generation: last, by: null });
        plan.marked.push(one);
      } else if (mark.state === 'marked') {
        if (mark.at > this.#cutoff) plan.waiting.push(one);
        else {
          set(hex, { state: 'deleting', at, generation, by: { token: this.token, owner: thisProcess() } });
          plan.deleting.push(one);
        }
      } else if (mark.by?.token === this.token) {
        // Begun by this run: the answer to its write was lost, and another writer came since.
        plan.deleting.push(one);
      }
    }
    for (const [hex, mark] of [...marks]) {
      const one = there.found.get(hex);
      if (mark.state === 'deleting' && mark.by?.token !== this.token && this.#isAbandoned(mark)) {
        // A process that may still live may still delete: its name is given up for good. One that is dead cannot.
        const state = isDead(mark.by?.owner) ? 'gone' : 'live';
        set(hex, { state, at, generation: mark.generation + 1, by: null });
        if (one !== undefined) plan.deleting.push(one);
      } else if (one === undefined && there.away.length === 0 && mark.at <= this.#cutoff) {
        if (mark.state === 'gone') set(hex, null);
        else if (mark.state === 'marked') set(hex, mark.generation === 0 ? null : { ...mark, state: 'live', at });
      }
    }
    return changed;
  }

  async #remove(shard: string, there: Survey, isLive: (one: Surveyed) => boolean, marks: Shard, plan: Plan): Promise<void> {
    const ours = new Set(plan.deleting);
    const failures: string[] = [];
    await inParallel(there.found, 8, async ([hex, one]) => {
      const mark = marks.get(hex);
      if (mark === undefined) return;
      const isOurs = mark.state === 'deleting' && ours.has(one);
      if (mark.state === 'deleting' && !isOurs) return;
      // Keys of former generations are never written again.
      const last = isOurs ? mark.generation : mark.generation - 1;
      const keys = [...one.keys].filter(([, { generation }]) => generation <= last);
      if (keys.length === 0 || (!isOurs && isLive(one) && !(await this.#hasCurrent(one, mark.generation)))) return;
      for (const replica of this.#store.replicas)
        for (const [key] of keys)
          await replica.remove(key).catch((error: unknown) => {
            if (!(error instanceof AssayError)) throw error;
            // What a replica that is away keeps is of a former generation, and found by a later run.
            if (!there.away.some(({ url }) => url === replica.url)) failures.push(`${replica.url}: ${error.message}`);
          });
    });
    if (failures.length > 0)
      throw new AssayError(
        'StoreUnavailable',
        `gc could not delete in ${[...new Set(failures)].join('; ')}. Mend that and run it again; it goes on where it was.`,
      );
    if (plan.deleting.length === 0) return;
    await this.#marks.change(shard, (now) => {
      let changed = false;
      for (const [hex, mark] of now)
        if (mark.state === 'deleting' && mark.by?.token === this.token) {
          now.set(hex, { state: 'gone', at: this.#now(), generation: mark.generation + 1, by: null });
          changed = true;
        }
      return changed;
    });
  }

  /** Whether a majority has it sound under its present key; where none has, it is copied there from a former one first, and these are left to a later run. */
  async #hasCurrent(one: Surveyed, generation: number): Promise<boolean> {
    for (const keyOf of [objectKey, packKey]) {
      const current = keyOf(one.digest, generation);
      const former = [...one.keys].filter(
        ([key, copies]) => copies.generation < generation && key === keyOf(one.digest, copies.generation),
      );
      if (former.length === 0) continue;
      const copies = await Promise.all(
        (one.keys.get(current)?.replicas ?? []).map((replica) => inspect(replica, { key: current, digest: one.digest }, one.digest)),
      );
      if (copies.filter(({ state }) => state === 'sound').length >= majorityOf(this.#store.replicas)) continue;
      for (const [key, { replicas }] of former)
        for (const replica of replicas) {
          if ((await inspect(replica, { key, digest: one.digest }, one.digest)).state !== 'sound') continue;
          await new Spool(this.#store.replicas).use(async (path) => {
            const stream = await replica.read(key);
            if (stream === null) return;
            const { digest, size } = await writeHashed(stream, path);
            if (digest === one.digest) await createInMajority(this.#store.replicas, current, { digest, size, from: path });
          });
          return false;
        }
      return false;
    }
    return true;
  }

  #isAbandoned({ by, at }: Mark): boolean {
    return (
      isDead(by?.owner) || (by !== null && isThisProcess(by.owner) && !running.has(by.token)) || this.#now() - at > abandonedMilliseconds
    );
  }

  #count(there: Survey, isLive: (one: Surveyed) => boolean, plan: Plan): void {
    const report = this.#report;
    for (const one of there.found.values()) {
      add(report.scanned, one);
      if (isLive(one)) add(report.reachable, one);
    }
    for (const one of plan.marked) add(report.marked, one);
    for (const one of plan.waiting) add(report.waiting, one);
    for (const one of plan.revived) add(report.revived, one);
    for (const one of plan.deleting) add(report.deleted, one);
    if (!report.dryRun) return;
    for (const { digest, size } of plan.marked) report.would.push({ digest, bytes: size, act: 'mark' });
    for (const { digest, size } of plan.deleting) report.would.push({ digest, bytes: size, act: 'delete' });
  }
}

/** What a damaged record leads to cannot be known. */
function nothingDeleted(error: unknown): never {
  if (!(error instanceof AssayError) || error.type !== 'ObjectCorrupt') throw error;
  const message = `gc deletes nothing, since what a damaged record leads to cannot be known: ${error.message}`;
  throw new AssayError('ObjectCorrupt', message, { cause: error });
}

interface Plan {
  marked: Surveyed[];
  waiting: Surveyed[];
  revived: Surveyed[];
  deleting: Surveyed[];
}

const newPlan = (): Plan => ({ marked: [], waiting: [], revived: [], deleting: [] });

function add(tally: Tally, { size }: Surveyed): void {
  tally.objects++;
  tally.bytes += size;
}

const isDead = (owner: Owner | undefined): boolean => owner !== undefined && stateOf(owner) === 'dead';
