import { dirname, join, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesOf, startedEpochs } from '../layout';
import { isAlive, signalTo } from '../proc';
import type { FoundTrainer } from '../types';
import { lookFor } from './find';
import { killMembers } from './members';

/**
 * SIGTERM to the trainer alone (its helpers may be needed for the last checkpoint), then, when it has ended or its time is up,
 * SIGKILL to everything of this epoch.
 */
export async function stopTrainer(dir: string, { graceSeconds }: { graceSeconds: number }): Promise<FoundTrainer> {
  const { found } = lookFor(dir);
  if (found.state === 'absent') return found;
  if (found.state === 'running' && graceSeconds > 0) {
    signalTo(found.identity.pid, 'SIGTERM');
    for (const end = performance.now() + graceSeconds * 1000; performance.now() < end && isAlive(found.identity); ) await sleep(50);
  }
  await killMembers((run) => run === filesOf(dir).run);
  return lookFor(dir).found;
}

/** Kills what lives of this run's epochs below `epoch`; returns whether anything did. */
export async function reapOlder(runDir: string, epoch: number): Promise<boolean> {
  const root = resolve(runDir);
  return killMembers((run) => {
    const dir = dirname(run);
    const number = dirname(dir) === root ? /^epoch-(\d+)$/.exec(dir.slice(root.length + sep.length))?.[1] : undefined;
    return number !== undefined && Number(number) < epoch;
  });
}

/** Stops every epoch of a run on this host. */
export async function stopRun(runDir: string, { graceSeconds }: { graceSeconds: number }): Promise<void> {
  await Promise.all(startedEpochs(runDir).map((epoch) => stopTrainer(join(runDir, `epoch-${epoch}`), { graceSeconds })));
  await reapOlder(runDir, Number.POSITIVE_INFINITY);
}
