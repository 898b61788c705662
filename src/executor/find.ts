import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunKey } from '../contract';
import { entries, filesOf, readExit, readStarted, readTrainer, startedEpochs } from './layout';
import { isAlive, membersOf } from './processes';
import type { FoundTrainer, TrainerIdentity } from './types';

/**
 * What became of the trainer of this epoch. `lost`: it was started and is gone without exit.json (its shim was killed,
 * or the host restarted); how it ended is unknown.
 */
export async function findTrainer(dir: string): Promise<FoundTrainer> {
  for (const begin = Date.now(); ; await sleep(20)) {
    const { found, settled } = lookFor(dir);
    if (settled || Date.now() - begin > patienceMs) return found;
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

/** Runs with a living trainer below `<runsDir>/<experiment>/<variant>/seed-<n>`. */
export async function listTrainers(runsDir: string): Promise<RunKey[]> {
  const keys: RunKey[] = [];
  for (const experimentId of entries(runsDir)) {
    for (const variant of entries(join(runsDir, experimentId))) {
      for (const name of entries(join(runsDir, experimentId, variant))) {
        const seed = /^seed-(\d+)$/.exec(name)?.[1];
        if (seed === undefined) continue;
        const runDir = join(runsDir, experimentId, variant, name);
        const alive = startedEpochs(runDir).some((epoch) => {
          const identity = readTrainer(join(runDir, `epoch-${epoch}`));
          return identity !== null && isAlive(identity);
        });
        if (alive) keys.push({ experimentId, variant, seed: Number(seed) });
      }
    }
  }
  return keys;
}

/** How long a trainer may be between its start marker and its first sign of life. */
const patienceMs = 10_000;

const shimOf = ({ bootId, shimPid, shimStartTime }: TrainerIdentity) => ({ bootId, pid: shimPid, startTime: shimStartTime });

const shimLives = (dir: string): boolean => membersOf((run) => run === filesOf(resolve(dir)).run).length > 0;
