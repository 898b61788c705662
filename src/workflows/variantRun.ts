import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type Claim,
  type GpuActivities,
  type HostActivities,
  type RunKey,
  type RunOutcome,
  type RunState,
  assertNever,
  queues,
} from '../contract';
import type { Ref } from '../contract';
import { causeOf, type Cause } from './failures';
import { runChanged } from './messages';

export interface VariantRunInput {
  key: RunKey;
  spec: Ref;
  snapshot: Ref;
  mode: 'train' | 'evaluate';
  /** Starts of the trainer allowed when it crashes. */
  attempts: number;
  timeoutSeconds: number;
}

/** Losses of hosts and stores that one run bears before it gives up. */
const infrastructureBudget = 20;

/** One variant under one seed: claim a host, train or evaluate, and on a death go on from the last checkpoint. */
export async function variantRun(input: VariantRunInput): Promise<RunOutcome> {
  const { key } = input;
  const findings: string[] = [];
  const hosts = new Set<string>();
  let crashes = 0;
  let losses = 0;
  let last: Cause | null = null;

  for (let epoch = 1; ; epoch++) {
    await report('waiting', null, epoch, last?.message ?? null);
    const claim = await claimHost(key);
    hosts.add(claim.host);
    await report('training', claim.host, epoch, last?.message ?? null);
    try {
      const trained = await train(input, epoch, claim);
      await cleanUp(key, hosts);
      await report('done', claim.host, epoch, null);
      return { key, status: 'done', attempts: epoch, trained, findings, failure: null };
    } catch (error) {
      await CancellationScope.nonCancellable(() => release(claim));
      if (isCancellation(error)) {
        await CancellationScope.nonCancellable(() => cleanUp(key, hosts));
        throw error;
      }
      last = causeOf(error);
      findings.push(`epoch ${epoch} on ${claim.host}: ${last.type}: ${firstLine(last.message)}`);
      const verdict = judge(last);
      if (verdict === 'crash') crashes += 1;
      if (verdict === 'loss') losses += 1;
      if (verdict === 'final' || crashes >= input.attempts || losses >= infrastructureBudget) {
        await cleanUp(key, hosts);
        const failure = verdict === 'crash' ? { type: 'TrainerFailed', message: `crashed ${crashes} times; last: ${last.message}` } : last;
        await report('failed', claim.host, epoch, firstLine(failure.message));
        return { key, status: 'failed', attempts: epoch, trained: null, findings, failure };
      }
      await sleep(Math.min(60_000, 1000 * 2 ** (crashes + losses - 1)), { summary: `back-off before epoch ${epoch + 1}` });
    }
  }

  async function report(state: RunState, host: string | null, epoch: number, message: string | null): Promise<void> {
    setCurrentDetails(
      `**${key.variant} seed ${key.seed}**: ${state}${host ? ` on \`${host}\`` : ''}, epoch ${epoch}${message ? `\n\nlast: ${firstLine(message)}` : ''}`,
    );
    const parent = workflowInfo().parent;
    if (parent) await getExternalWorkflowHandle(parent.workflowId).signal(runChanged, { key, state, host, epoch, message });
  }
}

/** What a failure costs: a trainer's crash and a lost host have budgets of their own, the rest ends the run. */
function judge(cause: Cause): 'crash' | 'loss' | 'final' {
  switch (cause.type) {
    case 'TrainerCrashed':
      return 'crash';
    case 'HostLost':
    case 'ExecutorUnavailable':
    case 'StoreUnavailable':
    case 'GpuUnhealthy':
    case 'Preempted':
    case 'CheckpointCorrupt':
    case 'ServerUnavailable':
      return 'loss';
    case 'OutOfMemory':
    case 'TrainerFailed':
    case 'TrainerRejected':
    case 'PredictionsInvalid':
    case 'SpecInvalid':
    case 'DataInvalid':
    case 'ImageUnpinned':
    case 'Forbidden':
    case 'PayloadTooLarge':
    case 'NotFound':
    case 'Unsupported':
    case 'ObjectCorrupt':
      return 'final';
    default:
      return assertNever(cause.type);
  }
}

async function claimHost(key: RunKey): Promise<Claim> {
  const { claimHost } = proxyActivities<GpuActivities>({
    taskQueue: queues.claims,
    startToCloseTimeout: '30d',
    heartbeatTimeout: '10s',
    summary: `wait for a free place for ${key.variant} seed ${key.seed}`,
  });
  return claimHost({ holder: workflowInfo().workflowId, exclusive: false });
}

async function train(input: VariantRunInput, epoch: number, claim: Claim) {
  const { trainVariant } = proxyActivities<GpuActivities>({
    taskQueue: queues.gpu(claim.host),
    scheduleToStartTimeout: '60s',
    startToCloseTimeout: input.timeoutSeconds * 1000,
    heartbeatTimeout: '10s',
    retry: { initialInterval: '500ms', maximumInterval: '10s' },
    summary: `${input.mode} ${input.key.variant} seed ${input.key.seed}, epoch ${epoch}`,
  });
  return trainVariant({ key: input.key, epoch, spec: input.spec, snapshot: input.snapshot, mode: input.mode, claim });
}

async function release(claim: Claim): Promise<void> {
  const { releaseClaim } = hostActivities(claim.host, 'give the place back');
  await releaseClaim({ claim }).catch(ignoreLostHost);
}

/** Stops what an earlier epoch may have left on the hosts used, and removes the run's folders. */
async function cleanUp(key: RunKey, hosts: Set<string>): Promise<void> {
  for (const host of hosts) await hostActivities(host, 'clean up').cleanUpRun({ key }).catch(ignoreLostHost);
}

/** A host that is gone has nothing to give back; its worker reaps what it finds when it starts again. */
function ignoreLostHost(error: unknown): void {
  if (isCancellation(error)) throw error;
}

function hostActivities(host: string, summary: string): HostActivities {
  return proxyActivities<HostActivities>({
    taskQueue: queues.host(host),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: '60s',
    retry: { maximumAttempts: 3 },
    summary,
  });
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
