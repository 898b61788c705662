import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { RunKey } from '../contract';
import type { ProcessIdentity, TrainerExit, TrainerIdentity } from './types';

/** Files of one epoch of a run. */
export const filesOf = (dir: string) => ({
  run: join(resolve(dir), 'run.json'),
  out: join(dir, 'out'),
  events: join(dir, 'out', 'events.jsonl'),
  checkpoints: join(dir, 'checkpoints'),
  stdout: join(dir, 'stdout.log'),
  stderr: join(dir, 'stderr.log'),
  started: join(dir, 'started.json'),
  trainer: join(dir, 'trainer.json'),
  exit: join(dir, 'exit.json'),
  shimLog: join(dir, 'shim.log'),
  /** The folder that a container gets instead of `run`, and the file in it. */
  containerRunDir: join(resolve(dir), 'run'),
  containerRun: join(resolve(dir), 'run', 'run.json'),
  container: join(dir, 'container.json'),
  stopping: join(dir, 'stopping.json'),
  peak: join(dir, 'peak-memory'),
});

/** Bytes of one log before the older half is dropped. */
export const defaultLogBytes = 32 * 2 ** 20;

/** started.json: made once by link, so it is the right to start this epoch and, by its number, the fence against lower ones. */
export interface Started {
  by: ProcessIdentity;
  startedAt: string;
  epoch: number;
  command: readonly string[];
  cwd: string;
  env: Record<string, string>;
  logBytes: number;
}

export function epochOf(dir: string): number {
  const match = /^epoch-(\d+)$/.exec(basename(dir));
  if (!match) throw new TypeError(`a trainer's folder is named epoch-<n>, got ${dir}`);
  return Number(match[1]);
}

/** The run whose folder is `<runs>/<experiment>/<variant>/seed-<n>`. */
export function runOf(runDir: string): RunKey {
  const [experimentId, variant, name] = resolve(runDir).split(sep).slice(-3);
  const seed = /^seed-(\d+)$/.exec(name ?? '')?.[1];
  if (!experimentId || !variant || seed === undefined) {
    throw new TypeError(`a run's folder is named <experiment>/<variant>/seed-<n>, got ${runDir}`);
  }
  return { experimentId, variant, seed: Number(seed) };
}

/** Epochs of a run that were started on this host, ascending. */
export function startedEpochs(runDir: string): number[] {
  return entries(runDir)
    .map((name) => /^epoch-(\d+)$/.exec(name)?.[1])
    .filter((n) => n !== undefined && exists(join(runDir, `epoch-${n}`, 'started.json')))
    .map(Number)
    .sort((a, b) => a - b);
}

export const newerEpoch = (dir: string): number | undefined => startedEpochs(dirname(resolve(dir))).find((e) => e > epochOf(dir));

export const readStarted = (dir: string): Started | null => readJson<Started>(filesOf(dir).started);
export const readTrainer = (dir: string): TrainerIdentity | null => readJson<TrainerIdentity>(filesOf(dir).trainer);
export const readExit = (dir: string): TrainerExit | null => readJson<TrainerExit>(filesOf(dir).exit);

/** Whole and on disk before it has its name. With `exclusive`, false where the name is taken already. */
export function writeJson(path: string, value: unknown, { exclusive = false, mode = 0o600 } = {}): boolean {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = openSync(draft, 'wx', mode);
  try {
    writeSync(file, JSON.stringify(value));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (!exclusive) {
    renameSync(draft, path);
    return true;
  }
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Names in a folder; none where it is missing. */
export function entries(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

export function readJson<T>(path: string): T | null {
  // Cheaper than the exception, four times a second.
  if (!exists(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
