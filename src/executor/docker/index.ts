import type Docker from 'dockerode';
import { resolve } from 'node:path';
import type { Executor } from '../types';
import { attachContainer } from './attach';
import { connect, type Engine } from './engine';
import { findContainer, listRuns } from './find';
import { containerLogTail } from './logs';
import { containerName, placeOf } from './names';
import { startContainer } from './start';
import { stopContainer, stopContainers } from './stop';
import { Watch } from './watch';

export interface DockerExecutorOptions {
  /** Id of this home of assay: two homes on one engine never touch each other's containers. */
  instance: string;
  /** How long an engine that does not answer is waited for, milliseconds; default 10 minutes. */
  patienceMs?: number;
  /** Default: by DOCKER_HOST. */
  docker?: Docker;
}

/** Trainers in containers of the Docker engine of this host. */
export function createDockerExecutor({ instance, patienceMs = 10 * 60_000, docker = connect() }: DockerExecutorOptions): Executor {
  const engine: Engine = { docker, instance, patienceMs };
  const watches = new Map<string, Watch>();
  return {
    kind: 'docker',
    start: (start) => startContainer(engine, start),
    find: (dir) => findContainer(engine, dir),
    async ended(dir, { onMessage = () => {} } = {}) {
      const place = resolve(dir);
      const watch = watches.get(place) ?? new Watch(engine, place);
      watches.set(place, watch);
      let over = true;
      try {
        const exit = await watch.look(onMessage);
        over = exit !== null;
        return exit;
      } finally {
        if (over) watches.delete(place);
      }
    },
    stop: (dir, options) => stopContainer(engine, dir, options),
    stopRun: (runDir, options) => stopContainers(engine, runDir, options),
    list: (runsDir) => listRuns(engine, runsDir),
    logTail: (dir, lines) => containerLogTail(engine, dir, nameOf(engine, dir), lines),
    attach: (start) => attachContainer(engine, start),
  };
}

/** The folders of turns are no epochs: their logs lie in them. */
function nameOf({ instance }: Engine, dir: string): string | null {
  try {
    return containerName(instance, placeOf(dir));
  } catch {
    return null;
  }
}
