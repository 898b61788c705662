import { renameSync } from 'node:fs';
import { AssayError, ids, type Lease, type LeaseRequest, type RunKey, leaseTerms } from '../contract';
import { bootTime } from './guardFile';
import { hostFiles, overwrite, readText, writeWhole } from './hostFiles';

export interface HeldLease {
  lease: Lease;
  request: LeaseRequest;
}

/**
 * The leases whose work has begun on this host and has not ended, on disk before the work starts: a worker that starts again reports
 * them while their trainers live. A lease that was granted but not begun is in no book; the pool's own terms cover it.
 * One that no attempt attends to for as long as the workflow waits for the next attempt is over: the workflow has gone on without it.
 */
export class LeaseBook {
  private readonly file: string;
  private entries: ReadonlyMap<string, HeldLease>;
  /** Attempts under each lease; without one, since when there is none, seconds. A late attempt may run beside its successor. */
  private readonly attended = new Map<string, { attempts: number; since: number }>();
  private readonly now: () => number;
  private readonly began: number;

  constructor(home: string, now: () => number = () => bootTime().seconds) {
    this.file = hostFiles(home).book;
    this.entries = new Map(read(this.file).map((held) => [held.lease.leaseId, held]));
    this.now = now;
    this.began = now();
  }

  /** For each attempt. A lease that is there already is not written again; an earlier lease of the same holder is over. */
  begin(lease: Lease, request: LeaseRequest): void {
    if (!this.entries.has(lease.leaseId)) {
      const others = [...this.entries].filter(([, held]) => held.lease.holder !== lease.holder);
      this.save(new Map([...others, [lease.leaseId, { lease, request }]]));
    }
    this.attended.set(lease.leaseId, { attempts: this.attempts(lease.leaseId) + 1, since: this.now() });
  }

  /** An attempt is over and so is the work, unless another attempt is at it. */
  end(leaseId: string): void {
    if (this.attempts(leaseId) > 1) this.leave(leaseId);
    else this.remove([leaseId]);
  }

  /** An attempt is over, and the work is left to the next. */
  leave(leaseId: string): void {
    this.attended.set(leaseId, { attempts: Math.max(0, this.attempts(leaseId) - 1), since: this.now() });
  }

  /** Of a holder of which nothing is left here. */
  endHolder(holder: string): void {
    this.remove([...this.entries].filter(([, { lease }]) => lease.holder === holder).map(([leaseId]) => leaseId));
  }

  /** In the order of their beginning. */
  held(): HeldLease[] {
    const now = this.now();
    const unattended = (leaseId: string): boolean =>
      this.attempts(leaseId) === 0 && now - (this.attended.get(leaseId)?.since ?? this.began) > unattendedSeconds;
    this.remove([...this.entries.keys()].filter(unattended));
    return [...this.entries.values()];
  }

  /**
   * At the start of a worker: leases with a living trainer stay, and those of `open`, whose work may be between two trainers; the others
   * go. A process does not know its lease, but its run does.
   */
  adopt(
    found: readonly { leaseId: string | null; key: RunKey }[],
    open: ReadonlySet<string> = new Set(),
  ): { kept: string[]; dropped: string[] } {
    const lives = ({ lease }: HeldLease): boolean =>
      open.has(lease.leaseId) ||
      found.some(({ leaseId, key }) => (leaseId === null ? holderOf(key) === lease.holder : leaseId === lease.leaseId));
    const kept = [...this.entries].filter(([, held]) => lives(held));
    const dropped = [...this.entries.keys()].filter((leaseId) => !kept.some(([id]) => id === leaseId));
    this.remove(dropped);
    return { kept: kept.map(([leaseId]) => leaseId), dropped };
  }

  private attempts(leaseId: string): number {
    return this.attended.get(leaseId)?.attempts ?? 0;
  }

  /** What is over is over, also where a full disk keeps that from being written: the next worker finds nothing alive of it. */
  private remove(leaseIds: readonly string[]): void {
    for (const leaseId of leaseIds) this.attended.delete(leaseId);
    if (!leaseIds.some((leaseId) => this.entries.has(leaseId))) return;
    this.entries = new Map([...this.entries].filter(([leaseId]) => !leaseIds.includes(leaseId)));
    try {
      writeWhole(this.file, this.content(this.entries));
    } catch {
      try {
        overwrite(this.file, this.content(this.entries));
      } catch {
        // Nor in place: a read-only disk.
      }
    }
  }

  private content(entries: ReadonlyMap<string, HeldLease>): string {
    return JSON.stringify({ schema: 'assay.leases/1', leases: [...entries.values()] });
  }

  private save(entries: ReadonlyMap<string, HeldLease>): void {
    try {
      writeWhole(this.file, this.content(entries));
    } catch (cause) {
      throw new AssayError(
        'ExecutorUnavailable',
        `${this.file} cannot be written (${(cause as Error).message}), so no lease can begin here; free space on that disk`,
        { cause },
      );
    }
    this.entries = entries;
  }
}

export const holderOf = ({ experimentId, variant, seed }: RunKey): string => ids.variantRunWorkflow(experimentId, variant, seed);

/** As long as the workflow waits for the next attempt, and as the pool for a silent host. */
const unattendedSeconds = leaseTerms.term + leaseTerms.grace + leaseTerms.margin;

/** A book that cannot be read is set aside: its trainers are then found without a lease, and the guard stops them after a term. */
function read(file: string): HeldLease[] {
  const text = readText(file);
  if (text === null) return [];
  try {
    return (JSON.parse(text) as { leases: HeldLease[] }).leases;
  } catch {
    renameSync(file, `${file}.unreadable`);
    return [];
  }
}
