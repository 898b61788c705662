import {
  type ExternalWorkflowHandle,
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Lease, PoolActivities, PoolState } from '../contract';
import {
  type PackedState,
  type PlacementState,
  type Yield,
  closed,
  drain,
  emptyState,
  expire,
  holders,
  pack,
  place,
  placeInLine,
  quota,
  release,
  report,
  request,
  unpack,
  view,
  weight,
} from '../placement';
import { poolDetails } from './poolDetails';
import {
  drainHost,
  hostReport,
  leaseGranted,
  poolState,
  releaseLease,
  requestLease,
  setQuota,
  setWeight,
  whereInLine,
  yieldLease,
} from './poolMessages';

export interface GpuPoolInput {
  /** What the run before it knew. */
  state?: PackedState;
  /** When it last asked which holders are open, ms. */
  checkedAt?: number;
  /** Events of history after which it continues as new; default 4000. Tests lower it. */
  historyEvents?: number;
}

/**
 * Gives hosts and devices to runs. One workflow for all experiments, for ever: each signal changes the state at once, and the loop
 * below then gives out what is free. Nothing waits in a queue of its own, so that continuing as new loses nothing.
 */
export async function gpuPool(input: GpuPoolInput = {}): Promise<void> {
  // Asked once, at the start: a run whose leases were given by arrival must replay so.
  const turns = patched('owners take turns');
  let state: PlacementState = { ...(input.state ? unpack(input.state) : emptyState(Date.now())), turns };
  /** Something to look at; what only renewed a term is nothing. */
  let changed = true;
  /** Signals and activities under way. */
  let pending = 0;
  let checkedAt = input.checkedAt ?? Date.now();
  let shownAt = 0;
  /** As of then: thousands who ask for their place must not each have the line worked out. */
  let seen = view(state, Date.now());

  setHandler(
    requestLease,
    (message) => {
      const result = request(state, message, Date.now());
      take(result.state);
      result.grants.forEach(grant);
    },
    { description: 'A run asks for a host and devices; asked twice it changes nothing.' },
  );
  setHandler(releaseLease, (message) => take(release(state, message, Date.now())), { description: 'A run gives its lease back.' });
  setHandler(
    hostReport,
    (message) => {
      const result = report(state, message, Date.now());
      take(result.state, result.changed);
      result.grants.forEach(grant);
      result.yields.forEach(askToYield);
    },
    { description: 'A host says what it has and runs, every few seconds.' },
  );
  setHandler(
    drainHost,
    (message) => {
      const result = drain(state, message, Date.now());
      take(result.state);
      result.yields.forEach(askToYield);
    },
    { description: 'No new lease goes to a host, or again.' },
  );
  setHandler(setQuota, (message) => take(quota(state, message, Date.now())), { description: 'Devices that one owner may hold at once.' });
  setHandler(setWeight, (message) => take(weight(state, message, Date.now())), { description: 'Share of an owner where owners compete.' });
  setHandler(poolState, () => bounded(view(state, Date.now())), { description: 'Hosts, leases, who waits and why.' });
  setHandler(whereInLine, (requestId) => placeInLine(seen, requestId), {
    description: 'Place in line of one request (its id), and why it waits.',
  });

  void clock().catch(() => undefined);
  for (;;) {
    settle();
    show();
    if (isLong(input.historyEvents ?? 4000)) {
      await condition(() => pending === 0 && allHandlersFinished());
      const historyEvents = input.historyEvents === undefined ? {} : { historyEvents: input.historyEvents };
      await continueAsNew<typeof gpuPool>({ state: pack(state), checkedAt, ...historyEvents });
    }
    await condition(() => changed || isLong(input.historyEvents ?? 4000));
  }

  function take(next: PlacementState, isNews = true): void {
    state = next;
    changed ||= isNews;
  }

  /** Ends what has run out, then gives out what is free. */
  function settle(): void {
    changed = false;
    const now = Date.now();
    state = expire(state, now).state;
    const placed = place(state, now);
    state = placed.state;
    placed.grants.forEach(grant);
    placed.yields.forEach(askToYield);
  }

  /** A holder that is gone gives its lease back. */
  function grant(lease: Lease): void {
    void deliver(lease.holder, (holder) => holder.signal(leaseGranted, lease)).then((delivered) => {
      if (!delivered) take(release(state, { leaseId: lease.leaseId, requestId: lease.requestId, faulty: [] }, Date.now()));
    });
  }

  function askToYield({ holder, message }: Yield): void {
    // One that is gone is found by the next reconciliation.
    void deliver(holder, (handle) => handle.signal(yieldLease, message));
  }

  /** False where no such workflow is open. */
  async function deliver(holder: string, signal: (handle: ExternalWorkflowHandle) => Promise<void>): Promise<boolean> {
    pending += 1;
    try {
      await signal(getExternalWorkflowHandle(holder));
      return true;
    } catch (error) {
      return isCancellation(error);
    } finally {
      pending -= 1;
    }
  }

  /** While anybody holds or waits, time is looked at often enough to tell the pool's own downtime from a quiet hour. */
  async function clock(): Promise<void> {
    for (;;) {
      await condition(() => state.leases.length + state.waiting.length > 0);
      await sleep(tickMs, { summary: 'expiry and ageing' });
      if (Date.now() - checkedAt >= reconcileMs) await reconcile();
      changed = true;
    }
  }

  /** Frees what holders left behind that ended without a word, e.g. terminated ones. */
  async function reconcile(): Promise<void> {
    checkedAt = Date.now();
    const askedAt = checkedAt;
    const asked = holders(state);
    pending += 1;
    try {
      for (let from = 0; from < asked.length; from += batch) {
        const some = asked.slice(from, from + batch);
        const { open } = await openHolders({ holders: some });
        const isOpen = new Set(open);
        const gone = some.filter((holder) => !isOpen.has(holder));
        if (gone.length > 0) take(closed(state, gone, askedAt, Date.now()));
      }
    } catch (error) {
      // Asked again a while later.
      if (isCancellation(error)) throw error;
    } finally {
      pending -= 1;
    }
  }

  function show(): void {
    const now = Date.now();
    if (now - shownAt < showMs) return;
    shownAt = now;
    seen = view(state, now);
    setCurrentDetails(poolDetails(seen));
  }
}

/** A server refuses an answer of more than 2 MB. */
function bounded(pool: PoolState): PoolState {
  const more = pool.waiting.length - mostWaiting;
  return more > 0 ? { ...pool, waiting: pool.waiting.slice(0, mostWaiting), moreWaiting: more } : pool;
}

const mostWaiting = 1000;
const tickMs = 10_000;
const showMs = 5_000;
const reconcileMs = 120_000;
const batch = 500;

const { openHolders } = proxyActivities<PoolActivities>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '60s',
  retry: { maximumAttempts: 3 },
  summary: 'which holders are still open',
});

function isLong(events: number): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > events;
}
