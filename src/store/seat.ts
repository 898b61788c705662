import { randomBytes } from 'node:crypto';
import { AssayError } from '../contract';
import { type Acceptor, type Ballot, formatAcceptor, type Held, isAbove, lowest, parseAcceptor } from './acceptor';
import type { Backend } from './backend';

/** One replica's part in a register. Calls wait for each other, so that a slow promise is not overtaken by its own accept. */
export class Seat {
  readonly url: string;
  readonly #backend: Backend;
  readonly #key: string;
  #tag: string | null = null;
  #before: Promise<unknown> = Promise.resolve();
  /** As last seen; null before that and where it is away or damaged. */
  state: Acceptor | null = null;
  damaged = false;

  constructor(backend: Backend, key: string) {
    this.#backend = backend;
    this.#key = key;
    this.url = backend.url;
  }

  async look(): Promise<Acceptor> {
    return await this.#after(() => this.#read());
  }

  /** What was accepted so far; null where a higher round was promised already. */
  async promise(ballot: Ballot): Promise<Acceptor | null> {
    return await this.#after(() =>
      this.#swapWhile(
        (state) => isAbove(ballot, state.promised),
        (state) => ({ ...state, promised: ballot }),
      ),
    );
  }

  async accept(ballot: Ballot, held: Held): Promise<boolean> {
    const accepted = await this.#after(() =>
      this.#swapWhile(
        (state) => !isAbove(state.promised, ballot),
        () => ({ promised: ballot, accepted: ballot, held }),
      ),
    );
    return accepted !== null;
  }

  async restore(state: Acceptor): Promise<void> {
    await this.#after(async () => {
      if (this.damaged) await this.#backend.swap(this.#key, formatAcceptor(state, op()), this.#tag);
    });
  }

  async #swapWhile(mayBe: (state: Acceptor) => boolean, next: (state: Acceptor) => Acceptor): Promise<Acceptor | null> {
    for (let state = this.state ?? (await this.#read()); mayBe(state); state = await this.#read()) {
      const written = next(state);
      const tag = await this.#backend.swap(this.#key, formatAcceptor(written, op()), this.#tag);
      if (tag === null) continue;
      this.#tag = tag;
      this.state = written;
      return written;
    }
    return null;
  }

  async #read(): Promise<Acceptor> {
    this.state = null;
    const found = await this.#backend.load(this.#key);
    this.#tag = found?.tag ?? null;
    const state = found === null ? { promised: lowest, accepted: null, held: null } : parseAcceptor(found.bytes);
    this.damaged = state === null;
    if (state === null) throw new AssayError('ObjectCorrupt', `${this.url}/${this.#key} is damaged`);
    this.state = state;
    return state;
  }

  async #after<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#before.then(work);
    this.#before = mine.catch(() => undefined);
    return await mine;
  }
}

/** Makes the bytes of each write unique. */
const op = (): string => randomBytes(6).toString('base64url');
