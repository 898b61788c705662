import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { type Duplex, PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { filesOf } from '../layout';
import { isAlive, livingProcesses, type Stat } from '../proc';
import type { AttachedTrainer, TrainerExit, TrainerIdentity, TrainerStart } from '../types';
import { inspect, orNull, removeContainer } from './containers';
import { type Engine, explain, waitOut, within } from './engine';
import { exitOf, gone } from './exit';
import { factsOf } from './health';
import { ensureImage } from './image';
import { labelsOf, turnName } from './names';
import { identityIn } from './record';
import { prepareFolders, settingsOf } from './settings';

/** Its standard input is closed when this process goes, whatever it goes of; what is left of an earlier try is removed. */
export async function attachContainer(engine: Engine, start: TrainerStart): Promise<AttachedTrainer> {
  const { dir, runFile, container: settings, onMessage, signal } = start;
  if (!settings) throw new TypeError('the docker executor needs the settings of a container');
  const { docker, instance } = engine;
  const name = turnName(instance, dir, runFile);
  const place = { key: { experimentId: runFile.experiment, variant: runFile.variant, seed: runFile.seed }, epoch: runFile.epoch };
  let id: string | null = null;
  try {
    await ensureImage(settings.image, { docker, onProgress: onMessage, signal });
    await removeContainer(engine, name);
    const facts = await factsOf(docker);
    prepareFolders(start, facts);
    const open = { AttachStdin: true, AttachStdout: true, AttachStderr: true, OpenStdin: true, StdinOnce: true, Tty: false };
    const Labels = labelsOf(instance, settings.lease, place, 'latency');
    const container = await docker.createContainer({ ...settingsOf(start, settings, facts), ...open, name, Labels, ...within(120) });
    id = container.id;
    const stream = (await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true })) as Duplex;
    const stdout = new PassThrough();
    const stderr = createWriteStream(filesOf(dir).stderr, { flags: 'a' });
    docker.modem.demuxStream(stream, stdout, stderr);
    // A stream that breaks ends the answers; how the container ended is asked from the engine.
    stream.on('error', () => stream.destroy());
    stream.on('close', () => {
      stdout.end();
      stderr.end();
    });
    stream.on('end', () => stdout.end());
    await container.start(within(120));
    const info = await inspect(engine, id);
    const identity = info && identityIn(info);
    const exit = ending(engine, { container, dir, name }).then(async (ended) => {
      stream.destroy();
      if (!stderr.closed) await Promise.race([once(stderr, 'close'), once(stderr, 'error')]);
      return ended;
    });
    return {
      stdin: stream,
      stdout,
      exit,
      activity: () => activityOf(container, identity),
      async kill() {
        await removeContainer(engine, container.id);
        await exit;
      },
    };
  } catch (error) {
    if (id !== null) await removeContainer(engine, id).catch(() => {});
    throw explain(error, docker);
  }
}

/** Never rejects: an end that nobody can tell is one from outside. */
async function ending(
  engine: Engine,
  { container, dir, name }: { container: Docker.Container; dir: string; name: string },
): Promise<TrainerExit> {
  try {
    return await waitOut(engine, async () => {
      await orNull(container.wait());
      const info = await inspect(engine, container.id);
      return info ? exitOf(engine, info, dir) : gone(name, dir);
    });
  } catch (error) {
    return { ...gone(name, dir), outside: explain(error, engine.docker).message };
  }
}

/** From this host's processes; where those cannot be seen, from the engine. */
async function activityOf(container: Docker.Container, identity: TrainerIdentity | null): Promise<{ ticks: number; busy: boolean } | null> {
  if (identity?.bootId) {
    if (!isAlive(identity)) return null;
    const members = treeOf(identity.pid);
    return { ticks: members.reduce((sum, { ticks }) => sum + ticks, 0), busy: members.some(({ state }) => state === 'R' || state === 'D') };
  }
  const stats = await orNull(container.stats({ stream: false, 'one-shot': true, ...within(15) }));
  return stats && { ticks: Math.floor((stats.cpu_stats?.cpu_usage?.total_usage ?? 0) / 1e7), busy: false };
}

function treeOf(root: number): Stat[] {
  const all = livingProcesses();
  const found = all.filter(({ pid }) => pid === root);
  // The list grows while it is walked.
  for (const parent of found) found.push(...all.filter((stat) => stat.parent === parent.pid));
  return found;
}
