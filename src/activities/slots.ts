import { randomUUID } from 'node:crypto';
import type { Claim } from '../contract';

/**
 * How many trainers this host runs at once. A claim keeps a place for its holder until the trainer starts;
 * an adopted trainer takes its place whether or not one is free, since it is running already.
 */
export class Slots {
  readonly total: number;
  readonly host: string;
  private readonly held = new Map<string, { holder: string; exclusive: boolean; expires: number; token?: symbol }>();
  private readonly waiters = new Set<() => void>();

  constructor(host: string, total: number) {
    this.host = host;
    this.total = total;
  }

  /**
   * Waits until a place is free (`exclusive`: until nothing else is held), then keeps it. Callers ask one at a time (the claims
   * queue has one slot a host), so that a waiting exclusive claim holds back those behind it.
   */
  async claim(holder: string, exclusive: boolean, signal: AbortSignal): Promise<Claim> {
    for (;;) {
      signal.throwIfAborted();
      this.expire();
      // A claimant that asks again, its answer having been lost, gets the place it has.
      for (const [claimId, place] of this.held) {
        if (place.holder === holder && place.expires !== Number.POSITIVE_INFINITY) return this.hold(claimId, holder, exclusive);
      }
      if (this.free(exclusive)) return this.hold(randomUUID(), holder, exclusive);
      await this.change(signal);
    }
  }

  /**
   * The claim's work has begun: it is held until `release`. With the token given back, a late attempt cannot free
   * the place that its successor has taken over.
   */
  occupy(claim: Claim, holder: string): symbol {
    for (const [claimId, place] of this.held) if (place.holder === holder && claimId !== claim.claimId) this.held.delete(claimId);
    const exclusive = this.held.get(claim.claimId)?.exclusive ?? false;
    const token = Symbol(holder);
    this.held.set(claim.claimId, { holder, exclusive, expires: Number.POSITIVE_INFINITY, token });
    return token;
  }

  /** A trainer that was found running when the worker started, and will be adopted soon. */
  expect(holder: string): void {
    this.held.set(`found ${holder}`, { holder, exclusive: false, expires: Date.now() + adoptionMs });
  }

  release(claimId: string, token?: symbol): void {
    if (token !== undefined && this.held.get(claimId)?.token !== token) return;
    this.held.delete(claimId);
    for (const wake of this.waiters) wake();
  }

  get used(): number {
    return this.held.size;
  }

  private free(exclusive: boolean): boolean {
    const others = [...this.held.values()];
    return exclusive ? others.length === 0 : others.length < this.total && !others.some((place) => place.exclusive);
  }

  private hold(claimId: string, holder: string, exclusive: boolean): Claim {
    this.held.set(claimId, { holder, exclusive, expires: Date.now() + claimMs });
    return { host: this.host, claimId };
  }

  /** A claim whose holder never came, its workflow having ended meanwhile. */
  private expire(): void {
    for (const [claimId, place] of this.held) if (place.expires < Date.now()) this.held.delete(claimId);
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, 2000);
      signal.addEventListener('abort', wake);
      this.waiters.add(wake);
    });
  }
}

const claimMs = 90_000;
const adoptionMs = 120_000;
