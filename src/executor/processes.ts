import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '../contract';
import type { ProcessIdentity } from './types';

interface Stat {
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
  return stat !== null && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X';
}

export interface Member {
  pid: number;
  shim: boolean;
}

/**
 * Every living process of the runs whose run.json `matches`: those that carry it in their environment,
 * whatever they have become since, with their descendants and sessions.
 */
export function membersOf(matches: (runFile: string) => boolean): Member[] {
  const all = pids()
    .map(statOf)
    .filter((stat) => stat !== null && stat.state !== 'Z' && stat.state !== 'X') as Stat[];
  const found = new Map<number, Member>();
  for (const { pid } of all) {
    const environment = read(`/proc/${pid}/environ`).split('\0');
    const value = (name: string): string | undefined => environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
    const shimOf = value('ASSAY_SHIM');
    const runOf = shimOf ?? value('ASSAY_RUN');
    if (runOf !== undefined && matches(runOf)) found.set(pid, { pid, shim: shimOf !== undefined });
  }
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const stat of all) {
      if (found.has(stat.pid)) continue;
      const kin = [stat.parent, stat.group, stat.session].some((pid) => found.has(pid));
      if (kin) found.set(stat.pid, { pid: stat.pid, shim: false });
    }
  }
  found.delete(process.pid);
  return [...found.values()];
}

/**
 * Kills until two looks in a row find nothing. Shims go last, so that they can still write exit.json.
 * Returns whether there was anything.
 */
export async function killMembers(matches: (runFile: string) => boolean): Promise<boolean> {
  const begin = Date.now();
  let any = false;
  for (let quiet = 0; quiet < 2; ) {
    const members = membersOf(matches);
    quiet = members.length === 0 ? quiet + 1 : 0;
    any ||= members.length > 0;
    const patience = Date.now() - begin < shimPatienceMs;
    for (const { pid, shim } of members) if (!shim || !patience) signalTo(pid, 'SIGKILL');
    if (Date.now() - begin > killPatienceMs) {
      const left = members.map((m) => m.pid).join(', ');
      throw new AssayError(
        'ExecutorUnavailable',
        `processes ${left} of an older trainer do not die after SIGKILL for 15 s; restart the host`,
      );
    }
    if (quiet < 2) await sleep(members.length === 0 ? 2 : 20);
  }
  return any;
}

/** False where it is gone already. */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export function requireLinux(): void {
  if (statOf(process.pid)) return;
  throw new AssayError(
    'ExecutorUnavailable',
    `the process executor identifies trainers by /proc, which ${process.platform} does not have; use Linux`,
  );
}

export const bootId = (): string => read('/proc/sys/kernel/random/boot_id').trim();

const shimPatienceMs = 2000;
const killPatienceMs = 15_000;

const pids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** Empty where the process is gone or another user's. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
