import { statSync } from 'node:fs';
import { join } from 'node:path';
import { entries, exists } from './layout';

/** Hands out whole checkpoints, each once, ascending and one at a time. */
export class CheckpointQueue {
  /** Newest step that was handled. */
  handled: number | null = null;
  error: unknown = null;
  private looked = 0;
  private readonly seen = new Set<number>();
  private readonly waiting: number[] = [];
  private working: Promise<void> | null = null;
  private readonly dir: string;
  private readonly handle: (step: number, dir: string) => Promise<void>;

  constructor(dir: string, handle: (step: number, dir: string) => Promise<void>) {
    this.dir = dir;
    this.handle = handle;
  }

  look(): void {
    // A folder whose time stands still has no new names; times are coarse, so a fresh one is looked at again.
    const changed = statSync(this.dir, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changed < this.looked - 1000) return;
    this.looked = Date.now();
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

  async drained(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    for (let step = this.waiting.shift(); step !== undefined; step = this.waiting.shift()) {
      const dir = join(this.dir, `step-${step}`);
      try {
        await this.handle(step, dir);
        this.handled = step;
      } catch (error) {
        // A trainer may drop old checkpoints of its own accord, also while they are being read.
        if (exists(dir)) {
          this.error = error ?? new Error('onCheckpoint failed');
          return;
        }
      }
    }
    this.working = null;
  }
}
