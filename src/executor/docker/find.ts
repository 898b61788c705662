import { join } from 'node:path';
import { entries, readExit } from '../layout';
import { isAlive } from '../proc';
import type { FoundRun, FoundTrainer } from '../types';
import { containersWith, inspect, neverStarted, runs } from './containers';
import { type Engine, explain, isAway, waitOut } from './engine';
import { settle } from './exit';
import { containerName, labelNames, placeOf } from './names';
import { begunEpochs, identityIn, readRecord, writeRecord } from './record';

/** A container that was made and never started counts as absent: who starts this epoch makes it anew. */
export async function findContainer(engine: Engine, dir: string): Promise<FoundTrainer> {
  const exit = readExit(dir);
  const record = readRecord(dir);
  if (exit) return { state: 'exited', exit, identity: record?.identity ?? null };
  // Its process can be seen without the engine.
  if (record?.identity && isAlive(record.identity)) return { state: 'running', identity: record.identity };
  const name = containerName(engine.instance, placeOf(dir));
  const info = await waitOut(engine, () => inspect(engine, name)).catch((error: unknown) => {
    throw explain(error, engine.docker);
  });
  if (!info) return record?.identity ? { state: 'lost', identity: record.identity } : { state: 'absent' };
  if (neverStarted(info)) return { state: 'absent' };
  if (!runs(info)) return { state: 'exited', exit: await settle(engine, dir, info), identity: record?.identity ?? null };
  const identity = identityIn(info);
  const { Memory: limit } = info.HostConfig;
  const leaseId = info.Config.Labels[labelNames.lease] ?? '';
  writeRecord(
    dir,
    record ? { ...record, id: info.Id, identity } : { name, leaseId, memoryLimitBytes: limit || null, id: info.Id, identity },
  );
  return { state: 'running', identity };
}

/** By the engine, and where that is away by what can be seen without it. */
export async function listRuns(engine: Engine, runsDir: string): Promise<FoundRun[]> {
  try {
    const found = await containersWith(engine, { [labelNames.home]: engine.instance });
    const living = found.filter(({ state }) => state === 'running' || state === 'paused' || state === 'restarting');
    return living.map(({ key, epoch, leaseId }) => ({ key, epoch, leaseId }));
  } catch (error) {
    if (!isAway(error)) throw explain(error, engine.docker);
    return recordedRuns(runsDir);
  }
}

function recordedRuns(runsDir: string): FoundRun[] {
  const below = (...path: string[]): string[][] => entries(join(runsDir, ...path)).map((name) => [...path, name]);
  return below()
    .flatMap((path) => below(...path))
    .flatMap((path) => below(...path))
    .filter((path) => /^seed-\d+$/.test(path.at(-1) ?? ''))
    .flatMap((path) => begunEpochs(join(runsDir, ...path)).map((epoch) => join(runsDir, ...path, `epoch-${epoch}`)))
    .flatMap((dir) => {
      const record = readRecord(dir);
      return record?.identity && isAlive(record.identity) ? [{ ...placeOf(dir), leaseId: record.leaseId || null }] : [];
    });
}
