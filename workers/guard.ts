import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
// By file, not by room: the guard stays small, and needs neither Temporal nor the store.
import { guardTrainers } from '../src/activities/guard';
import { homeInstance, hostFiles } from '../src/activities/hostFiles';
import { createDockerExecutor, createProcessExecutor } from '../src/executor';
import { log, openLog } from '../src/observability/logger';
import { lockHolder, tryLock } from '../src/stack/lock';

openLog({ pool: 'guard' });
guard().catch((error: unknown) => {
  log.fatal('the guard ends', { error });
  process.exit(1);
});

/** Argument: the ASSAY_HOME to guard, default that of the environment. One guard a home: the second ends at once. */
async function guard(): Promise<void> {
  const home = resolve(process.argv[2] ?? process.env.ASSAY_HOME ?? '.assay');
  mkdirSync(home, { recursive: true });
  const lock = hostFiles(home).guardLock;
  const release = tryLock(lock);
  if (release === null) return;
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  process.on('SIGHUP', () => undefined);
  const mine = (): boolean => lockHolder(lock)?.pid === process.pid;
  try {
    const executors = [createProcessExecutor(), createDockerExecutor({ instance: homeInstance(home), patienceMs: 5000 })];
    await guardTrainers({ home, executors, signal: stop.signal, mine });
  } catch (error) {
    // A home that is just being removed fails a write, and then there is nothing left to guard.
    await delay(1000);
    if (existsSync(home)) throw error;
  } finally {
    if (mine()) release();
  }
  // A stop that hangs in an engine must not keep a guard without its lock alive.
  process.exit(0);
}
