import type { Device, Lease, LeaseRequest } from '../contract';
import { leaseTerms } from '../contract';

/**
 * When things happen, seconds.
 * A waiter rises one class of service every `ageing`, and from `bound` on nothing younger may take what it needs.
 */
export const placementTerms = {
  ageing: 600,
  bound: 1200,
  /** A silent host loses its leases after this. */
  expiry: leaseTerms.term + leaseTerms.grace + leaseTerms.margin,
  /** A host that has not reported for so long gets no new lease: hosts with nothing to tell report every half term. */
  fresh: leaseTerms.term / 2 + 2 * leaseTerms.reportSeconds,
  /** How long an experiment's device model is remembered after its last lease or request, and a silent host without leases. */
  memory: 3600,
  /** A lease whose holder has ended, but whose run its host still names, is freed after this. */
  orphan: 300,
} as const;

/** Ended requests that are remembered, so that a late signal or report does not revive them. */
const endedLimit = 500;

/** All the pool knows, as plain data; lists are in the order of arrival, hosts by name. Times are milliseconds. */
export interface PlacementState {
  /** When the pool last did anything: a gap longer than the term means that it was down. */
  lastSeen: number;
  /** Counts requests and leases. */
  sequence: number;
  hosts: HostState[];
  leases: LeaseState[];
  waiting: Waiter[];
  models: { experimentId: string; model: string; lastUsed: number }[];
  quotas: { owner: string; limit: number }[];
  /** Shares of owners whose weight is not 1. */
  weights: { owner: string; weight: number }[];
  /** Owners take turns by share; false in a run of the workflow that began before they did. */
  turns: boolean;
  drained: string[];
  /** Devices that failed a run. */
  setAside: { uuid: string; since: number }[];
  ended: { key: string; at: number }[];
  /** Leases that collided and were asked to yield. */
  refused: { leaseId: string; at: number }[];
}

export interface HostState {
  host: string;
  places: number;
  devices: Device[];
  absent: string | null;
  session: string;
  lastReport: number;
  /** The term runs from here: the last report, or the end of the pool's own downtime. */
  heard: number;
}

export interface LeaseState {
  lease: Lease;
  request: LeaseRequest;
  since: number;
  sequence: number;
  /** Class of service it had risen to when it was granted; 0 goes first. */
  rank: number;
  yielding: boolean;
  /** When its host last named it, or null. */
  named: number | null;
  /** When its holder was found to have ended, or null. */
  closed: number | null;
}

export interface Waiter {
  request: LeaseRequest;
  since: number;
  sequence: number;
  /** A besteffort lease was asked to yield for it: what comes free there is its own. */
  claimed: boolean;
  /** Host kept free for it once it has waited for the bound. */
  reserved: string | null;
}

export const emptyState = (now: number): PlacementState => ({
  lastSeen: now,
  sequence: 0,
  hosts: [],
  leases: [],
  waiting: [],
  models: [],
  quotas: [],
  weights: [],
  turns: true,
  drained: [],
  setAside: [],
  ended: [],
  refused: [],
});

/** First in every transition: a pool that was down for longer than the term gives every host a full new one. */
export function touch(state: PlacementState, now: number): PlacementState {
  const down = now - state.lastSeen > leaseTerms.term * 1000;
  const hosts = down ? state.hosts.map((host) => ({ ...host, heard: now })) : state.hosts;
  return { ...state, hosts, lastSeen: Math.max(now, state.lastSeen) };
}

/** Forgets a lease for good: no later report or request revives it. */
export function remember(state: PlacementState, requestId: string, now: number): PlacementState {
  const key = keyOf(requestId);
  const ended = [...state.ended.filter((entry) => entry.key !== key), { key, at: now }];
  return { ...state, ended: ended.slice(-endedLimit) };
}

export const hasEnded = (state: PlacementState, requestId: string): boolean => {
  const key = keyOf(requestId);
  return state.ended.some((entry) => entry.key === key);
};

/** Notes that the experiment has something to do with its device model now. */
export function useModel(state: PlacementState, request: LeaseRequest, model: string, now: number): PlacementState {
  if (request.gpus === 0) return state;
  const others = state.models.filter((entry) => entry.experimentId !== request.experimentId);
  return { ...state, models: [...others, { experimentId: request.experimentId, model, lastUsed: now }] };
}

/** 64 bits of a text as 16 hex digits: two FNV-1a sums with different offsets. */
export function keyOf(text: string): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ (text.charCodeAt(i) + i), 0x01000193);
  }
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
  return hex(high) + hex(low);
}

export const reports = (host: HostState, now: number): boolean => now - host.lastReport <= leaseTerms.term * 1000;
