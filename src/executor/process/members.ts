import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '../../contract';
import { livingProcesses, read, signalTo, statOf } from '../proc';

export interface Member {
  pid: number;
  shim: boolean;
}

/**
 * Every living process of the runs whose run.json `matches`: those that carry it in their environment,
 * whatever they have become since, with their descendants and sessions.
 */
export function membersOf(matches: (runFile: string) => boolean): Member[] {
  const all = livingProcesses();
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
  const begin = performance.now();
  let any = false;
  for (let quiet = 0; quiet < 2; ) {
    const members = membersOf(matches);
    quiet = members.length === 0 ? quiet + 1 : 0;
    any ||= members.length > 0;
    const patience = performance.now() - begin < shimPatienceMs;
    for (const { pid, shim } of members) if (!shim || !patience) signalTo(pid, 'SIGKILL');
    if (performance.now() - begin > killPatienceMs) {
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

export function requireLinux(): void {
  if (statOf(process.pid)) return;
  throw new AssayError(
    'ExecutorUnavailable',
    `the process executor identifies trainers by /proc, which ${process.platform} does not have; use Linux`,
  );
}

const shimPatienceMs = 2000;
const killPatienceMs = 15_000;
