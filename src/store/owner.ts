import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that cannot be taken for another one: a number is reused, a number with its start time is not. */
export interface Owner {
  host: string;
  boot: string;
  pid: number;
  /** Clock ticks after boot; null where the system does not tell. */
  start: number | null;
}

let own: Owner | undefined;

export function thisProcess(): Owner {
  own ??= { host: hostname(), boot: bootId(), pid: process.pid, start: startTime(process.pid) ?? null };
  return own;
}

export function isThisProcess(owner: Owner): boolean {
  const self = thisProcess();
  return owner.host === self.host && owner.boot === self.boot && owner.pid === self.pid && owner.start === self.start;
}

/** `unknown` for a process of another host. */
export function stateOf(owner: Owner): 'alive' | 'dead' | 'unknown' {
  if (owner.host !== hostname()) return 'unknown';
  if (owner.boot !== bootId()) return 'dead';
  if (owner.start !== null) return startTime(owner.pid) === owner.start ? 'alive' : 'dead';
  try {
    process.kill(owner.pid, 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'dead' : 'alive';
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

/** Undefined for a process that is gone or a zombie. */
function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
