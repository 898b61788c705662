import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { openLog } from './logs';
import { identify, type ProcessIdentity, terminate } from './process';
import type { ChildState } from './state';

export interface SuperviseOptions {
  name: string;
  /** Asked at every start, so that a restart may use other values. */
  command: () => { file: string; args: string[]; env: NodeJS.ProcessEnv; cwd: string };
  log: string;
  /** After each start and each end; must not throw. */
  onChange: () => void;
  /** Runs between an end and the next start. */
  beforeRestart?: () => Promise<void>;
}

export interface Supervised {
  name: string;
  restarts: () => number;
  lastExit: () => string | null;
  /** Null while it is down. */
  state: () => ChildState | null;
  /** Ends it for good: SIGTERM, then SIGKILL after the grace. */
  stop: (graceMs: number) => Promise<void>;
}

const firstDelayMs = 200;
const longestDelayMs = 30_000;
/** A child that lived this long starts again with the first delay. */
const healthyMs = 10_000;

/** Starts a child process and starts it again whenever it ends, with a growing delay while it keeps dying early. */
export function supervise(options: SuperviseOptions): Supervised {
  let child: ProcessIdentity | null = null;
  let restarts = 0;
  let delayMs = firstDelayMs;
  let lastExit: string | null = null;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    const startedAt = performance.now();
    let ended = false;
    const end = (how: string): void => {
      if (ended || stopping) return;
      ended = true;
      child = null;
      lastExit = how;
      if (performance.now() - startedAt >= healthyMs) delayMs = firstDelayMs;
      options.onChange();
      timer = setTimeout(restart, delayMs);
      delayMs = Math.min(delayMs * 2, longestDelayMs);
    };
    try {
      const process = spawnLogged(options);
      process.once('error', (error) => end(error.message));
      process.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
      child = process.pid === undefined ? null : identify(process.pid);
      options.onChange();
    } catch (error) {
      // A full disk or a removed log folder: tried again like a child that died at once.
      end((error as Error).message);
    }
  };

  const restart = (): void => {
    void (options.beforeRestart?.() ?? Promise.resolve()).finally(() => {
      if (stopping) return;
      restarts++;
      start();
    });
  };

  start();
  return {
    name: options.name,
    restarts: () => restarts,
    lastExit: () => lastExit,
    state: () => (child === null ? null : { name: options.name, ...child, restarts, lastExit }),
    stop: async (graceMs) => {
      stopping = true;
      clearTimeout(timer);
      if (child !== null) await terminate(child, graceMs);
      child = null;
    },
  };
}

function spawnLogged({ command, log }: SuperviseOptions): ChildProcess {
  const { file, args, env, cwd } = command();
  const descriptor = openLog(log);
  try {
    // A group of its own: Ctrl-C in a foreground stack reaches the supervisor alone, which then stops all in order.
    return spawn(file, args, { env, cwd, detached: true, stdio: ['ignore', descriptor, descriptor] });
  } finally {
    closeSync(descriptor);
  }
}
