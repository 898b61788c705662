import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { AssayError } from '../../contract';
import { neverRan } from '../ends';
import { filesOf, writeJson } from '../layout';
import { isLiving, signalTo, statOf } from '../proc';
import type { AttachedTrainer, TrainerExit, TrainerStart } from '../types';
import { trainerEnvironment } from './environment';
import { killMembers, requireLinux } from './members';

/** A direct child: its pipes close with this process, and with them its standard input. */
export async function attachTrainer({ dir, runFile, command, cwd, env = {}, limits }: TrainerStart): Promise<AttachedTrainer> {
  requireLinux();
  const files = filesOf(dir);
  await Promise.all([mkdir(files.out, { recursive: true }), mkdir(files.checkpoints, { recursive: true })]);
  writeJson(files.run, runFile);
  const stderr = openSync(files.stderr, 'a');
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd,
    env: trainerEnvironment(env, files.run, limits?.cpus ?? 1),
    detached: true,
    stdio: ['pipe', 'pipe', stderr],
  }) as ChildProcessByStdio<Writable, Readable, null>;
  closeSync(stderr);
  const exit = new Promise<TrainerExit>((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(neverRan(error.message));
    });
    child.on('exit', (code, signal) => {
      const endedAt = new Date().toISOString();
      resolve({ code, signal, endedAt, error: null, peakMemoryBytes: null, lost: false, outOfMemory: false, outside: null });
    });
  });
  if (child.pid === undefined) throw new AssayError('ExecutorUnavailable', `the trainer could not be started: ${(await exit).error}`);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    exit,
    async activity() {
      const stat = child.pid === undefined ? null : statOf(child.pid);
      return stat && { ticks: stat.ticks, busy: isLiving(stat) && (stat.state === 'R' || stat.state === 'D') };
    },
    async kill() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) signalTo(-child.pid, 'SIGKILL');
      await killMembers((run) => run === files.run);
    },
  };
}
