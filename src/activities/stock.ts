import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunKey } from '../contract';
import { type Executor, listContainers, reapContainers } from '../executor';
import { runDir, runsDir } from './host';
import { homeInstance } from './hostFiles';
import { type LeaseBook, holderOf } from './leases';

export interface Stock {
  /** Workflows whose trainers live here and will be adopted. */
  kept: string[];
  /** Workflows that have ended, whose trainers and containers were stopped and removed. */
  reaped: string[];
  /** What could not be asked, a sentence each; its leases are kept. */
  problems: string[];
}

/**
 * What a worker finds when it starts: trainers of open runs are left to be adopted, with their leases; trainers of runs that ended
 * meanwhile are stopped and removed, and so are their containers, running or not.
 */
export async function takeStock({
  executors,
  home,
  isOpen,
  book,
}: {
  executors: readonly Executor[];
  home: string;
  isOpen: (workflowId: string) => Promise<boolean>;
  book: LeaseBook;
}): Promise<Stock> {
  const kept: { leaseId: string | null; holder: string; key: Parameters<typeof holderOf>[0] }[] = [];
  const reaped = new Set<string>();
  const problems: string[] = [];
  for (const executor of executors) {
    try {
      for (const { key, leaseId } of await executor.list(runsDir(home))) {
        const holder = holderOf(key);
        if (await isOpen(holder)) {
          kept.push({ leaseId, holder, key });
          continue;
        }
        await executor.stopRun(runDir(home, key), { graceSeconds: 0 });
        await rm(runDir(home, key), { recursive: true, force: true });
        reaped.add(holder);
      }
      if (executor.kind === 'docker') for (const holder of await reapOrphans(home, isOpen)) reaped.add(holder);
    } catch (error) {
      problems.push(`${executor.kind} executor: ${(error as Error).message}`);
    }
  }
  // An engine that is away may have living containers: its leases are not given up on its silence.
  if (problems.length === 0) book.adopt(kept, await openLeases(book, isOpen));
  return { kept: [...new Set(kept.map(({ holder }) => holder))], reaped: [...reaped], problems };
}

/** Their work may be prepared just now, or its results collected, without a living trainer. */
async function openLeases(book: LeaseBook, isOpen: (workflowId: string) => Promise<boolean>): Promise<Set<string>> {
  const open = new Set<string>();
  for (const { lease } of book.held()) if (await isOpen(lease.holder)) open.add(lease.leaseId);
  return open;
}

/**
 * Stops and removes what is left here of workflows that have ended without this host: terminated ones, and runs that went on elsewhere while
 * it was cut off. Nobody else would, and the host would renew their leases for ever. Returns whose it was.
 */
export async function reapEnded({ executors, home, isOpen, book }: Parameters<typeof takeStock>[0]): Promise<string[]> {
  const reaped = new Set<string>();
  for (const key of runsOnDisk(runsDir(home))) {
    if (await isOpen(holderOf(key))) continue;
    for (const executor of executors) await executor.stopRun(runDir(home, key), { graceSeconds: 0 });
    await rm(runDir(home, key), { recursive: true, force: true });
    reaped.add(holderOf(key));
  }
  for (const { lease } of book.held()) if (!(await isOpen(lease.holder))) book.end(lease.leaseId);
  if (executors.some(({ kind }) => kind === 'docker')) for (const holder of await reapOrphans(home, isOpen)) reaped.add(holder);
  return [...reaped];
}

/** Runs with a folder below `<runsDir>/<experiment>/<variant>/seed-<n>`. */
function runsOnDisk(dir: string): RunKey[] {
  const names = (path: string): string[] => readdirSync(path, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));
  if (!existsSync(dir)) return [];
  return names(dir).flatMap((experimentId) =>
    names(join(dir, experimentId)).flatMap((variant) =>
      names(join(dir, experimentId, variant)).flatMap((name) => {
        const seed = /^seed-(\d+)$/.exec(name)?.[1];
        return seed === undefined ? [] : [{ experimentId, variant, seed: Number(seed) }];
      }),
    ),
  );
}

/** Containers of runs that are over: also those that have ended, which `list` does not show. */
async function reapOrphans(home: string, isOpen: (workflowId: string) => Promise<boolean>): Promise<string[]> {
  const orphans: { id: string; holder: string }[] = [];
  for (const { id, key } of await listContainers({ home: homeInstance(home) })) {
    const holder = holderOf(key);
    if (!(await isOpen(holder))) orphans.push({ id, holder });
  }
  await reapContainers(orphans.map(({ id }) => id));
  return orphans.map(({ holder }) => holder);
}
