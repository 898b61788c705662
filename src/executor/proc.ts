import { readFileSync, readdirSync } from 'node:fs';
import type { ProcessIdentity } from './types';

export interface Stat {
  pid: number;
  state: string;
  parent: number;
  group: number;
  session: number;
  /** User and system time, clock ticks. */
  ticks: number;
  startTime: string;
}

/** Null where there is no such process. */
export function statOf(pid: number): Stat | null {
  const text = read(`/proc/${pid}/stat`);
  if (!text) return null;
  // The name before the last ")" may hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (n: number): string => fields[n - 3] ?? '';
  return {
    pid,
    state: at(3),
    parent: Number(at(4)),
    group: Number(at(5)),
    session: Number(at(6)),
    ticks: Number(at(14)) + Number(at(15)),
    startTime: at(22),
  };
}

export function identityOf(pid: number): ProcessIdentity | null {
  const stat = statOf(pid);
  return stat && { bootId: bootId(), pid, startTime: stat.startTime };
}

/** A zombie is dead: nobody may be left to wait for an orphan. */
export function isAlive({ bootId: boot, pid, startTime }: ProcessIdentity): boolean {
  const stat = boot === bootId() ? statOf(pid) : null;
  return stat !== null && stat.startTime === startTime && isLiving(stat);
}

export const isLiving = ({ state }: Stat): boolean => state !== 'Z' && state !== 'X';

export const livingProcesses = (): Stat[] =>
  readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .map(statOf)
    .filter((stat): stat is Stat => stat !== null && isLiving(stat));

/** False where it is gone already. */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export const bootId = (): string => read('/proc/sys/kernel/random/boot_id').trim();

/** Empty where the process is gone or another user's. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
