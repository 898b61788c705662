import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { RunKey } from '../../contract';
import { type Engine, statusOf, within } from './engine';
import { labelNames } from './names';

export interface FoundContainer {
  id: string;
  name: string;
  key: RunKey;
  epoch: number;
  leaseId: string | null;
  /** As the engine names it: created, running, paused, restarting, removing, exited or dead. */
  state: string;
  /** Id of the home it belongs to. */
  home: string;
  mode: string;
}

/** Null where there is none. */
export async function inspect({ docker }: Engine, idOrName: string): Promise<ContainerInspectInfo | null> {
  return orNull(docker.getContainer(idOrName).inspect(within(15)));
}

/** Containers of assay with these labels, in whatever state. */
export async function containersWith({ docker }: Pick<Engine, 'docker'>, labels: Record<string, string>): Promise<FoundContainer[]> {
  const label = [labelNames.epoch, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)];
  return (await docker.listContainers({ all: true, filters: { label }, ...within(30) })).map(foundOf);
}

export const containersOf = (engine: Engine, { experimentId, variant, seed }: RunKey): Promise<FoundContainer[]> =>
  containersWith(engine, {
    [labelNames.home]: engine.instance,
    [labelNames.experiment]: experimentId,
    [labelNames.variant]: variant,
    [labelNames.seed]: String(seed),
  });

/** With what it had running. Whoever else removes it at the same time is as good. */
export async function removeContainer({ docker }: Pick<Engine, 'docker'>, id: string): Promise<void> {
  try {
    await docker.getContainer(id).remove({ force: true, v: true, ...within(60) });
  } catch (error) {
    // 409: its removal is under way.
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}

export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

export const neverStarted = ({ State }: ContainerInspectInfo): boolean => State.Status === 'created';

/** Paused counts: its trainer is there. */
export const runs = ({ State }: ContainerInspectInfo): boolean => State.Running || State.Paused || State.Restarting;

function foundOf({ Id, Names, Labels, State }: ContainerInfo): FoundContainer {
  const label = (name: string): string => Labels[name] ?? '';
  return {
    id: Id,
    name: (Names[0] ?? '').replace(/^\//, ''),
    key: { experimentId: label(labelNames.experiment), variant: label(labelNames.variant), seed: Number(label(labelNames.seed)) },
    epoch: Number(label(labelNames.epoch)),
    leaseId: label(labelNames.lease) || null,
    state: State,
    home: label(labelNames.home),
    mode: label(labelNames.mode),
  };
}
