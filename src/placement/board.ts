import type { Device, LeaseRequest, LeasedDevice } from '../contract';
import { type HostState, type PlacementState, placementTerms, reports } from './state';

/** What takes room on a host: a lease, or room kept for a waiter. */
export interface Holding {
  /** Null for kept room. */
  leaseId: string | null;
  devices: LeasedDevice[];
  exclusiveHost: boolean;
}

/** One host with what is on it, while leases are being placed. */
export interface Desk {
  host: HostState;
  /** Devices that may be leased: healthy, not set aside, not cut into instances. */
  usable: Device[];
  /** Reports often enough to be given a lease. */
  fresh: boolean;
  reports: boolean;
  drained: boolean;
  holdings: Holding[];
}

export interface Option {
  desk: Desk;
  model: string;
  devices: LeasedDevice[];
  /** Bytes of device memory that stay unused or free beside the lease; small is a good fit. */
  waste: number;
  /** Devices of this model that could take the same, on this host, the chosen ones apart. */
  spare: number;
}

export function desksOf(state: PlacementState, now: number): Desk[] {
  const setAside = new Set(state.setAside.map(({ uuid }) => uuid));
  return state.hosts.map((host) => {
    const parents = new Set(host.devices.map(({ parent }) => parent));
    const faulty = new Set(
      host.devices.filter(({ uuid, health }) => health.state !== 'healthy' || setAside.has(uuid)).map(({ uuid }) => uuid),
    );
    return {
      host,
      usable: host.devices.filter(
        ({ uuid, parent }) => !parents.has(uuid) && !faulty.has(uuid) && !(parent !== null && (faulty.has(parent) || setAside.has(parent))),
      ),
      fresh: now - host.lastReport <= placementTerms.fresh * 1000,
      reports: reports(host, now),
      drained: state.drained.includes(host.host),
      holdings: state.leases
        .filter(({ lease }) => lease.host === host.host)
        .map(({ lease }) => ({ leaseId: lease.leaseId, devices: lease.devices, exclusiveHost: lease.exclusiveHost })),
    };
  });
}

/** The devices of one model that a request would get on this host beside `holdings`, best fit first; null where it does not fit. */
export function fit(desk: Desk, request: LeaseRequest, model: string, avoid: string[], holdings = desk.holdings): Option | null {
  if (holdings.length >= desk.host.places || holdings.some(({ exclusiveHost }) => exclusiveHost)) return null;
  if (request.exclusiveHost && holdings.length > 0) return null;
  if (request.gpus === 0) return { desk, model: 'cpu', devices: [], waste: 0, spare: 0 };
  const rooms = desk.usable
    .filter((device) => device.model === model && !avoid.includes(device.uuid))
    .map((device) => roomOn(device, request.gpuMemoryBytes, holdings))
    .filter((room) => room !== null)
    .sort((a, b) => a.waste - b.waste || compare(a.device.uuid, b.device.uuid));
  if (rooms.length < request.gpus) return null;
  const chosen = rooms.slice(0, request.gpus);
  return {
    desk,
    model,
    devices: chosen.map(({ device }) => device),
    waste: chosen.reduce((sum, { waste }) => sum + waste, 0),
    spare: rooms.length - chosen.length,
  };
}

/** A device is shared only behind a hard limit; a MIG instance is a small device of its own. */
function roomOn(device: Device, bytes: number | null, holdings: Holding[]): { device: LeasedDevice; waste: number } | null {
  const { uuid, memoryBytes, parent, sharing } = device;
  if (bytes !== null && bytes > memoryBytes) return null;
  const taken = holdings.flatMap(({ devices }) => devices).filter((leased) => leased.uuid === uuid);
  if (bytes === null || sharing === 'none' || parent !== null) {
    if (taken.length > 0) return null;
    const waste = bytes === null ? 0 : memoryBytes - bytes;
    return { device: { uuid, memoryBytes: null, sharing: parent === null ? 'whole' : 'mig' }, waste };
  }
  if (taken.some((leased) => leased.memoryBytes === null)) return null;
  const free = memoryBytes - taken.reduce((sum, leased) => sum + (leased.memoryBytes ?? 0), 0);
  return free < bytes ? null : { device: { uuid, memoryBytes: bytes, sharing }, waste: free - bytes };
}

/** Whether everything on the host together keeps to its places and its devices' memory. */
export function overfull(host: HostState, holdings: Holding[]): string | null {
  if (holdings.length > host.places) return `${host.host} has ${host.places} places and ${holdings.length} leases`;
  if (holdings.length > 1 && holdings.some(({ exclusiveHost }) => exclusiveHost)) return `a lease has the whole host ${host.host}`;
  const taken = holdings.flatMap(({ devices }) => devices);
  for (const uuid of new Set(taken.map((leased) => leased.uuid))) {
    const leased = taken.filter((other) => other.uuid === uuid);
    if (leased.length > 1 && leased.some(({ memoryBytes }) => memoryBytes === null)) return `device ${uuid} is leased whole`;
    const bytes = leased.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
    const device = host.devices.find((other) => other.uuid === uuid);
    if (device && bytes > device.memoryBytes) return `the leases on device ${uuid} have more than its memory`;
  }
  return null;
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
