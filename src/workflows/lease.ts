import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type Lease,
  type LeaseRelease,
  type LeaseRequest,
  type LeaseYield,
  type PlaceInLine,
  type PoolActivities,
  ids,
  queues,
} from '../contract';
import { observe } from './observe';
import { leaseGranted, releaseLease, requestLease, yieldLease } from './poolMessages';
import { observeSpan } from './trace';

export type Wish = Omit<LeaseRequest, 'requestId' | 'holder'>;

/** A lease with the request it answers. */
export interface Held {
  lease: Lease;
  request: LeaseRequest;
}

/**
 * This workflow's side of the pool's protocol. Everything is a signal with the request's id, so that asking or giving back twice
 * changes nothing. `onWait` hears where a request stands, once it has waited for a minute and ever less often.
 */
export function useLeases(onWait?: (place: PlaceInLine) => void): {
  /**
   * Waits for a lease. A wish whose class changes meanwhile keeps its place in the line; null as soon as `unless` is true, and the
   * request is taken back: the next one needs another purpose.
   */
  acquire(purpose: string, wish: () => Wish, unless: () => boolean): Promise<Held | null>;
  release(held: Held, faulty?: string[]): Promise<void>;
  /** Resolves with the pool's reason when it wants the lease back, or with null as soon as `over` is true. */
  yieldAsked(held: Held, over: () => boolean): Promise<string | null>;
} {
  const { workflowId, runId } = workflowInfo();
  const grants = new Map<string, Lease>();
  const yields = new Map<string, LeaseYield>();
  setHandler(leaseGranted, (lease) => void grants.set(lease.requestId, lease), { description: 'The pool gave a host and devices.' });
  setHandler(yieldLease, (wanted) => void yields.set(wanted.leaseId, wanted), {
    description: 'The pool asks to checkpoint and give the place back.',
  });

  return {
    async acquire(purpose, wish, unless) {
      let request: LeaseRequest = { ...wish(), requestId: `${workflowId}/${runId}/${purpose}`, holder: workflowId };
      const { requestId } = request;
      const askedAt = Date.now();
      try {
        // Asked again now and then, for a pool that was started anew; ever less often, so that a long wait is a short history.
        for (let patience = 60_000; ; patience = Math.min(patience * 2, 900_000)) {
          const heard = await tell((pool) => pool.signal(requestLease, request));
          const otherwise = (): boolean => unless() || wish().qos !== request.qos;
          await condition(() => grants.has(requestId) || otherwise(), heard ? patience : 5_000);
          const lease = grants.get(requestId);
          if (unless()) {
            await giveBack(requestId, lease?.leaseId ?? '', []);
            return null;
          }
          if (lease) {
            const { qos, owner } = request;
            observe({ type: 'leaseGranted', qos, owner, seconds: (Date.now() - askedAt) / 1000 });
            observeSpan('wait for a lease', askedAt, { 'assay.host': lease.host, 'assay.qos': qos });
            return { lease, request };
          }
          if (otherwise()) request = { ...request, qos: wish().qos };
          else if (!heard) patience = 30_000;
          else if (onWait && patched('why-waits')) await tellPlace(requestId, onWait);
        }
      } catch (error) {
        if (isCancellation(error)) await CancellationScope.nonCancellable(() => giveBack(requestId, '', []));
        throw error;
      }
    },
    release: ({ lease, request }, faulty = []) =>
      CancellationScope.nonCancellable(() => giveBack(request.requestId, lease.leaseId, faulty)),
    async yieldAsked({ lease }, over) {
      await condition(() => over() || yields.has(lease.leaseId));
      return over() ? null : (yields.get(lease.leaseId)?.reason ?? null);
    },
  };

  /** For people only: a pool or a worker that does not answer keeps nobody waiting. */
  async function tellPlace(requestId: string, onWait: (place: PlaceInLine) => void): Promise<void> {
    try {
      const place = await whyWaits({ requestId });
      if (place !== null && !grants.has(requestId)) onWait(place);
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }

  async function giveBack(requestId: string, leaseId: string, faulty: string[]): Promise<void> {
    const release: LeaseRelease = { leaseId, requestId, faulty };
    // A pool that is away knows by its own reconciliation that this workflow has ended.
    for (let tries = 0; tries < 3; tries++) {
      if (await tell((pool) => pool.signal(releaseLease, release))) return;
      await sleep(5_000);
    }
  }
}

const { whyWaits } = proxyActivities<PoolActivities>({
  taskQueue: queues.control,
  scheduleToCloseTimeout: '20s',
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 2 },
  summary: 'why it waits',
});

/** False where no pool is running: the first report of a host starts one. */
async function tell(signal: (pool: ReturnType<typeof getExternalWorkflowHandle>) => Promise<void>): Promise<boolean> {
  try {
    await signal(getExternalWorkflowHandle(ids.gpuPool));
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return false;
  }
}
