import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { entries, filesOf, readExit, readStarted, readTrainer, startedEpochs } from '../layout';
import { bootId, isAlive } from '../proc';
import type { FoundRun, FoundTrainer, TrainerExit, TrainerIdentity } from '../types';
import { membersOf } from './members';

/**
 * What became of the trainer of this epoch. `lost`: it was started and is gone without exit.json (its shim was killed,
 * or the host restarted); how it ended is unknown.
 */
export async function findTrainer(dir: string): Promise<FoundTrainer> {
  for (const begin = performance.now(); ; await sleep(20)) {
    const { found, settled } = lookFor(dir);
    if (settled || performance.now() - begin > patienceMs) return found;
  }
}

/** One look. Not settled: somebody may be about to write trainer.json or exit.json, without whom it is lost. */
export function lookFor(dir: string): { found: FoundTrainer; settled: boolean } {
  const started = readStarted(dir);
  const identity = readTrainer(dir);
  if (identity && isAlive(identity)) return { found: { state: 'running', identity }, settled: true };
  const pending = identity ? isAlive(shimOf(identity)) : started !== null && (isAlive(started.by) || shimLives(dir));
  // Read after the look at the processes: a shim that ended in between has written it.
  const exit = readExit(dir);
  if (exit) return { found: { state: 'exited', exit, identity }, settled: true };
  if (!started) return { found: { state: 'absent' }, settled: true };
  return { found: { state: 'lost', identity }, settled: !pending };
}

/** Null while the trainer or its shim lives. */
export async function endedTrainer(dir: string): Promise<TrainerExit | null> {
  const exit = readExit(dir);
  if (exit) return exit;
  const identity = readTrainer(dir);
  if (identity && isAlive(identity)) return null;
  const found = await findTrainer(dir);
  switch (found.state) {
    case 'running':
      return null;
    case 'exited':
      return found.exit;
    case 'absent':
      throw new TypeError(`no trainer was started in ${dir}`);
    case 'lost':
      return {
        ...{ code: null, signal: null, endedAt: new Date().toISOString(), error: null, peakMemoryBytes: null },
        ...{ lost: true, outOfMemory: false, outside: outsideOf(found.identity) },
      };
  }
}

/** No fault of the trainer where it never ran, or its host restarted. */
function outsideOf(identity: TrainerIdentity | null): string | null {
  if (identity === null) return 'the worker was killed while it was being started';
  return identity.bootId === bootId() ? null : 'the host was restarted';
}

/** Runs with a living trainer below `<runsDir>/<experiment>/<variant>/seed-<n>`. */
export async function listTrainers(runsDir: string): Promise<FoundRun[]> {
  const runs: FoundRun[] = [];
  for (const experimentId of entries(runsDir)) {
    for (const variant of entries(join(runsDir, experimentId))) {
      for (const name of entries(join(runsDir, experimentId, variant))) {
        const seed = /^seed-(\d+)$/.exec(name)?.[1];
        if (seed === undefined) continue;
        const runDir = join(runsDir, experimentId, variant, name);
        const epoch = startedEpochs(runDir).findLast((number) => {
          const identity = readTrainer(join(runDir, `epoch-${number}`));
          return identity !== null && isAlive(identity);
        });
        if (epoch !== undefined) runs.push({ key: { experimentId, variant, seed: Number(seed) }, epoch, leaseId: null });
      }
    }
  }
  return runs;
}

/** How long a trainer may be between its start marker and its first sign of life. */
const patienceMs = 10_000;

const shimOf = ({ bootId, shimPid, shimStartTime }: TrainerIdentity) => ({ bootId, pid: shimPid, startTime: shimStartTime });

const shimLives = (dir: string): boolean => membersOf((run) => run === filesOf(resolve(dir)).run).length > 0;
