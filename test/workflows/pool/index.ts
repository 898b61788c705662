import { condition, defineQuery, defineSignal, getExternalWorkflowHandle, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { type Device, type HostReport, type Lease, type LeaseRequest, ids } from '../../../src/contract';
import { hostReport, leaseGranted, releaseLease, requestLease, yieldLease } from '../../../src/workflows/poolMessages';

export { gpuPool } from '../../../src/workflows/gpuPool';

interface Run {
  lease: Lease;
  request: LeaseRequest;
}

const begin = defineSignal<[Run]>('begin');
const end = defineSignal<[string]>('end');

export interface HostInput {
  host: string;
  places: number;
  devices: Device[];
  session: string;
  /** Runs that are there already. */
  runs: Run[];
  everySeconds: number;
}

/** A host: it reports what runs on it for as long as it lives. */
export async function host(input: HostInput): Promise<void> {
  const { everySeconds, runs, ...about } = input;
  const here = new Map(runs.map((run) => [run.lease.leaseId, run]));
  setHandler(begin, (run) => void here.set(run.lease.leaseId, run));
  setHandler(end, (leaseId) => void here.delete(leaseId));
  for (;;) {
    const message: HostReport = { ...about, absent: null, leases: [...here.values()] };
    // A pool that is away hears the next one.
    await getExternalWorkflowHandle(ids.gpuPool)
      .signal(hostReport, message)
      .catch(() => undefined);
    await sleep(everySeconds * 1000);
  }
}

/** What a holder had, and from when to when, ms. */
export interface Tenure {
  asked: number;
  from: number;
  to: number;
  lease: Lease;
  yielded: boolean;
}

export const tenures = defineQuery<{ granted: Lease | null }>('tenures');

/** A run: asks, works on what it is given, gives it back; when asked to yield it does so and asks again. */
export async function holder(wish: Omit<LeaseRequest, 'requestId' | 'holder'>, seconds: number): Promise<Tenure[]> {
  const { workflowId } = workflowInfo();
  const pool = getExternalWorkflowHandle(ids.gpuPool);
  const log: Tenure[] = [];
  let granted: Lease | null = null;
  let yieldAsked: string | null = null;
  setHandler(leaseGranted, (lease) => {
    granted = lease;
  });
  setHandler(yieldLease, ({ leaseId }) => {
    yieldAsked = leaseId;
  });
  setHandler(tenures, () => ({ granted }));
  let left = seconds * 1000;
  for (let part = 1; left > 0; part++) {
    const request = { ...wish, requestId: `${workflowId}/${part}`, holder: workflowId };
    const asked = Date.now();
    await pool.signal(requestLease, request);
    await condition(() => granted?.requestId === request.requestId);
    const lease = granted as unknown as Lease;
    const from = Date.now();
    const there = getExternalWorkflowHandle(`host/${lease.host}`);
    await there.signal(begin, { lease, request });
    const yielded = await condition(() => yieldAsked === lease.leaseId, left);
    const to = Date.now();
    left -= to - from;
    log.push({ asked, from, to, lease, yielded });
    await there.signal(end, lease.leaseId);
    await pool.signal(releaseLease, { leaseId: lease.leaseId, requestId: request.requestId, faulty: [] });
  }
  return log;
}
