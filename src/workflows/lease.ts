import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { type Lease, type LeaseRelease, type LeaseRequest, type LeaseYield, ids } from '../contract';
import { leaseGranted, releaseLease, requestLease, yieldLease } from './poolMessages';

export type Wish = Omit<LeaseRequest, 'requestId' | 'holder'>;

/** A lease with the request it answers. */
export interface Held {
  lease: Lease;
  request: LeaseRequest;
}

/**
 * This workflow's side of the pool's protocol. Everything is a signal with the request's id, so that asking or giving back twice
 * changes nothing.
 */
export function useLeases(): {
  acquire(purpose: string, wish: Wish): Promise<Held>;
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
    async acquire(purpose, wish) {
      const request: LeaseRequest = { ...wish, requestId: `${workflowId}/${runId}/${purpose}`, holder: workflowId };
      try {
        // Asked again now and then, for a pool that was started anew; ever less often, so that a long wait is a short history.
        for (let patience = 60_000; ; patience = Math.min(patience * 2, 900_000)) {
          const heard = await tell((pool) => pool.signal(requestLease, request));
          await condition(() => grants.has(request.requestId), heard ? patience : 5_000);
          const lease = grants.get(request.requestId);
          if (lease) return { lease, request };
          if (!heard) patience = 30_000;
        }
      } catch (error) {
        if (isCancellation(error)) await CancellationScope.nonCancellable(() => giveBack(request.requestId, '', []));
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

  async function giveBack(requestId: string, leaseId: string, faulty: string[]): Promise<void> {
    const release: LeaseRelease = { leaseId, requestId, faulty };
    // A pool that is away knows by its own reconciliation that this workflow has ended.
    for (let tries = 0; tries < 3; tries++) {
      if (await tell((pool) => pool.signal(releaseLease, release))) return;
      await sleep(5_000);
    }
  }
}

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
