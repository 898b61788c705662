import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readExit, runOf } from '../layout';
import { isAlive, signalTo } from '../proc';
import { containersOf, type FoundContainer, inspect, neverStarted, removeContainer, runs } from './containers';
import { type Engine, explain, isAway, statusOf, waitOut, within } from './engine';
import { markStopping, settle } from './exit';
import { containerName, placeOf } from './names';
import { begunEpochs, readRecord } from './record';

/** The engine keeps the grace, so that it is kept also where this process dies meanwhile; one that is away is not waited for. */
export async function stopContainer(engine: Engine, dir: string, { graceSeconds }: { graceSeconds: number }): Promise<void> {
  if (readExit(dir)) return;
  const name = containerName(engine.instance, placeOf(dir));
  await explained(engine, () =>
    waitOut(engine, async () => {
      try {
        await stop(engine, name, dir, graceSeconds);
      } catch (error) {
        if (!isAway(error) || !(await stoppedWithout(dir, graceSeconds))) throw error;
      }
    }),
  );
}

export async function stopContainers(engine: Engine, runDir: string, { graceSeconds }: { graceSeconds: number }): Promise<void> {
  const key = runOf(runDir);
  const stopAll = async (): Promise<void> => {
    await Promise.all((await containersOf(engine, key)).map((container) => end(engine, runDir, container, graceSeconds)));
  };
  try {
    await stopAll();
  } catch (error) {
    // A host without an engine, or with one that this user may not use, has no containers; one that had some waits.
    const closed = ['EACCES', 'EPERM'].includes((error as { code?: string }).code ?? '');
    if ((closed || isAway(error)) && begunEpochs(runDir).length === 0) return;
    if (!isAway(error)) throw explain(error, engine.docker);
    await explained(engine, () => waitOut(engine, stopAll));
  }
}

async function end(engine: Engine, runDir: string, { id, epoch, mode }: FoundContainer, graceSeconds: number): Promise<void> {
  if (mode !== 'latency') await stop(engine, id, join(runDir, `epoch-${epoch}`), graceSeconds);
  await removeContainer(engine, id);
}

async function stop(engine: Engine, name: string, dir: string, graceSeconds: number): Promise<void> {
  const container = engine.docker.getContainer(name);
  for (;;) {
    const info = await inspect(engine, name);
    if (!info) return;
    if (neverStarted(info)) return removeContainer(engine, info.Id);
    if (!runs(info)) {
      await settle(engine, dir, info);
      return;
    }
    markStopping(dir, graceSeconds);
    try {
      if (graceSeconds > 0) await container.stop({ t: Math.ceil(graceSeconds), ...within(graceSeconds + 60) });
      else await container.kill(within(60));
    } catch (error) {
      // It ended by itself meanwhile.
      if (![304, 404, 409].includes(statusOf(error) ?? 0)) throw error;
    }
  }
}

/** By signals to the process, where it can be seen: a lease may have ended while its engine is away. With the first process all die. */
async function stoppedWithout(dir: string, graceSeconds: number): Promise<boolean> {
  const identity = readRecord(dir)?.identity;
  if (!identity || !isAlive(identity)) return false;
  markStopping(dir, graceSeconds);
  const begin = performance.now();
  if (graceSeconds > 0) signalTo(identity.pid, 'SIGTERM');
  while (isAlive(identity) && performance.now() < begin + graceSeconds * 1000) await sleep(50);
  if (isAlive(identity)) signalTo(identity.pid, 'SIGKILL');
  while (isAlive(identity) && performance.now() < begin + graceSeconds * 1000 + killPatienceMs) await sleep(50);
  return !isAlive(identity);
}

const killPatienceMs = 15_000;

async function explained<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error, engine.docker);
  }
}
