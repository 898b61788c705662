import type { HostDrain, Lease, LeaseRelease, LeaseRequest, OwnerQuota, OwnerWeight } from '../contract';
import { compare } from './board';
import type { Yield } from './report';
import { type LeaseState, type PlacementState, hasEnded, placementTerms, remember, touch } from './state';

/** Asked again, a request changes its class at most, and keeps its place among those of that class; one that has its lease is told so again. */
export function request(before: PlacementState, message: LeaseRequest, now: number): { state: PlacementState; grants: Lease[] } {
  const state = touch(before, now);
  const held = state.leases.find(({ lease }) => lease.requestId === message.requestId);
  if (held) return { state, grants: [held.lease] };
  if (hasEnded(state, message.requestId)) return { state, grants: [] };
  if (state.waiting.some((waiter) => waiter.request.requestId === message.requestId)) {
    const waiting = state.waiting.map((waiter) =>
      waiter.request.requestId === message.requestId && waiter.request.qos !== message.qos
        ? { ...waiter, request: { ...waiter.request, qos: message.qos } }
        : waiter,
    );
    return { state: { ...state, waiting }, grants: [] };
  }
  const sequence = state.sequence + 1;
  const waiter = { request: message, since: now, sequence, claimed: false, reserved: null };
  return { state: { ...state, sequence, waiting: [...state.waiting, waiter] }, grants: [] };
}

/** Gives a lease back, or takes a request back that still waits. */
export function release(before: PlacementState, { requestId, leaseId, faulty }: LeaseRelease, now: number): PlacementState {
  const state = touch(before, now);
  if (hasEnded(state, requestId)) return state;
  const failed = faulty.map((uuid) => ({ uuid, since: now }));
  return remember(
    {
      ...state,
      leases: state.leases.filter(({ lease }) => lease.requestId !== requestId && lease.leaseId !== leaseId),
      waiting: state.waiting.filter((waiter) => waiter.request.requestId !== requestId),
      setAside: [...state.setAside.filter(({ uuid }) => !faulty.includes(uuid)), ...failed],
    },
    requestId,
    now,
  );
}

/** What already yields there is not asked again. */
export function drain(before: PlacementState, message: HostDrain, now: number): { state: PlacementState; yields: Yield[] } {
  const state = touch(before, now);
  const others = state.drained.filter((host) => host !== message.host);
  const drained = message.drain ? [...others, message.host].sort(compare) : others;
  const asked = ({ lease, yielding }: LeaseState): boolean =>
    message.drain && message.yield === true && lease.host === message.host && !yielding;
  const yields = state.leases
    .filter(asked)
    .map(({ lease: { holder, leaseId, host } }) => ({ holder, message: { leaseId, reason: `${host} is being drained` } }));
  const leases = state.leases.map((held) => (asked(held) ? { ...held, yielding: true } : held));
  return { state: { ...state, drained, leases }, yields };
}

export function quota(before: PlacementState, { owner, limit }: OwnerQuota, now: number): PlacementState {
  const state = touch(before, now);
  const others = state.quotas.filter((entry) => entry.owner !== owner);
  return { ...state, quotas: limit === null ? others : [...others, { owner, limit }].sort((a, b) => compare(a.owner, b.owner)) };
}

export function weight(before: PlacementState, message: OwnerWeight, now: number): PlacementState {
  const state = touch(before, now);
  const { owner, weight } = message;
  const others = state.weights.filter((entry) => entry.owner !== owner);
  return { ...state, weights: weight === null ? others : [...others, { owner, weight }].sort((a, b) => compare(a.owner, b.owner)) };
}

/** Ends the leases of hosts that were silent for too long, and those that their host forgot and their holder replaced; forgets what is old. */
export function expire(before: PlacementState, now: number): { state: PlacementState; ended: Lease[] } {
  const state = touch(before, now);
  const old = (time: number, seconds: number): boolean => now - time > seconds * 1000;
  const silent = new Set(state.hosts.filter(({ heard }) => old(heard, placementTerms.expiry)).map(({ host }) => host));
  const asks = new Map<string, number>();
  for (const { request } of [...state.leases, ...state.waiting]) asks.set(request.holder, (asks.get(request.holder) ?? 0) + 1);
  const leases = state.leases.filter(({ lease, request, named, since, closed }) => {
    if (silent.has(lease.host)) return false;
    const forgotten = old(Math.max(named ?? 0, since), placementTerms.expiry);
    // Whichever came first: one of a silent host may have come back with it after its holder had asked elsewhere.
    if (forgotten && (asks.get(request.holder) ?? 0) > 1) return false;
    return closed === null || !(forgotten || named === null || old(closed, placementTerms.orphan));
  });
  const active = new Set([...leases, ...state.waiting].map(({ request }) => request.experimentId));
  const places = new Set(leases.map(({ lease }) => lease.host));
  const next = {
    ...state,
    leases,
    hosts: state.hosts.filter(({ host, lastReport }) => places.has(host) || !old(lastReport, placementTerms.memory)),
    models: state.models
      .map((entry) => (active.has(entry.experimentId) ? { ...entry, lastUsed: now } : entry))
      .filter(({ lastUsed }) => !old(lastUsed, placementTerms.memory)),
    ended: state.ended.filter(({ at }) => !old(at, placementTerms.memory)),
  };
  const ended = state.leases.filter((held) => !leases.includes(held));
  // A lease of a silent host may come back with it; one whose holder has ended may not.
  const final = ended.filter((held) => held.closed !== null).reduce((all, { lease }) => remember(all, lease.requestId, now), next);
  return { state: final, ended: ended.map(({ lease }) => lease) };
}

/** Every workflow that holds or waits. */
export const holders = (state: PlacementState): string[] =>
  [...new Set([...state.leases, ...state.waiting].map(({ request }) => request.holder))].sort(compare);

/**
 * Holders that were found to have ended, of what they asked for before `askedAt`: their requests go, and their leases as soon as
 * their host names them no more.
 */
export function closed(before: PlacementState, gone: string[], askedAt: number, now: number): PlacementState {
  const state = touch(before, now);
  const ended = new Set(gone);
  const isGone = (entry: { request: LeaseRequest; since: number }): boolean => ended.has(entry.request.holder) && entry.since <= askedAt;
  const waiting = state.waiting.filter((waiter) => !isGone(waiter));
  const leases = state.leases.map((held) => (isGone(held) && held.closed === null ? { ...held, closed: now } : held));
  return state.waiting
    .filter(isGone)
    .reduce((next, waiter) => remember(next, waiter.request.requestId, now), { ...state, waiting, leases });
}
