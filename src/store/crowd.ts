import { setTimeout as pause } from 'node:timers/promises';
import { type Acceptor, type Ballot, isAbove, lowest } from './acceptor';

/** How long another's round may stand still before it is outbid, at first. */
const patienceMilliseconds = 300;

/** Lets others finish what they have begun, since two that outbid each other get nowhere; all is random, so that a crowd thins out. */
export class Crowd {
  readonly #proposer: string;
  #ahead = '';
  #since = 0;
  #patience = patienceMilliseconds * (1 + Math.random());
  #window = 30;
  #waited = false;

  constructor(proposer: string) {
    this.#proposer = proposer;
  }

  /** Whether it was waited for another's round, so that the replicas are to be looked at again. */
  async isAhead(seen: Acceptor[]): Promise<boolean> {
    const accepted = seen.reduce<Ballot>(
      (top, state) => (state.accepted !== null && isAbove(state.accepted, top) ? state.accepted : top),
      lowest,
    );
    const promised = seen.reduce<Ballot>((top, state) => (isAbove(state.promised, top) ? state.promised : top), accepted);
    if (promised !== accepted && promised[1] !== this.#proposer) {
      if (this.#ahead !== promised.join()) {
        this.#ahead = promised.join();
        this.#since = performance.now();
      }
      this.#waited = true;
      // What stands still was left by a process that died, or waits for a replica that is away.
      if (performance.now() - this.#since > this.#patience) return false;
      await pause(5 + Math.random() * 20);
      return true;
    }
    if (!this.#waited) return false;
    this.#waited = false;
    await pause(Math.random() * this.#window);
    return true;
  }

  async giveWay(): Promise<void> {
    this.#patience = Math.min(5_000, this.#patience * 1.5);
    this.#window = Math.min(300, this.#window * 1.5);
    await pause(Math.random() * this.#window);
  }
}
