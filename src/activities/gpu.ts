import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { AnyHostActivities, GpuActivities, HostActivities } from '../contract';
import { whileHeartbeating } from './heartbeat';
import { type GpuDeps, runDir, runsDir } from './host';
import { holderOf } from './leases';
import { createMeasureLatency } from './measureLatency';
import { graceSeconds } from './runFile';
import { createTrainVariant } from './trainVariant';

export function createGpuActivities(deps: GpuDeps): GpuActivities {
  return { trainVariant: createTrainVariant(deps), measureLatency: createMeasureLatency(deps) };
}

/** On a queue of their own, so that they never wait behind training. */
export function createHostActivities({ executors, home, book }: GpuDeps): HostActivities {
  const everywhere = Object.values(executors);
  return {
    yieldRun({ key, epoch }) {
      const dir = join(runDir(home, key), `epoch-${epoch}`);
      return whileHeartbeating(async () => {
        for (const executor of everywhere) {
          // By the list: it does not wait for an engine that this host may not have.
          const living = await executor.list(runsDir(home));
          if (!living.some((run) => run.epoch === epoch && holderOf(run.key) === holderOf(key))) continue;
          await executor.stop(dir, { graceSeconds });
          return;
        }
      });
    },
    async cleanUpRun({ key }) {
      const dir = runDir(home, key);
      for (const executor of everywhere) await executor.stopRun(dir, { graceSeconds: 0 });
      book.endHolder(holderOf(key));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function createAnyHostActivities({ resolveImage }: Pick<GpuDeps, 'resolveImage'>): AnyHostActivities {
  return {
    resolveImage({ reference }) {
      let message = '';
      const onProgress = (text: string): void => {
        message = text;
      };
      return whileHeartbeating(
        () => resolveImage(reference, { onProgress, signal: Context.current().cancellationSignal }),
        () => ({ message }),
      );
    },
  };
}
