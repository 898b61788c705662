import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { AssayError, type RunKey, leaseTerms } from '../contract';
import { type Executor, type FoundRun, listContainers, reapContainers } from '../executor';
import { type BootTime, type GuardFile, bootTime, readGuardFile } from './guardFile';
import { hostFiles, knownInstance, readText, writeWhole } from './hostFiles';
import { holderOf } from './leases';

export interface GuardOptions {
  home: string;
  executors: readonly Executor[];
  signal: AbortSignal;
  /** False ends it: the home was removed, or another guard has taken over. */
  mine?: () => boolean;
  /** With no trainer and no renewal for so long it ends, seconds; default 120. */
  idleSeconds?: number;
  /** Default those of the contract. */
  terms?: Terms;
}

type Terms = { term: number; grace: number };

/**
 * Holds this host to its terms while its worker cannot: a trainer whose lease was not renewed for `term` seconds gets SIGTERM, time for a
 * last checkpoint, then SIGKILL, all within `grace`, since after `margin` more the pool may give its device away.
 */
export async function guardTrainers(options: GuardOptions): Promise<void> {
  const { home, executors, signal, mine = () => true, idleSeconds = 120, terms = leaseTerms } = options;
  const began = bootTime().seconds;
  const watches = executors.map((executor) => watchOf(executor, home, terms));
  let file: GuardFile | null = null;
  while (!signal.aborted && mine()) {
    // Half a file is no file: the last whole one counts.
    file = readGuardFile(hostFiles(home).guard) ?? file;
    const now = bootTime();
    const renewedAt = renewalOf(file, now);
    for (const watch of watches) watch.look(file, renewedAt === null || now.seconds - renewedAt > terms.term / 2);
    if (watches.every((watch) => watch.quiet()) && now.seconds - Math.max(began, renewedAt ?? 0) > idleSeconds) return;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * When the term of a trainer ends, seconds since boot. The host's last renewal bounds all its trainers; one whose lease that renewal did
 * not name (it has just begun, or the host has forgotten it) has a term from when it was first seen so.
 */
export function endOfTerm(
  run: Pick<FoundRun, 'key' | 'leaseId'>,
  file: GuardFile | null,
  unnamedSince: number,
  now: BootTime,
  term: number = leaseTerms.term,
): number {
  const renewedAt = renewalOf(file, now);
  if (file === null || renewedAt === null) return unnamedSince + term;
  return isNamed(run, file) ? renewedAt + term : Math.min(renewedAt, unnamedSince) + term;
}

/** What the guard left in the folder of an epoch whose trainer it stopped, for whoever supervises it next. */
export function guardFinding(dir: string): { at: string; reason: string } | null {
  const text = readText(findingFile(dir));
  return text === null ? null : (JSON.parse(text) as { at: string; reason: string });
}

/** What its end then means, whatever its exit code says: no fault of the trainer. */
export function guardStop(dir: string): AssayError | null {
  const finding = guardFinding(dir);
  return finding && new AssayError('HostLost', `${finding.reason}, at ${finding.at}`);
}

interface Watch {
  /** Looks for trainers in the background: now when it presses, else every few seconds. An engine that hangs holds up no other. */
  look(file: GuardFile | null, presses: boolean): void;
  /** It has looked, and no trainer was there. */
  quiet(): boolean;
}

function watchOf(executor: Executor, home: string, { term, grace }: Terms): Watch {
  // Of the grace; the rest is for the kill.
  const checkpointSeconds = 0.8 * grace;
  const unnamedSince = new Map<string, number>();
  const stopping = new Set<string>();
  const failed = new Map<string, string>();
  let runs: FoundRun[] | null = null;
  let looking = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let problem: string | null = null;

  const see = async (file: GuardFile | null): Promise<void> => {
    runs = await executor.list(join(home, 'runs'));
    if (problem !== null) log(home, `${executor.kind} executor: it answers again`);
    problem = null;
    const now = bootTime();
    const dirs = new Set(runs.map((run) => epochDir(home, run)));
    for (const dir of unnamedSince.keys()) if (!dirs.has(dir)) unnamedSince.delete(dir);
    for (const run of runs) {
      const dir = epochDir(home, run);
      if (renewalOf(file, now) !== null && isNamed(run, file as GuardFile)) unnamedSince.delete(dir);
      else if (!unnamedSince.has(dir)) unnamedSince.set(dir, now.seconds);
      const end = endOfTerm(run, file, unnamedSince.get(dir) ?? now.seconds, now, term);
      if (now.seconds >= end && !stopping.has(dir)) void stop(run, dir, end, now);
    }
  };

  const stop = async (run: FoundRun, dir: string, end: number, now: BootTime): Promise<void> => {
    stopping.add(dir);
    // Late, as after a restart of the guard, there is no time left for a checkpoint.
    const graceSeconds = Math.floor(Math.min(checkpointSeconds, Math.max(0, end + checkpointSeconds - now.seconds)));
    const name = `${run.key.variant} seed ${run.key.seed}, epoch ${run.epoch}, of ${run.key.experimentId}`;
    const overdue = (term + now.seconds - end).toFixed(0);
    const reason = `the host guard stopped the trainer: its lease was not renewed for ${overdue} s`;
    try {
      if (!failed.has(dir)) log(home, `stopping ${name}: its lease was not renewed for ${overdue} s; ${graceSeconds} s for a checkpoint`);
      // Before the end of the trainer, so that who sees the end sees the reason.
      note(home, dir, { at: new Date().toISOString(), reason });
      await executor.stop(dir, { graceSeconds });
      if (executor.kind === 'docker') await reapTurns(home, run);
      failed.delete(dir);
      log(home, `stopped ${name}`);
    } catch (error) {
      const { message } = error as Error;
      if (failed.get(dir) !== message) log(home, `${name} could not be stopped, trying again: ${message}`);
      failed.set(dir, message);
    } finally {
      stopping.delete(dir);
    }
  };

  return {
    look(file, presses) {
      const { seconds } = bootTime();
      if (looking || (!presses && seconds - lookedAt < calmSeconds)) return;
      looking = true;
      lookedAt = seconds;
      void see(file)
        .catch((error: unknown) => {
          const message = (error as Error).message;
          if (message !== problem) log(home, `${executor.kind} executor: its trainers cannot be listed: ${message}`);
          problem = message;
          runs ??= [];
        })
        .finally(() => {
          looking = false;
        });
    },
    quiet: () => runs !== null && runs.length === 0 && stopping.size === 0,
  };
}

/** Null where nothing of this boot was renewed; a renewal in the future is of another boot, whatever it says. */
function renewalOf(file: GuardFile | null, { bootId, seconds }: BootTime): number | null {
  return file !== null && file.bootId === bootId && file.renewedAt <= seconds + 1 ? file.renewedAt : null;
}

function isNamed({ key, leaseId }: Pick<FoundRun, 'key' | 'leaseId'>, { leases }: GuardFile): boolean {
  return leases.some((lease) => (leaseId === null ? lease.holder === holderOf(key) : lease.leaseId === leaseId));
}

/** Containers that take turns have no epoch to be stopped by, nor a checkpoint to write. */
async function reapTurns(home: string, { key, leaseId }: FoundRun): Promise<void> {
  const instance = knownInstance(home);
  if (instance === null || leaseId === null) return;
  const found = await listContainers({ home: instance });
  const turns = found.filter(
    (container) => container.mode === 'latency' && container.leaseId === leaseId && isDeepStrictEqual(container.key, key),
  );
  await reapContainers(turns.map(({ id }) => id));
}

const epochDir = (home: string, { key, epoch }: { key: RunKey; epoch: number }): string =>
  join(home, 'runs', key.experimentId, key.variant, `seed-${key.seed}`, `epoch-${epoch}`);

const findingFile = (dir: string): string => join(dir, 'guard.json');

function note(home: string, dir: string, finding: { at: string; reason: string }): void {
  try {
    writeWhole(findingFile(dir), JSON.stringify(finding));
  } catch (error) {
    // A full disk must not keep it from stopping.
    log(home, `no finding could be left in ${dir}: ${(error as Error).message}`);
  }
}

function log(home: string, line: string): void {
  const file = hostFiles(home).guardLog;
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > logBytes) renameSync(file, `${file}.1`);
    appendFileSync(file, `${new Date().toISOString()} ${line}\n`);
  } catch {
    // Nobody is there to be told.
  }
}

const pollMs = 1000;
/** Between looks at the engine while renewals come. */
const calmSeconds = 5;
const logBytes = 2 ** 20;
