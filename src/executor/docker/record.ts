import { dirname, join, resolve } from 'node:path';
import type { ContainerInspectInfo } from 'dockerode';
import { entries, epochOf, exists, filesOf, readJson, writeJson } from '../layout';
import { bootId, read, statOf } from '../proc';
import type { TrainerIdentity } from '../types';

/** container.json: written before the container is made, and again when it runs. */
export interface ContainerRecord {
  name: string;
  leaseId: string;
  memoryLimitBytes: number | null;
  id: string | null;
  /** Null until it was seen running. */
  identity: TrainerIdentity | null;
}

export const readRecord = (dir: string): ContainerRecord | null => readJson<ContainerRecord>(filesOf(dir).container);

export function writeRecord(dir: string, record: ContainerRecord): void {
  if (exists(dir)) writeJson(filesOf(dir).container, record);
}

/** The lowest epoch above this one that was begun on this host, also where its container is gone. */
export const newerRecord = (dir: string): number | undefined => begunEpochs(dirname(resolve(dir))).find((epoch) => epoch > epochOf(dir));

export const begunEpochs = (runDir: string): number[] =>
  entries(runDir)
    .map((name) => /^epoch-(\d+)$/.exec(name)?.[1])
    .filter((n) => n !== undefined && exists(filesOf(join(runDir, `epoch-${n}`)).container))
    .map(Number)
    .sort((a, b) => a - b);

/** The first process of the container. Without a boot id where this process cannot see it, so that it never counts as alive. */
export function identityIn({ Id, State }: ContainerInspectInfo): TrainerIdentity {
  const pid = State.Pid;
  const own = pid > 0 && read(`/proc/${pid}/cgroup`).includes(Id) ? statOf(pid) : null;
  const identity = own ? { bootId: bootId(), startTime: own.startTime } : { bootId: '', startTime: '' };
  return { ...identity, pid, shimPid: pid, shimStartTime: identity.startTime, startedAt: State.StartedAt };
}
