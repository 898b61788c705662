import type { ContainerInspectInfo } from 'dockerode';
import { AssayError } from '../../contract';
import { alreadyStarted, neverRan, superseded } from '../ends';
import { filesOf, writeJson } from '../layout';
import type { ContainerSettings, TrainerStart } from '../types';
import { containersOf, inspect, neverStarted, removeContainer } from './containers';
import { type Engine, explain, statusOf, waitOut, within } from './engine';
import { markStopping, settle } from './exit';
import { factsOf } from './health';
import { ensureImage } from './image';
import { exclusively } from './lock';
import { containerName, labelsOf, type Place, placeOf } from './names';
import { type ContainerRecord, identityIn, newerRecord, writeRecord } from './record';
import { prepareFolders, settingsOf } from './settings';

/**
 * Starts the container of one epoch. The engine gives its name away once; then the look for newer epochs, then the reaping of older
 * ones. Who is overtaken in between finds his container removed. Only the maker of a container ever starts it, so that none runs twice.
 */
export async function startContainer(engine: Engine, start: TrainerStart): Promise<void> {
  const { dir, runFile, container, onMessage, signal } = start;
  if (!container) throw new TypeError('the docker executor needs the settings of a container');
  const place = placeOf(dir);
  if (runFile.epoch !== place.epoch) throw new TypeError(`run.json says epoch ${runFile.epoch}, its folder ${dir}`);
  const waiting = {
    patienceMs: Math.min(engine.patienceMs, startPatienceMs),
    ...(onMessage ? { onMessage } : {}),
    ...(signal ? { signal } : {}),
  };
  await waitOut(engine, () => ensureImage(container.image, { docker: engine.docker, onProgress: onMessage, signal }), waiting);
  const name = containerName(engine.instance, place);
  await exclusively(name, () =>
    waitOut(engine, () => begin(engine, start, container, place, name), waiting).catch((error: unknown) => {
      throw explain(error, engine.docker);
    }),
  );
}

/** An engine that was never there should not hold a start for long: the workflow has its own patience. */
const startPatienceMs = 60_000;

async function begin(engine: Engine, start: TrainerStart, container: ContainerSettings, place: Place, name: string): Promise<void> {
  const { dir } = start;
  const { docker, instance } = engine;
  const facts = await factsOf(docker);
  prepareFolders(start, facts);
  const record: ContainerRecord = { name, leaseId: container.lease, memoryLimitBytes: container.memoryBytes, id: null, identity: null };
  const id = await create(engine, dir, {
    ...settingsOf(start, container, facts),
    name,
    Labels: labelsOf(instance, container.lease, place, start.runFile.mode),
  });
  writeRecord(dir, { ...record, id });
  const newer = await newerEpoch(engine, dir, place);
  if (newer !== undefined) {
    await removeContainer(engine, id);
    writeJson(filesOf(dir).exit, neverRan('superseded'), { exclusive: true });
    throw superseded(dir, newer);
  }
  await reapOlder(engine, dir, place);
  try {
    await docker.getContainer(id).start(within(120));
  } catch (error) {
    await didNotStart(engine, { id, dir, place }, error);
  }
  const info = await inspect(engine, id);
  if (info) writeRecord(dir, { ...record, id, identity: identityIn(info) });
}

/** A container of this name that was made and never started belongs to a starter who died: this one makes it anew. */
async function create(engine: Engine, dir: string, settings: Parameters<Engine['docker']['createContainer']>[0]): Promise<string> {
  const { docker } = engine;
  for (let tries = 0; ; tries++) {
    try {
      return (await docker.createContainer({ ...settings, ...within(120) })).id;
    } catch (error) {
      if (statusOf(error) !== 409 || tries > 2) throw error;
      const found = await inspect(engine, settings.name ?? '');
      if (found && !neverStarted(found)) throw alreadyStarted(dir);
      if (found)
        await docker
          .getContainer(found.Id)
          .remove({ v: true, ...within(60) })
          .catch(ignoreRace);
    }
  }
}

/** Gone already, or running by now: the next try tells. */
function ignoreRace(error: unknown): void {
  if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
}

async function newerEpoch(engine: Engine, dir: string, { key, epoch }: Place): Promise<number | undefined> {
  const others = await containersOf(engine, key);
  return others.find((other) => other.mode !== 'latency' && other.epoch > epoch)?.epoch ?? newerRecord(dir);
}

/** SIGKILL: an older epoch has no say any more. Its end is noted where its folder is. */
async function reapOlder(engine: Engine, dir: string, { key, epoch }: Place): Promise<void> {
  const older = (await containersOf(engine, key)).filter((other) => other.mode !== 'latency' && other.epoch < epoch);
  for (const { id, epoch: number } of older) {
    const container = engine.docker.getContainer(id);
    const olderDir = dir.replace(/\d+$/, String(number));
    markStopping(olderDir, 0);
    await container.kill(within(60)).catch(ignoreRace);
    await container.wait(within(60)).catch(ignoreRace);
    const info = await inspect(engine, id);
    if (info && !neverStarted(info)) await settle(engine, olderDir, info);
    await removeContainer(engine, id);
  }
}

/** Always throws; where it was found wanting for good, the end is put down for the next look. */
async function didNotStart(engine: Engine, { id, dir, place }: { id: string; dir: string; place: Place }, error: unknown): Promise<never> {
  if (statusOf(error) === 404 && /no such container/i.test(String((error as Error).message))) {
    const newer = (await newerEpoch(engine, dir, place)) ?? place.epoch + 1;
    writeJson(filesOf(dir).exit, neverRan('superseded'), { exclusive: true });
    throw superseded(dir, newer);
  }
  const mended = explain(error, engine.docker);
  const left: ContainerInspectInfo | null = statusOf(error) === null ? null : await inspect(engine, id);
  if (left && neverStarted(left)) {
    await removeContainer(engine, id);
    writeJson(filesOf(dir).exit, neverRan(mended.message), { exclusive: true });
    throw new AssayError('ExecutorUnavailable', `the container of ${dir} could not be started: ${mended.message}`, { cause: error });
  }
  throw error;
}
