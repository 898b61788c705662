import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import { type GpuActivities, type ResolvedSpec, type Snapshot, mediaTypes } from '../contract';
import { materialise } from '../data';
import { runTurns } from '../executor';
import { whileHeartbeating } from './heartbeat';
import type { GpuDeps } from './host';
import { runFileFor } from './runFile';

/** All variants at once, one working at a time, in ABBA blocks (run contract, "Turns"). */
export function createMeasureLatency({ store, slots, home, python, runtimeDir }: GpuDeps): GpuActivities['measureLatency'] {
  return ({ plan, snapshot: summary, models, claim }) =>
    whileHeartbeating(async () => {
      const context = Context.current();
      const spec = await store.getJson<ResolvedSpec>(plan.spec);
      const snapshot = await store.getJson<Snapshot>(summary.ref);
      slots.occupy(claim, context.info.workflowExecution?.workflowId ?? claim.claimId);
      // A try of its own folder: what an earlier, lost try left is never mistaken for this one's.
      const base = join(home, 'runs', plan.experimentId, 'latency', `try-${context.info.attempt}-${claim.claimId}`);
      try {
        const data = await materialise({ snapshotRef: summary.ref, store, dir: join(home, 'cache', 'snapshots') });
        const trainers = [];
        for (const { variant, seed, model } of models) {
          const dir = join(base, variant);
          const { runFile, command, cwd, env } = runFileFor({
            spec,
            snapshot,
            data,
            key: { experimentId: plan.experimentId, variant, seed },
            dir,
            mode: 'latency',
            epoch: 1,
            resume: null,
            usedSeconds: 0,
            python,
            runtimeDir,
          });
          if (model) {
            runFile.model = join(base, `model-${variant}`);
            await store.fetchFolder(model, runFile.model);
          }
          trainers.push({ variant, dir, runFile, command, cwd, env });
        }
        const measured = await runTurns({
          trainers,
          blocks: spec.evaluation.latency.blocks,
          timeoutSeconds: turnSeconds,
          signal: context.cancellationSignal,
        });
        const measurements = [];
        for (const { variant, lines } of measured) {
          const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
          measurements.push({ variant, lines: await store.put(text, mediaTypes.jsonLines) });
        }
        return { host: claim.host, measurements };
      } finally {
        await rm(base, { recursive: true, force: true });
      }
    });
}

/** Longest turn, loading and warm-up included. */
const turnSeconds = 600;
