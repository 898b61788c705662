import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  TimeoutFailure,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type ExperimentPlan,
  type FailureCounts,
  type GpuActivities,
  type HostActivities,
  type Ref,
  type Remedy,
  type ResolvedImage,
  type RunKey,
  type RunOutcome,
  type RunState,
  type RunSteering,
  type TrainedRun,
  assertNever,
  failureBudgets,
  isRunFinal,
  leaseTerms,
  queues,
} from '../contract';
import { type RunView, runDetails } from './details';
import { causeOf, type Cause } from './failures';
import { type Held, useLeases } from './lease';
import { runChanged, steerRun } from './messages';
import { observe } from './observe';

export interface VariantRunInput {
  key: RunKey;
  spec: Ref;
  snapshot: Ref;
  mode: 'train' | 'evaluate';
  /** Crashes of the trainer allowed. */
  attempts: number;
  timeoutSeconds: number;
  owner: string | null;
  resources: ExperimentPlan['resources'];
  image: ResolvedImage | null;
  code: Ref | null;
  remedy: Remedy;
  /** Epochs go on over the levels of the out-of-memory ladder; from 1. */
  firstEpoch: number;
  /** Ended epochs under earlier remedies. */
  failures: FailureCounts;
  /**
   * The experiment knows that the run waits from having started it, and how it ended from its outcome: no signals for these. Absent where
   * an earlier version started it.
   */
  quiet?: boolean;
  /** A process runs in a copy of `code`; absent where it runs in the folder of the spec. */
  inCode?: boolean;
  /** The experiment is paused; absent where it is not. */
  paused?: boolean;
}

/** One variant under one seed: lease a host and devices, train or evaluate, and on a death go on from the last checkpoint. */
export async function variantRun(input: VariantRunInput): Promise<RunOutcome> {
  const { key, remedy } = input;
  const leases = useLeases((place) => show({ place }));
  const findings: string[] = [];
  const ends: NonNullable<RunOutcome['ends']> = [];
  const view: RunView = { key, state: 'waiting', epoch: input.firstEpoch, since: '', lease: null, place: null, history: findings };
  const failures = { ...input.failures };
  const avoid = { hosts: new Set<string>(), devices: new Set<string>() };
  const hosts = new Set<string>();
  let last: Cause | null = null;
  /** The experiment has heard of this run. */
  let told = false;
  /** Who asked the trainer to make room. */
  let yielded: 'pool' | 'pause' | null = null;
  let wanted: RunSteering = { paused: input.paused ?? false, qos: input.resources.qos };
  setHandler(steerRun, (now) => void (wanted = now), {
    description: 'Whether the experiment is paused, and of which class its leases are.',
  });

  try {
    return await epochs();
  } catch (error) {
    // Also of an epoch whose host was lost then and may be back.
    await CancellationScope.nonCancellable(() => cleanUp([...hosts]));
    throw error;
  }

  async function epochs(): Promise<RunOutcome> {
    for (let epoch = input.firstEpoch; ; epoch++) {
      const held = await place(epoch);
      const { host } = held.lease;
      hosts.add(host);
      show({ lease: held.lease, place: null });
      yielded = null;
      try {
        await report('training', host, epoch, last?.message ?? null);
        const trained = await train(epoch, held);
        await cleanUp([...hosts]);
        await leases.release(held);
        await report('done', host, epoch, null);
        return { key, status: 'done', attempts: epoch, trained, findings, failures, ends, remedy, failure: null };
      } catch (error) {
        last = isCancellation(error) ? null : endOf(error);
        const faulty = last?.type === 'GpuUnhealthy' ? devicesOf(error, held) : [];
        // A host that does not answer gives nothing back: its guard stops what runs there, and the pool's own terms end the lease.
        const clean = !isSilent(error) && (await CancellationScope.nonCancellable(() => cleanUp([host])));
        if (clean) await leases.release(held, faulty);
        if (last === null) throw error;
        const cause = isPause(last) ? 'paused' : `${last.type}: ${firstLine(last.message)}`;
        findings.push(`epoch ${epoch} on ${host}: ${cause}`);
        if (last.type === 'HostLost' || last.type === 'ExecutorUnavailable') avoid.hosts.add(host);
        for (const device of faulty) avoid.devices.add(device);
        const failure = spent(last);
        if (failure) {
          await cleanUp([...hosts]);
          await report('failed', host, epoch, firstLine(failure.message));
          return { key, status: 'failed', attempts: epoch, trained: null, findings, failures, ends, remedy, failure };
        }
        ends.push({ epoch, cause });
        // The pool's order decides when a run that yielded goes on.
        if (last.type !== 'Preempted') {
          const tries = failures.crash + failures.infrastructure;
          await sleep(Math.min(60_000, 1000 * 2 ** (tries - 1)), { summary: `back-off before epoch ${epoch + 1}` });
        }
      }
    }
  }

  /** A lease, once the experiment is not paused. */
  async function place(epoch: number): Promise<Held> {
    for (let withdrawn = 0; ; withdrawn++) {
      if (wanted.paused) {
        await report('waiting', null, epoch, 'paused');
        await condition(() => !wanted.paused);
      }
      await report('waiting', null, epoch, last?.message ?? null);
      const purpose = withdrawn === 0 ? `epoch-${epoch}` : `epoch-${epoch}-again-${withdrawn}`;
      const held = await leases.acquire(purpose, wish, () => wanted.paused);
      if (held !== null) return held;
    }
  }

  function wish() {
    return {
      experimentId: key.experimentId,
      label: `${key.variant} seed ${key.seed}`,
      owner: input.owner,
      ...input.resources,
      qos: wanted.qos,
      exclusiveHost: false,
      avoid: { hosts: [...avoid.hosts], devices: [...avoid.devices] },
    };
  }

  async function train(epoch: number, held: Held): Promise<TrainedRun> {
    const { lease, request } = held;
    const { trainVariant } = proxyActivities<GpuActivities>({
      taskQueue: queues.gpu(lease.host),
      // When nobody has taken it by then, the host's guard has stopped what ran there: a run never has two trainers.
      scheduleToStartTimeout: (leaseTerms.term + leaseTerms.grace + leaseTerms.margin) * 1000,
      // Over all attempts: a trainer that hangs is adopted again and again, and must end for all that.
      scheduleToCloseTimeout: (input.timeoutSeconds + awaySeconds) * 1000,
      heartbeatTimeout: '10s',
      // A cancelled trainer has time for a last checkpoint before anything of it is removed.
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      retry: { initialInterval: '500ms', maximumInterval: '10s' },
      summary: `${input.mode} ${key.variant} seed ${key.seed}, epoch ${epoch}`,
    });
    const { spec, snapshot, mode, image, code, inCode } = input;
    let over = false;
    const training = trainVariant({
      key,
      epoch,
      spec,
      snapshot,
      mode,
      lease,
      request,
      image,
      code,
      remedy,
      ...(inCode ? { inCode } : {}),
    }).finally(() => {
      over = true;
    });
    const yielding = (async () => {
      const asked = await leases.yieldAsked(held, () => over || wanted.paused);
      if (over) return;
      yielded = asked === null ? 'pause' : 'pool';
      const reason = asked ?? 'the experiment is paused';
      // Until it has: its trainer may not have been running yet, or its host not have heard.
      while (!over) {
        await onHost(lease.host, 'yield to another run').yieldRun({ key, epoch, reason }).catch(ignoreSilence);
        await condition(() => over, '15s');
      }
    })().catch(() => undefined);
    try {
      return await training;
    } finally {
      await yielding;
    }
  }

  /** What an epoch ended of. */
  function endOf(error: unknown): Cause {
    const cause = causeOf(error);
    // It had to make room, and did not write a checkpoint in time: no crash of its own.
    if (yielded !== null && cause.type === 'TrainerCrashed') return { ...cause, type: 'Preempted' };
    if (!isTooLong(error)) return cause;
    const message = `it did not end within ${input.timeoutSeconds} s; see its log for where it hangs, or raise training.budget.wallClock`;
    return { type: 'TrainerFailed', message };
  }

  /** Stops what the run may have left on these hosts and removes its folders. False where a host did not answer. */
  async function cleanUp(left: string[]): Promise<boolean> {
    let clean = true;
    for (const host of left) {
      await onHost(host, 'clean up')
        .cleanUpRun({ key })
        .then(
          () => hosts.delete(host),
          (error: unknown) => {
            ignoreSilence(error);
            clean = false;
          },
        );
    }
    return clean;
  }

  /** A person may pause as often as they like: it is no failure, and draws on no budget. */
  function isPause(cause: Cause): boolean {
    return yielded === 'pause' && cause.type === 'Preempted';
  }

  /** Counts the failure to its cause; what the run ends with once that cause's budget is spent. */
  function spent(cause: Cause): RunOutcome['failure'] {
    if (isPause(cause)) return null;
    const kind = budgetOf(cause);
    observe({ type: 'epochFailed', cause: kind, error: cause.type });
    if (kind === null) return cause;
    failures[kind] += 1;
    switch (kind) {
      case 'crash':
        if (failures.crash < input.attempts) return null;
        return { type: 'TrainerFailed', message: `crashed ${failures.crash} times; last: ${cause.message}` };
      case 'infrastructure':
      case 'preemption':
        return failures[kind] < failureBudgets[kind] ? null : cause;
      case 'outOfMemory':
        // Never the same again: the experiment owns the ladder, since a remedy concerns every variant.
        return cause;
      default:
        return assertNever(kind);
    }
  }

  function show(change: Partial<RunView>): void {
    Object.assign(view, change);
    setCurrentDetails(runDetails(view));
  }

  async function report(state: RunState, host: string | null, epoch: number, message: string | null): Promise<void> {
    const waits = state === 'waiting' ? { lease: null, place: null, paused: wanted.paused } : {};
    show({ state, epoch, since: new Date().toISOString(), ...waits });
    const parent = workflowInfo().parent;
    const known = isRunFinal(state) || (state === 'waiting' && message === null && epoch === 1 && !told);
    if (!parent || (input.quiet && known)) return;
    told = true;
    await getExternalWorkflowHandle(parent.workflowId).signal(runChanged, { key, state, host, epoch, message });
  }
}

/** Which budget a failure draws on; null ends the run at once, since trying again would not help. */
function budgetOf(cause: Cause): keyof FailureCounts | null {
  switch (cause.type) {
    case 'TrainerCrashed':
      return 'crash';
    case 'OutOfMemory':
      return 'outOfMemory';
    case 'Preempted':
      return 'preemption';
    case 'HostLost':
    case 'ExecutorUnavailable':
    case 'StoreUnavailable':
    case 'GpuUnhealthy':
    case 'CheckpointCorrupt':
    case 'ServerUnavailable':
      return 'infrastructure';
    case 'TrainerFailed':
    case 'TrainerRejected':
    case 'PredictionsInvalid':
    case 'SpecInvalid':
    case 'DataInvalid':
    case 'ImageUnpinned':
    case 'Forbidden':
    case 'Conflict':
    case 'NotDelivered':
    case 'NotPublished':
    case 'PayloadTooLarge':
    case 'NotFound':
    case 'Unsupported':
    case 'ObjectCorrupt':
    case 'Internal':
      return null;
    default:
      return assertNever(cause.type);
  }
}

/** The devices that the failure names, else all of the lease. */
export function devicesOf(error: unknown, { lease }: Held): string[] {
  const failure = error instanceof ActivityFailure ? error.cause : error;
  const named = failure instanceof ApplicationFailure ? (failure.details?.[0] as { devices?: string[] } | undefined)?.devices : undefined;
  return named ?? lease.devices.map((device) => device.uuid);
}

/** A host that is gone has nothing to give back; its worker reaps what it finds when it starts again. */
function ignoreSilence(error: unknown): void {
  if (isCancellation(error)) throw error;
}

/** Nobody there took the work, or went on with it. */
const isSilent = (error: unknown): boolean => ['SCHEDULE_TO_START', 'HEARTBEAT'].includes(timeoutOf(error) ?? '');

/** The time of all attempts is over; one that was lost then is not tried again. */
const isTooLong = (error: unknown): boolean =>
  timeoutOf(error) === 'SCHEDULE_TO_CLOSE' || (timeoutOf(error) === 'HEARTBEAT' && (error as ActivityFailure).retryState === 'TIMEOUT');

const timeoutOf = (error: unknown): string | null =>
  error instanceof ActivityFailure && error.cause instanceof TimeoutFailure ? (error.cause.timeoutType ?? null) : null;

function onHost(host: string, summary: string): HostActivities {
  return proxyActivities<HostActivities>({
    taskQueue: queues.host(host),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: '60s',
    retry: { maximumAttempts: 3 },
    summary,
  });
}

/** What a pull, or a server or a store that is away, may take beside the training, seconds. */
const awaySeconds = 3600;

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
