import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '../../contract';
import { alreadyStarted, neverRan, superseded } from '../ends';
import { defaultLogBytes, epochOf, filesOf, newerEpoch, readExit, readTrainer, writeJson } from '../layout';
import { identityOf } from '../proc';
import type { TrainerHandle, TrainerStart } from '../types';
import { trainerEnvironment } from './environment';
import { requireLinux } from './members';
import { reapOlder } from './stop';

/**
 * Starts the trainer of one epoch, at most once however many supervisors try. Order matters: the marker first, then
 * the look for newer epochs, then the reaping of older ones; the shim looks for newer ones again.
 */
export async function startTrainer({ dir, runFile, command, cwd, env = {}, limits = {} }: TrainerStart): Promise<TrainerHandle> {
  requireLinux();
  const files = filesOf(dir);
  const epoch = epochOf(dir);
  if (runFile.epoch !== epoch) throw new TypeError(`run.json says epoch ${runFile.epoch}, its folder ${dir}`);
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new AssayError('ExecutorUnavailable', `the trainer's working folder ${cwd} does not exist on this host`);
  }
  await mkdir(files.out, { recursive: true });
  await mkdir(files.checkpoints, { recursive: true });

  const startedAt = new Date().toISOString();
  const started = {
    ...{ by: identityOf(process.pid), startedAt, epoch, command, cwd },
    env: trainerEnvironment(env, files.run, limits.cpus ?? 1),
    logBytes: limits.logBytes ?? defaultLogBytes,
  };
  if (!writeJson(files.started, started, { exclusive: true })) {
    throw alreadyStarted(dir);
  }
  const newer = newerEpoch(dir);
  if (newer !== undefined) {
    writeJson(files.exit, neverRan('superseded'));
    throw superseded(dir, newer);
  }
  writeJson(files.run, runFile);
  await reapOlder(dirname(resolve(dir)), epoch);
  startShim(dir);
  return untilStarted(dir, { command, cwd });
}

function startShim(dir: string): void {
  const log = openSync(filesOf(dir).shimLog, 'a');
  const child = spawn(process.execPath, ['--max-old-space-size=64', shimPath(), resolve(dir)], {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', ASSAY_SHIM: filesOf(dir).run },
    detached: true,
    stdio: ['ignore', 'ignore', log],
  });
  closeSync(log);
  // Reported by untilStarted, which waits for what the shim writes.
  child.on('error', (error) => writeJson(filesOf(dir).exit, neverRan(error.message)));
  child.unref();
}

/** The script is not compiled: from a build it is found in the sources beside it. */
function shimPath(): string {
  const beside = join(__dirname, 'shim.mjs');
  return existsSync(beside) ? beside : join(__dirname, '..', '..', '..', '..', 'src', 'executor', 'process', 'shim.mjs');
}

async function untilStarted(dir: string, { command, cwd }: { command: readonly string[]; cwd: string }): Promise<TrainerHandle> {
  for (const begin = performance.now(); performance.now() - begin < startPatienceMs; await sleep(5)) {
    const identity = readTrainer(dir);
    if (identity) return { dir, epoch: epochOf(dir), identity };
    const exit = readExit(dir);
    if (exit?.error === 'superseded') throw superseded(dir, newerEpoch(dir) ?? epochOf(dir) + 1);
    if (exit) {
      const message = `"${command[0]}" could not be started in ${cwd}: ${exit.error}; install it on this host or correct training.command`;
      throw new AssayError('ExecutorUnavailable', message);
    }
  }
  throw new AssayError('ExecutorUnavailable', `the trainer's shim did not start within 30 s; see ${filesOf(dir).shimLog}`);
}

const startPatienceMs = 30_000;
