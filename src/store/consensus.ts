import { randomBytes } from 'node:crypto';
import { AssayError } from '../contract';
import { type Acceptor, type Ballot, type Held, isAbove, pastTags, wrapperBytes } from './acceptor';
import type { Backend } from './backend';
import { Crowd } from './crowd';
import { inTurn } from './parallel';
import { Seat } from './seat';
import type { Registers } from './store';

/** After so long a proposer says that there are too many others. */
const longestMilliseconds = 120_000;
/** How long the slower replicas are waited for when a majority has answered but the rest could tell more. */
const stragglerMilliseconds = 300;

export interface ConsensusRegisters extends Registers {
  readonly url: string;
  /** Brings every replica that answers to the present value; the URLs of those that were behind or damaged. */
  repair(key: string): Promise<{ repaired: string[]; away: string[] }>;
}

/** The registers of a store: one backend's own, or those that its replicas agree on. */
export function registersOf(replicas: readonly Backend[]): Registers & { url: string } {
  const [only] = replicas;
  return replicas.length === 1 && only !== undefined ? only : consensus(replicas);
}

/**
 * Linearizable compare-and-swap over 2f + 1 backends of which f may be away, by CASPaxos (Rystsov 2018): each backend's key holds what
 * that replica promised and accepted, changed by its own compare-and-swap.
 *
 * A record that a store of one replica left counts as accepted in the lowest round. A store grows by one replica at a time with a
 * scrub in between: then each majority of the new ones meets each majority of the old ones.
 */
export function consensus(replicas: readonly Backend[]): ConsensusRegisters {
  return new Consensus(replicas);
}

class Consensus implements ConsensusRegisters {
  readonly url: string;
  readonly #replicas: readonly Backend[];
  readonly #majority: number;

  constructor(replicas: readonly Backend[]) {
    this.#replicas = replicas;
    this.#majority = Math.floor(replicas.length / 2) + 1;
    this.url = replicas.map(({ url }) => url).join(',');
  }

  async load(key: string): Promise<{ bytes: Buffer; tag: string } | null> {
    const seen = await this.#look(key, this.#seats(key));
    // Nothing can have been agreed on of which a majority knows nothing.
    if (seen.every(({ held }) => held === null)) return null;
    const held = this.#settled(seen)?.held ?? (await this.#inTurn(key, () => this.#decide(key, (now) => now)));
    return held === null || held.bytes === null ? null : { bytes: held.bytes, tag: held.tag };
  }

  async swap(key: string, bytes: Buffer, expected: string | null): Promise<string | null> {
    const tag = randomBytes(9).toString('base64url');
    return await this.#inTurn(key, () => this.#change(key, bytes, tag, (found) => found === expected));
  }

  async remove(key: string): Promise<void> {
    await this.#inTurn(key, () => this.#change(key, null, randomBytes(9).toString('base64url'), (found) => found !== null));
  }

  /** What any majority has: every key that was ever agreed on is in it. Sizes are lower bounds of the values'. */
  async *list(prefix: string): AsyncIterable<{ key: string; size: number }> {
    const answers = await this.#ask(
      prefix,
      this.#replicas.map((replica) => listed(replica, prefix)),
      () => false,
    );
    const smallest = new Map<string, number>();
    for (const list of answers)
      for (const { key, size } of list) smallest.set(key, Math.min(smallest.get(key) ?? Number.POSITIVE_INFINITY, size));
    for (const key of [...smallest.keys()].sort()) yield { key, size: Math.max(0, (smallest.get(key) ?? 0) - wrapperBytes) };
  }

  async repair(key: string): Promise<{ repaired: string[]; away: string[] }> {
    return await this.#inTurn(key, async () => {
      const seats = this.#seats(key);
      await Promise.allSettled(seats.map((seat) => seat.look()));
      const away = seats.filter((seat) => seat.state === null && !seat.damaged).map(({ url }) => url);
      const asked = seats
        .filter(({ url }) => !away.includes(url))
        .map((seat) => ({ url: seat.url, tag: seat.damaged ? 'damaged' : seat.state?.held?.tag }));
      const same = asked.every(({ tag }) => tag !== 'damaged' && tag === asked[0]?.tag);
      if (same && asked.length >= this.#majority) return { repaired: [], away };
      const held = await this.#decide(key, (now) => now, { seats, everywhere: true });
      return { repaired: asked.filter(({ tag }) => tag !== held?.tag).map(({ url }) => url), away };
    });
  }

  async #look(key: string, seats: Seat[]): Promise<Acceptor[]> {
    return await this.#ask(
      key,
      seats.map((seat) => seat.look()),
      (states) => this.#settled(states) !== null,
    );
  }

  /** What a majority accepted in the same round: nothing later can have been agreed on before they were asked. That there is nothing is never settled. */
  #settled(states: Acceptor[]): { accepted: Ballot; held: Held } | null {
    for (const { accepted, held } of states)
      if (
        accepted !== null &&
        held !== null &&
        states.filter((other) => version(other) === version({ accepted, held })).length >= this.#majority
      )
        return { accepted, held };
    return null;
  }

  /** Replaces the value if `fits` says so of its tag; the new tag, or null. */
  async #change(key: string, bytes: Buffer | null, tag: string, fits: (found: string | null) => boolean): Promise<string | null> {
    let won = false;
    let base: string | undefined;
    await this.#decide(key, (now, sent) => {
      won = now?.tag === tag || now?.past.includes(tag) === true;
      if (won) return now;
      if (fits(tagOf(now))) {
        won = true;
        base = now?.tag;
        return { tag, bytes, past: now === null ? [] : [now.tag, ...now.past].slice(0, pastTags) };
      }
      // A proposal that reached a minority may have been agreed on and replaced since; then its tag is among the former ones, if they reach back so far.
      if (sent && now !== null && now.past.length >= pastTags && !(base !== undefined && now.past.includes(base)))
        throw new AssayError(
          'StoreUnavailable',
          `Whether "${key}" was changed cannot be told: more than ${pastTags} writers came between. Read it again and decide anew.`,
        );
      return now;
    });
    return won ? tag : null;
  }

  /**
   * One agreed step: the value of the highest accepted round goes through `change`, and a majority accepts what comes out. `sent` tells
   * `change` that an earlier outcome of it may be in some replica.
   */
  async #decide(
    key: string,
    change: (now: Held | null, sent: boolean) => Held | null,
    { seats = this.#seats(key), everywhere = false } = {},
  ): Promise<Held | null> {
    const proposer = randomBytes(6).toString('base64url');
    const began = performance.now();
    const crowd = new Crowd(proposer);
    let counter = 0;
    let sent: Ballot | null = null;
    while (performance.now() - began < longestMilliseconds) {
      const seen = await this.#look(key, seats);
      const settled = this.#settled(seen);
      // A proposal that is out can still be agreed on until a higher round was.
      const isKnown = settled !== null && !everywhere && (sent === null || isAbove(settled.accepted, sent));
      if (isKnown && change(settled.held, sent !== null) === settled.held) return settled.held;
      if (await crowd.isAhead(seen)) continue;
      counter = Math.max(counter, ...seen.map(({ promised }) => promised[0])) + 1;
      const ballot: Ballot = [counter, proposer];
      const promises = await this.#ask(
        key,
        seats.map((seat) => seat.promise(ballot)),
        (answers) => {
          const granted = answers.filter((answer) => answer !== null);
          const refused = answers.length - granted.length;
          return !everywhere && (granted.length >= this.#majority ? newest(granted) !== null : refused > seats.length - this.#majority);
        },
        everywhere,
      );
      const granted = promises.filter((answer) => answer !== null);
      if (granted.length < this.#majority) {
        await crowd.giveWay();
        continue;
      }
      const now = newest(granted);
      const next = change(now, sent !== null);
      if (next === null) return null;
      if (next !== now) sent = ballot;
      const accepts = await this.#ask(
        key,
        seats.map((seat) => seat.accept(ballot, next)),
        (answers) => {
          const yes = answers.filter(Boolean).length;
          return !everywhere && (yes >= this.#majority || answers.length - yes > seats.length - this.#majority);
        },
        everywhere,
      );
      if (accepts.filter(Boolean).length < this.#majority) {
        await crowd.giveWay();
        continue;
      }
      // A damaged record may be written over once a majority of the others accepted: what it had promised can no longer be agreed on.
      if (everywhere) await Promise.allSettled(seats.map((seat) => seat.restore({ promised: ballot, accepted: ballot, held: next })));
      return next;
    }
    throw new AssayError(
      'StoreUnavailable',
      `"${key}" could not be changed in ${longestMilliseconds / 1000} s: too many others write it at the same time. The run goes on and tries again.`,
    );
  }

  /** The proposals of this process wait for each other instead of outbidding each other. */
  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    return await inTurn(`${this.url} ${key}`, work);
  }

  #seats(key: string): Seat[] {
    return this.#replicas.map((replica) => new Seat(replica, key));
  }

  /** The answers so far as soon as they are `enough`, or when all have come; StoreUnavailable where fewer than a majority can answer. */
  async #ask<T>(what: string, asked: Promise<T>[], enough: (answers: T[]) => boolean, waitForAll = false): Promise<T[]> {
    return await new Promise((resolve, reject) => {
      const answers = new Map<number, T>();
      const reasons = new Map<number, AssayError>();
      let straggling: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(straggling);
        resolve([...answers.keys()].sort((a, b) => a - b).map((i) => answers.get(i) as T));
      };
      const look = (): void => {
        if (reasons.size > asked.length - this.#majority) {
          clearTimeout(straggling);
          reject(this.#tooFew(what, reasons));
        } else if (answers.size + reasons.size === asked.length) end();
        else if (answers.size < this.#majority) return;
        else if (enough([...answers.values()])) end();
        else if (!waitForAll) straggling ??= setTimeout(end, stragglerMilliseconds);
      };
      asked.forEach((one, i) => {
        one.then(
          (answer) => {
            answers.set(i, answer);
            look();
          },
          (error: unknown) => {
            if (!(error instanceof AssayError)) return reject(error);
            reasons.set(i, error);
            look();
          },
        );
      });
    });
  }

  #tooFew(what: string, reasons: Map<number, AssayError>): AssayError {
    const each = this.#replicas.map(({ url }, i) => `${url}: ${reasons.get(i)?.message ?? 'answers'}`).join('; ');
    const { length } = this.#replicas;
    // Waiting helps where replicas are away, not where their records are damaged.
    if ([...reasons.values()].filter(({ type }) => type === 'ObjectCorrupt').length > length - this.#majority)
      return new AssayError(
        'ObjectCorrupt',
        `"${what}" is damaged in too many replicas: ${each}. Restore the file of one of them from a backup.`,
      );
    return new AssayError(
      'StoreUnavailable',
      `The replicas cannot agree on "${what}": ${this.#majority} of ${length} must answer. ${each}. Mend one of them, and the run goes on.`,
    );
  }
}

async function listed(replica: Backend, prefix: string): Promise<{ key: string; size: number }[]> {
  const found: { key: string; size: number }[] = [];
  for await (const entry of replica.list(prefix)) found.push(entry);
  return found;
}

function newest(states: Acceptor[]): Held | null {
  let best: Acceptor | null = null;
  for (const state of states)
    if (state.accepted !== null && (best?.accepted == null || isAbove(state.accepted, best.accepted))) best = state;
  return best?.held ?? null;
}

/** Round and value: records of former stores of one replica share a round and may differ. */
const version = ({ accepted, held }: Omit<Acceptor, 'promised'>): string => (accepted === null ? '' : `${accepted.join()} ${held?.tag}`);
const tagOf = (held: Held | null): string | null => (held === null || held.bytes === null ? null : held.tag);
