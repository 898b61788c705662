import { AssayError } from '../contract';
import { type Backend, type Entry, isDamagedThere } from './backend';
import { isOfSource } from './files';

/** Milliseconds for which a replica that failed is asked last; twice as long with each further failure, up to the most. */
const suspectMilliseconds = { least: 5_000, most: 60_000 };
/** Writes and repairs that may go on after their caller was answered; further ones are waited for. */
const mostInBackground = 16;

interface Failure {
  backend: Backend;
  error: unknown;
}

/** The backends of a store as one: whom to ask first, what a majority says, and what goes on in the background. */
export class Replicas {
  readonly all: readonly Backend[];
  readonly quorum: number;
  readonly #suspects = new Map<Backend, { until: number; milliseconds: number }>();
  readonly #background = new Set<Promise<unknown>>();

  constructor(all: readonly Backend[]) {
    this.all = all;
    this.quorum = Math.floor(all.length / 2) + 1;
  }

  /** In the order of the store's URL; those that failed lately last. */
  order(): Backend[] {
    return [...this.all].sort((a, b) => Number(this.#isSuspect(a)) - Number(this.#isSuspect(b)));
  }

  blame(backend: Backend): void {
    if (this.#isSuspect(backend)) return;
    const { least, most } = suspectMilliseconds;
    const milliseconds = Math.min(most, 2 * (this.#suspects.get(backend)?.milliseconds ?? least / 2));
    this.#suspects.set(backend, { until: performance.now() + milliseconds, milliseconds });
  }

  trust(backend: Backend): void {
    this.#suspects.delete(backend);
  }

  /**
   * Resolves once a majority has written; `rest` ends when all that were begun have. A replica that failed lately is asked only where
   * the others make no majority: what it misses is repaired when it is read or scrubbed.
   */
  async write(what: string, act: (backend: Backend) => Promise<void>): Promise<{ rest: Promise<unknown> }> {
    const waiting = this.order();
    const running = new Map<Backend, Promise<{ backend: Backend; error?: unknown }>>();
    const begin = (backend: Backend): void => {
      const outcome = act(backend).then(
        () => {
          this.trust(backend);
          return { backend };
        },
        (error: unknown) => ({ backend, error }),
      );
      running.set(backend, outcome);
    };
    while (waiting[0] !== undefined && !this.#isSuspect(waiting[0])) begin(waiting.shift() as Backend);
    const failures: Failure[] = [];
    for (let written = 0; written < this.quorum; ) {
      while (running.size + written < this.quorum && waiting.length > 0) begin(waiting.shift() as Backend);
      if (running.size === 0) throw this.#noQuorum(`${what} could be written to`, written, failures);
      const outcome = await Promise.race(running.values());
      running.delete(outcome.backend);
      if (!('error' in outcome)) written++;
      else if (isOfTheSource(outcome.error)) {
        await Promise.all(running.values());
        throw outcome.error;
      } else {
        this.blame(outcome.backend);
        failures.push({ backend: outcome.backend, error: outcome.error });
      }
    }
    const rest = Promise.all(
      [...running.values()].map(async (outcome) => 'error' in (await outcome) && this.blame((await outcome).backend)),
    );
    return { rest };
  }

  /** Whether a majority says yes; StoreUnavailable where too many could not be asked to know. */
  async agree(what: string, question: (backend: Backend) => Promise<boolean>): Promise<boolean> {
    const waiting = this.order();
    const failures: Failure[] = [];
    const answers = { yes: 0, no: 0 };
    const isDecided = (): boolean => answers.yes >= this.quorum || answers.no > this.all.length - this.quorum;
    const asking = new Set<Promise<void>>();
    const ask = (backend: Backend): void => {
      const asked = question(backend)
        .then(
          (yes) => {
            this.trust(backend);
            answers[yes ? 'yes' : 'no']++;
          },
          (error: unknown) => {
            this.blame(backend);
            failures.push({ backend, error });
          },
        )
        .finally(() => asking.delete(asked));
      asking.add(asked);
    };
    while (waiting[0] !== undefined && !this.#isSuspect(waiting[0])) ask(waiting.shift() as Backend);
    while (!isDecided()) {
      if (asking.size > 0) await Promise.race(asking);
      else if (waiting[0] !== undefined) ask(waiting.shift() as Backend);
      else if (answers.yes + answers.no >= this.quorum) return false;
      else throw this.#noQuorum(`${what} could be asked of`, answers.yes + answers.no, failures);
    }
    return answers.yes >= this.quorum;
  }

  /** Keys of a majority of the replicas, which together have all that is durable; each once, in order. */
  async *list(prefix: string): AsyncGenerator<Entry> {
    const failures: Failure[] = [];
    const heads: { entry: Entry; rest: AsyncIterator<Entry> }[] = [];
    let alive = this.all.length;
    const advance = async (backend: Backend, rest: AsyncIterator<Entry>): Promise<{ entry: Entry; rest: AsyncIterator<Entry> } | null> => {
      try {
        const step = await rest.next();
        return step.done === true ? null : { entry: step.value, rest };
      } catch (error) {
        this.blame(backend);
        failures.push({ backend, error });
        if (--alive < this.quorum) throw this.#noQuorum(`"${prefix}" could be listed in`, alive, failures);
        return null;
      }
    };
    const backends = new Map<AsyncIterator<Entry>, Backend>();
    for (const backend of this.all) backends.set(backend.list(prefix)[Symbol.asyncIterator](), backend);
    try {
      for (const head of await Promise.all([...backends].map(([rest, backend]) => advance(backend, rest)))) if (head) heads.push(head);
      while (heads.length > 0) {
        let entry = (heads[0] as (typeof heads)[number]).entry;
        for (const head of heads) if (head.entry.key < entry.key) entry = head.entry;
        yield entry;
        for (const head of heads.filter((one) => one.entry.key === entry.key)) {
          const next = await advance(backends.get(head.rest) as Backend, head.rest);
          if (next === null) heads.splice(heads.indexOf(head), 1);
          else head.entry = next.entry;
        }
      }
    } finally {
      await Promise.allSettled([...backends.keys()].map(async (rest) => await rest.return?.()));
    }
  }

  /** In every replica; the first failure is thrown after all were tried. */
  async everywhere(act: (backend: Backend) => Promise<void>): Promise<void> {
    for (const outcome of await Promise.allSettled(this.all.map(act))) if (outcome.status === 'rejected') throw outcome.reason as Error;
  }

  /** Lets `work`, which never rejects, go on; waits only where too much goes on already. */
  async later(work: Promise<unknown>): Promise<void> {
    const tracked = work.finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
    while (this.#background.size > mostInBackground) await Promise.race(this.#background);
  }

  async settle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  #isSuspect(backend: Backend): boolean {
    return performance.now() < (this.#suspects.get(backend)?.until ?? 0);
  }

  #noQuorum(what: string, done: number, failures: readonly Failure[]): unknown {
    const [first] = failures;
    if (this.all.length === 1 && first !== undefined) return first.error;
    const reasons = failures.map(({ backend, error }) => `${backend.url}: ${(error as Error).message}`).join(' | ');
    return new AssayError(
      'StoreUnavailable',
      `${what} only ${done} of ${this.all.length} replicas, ${this.quorum} are needed. Mend what they say, and the run goes on: ${reasons}`,
      { cause: first?.error },
    );
  }
}

/** No replica's fault, so that no other replica helps. */
function isOfTheSource(error: unknown): boolean {
  if (isOfSource(error) || (error as Error).name === 'AbortError') return true;
  return error instanceof AssayError && error.type === 'ObjectCorrupt' && !isDamagedThere(error);
}
