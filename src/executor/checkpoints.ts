import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '../contract';
import { entries, exists } from './layout';

/** Hands out whole checkpoints, each once, ascending and one at a time; while the store is away only the newest is kept for later. */
export class CheckpointQueue {
  /** Newest step that was handled. */
  handled: number | null = null;
  error: unknown = null;
  /** What it waits for, else empty. */
  message = '';
  private changed = -1;
  private changeSeen = 0;
  private readonly seen = new Set<number>();
  private readonly waiting: number[] = [];
  private working: Promise<void> | null = null;
  private deadline = Number.POSITIVE_INFINITY;
  private readonly closing = new AbortController();
  private readonly dir: string;
  private readonly handle: (step: number, dir: string) => Promise<void>;

  constructor(dir: string, handle: (step: number, dir: string) => Promise<void>) {
    this.dir = dir;
    this.handle = handle;
  }

  look(): void {
    // A folder whose time stands still has no new names; times are coarse, so it is looked at a while longer. The calendar may jump.
    const changed = statSync(this.dir, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changed !== this.changed) {
      this.changed = changed;
      this.changeSeen = performance.now();
    } else if (performance.now() - this.changeSeen > coarseMs) return;
    const fresh = entries(this.dir)
      .map((name) => /^step-(\d+)$/.exec(name)?.[1])
      .filter((n) => n !== undefined)
      .map(Number)
      .filter((step) => !this.seen.has(step))
      .sort((a, b) => a - b);
    for (const step of fresh) {
      this.seen.add(step);
      this.waiting.push(step);
    }
    if (this.waiting.length > 0 && this.error === null) this.working ??= this.work();
  }

  get idle(): boolean {
    return this.working === null || this.error !== null;
  }

  /** The trainer has ended: from now on the store has this long to come back. */
  finish(patienceMs: number): void {
    this.deadline = Math.min(this.deadline, performance.now() + patienceMs);
  }

  /** Nothing more is tried; what is under way ends by itself. */
  close(): void {
    this.closing.abort();
  }

  private async work(): Promise<void> {
    for (let step = this.waiting.shift(); step !== undefined && !this.closing.signal.aborted; step = this.waiting.shift()) {
      const dir = join(this.dir, `step-${step}`);
      try {
        await this.handle(step, dir);
        this.handled = step;
        this.waited = firstWaitMs;
        this.message = '';
      } catch (error) {
        // A trainer may drop old checkpoints of its own accord, also while they are being read.
        if (!exists(dir)) continue;
        if (!isAway(error) || performance.now() > this.deadline) {
          this.error = error ?? new Error('onCheckpoint failed');
          return;
        }
        this.waiting.push(step);
        await this.back(error);
      }
    }
    this.working = null;
  }

  /** Waits before the next try; of all that is waiting then, the newest is worth it. */
  private async back(error: AssayError): Promise<void> {
    this.message = `checkpoints wait for the store (${error.message})`;
    await sleep(this.waited, undefined, { signal: this.closing.signal }).catch(() => {});
    this.waited = Math.min(this.waited * 2, longestWaitMs);
    this.waiting.splice(0, this.waiting.length, Math.max(...this.waiting));
  }

  private waited = firstWaitMs;
}

const isAway = (error: unknown): error is AssayError => error instanceof AssayError && error.type === 'StoreUnavailable';

/** Coarsest time stamps of file systems in use. */
const coarseMs = 2000;
const firstWaitMs = 500;
const longestWaitMs = 10_000;
