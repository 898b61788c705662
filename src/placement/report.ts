import type { HostReport, Lease, LeaseRequest, LeaseYield } from '../contract';
import { leaseTerms } from '../contract';
import { compare, overfull } from './board';
import { type HostState, type PlacementState, hasEnded, placementTerms, remember, touch, useModel } from './state';

/** A signal to a holder. */
export interface Yield {
  holder: string;
  message: LeaseYield;
}

export interface Reported {
  state: PlacementState;
  /** Leases of a former pool that turned out to answer a request that waits here. */
  grants: Lease[];
  yields: Yield[];
  /** Whether anything but times changed: else nobody needs to look again. */
  changed: boolean;
}

/** A host tells what it has and what runs there; that renews its leases. */
export function report(before: PlacementState, message: HostReport, now: number): Reported {
  let state = touch(before, now);
  const old = state.hosts.find(({ host }) => host === message.host);
  const { host, places, devices, absent, session } = message;
  const current: HostState = { host, places, devices, absent, session, lastReport: now, heard: now };
  state = { ...state, hosts: [...state.hosts.filter((other) => other.host !== host), current].sort((a, b) => compare(a.host, b.host)) };

  const names = new Set(message.leases.map(({ lease }) => lease.leaseId));
  const restarted = old !== undefined && old.session !== session;
  const count = state.leases.length;
  state = {
    ...state,
    leases: state.leases
      // What a former session was just given may still be on its way to the host.
      .filter(
        (held) => held.lease.host !== host || !restarted || names.has(held.lease.leaseId) || now - held.since < leaseTerms.term * 1000,
      )
      .map((held) => (held.lease.host === host && names.has(held.lease.leaseId) ? { ...held, named: now } : held)),
    refused: state.refused.filter(({ at }) => now - at < placementTerms.memory * 1000),
  };
  let changed = state.leases.length !== count || !same(old, current) || now - (old?.lastReport ?? 0) > placementTerms.fresh * 1000;

  const healed = devices.filter(({ health }) => health.state === 'healthy').map(({ uuid }) => uuid);
  const setAside = state.setAside.filter(({ uuid, since }) => !healed.includes(uuid) || now - since < leaseTerms.faultySeconds * 1000);
  changed ||= setAside.length !== state.setAside.length;
  state = { ...state, setAside };

  const grants: Lease[] = [];
  const yields: Yield[] = [];
  for (const { lease, request } of message.leases) {
    if (state.leases.some((held) => held.lease.leaseId === lease.leaseId)) continue;
    if (hasEnded(state, request.requestId)) {
      state = remember(state, request.requestId, now);
      continue;
    }
    changed = true;
    const problem = lease.host === host ? collision(state, current, lease) : `lease ${lease.leaseId} is on ${lease.host}, not on ${host}`;
    if (problem === null) {
      if (state.waiting.some((waiter) => waiter.request.requestId === request.requestId)) grants.push(lease);
      state = adopt(state, lease, request, now);
    } else if (!state.refused.some(({ leaseId }) => leaseId === lease.leaseId)) {
      state = { ...state, refused: [...state.refused, { leaseId: lease.leaseId, at: now }] };
      yields.push({
        holder: lease.holder,
        message: { leaseId: lease.leaseId, reason: `the pool lost its memory meanwhile, and ${problem}` },
      });
    }
  }
  return { state, grants, yields, changed };
}

function same(old: HostState | undefined, current: HostState): boolean {
  if (old === undefined || old.places !== current.places || old.session !== current.session) return false;
  return JSON.stringify(old.devices) === JSON.stringify(current.devices);
}

/** Why a lease that the pool does not know cannot be there as well; what was given out first stays. */
function collision(state: PlacementState, host: HostState, lease: Lease): string | null {
  const other = state.leases.find((held) => held.lease.requestId === lease.requestId);
  if (other) return `the same request holds ${other.lease.leaseId} on ${other.lease.host}`;
  const holdings = state.leases.filter((held) => held.lease.host === host.host).map((held) => held.lease);
  return overfull(host, [...holdings, lease]);
}

function adopt(state: PlacementState, lease: Lease, request: LeaseRequest, now: number): PlacementState {
  const waiting = state.waiting.filter((waiter) => waiter.request.requestId !== request.requestId);
  const sequence = state.sequence + 1;
  const yielding = state.refused.some(({ leaseId }) => leaseId === lease.leaseId);
  const rank = request.qos === 'besteffort' ? 2 : request.qos === 'standard' ? 1 : 0;
  const held = { lease, request, since: now, sequence, rank, yielding, named: now, closed: null };
  return useModel({ ...state, sequence, waiting, leases: [...state.leases, held] }, request, lease.model, now);
}
