import { ActivityCancellationType, isCancellation, patched, proxyActivities } from '@temporalio/workflow';
import {
  type Check,
  type ExperimentPlan,
  type GpuActivities,
  type LatencyOutcome,
  type Qos,
  type Ref,
  type ResolvedImage,
  type RunOutcome,
  type SnapshotSummary,
  queues,
} from '../contract';
import { causeOf } from './failures';
import type { Held, useLeases } from './lease';
import { devicesOf } from './variantRun';

export interface LatencySubject {
  plan: ExperimentPlan;
  snapshot: SnapshotSummary;
  image: ResolvedImage | null;
  code: Ref | null;
  runs: RunOutcome[];
  /** From 1; one more each time that seeds were added while it was measured. */
  pass: number;
}

/** `problem`: why nothing was measured, though it should have been. */
export interface LatencyPhase {
  outcome: LatencyOutcome | null;
  problem?: Check;
}

/** Of the experiment that is measured. */
interface Surroundings {
  leases: ReturnType<typeof useLeases>;
  qos: () => Qos;
  isStopped: (variant: string) => boolean;
  isPaused: () => boolean;
  whilePaused: () => Promise<void>;
  /** It asks for a host. */
  waiting: () => void;
  measuring: (now: boolean) => void;
}

/** One phase for all variants on one otherwise idle host. Its failure leaves the time metrics undefined, which never passes a guardrail. */
export async function measureInTurns(
  { code, image, pass, plan, runs, snapshot }: LatencySubject,
  around: Surroundings,
): Promise<LatencyPhase> {
  const { leases } = around;
  const models = plan.variants.flatMap(({ name }) => {
    if (around.isStopped(name)) return [];
    const run = runs.find((r) => r.key.variant === name && r.trained);
    return run?.trained ? [{ variant: name, seed: run.key.seed, model: run.trained.model, remedy: run.remedy }] : [];
  });
  if (models.length < 2) return { outcome: null };
  await around.whilePaused();
  around.waiting();
  const devices: string[] = [];
  for (let attempt = 1, asked = 0; ; ) {
    let held: Held | null = null;
    let faulty: string[] = [];
    try {
      asked += 1;
      const purpose = ['latency', ...(pass > 1 ? [`pass-${pass}`] : []), ...(asked > 1 ? [asked] : [])].join('-');
      const wish = () => ({
        experimentId: plan.experimentId,
        label: 'latency',
        owner: plan.owner,
        ...plan.resources,
        qos: around.qos(),
        exclusiveHost: true,
        avoid: { hosts: [], devices },
      });
      held = await leases.acquire(purpose, wish, around.isPaused);
      if (held === null) {
        await around.whilePaused();
        continue;
      }
      around.measuring(true);
      return { outcome: await measureLatency(held.lease.host)({ plan, snapshot, models, ...held, image, code }) };
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Another device is tried, as for a run.
      if (held !== null && causeOf(error).type === 'GpuUnhealthy') faulty = devicesOf(error, held);
      devices.push(...faulty);
      if (faulty.length === 0 || attempt === mostAttempts) return { outcome: null, problem: unmeasured(causeOf(error).message) };
      attempt += 1;
    } finally {
      around.measuring(false);
      if (held) await leases.release(held, faulty);
    }
  }
}

/** Devices that the phase is tried on. */
const mostAttempts = 3;

const unmeasured = (message: string): Check => ({
  name: 'latency-phase',
  status: 'fail',
  gate: false,
  statistic: null,
  pValue: null,
  detail: `latency was not measured: ${message.slice(0, 500)}`,
});

const measureLatency = (host: string): GpuActivities['measureLatency'] =>
  proxyActivities<GpuActivities>({
    taskQueue: queues.gpu(host),
    scheduleToStartTimeout: '60s',
    startToCloseTimeout: '6h',
    heartbeatTimeout: '20s',
    // The lease is given back when its trainers have stopped, and not before.
    cancellationType: patched('latency stops first')
      ? ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
      : ActivityCancellationType.TRY_CANCEL,
    retry: { maximumAttempts: 10 },
    summary: 'measure latency in turns',
  }).measureLatency;
