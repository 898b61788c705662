import { readFileSync } from 'node:fs';
import { AssayError, leaseTerms } from '../contract';
import { hostFiles, overwrite, readText, writeWhole } from './hostFiles';

/** What the guard goes by: written after each report that the server took. */
export interface GuardFile {
  schema: 'assay.guard/1';
  /** Of the worker that reported. */
  session: string;
  bootId: string;
  /** Seconds since boot, taken before the report was sent. */
  renewedAt: number;
  leases: { leaseId: string; holder: string }[];
}

export interface BootTime {
  bootId: string;
  /** Seconds since boot, suspended time included. */
  seconds: number;
}

/** A clock that nobody sets: the calendar may jump, terms do not. Without /proc, the monotonic clock of this boot. */
export function bootTime(): BootTime {
  try {
    return {
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      seconds: Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0]),
    };
  } catch {
    return { bootId: 'unknown', seconds: Number(process.hrtime.bigint()) / 1e9 };
  }
}

export function writeGuardFile(path: string, content: Omit<GuardFile, 'schema'>): void {
  const text = JSON.stringify({ schema: 'assay.guard/1', ...content } satisfies GuardFile);
  try {
    writeWhole(path, text);
  } catch {
    // A full disk must not end trainers whose leases the server did renew.
    overwrite(path, text);
  }
}

/** Refuses to start what the guard would stop at once, and what may run elsewhere already; for the moment before a trainer starts. */
export function requireTerm(home: string): void {
  const file = readGuardFile(hostFiles(home).guard);
  const now = bootTime();
  if (file === null || file.bootId !== now.bootId || now.seconds - file.renewedAt <= leaseTerms.term) return;
  throw new AssayError(
    'HostLost',
    `no report of this host reached the pool for ${Math.round(now.seconds - file.renewedAt)} s, so its leases are over after ` +
      `${leaseTerms.term} s: nothing is started; see that the host reaches the Temporal server`,
  );
}

/** Null where there is none, or half of one. */
export function readGuardFile(path: string): GuardFile | null {
  try {
    const text = readText(path);
    return text === null ? null : (JSON.parse(text) as GuardFile);
  } catch {
    return null;
  }
}
