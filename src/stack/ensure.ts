import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AssayError } from '../contract';
import { answers } from './health';
import { withLock } from './lock';
import { openLog, tail } from './logs';
import { buildId, daemonScript, stackPaths } from './paths';
import { identify, isAlive, type ProcessIdentity, terminate } from './process';
import { addressOf, reap, type Stack, type StackOptions, startStack, uiUrlOf } from './stack';
import { type ChildState, readState, type StackState } from './state';
import { provideTemporal } from './temporal';

export interface StackInfo {
  /** Of the daemon. */
  pid: number;
  address: string;
  namespace: string;
  uiUrl: string;
  /** Of the HTTP API; null where the stack has none. */
  apiUrl: string | null;
  home: string;
  startedAt: string;
  version: string;
}

export interface StackStatus {
  state: 'none' | 'dead' | StackState['state'];
  info: StackInfo | null;
  children: ChildState[];
  /** Why it failed; null otherwise. */
  error: string | null;
}

const startMs = 90_000;
const stopMs = 45_000;

/** The running stack of this home, started when there is none. Any number of callers share one. */
export async function ensureStack(options: StackOptions): Promise<StackInfo> {
  const onStep = options.onStep ?? (() => {});
  const paths = stackPaths(options.home);
  const running = await usable(paths.home);
  if (running !== null) return running;
  // Outside the lock, since a build takes minutes; it has a lock of its own.
  await provideTemporal({ onStep });
  return withLock(paths.startLock, startMs + stopMs, async () => {
    const other = await usable(paths.home);
    if (other !== null) return other;
    const state = readState(paths.state);
    if (state !== null && isAlive(state.daemon)) {
      if (state.build === buildId()) {
        onStep('waiting for the embedded stack');
        const back = await whenReady(paths.home, state.daemon);
        if (back !== null) return back;
      } else onStep('restarting the embedded stack, which runs another build');
      await terminate(state.daemon, stopMs);
    }
    onStep('starting the embedded stack');
    const daemon = spawnDaemon(options);
    const info = await whenReady(paths.home, daemon);
    if (info !== null) return info;
    await terminate(daemon, stopMs);
    const reason = readState(paths.state)?.error ?? `the last lines of ${paths.log('daemon')}:\n${tail(paths.log('daemon'))}`;
    throw new AssayError('ServerUnavailable', `the embedded stack in ${paths.folder} did not start: ${reason}`);
  });
}

export async function stackStatus(home: string): Promise<StackStatus> {
  const state = readState(stackPaths(home).state);
  if (state === null) return { state: 'none', info: null, children: [], error: null };
  const info = infoOf(home, state);
  const ended = state.state === 'stopped' || state.state === 'failed';
  if (!isAlive(state.daemon)) {
    return { state: ended ? state.state : 'dead', info: null, children: state.children.filter(isAlive), error: state.error };
  }
  return { state: state.state, info, children: state.children, error: state.error };
}

/** Stops the stack, workers first. False when none was running. */
export async function stopStack(home: string): Promise<boolean> {
  const paths = stackPaths(home);
  if (!existsSync(paths.folder)) return false;
  return withLock(paths.startLock, startMs + stopMs, async () => {
    const before = readState(paths.state);
    if (before === null) return false;
    const ran = isAlive(before.daemon) || before.children.some(isAlive);
    await terminate(before.daemon, stopMs);
    await reap(readState(paths.state)?.children ?? []);
    return ran;
  });
}

/** Runs the stack in this process until SIGINT or SIGTERM; `onReady` gets its addresses. */
export async function runForeground(options: StackOptions & { onReady?: (info: StackInfo) => void }): Promise<void> {
  const paths = stackPaths(options.home);
  let ask: () => void = () => {};
  const asked = new Promise<void>((done) => {
    ask = done;
  });
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, ask);
  try {
    const stack: Stack = await withLock(paths.startLock, startMs + stopMs, () => startStack(options));
    options.onReady?.(infoOf(paths.home, stack.state()));
    await Promise.race([asked, stack.abandoned]);
    await stack.stop();
  } finally {
    for (const signal of signals) process.off(signal, ask);
  }
}

/** Null unless a living daemon of this build is ready and its server answers. */
async function usable(home: string): Promise<StackInfo | null> {
  const state = readState(stackPaths(home).state);
  if (state === null || state.state !== 'ready' || !isAlive(state.daemon) || state.build !== buildId()) return null;
  return (await answers(addressOf(state.ports))) ? infoOf(home, state) : null;
}

/** Null when the daemon ended, is stopping or was not ready in time. */
async function whenReady(home: string, daemon: ProcessIdentity): Promise<StackInfo | null> {
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline && isAlive(daemon)) {
    const state = readState(stackPaths(home).state);
    if (state?.daemon.pid === daemon.pid) {
      if (state.state === 'stopping') return null;
      if (state.state === 'ready' && (await answers(addressOf(state.ports)))) return infoOf(home, state);
    }
    await delay(50);
  }
  return null;
}

function spawnDaemon(options: StackOptions): ProcessIdentity {
  const paths = stackPaths(options.home);
  const script = daemonScript();
  if (!existsSync(script)) throw new AssayError('ServerUnavailable', `${script} is missing; build it with \`npm run build\``);
  mkdirSync(paths.folder, { recursive: true });
  const log = openLog(paths.log('daemon'));
  const argument = JSON.stringify({ home: paths.home, ...(options.workers === undefined ? {} : { workers: options.workers }) });
  const child = spawn(process.execPath, ['--enable-source-maps', script, argument], {
    cwd: paths.home,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (identity === null) throw new AssayError('ServerUnavailable', `the embedded stack could not be started; see ${paths.log('daemon')}`);
  return identity;
}

function infoOf(home: string, state: StackState): StackInfo {
  return {
    pid: state.daemon.pid,
    address: addressOf(state.ports),
    namespace: state.namespace,
    uiUrl: uiUrlOf(state.ports),
    apiUrl: state.apiUrl ?? null,
    home: stackPaths(home).home,
    startedAt: state.startedAt,
    version: state.version,
  };
}
