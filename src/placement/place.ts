import { type Lease, type LeaseRequest, qosClasses } from '../contract';
import { type Desk, type Holding, type Option, compare, desksOf, fit } from './board';
import { type Able, best, leastTaken, modelsOf } from './choose';
import { aheadOf, capReached, impossible, quotaReached, waitsFor } from './why';
import type { Yield } from './report';
import { type LeaseState, type PlacementState, type Waiter, keyOf, placementTerms, touch, useModel } from './state';

export interface Placed {
  state: PlacementState;
  grants: Lease[];
  yields: Yield[];
}

/** Gives out what is free, in the order of service, and asks besteffort leases for what higher classes lack. */
export function place(before: PlacementState, now: number): Placed {
  const state = touch(before, now);
  const { granted, claims, kept } = survey(state, now);
  const grants: Lease[] = [];
  let next: PlacementState = state;
  for (const { waiter, option, rank } of granted) {
    const { request } = waiter;
    const sequence = next.sequence + 1;
    const lease: Lease = {
      leaseId: `lease-${keyOf(`${request.requestId} ${now} ${sequence}`)}`,
      requestId: request.requestId,
      holder: request.holder,
      host: option.desk.host.host,
      devices: option.devices,
      model: option.model,
      exclusiveHost: request.exclusiveHost,
    };
    const held = { lease, request, since: now, sequence, rank, yielding: false, named: null, closed: null };
    next = useModel({ ...next, sequence, leases: [...next.leases, held] }, request, option.model, now);
    grants.push(lease);
  }
  const gone = new Set(granted.map(({ waiter }) => waiter.sequence));
  const asked = new Set(claims.flatMap(({ leases }) => leases.map(({ lease }) => lease.leaseId)));
  const claimed = new Set(claims.map(({ waiter }) => waiter.sequence));
  next = {
    ...next,
    leases: next.leases.map((held) => (asked.has(held.lease.leaseId) ? { ...held, yielding: true } : held)),
    waiting: next.waiting
      .filter(({ sequence }) => !gone.has(sequence))
      .map((waiter) => {
        const { sequence } = waiter;
        return { ...waiter, claimed: waiter.claimed || claimed.has(sequence), reserved: kept.get(sequence) ?? null };
      }),
  };
  const yields = claims.flatMap(({ waiter, leases }) =>
    leases.map(({ lease }) => ({
      holder: lease.holder,
      message: { leaseId: lease.leaseId, reason: `${waiter.request.label} of class ${waiter.request.qos} needs its place` },
    })),
  );
  return { state: next, grants, yields };
}

export interface Survey {
  granted: { waiter: Waiter; option: Option; rank: number }[];
  claims: { waiter: Waiter; leases: LeaseState[] }[];
  /** Hosts kept for waiters that have waited for the bound, by the waiter's sequence. */
  kept: Map<number, string>;
  /** In the order of service, with the sentence why it waits. */
  blocked: { waiter: Waiter; why: string }[];
}

/** One pass over the waiters in the order of service: whom to serve, whom to ask to yield, and why the others wait. */
export function survey(state: PlacementState, now: number, explain = false): Survey {
  const desks = desksOf(state, now);
  const books = booksOf(state);
  const yielding = new Set(state.leases.filter((held) => held.yielding).map(({ lease }) => lease.leaseId));
  const askable = state.leases.some((held) => held.yielding || isAskable(held));
  const result: Survey = { granted: [], claims: [], kept: new Map(), blocked: [] };
  /** Requests alike that were found not to fit: room only gets less during a pass. */
  const full = new Set<string>();
  const ables = new Map<string, Able>();

  for (const { waiter, due, rank } of inOrder(state.waiting, now, state.turns ? shares : null)) {
    const { request } = waiter;
    const wait = (why: () => string): void => void result.blocked.push({ waiter, why: explain ? why() : '' });
    const limited = limitOf(request, due);
    if (limited !== null) {
      wait(() => limited);
      continue;
    }
    const likeness = likenessOf(request, books.models.get(request.experimentId));
    const able = ables.get(likeness) ?? ableOf(request);
    ables.set(likeness, able);
    if (able.options.length === 0) {
      wait(() => impossible(request, desks, books.models.get(request.experimentId) ?? null));
      continue;
    }
    const option = full.has(likeness) ? null : best(request, able, (desk) => desk.holdings);
    if (option !== null) {
      grant(waiter, option, rank);
      continue;
    }
    full.add(likeness);
    const asked = claim(waiter, able);
    if (asked.length === 0 && due) keep(waiter, able);
    wait(() => waitsFor(request, able, asked) + aheadOf(result.blocked));
  }
  return result;

  /** Devices that an owner holds by its weight: who has least of its share is next. */
  function shares(owner: string | null): number {
    return (books.used.get(owner) ?? 0) / (books.weights.get(owner) ?? 1);
  }

  /** Limits of its own: they hold back the waiter, and while it is due also what is younger and under the same limit. */
  function limitOf(request: LeaseRequest, due: boolean): string | null {
    const cap = request.experimentGpus;
    const mine = books.devices.get(request.experimentId) ?? 0;
    const limit = request.owner === null ? undefined : books.limits.get(request.owner);
    const used = books.used.get(request.owner) ?? 0;
    if (books.heldUp.has(`experiment ${request.experimentId}`) || books.heldUp.has(`owner ${request.owner}`)) {
      return 'behind an older request under the same limit';
    }
    if (cap !== null && request.gpus > 0 && mine + request.gpus > cap) {
      if (due && request.gpus <= cap) books.heldUp.add(`experiment ${request.experimentId}`);
      return capReached(cap, mine);
    }
    if (limit !== undefined && used + costOf(request) > limit) {
      if (due && costOf(request) <= limit) books.heldUp.add(`owner ${request.owner}`);
      return quotaReached(request, limit, used);
    }
    return null;
  }

  /** Hosts and models that could serve the request if nothing else ran; what failed it before only where nothing else could. */
  function ableOf(request: LeaseRequest): Able {
    const known = books.models.get(request.experimentId);
    const models = request.gpus === 0 ? ['cpu'] : known !== undefined ? [known] : modelsOf(desks);
    const on = (hosts: string[], devices: string[]): Able['options'] =>
      desks
        .filter((desk) => desk.reports && !desk.drained && !hosts.includes(desk.host.host))
        .flatMap((desk) => models.filter((model) => fit(desk, request, model, devices, []) !== null).map((model) => ({ desk, model })));
    const preferred = on(request.avoid.hosts, request.avoid.devices);
    if (preferred.length > 0) return { models, options: preferred, avoid: request.avoid.devices };
    return { models, options: on([], []), avoid: [] };
  }

  function grant(waiter: Waiter, option: Option, rank: number): void {
    const { request } = waiter;
    option.desk.holdings.push({ leaseId: `new ${request.requestId}`, devices: option.devices, exclusiveHost: request.exclusiveHost });
    if (request.gpus > 0) books.models.set(request.experimentId, option.model);
    books.devices.set(request.experimentId, (books.devices.get(request.experimentId) ?? 0) + request.gpus);
    books.used.set(request.owner, (books.used.get(request.owner) ?? 0) + costOf(request));
    result.granted.push({ waiter, option, rank });
  }

  /**
   * The leases that have yielded, or must, for this waiter; the room they leave is kept for it. A lease that had risen above
   * besteffort by waiting is not asked: it would never end its work.
   */
  function claim({ request, sequence, ...waiter }: Waiter, able: Able): LeaseState[] {
    if (request.qos === 'besteffort' || !askable) return [];
    const without = (desk: Desk, gone: Set<string>): Holding[] =>
      desk.holdings.filter(({ leaseId }) => leaseId === null || !(gone.has(leaseId) || yielding.has(leaseId)));
    const coming = best(request, able, (desk) => without(desk, new Set()));
    if (coming !== null) {
      hold(coming, request);
      return state.leases.filter(({ lease }) => lease.host === coming.desk.host.host && yielding.has(lease.leaseId));
    }
    const [choice] = able.options
      .filter(({ desk }) => desk.fresh)
      .map(({ desk, model }) => ({ desk, model, victims: victimsOf(desk, model) }))
      .filter(({ victims }) => victims.length > 0)
      .sort((a, b) => a.victims.length - b.victims.length || compare(a.desk.host.host, b.desk.host.host));
    if (!choice) return [];
    for (const { lease } of choice.victims) yielding.add(lease.leaseId);
    const option = fit(choice.desk, request, choice.model, able.avoid, without(choice.desk, new Set()));
    if (option) hold(option, request);
    result.claims.push({ waiter: { request, sequence, ...waiter }, leases: choice.victims });
    return choice.victims;

    /** The youngest besteffort leases whose end makes room, none of them for nothing. */
    function victimsOf(desk: Desk, model: string): LeaseState[] {
      const fits = (victims: LeaseState[]): boolean => {
        const gone = new Set(victims.map(({ lease }) => lease.leaseId));
        return fit(desk, request, model, able.avoid, without(desk, gone)) !== null;
      };
      const candidates = state.leases
        .filter((held) => held.lease.host === desk.host.host && isAskable(held) && !yielding.has(held.lease.leaseId))
        .sort((a, b) => b.sequence - a.sequence);
      const count = candidates.findIndex((_, index) => fits(candidates.slice(0, index + 1))) + 1;
      let victims = candidates.slice(0, count);
      for (const spared of victims.toReversed()) {
        const fewer = victims.filter((victim) => victim !== spared);
        if (fewer.length > 0 && fits(fewer)) victims = fewer;
      }
      return victims;
    }
  }

  /**
   * Keeps one host's room for a waiter that is due: the host where least is in the way, and then the same one, so that it is served
   * at the latest when what runs there now has ended.
   */
  function keep({ request, sequence, reserved }: Waiter, able: Able): void {
    const inTheWay = ({ holdings }: Desk): number => holdings.length;
    const kept = (desk: Desk): Holding[] => desk.holdings.filter(({ leaseId }) => leaseId === null);
    const options = able.options
      .map(({ desk, model }) => ({ desk, option: fit(desk, request, model, able.avoid, kept(desk)) }))
      .filter(({ option }) => option !== null)
      .sort((a, b) => inTheWay(a.desk) - inTheWay(b.desk) || compare(a.desk.host.host, b.desk.host.host));
    const chosen = options.find(({ desk }) => desk.host.host === reserved) ?? options[0];
    if (!chosen?.option) return;
    const { desk, model } = chosen.option;
    result.kept.set(sequence, desk.host.host);
    hold({ ...chosen.option, devices: leastTaken(desk, request, model, able.avoid, kept(desk)) }, request);
  }

  function hold(option: Option, request: LeaseRequest): void {
    option.desk.holdings.push({ leaseId: null, devices: option.devices, exclusiveHost: request.exclusiveHost });
  }
}

/** Equal for requests that the same hosts can serve. */
const likenessOf = ({ gpus, gpuMemoryBytes, exclusiveHost, avoid }: LeaseRequest, model: string | undefined): string =>
  JSON.stringify([gpus, gpuMemoryBytes, exclusiveHost, avoid, gpus === 0 ? 'cpu' : model]);

const isAskable = ({ request, rank, yielding }: LeaseState): boolean =>
  request.qos === 'besteffort' && rank === qosClasses.indexOf('besteffort') && !yielding;

/** What experiments and owners hold, and the models of the experiments. */
function booksOf(state: PlacementState) {
  const devices = new Map<string, number>();
  /** Nobody named counts as an owner of its own. */
  const used = new Map<string | null, number>();
  for (const { request, lease } of state.leases) {
    devices.set(request.experimentId, (devices.get(request.experimentId) ?? 0) + lease.devices.length);
    used.set(request.owner, (used.get(request.owner) ?? 0) + costOf(request));
  }
  return {
    devices,
    used,
    weights: new Map<string | null, number>(state.weights.map(({ owner, weight }) => [owner, weight])),
    limits: new Map(state.quotas.map(({ owner, limit }) => [owner, limit])),
    models: new Map(state.models.map(({ experimentId, model }) => [experimentId, model])),
    /** Limits that a waiter who is due waits for. */
    heldUp: new Set<string>(),
  };
}

/** Devices, or one place on the CPU. */
export const costOf = (request: LeaseRequest): number => Math.max(1, request.gpus);

interface Placing {
  waiter: Waiter;
  due: boolean;
  rank: number;
}

/**
 * Those that waited for the bound by arrival, then those for whom a lease yields, then by the class they have risen to; within a class
 * owners take turns by their share at that moment, each with its oldest waiter. Without `shares` a class is served by arrival alone.
 */
export function* inOrder(waiting: Waiter[], now: number, shares: ((owner: string | null) => number) | null): Generator<Placing> {
  const sorted = byArrival(waiting, now);
  for (const { order } of new Map(sorted.map((placing) => [placing.order, placing])).values()) {
    const same = sorted.filter((placing) => placing.order === order);
    if (order < 0 || shares === null) yield* same;
    else yield* inTurns(same, shares);
  }
}

/** Asked anew after each: who was just served has more of its share. */
function* inTurns(placings: Placing[], shares: (owner: string | null) => number): Generator<Placing> {
  const lines = new Map<string | null, Placing[]>();
  for (const placing of placings) {
    const { owner } = placing.waiter.request;
    const line = lines.get(owner);
    if (line) line.push(placing);
    else lines.set(owner, [placing]);
  }
  for (;;) {
    const [next] = [...lines]
      .flatMap(([owner, [placing]]) => (placing === undefined ? [] : [{ placing, owner, share: shares(owner) }]))
      .sort((a, b) => a.share - b.share || a.placing.waiter.sequence - b.placing.waiter.sequence);
    if (next === undefined) return;
    lines.get(next.owner)?.shift();
    yield next.placing;
  }
}

function byArrival(waiting: Waiter[], now: number): (Placing & { order: number })[] {
  return waiting
    .map((waiter) => {
      const seconds = Math.max(0, (now - waiter.since) / 1000);
      const rank = Math.max(0, qosClasses.indexOf(waiter.request.qos) - Math.floor(seconds / placementTerms.ageing));
      const due = seconds >= placementTerms.bound;
      return { waiter, due, rank, order: due ? -2 : waiter.claimed ? -1 : rank };
    })
    .sort((a, b) => a.order - b.order || a.waiter.sequence - b.waiter.sequence);
}
