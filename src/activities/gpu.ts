import { rm } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import { type GpuActivities, type HostActivities, ids } from '../contract';
import { listTrainers, stopRun } from '../executor';
import { whileHeartbeating } from './heartbeat';
import { createMeasureLatency } from './measureLatency';
import { type GpuDeps, runDir, runsDir } from './host';
import { createTrainVariant } from './trainVariant';

export function createGpuActivities(deps: GpuDeps): GpuActivities {
  return {
    claimHost: ({ holder, exclusive }) =>
      whileHeartbeating(() => deps.slots.claim(holder, exclusive, Context.current().cancellationSignal)),
    trainVariant: createTrainVariant(deps),
    measureLatency: createMeasureLatency(deps),
  };
}

/** On a queue of their own, so that they never wait behind training. */
export function createHostActivities({ slots, home }: GpuDeps): HostActivities {
  return {
    async releaseClaim({ claim }) {
      slots.release(claim.claimId);
    },
    async cleanUpRun({ key }) {
      const dir = runDir(home, key);
      await stopRun(dir, { graceSeconds: 0 });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/**
 * What a worker finds when it starts: trainers of open runs keep their places until they are adopted,
 * trainers of runs that ended meanwhile are stopped.
 */
export async function takeStock(
  deps: GpuDeps,
  isOpen: (workflowId: string) => Promise<boolean>,
): Promise<{ kept: string[]; reaped: string[] }> {
  const kept: string[] = [];
  const reaped: string[] = [];
  for (const key of await listTrainers(runsDir(deps.home))) {
    const holder = ids.variantRunWorkflow(key.experimentId, key.variant, key.seed);
    if (await isOpen(holder)) {
      deps.slots.expect(holder);
      kept.push(holder);
    } else {
      await stopRun(runDir(deps.home, key), { graceSeconds: 0 });
      await rm(runDir(deps.home, key), { recursive: true, force: true });
      reaped.push(holder);
    }
  }
  return { kept, reaped };
}
