import { statSync } from 'node:fs';
import type { ContainerInspectInfo } from 'dockerode';
import { exitCodes } from '../../contract';
import { exists, filesOf, readExit, readJson, writeJson } from '../layout';
import { read } from '../proc';
import type { TrainerExit } from '../types';
import { type Engine, socketOf } from './engine';
import { saveLogs } from './logs';

/** Puts the end of a container, and its logs, into the epoch's folder, where both outlive it. The first record stays. */
export async function settle(engine: Engine, dir: string, info: ContainerInspectInfo): Promise<TrainerExit> {
  const saved = readExit(dir);
  if (saved) return saved;
  const exit = exitOf(engine, info, dir);
  if (!exists(dir)) return exit;
  await saveLogs(engine, dir, info.Id);
  return writeJson(filesOf(dir).exit, exit, { exclusive: true }) ? exit : (readExit(dir) ?? exit);
}

export function exitOf(engine: Engine, info: ContainerInspectInfo, dir: string): TrainerExit {
  const { Name, State, HostConfig } = info;
  const code = State.ExitCode;
  const stoppedByUs = readJson(filesOf(dir).stopping) !== null;
  // A killed child (a data loader) counts too, unless the trainer coped or said what it died of.
  const outOfMemory = State.OOMKilled && !said.has(code);
  const limit = HostConfig.Memory ?? 0;
  const killed = !outOfMemory && (code === 137 || code === 143);
  return {
    code: killed && stoppedByUs ? null : code,
    signal: killed && stoppedByUs ? (code === 137 ? 'SIGKILL' : 'SIGTERM') : null,
    endedAt: State.FinishedAt,
    error: null,
    peakMemoryBytes: readPeak(dir),
    lost: false,
    outOfMemory,
    ...(outOfMemory && limit > 0 ? { memoryLimitBytes: limit } : {}),
    outside: killed && !stoppedByUs ? outsideOf(Name, code) : unseenEnd(engine, info),
  };
}

/** What ends after this, ends by our wish and not from outside. */
export function markStopping(dir: string, graceSeconds: number): void {
  if (exists(dir)) writeJson(filesOf(dir).stopping, { graceSeconds, at: new Date().toISOString() });
}

/** Its container is gone and nobody knows how it ended. */
export const gone = (name: string, dir: string): TrainerExit => ({
  ...{ code: null, signal: null, endedAt: new Date().toISOString(), error: null, peakMemoryBytes: readPeak(dir) },
  ...{ lost: true, outOfMemory: false, outside: `container ${name} was removed before it ended` },
});

export const readPeak = (dir: string): number | null => Number(read(filesOf(dir).peak)) || null;

const said = new Set<number>([exitCodes.done, exitCodes.yielded, exitCodes.rejected]);

function outsideOf(name: string, code: number): string {
  const signal = code === 137 ? 'SIGKILL (exit code 137), not by its memory limit' : 'SIGTERM (exit code 143), which nobody here sent';
  return `container ${plain(name)} was ended by ${signal}; its engine was restarted, or somebody stopped it`;
}

/** 255 is what an engine writes that was restarted and found the container gone; one that was not has seen the code itself. */
function unseenEnd({ docker }: Engine, { Name, State: { ExitCode, StartedAt } }: ContainerInspectInfo): string | null {
  const restarted = [socketOf(docker), '/var/run/docker.pid'].some(
    (path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > Date.parse(StartedAt),
  );
  return ExitCode === 255 && restarted ? `its engine was restarted and found container ${plain(Name)} gone (exit code 255)` : null;
}

const plain = (name: string): string => name.replace(/^\//, '');
