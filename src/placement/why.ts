import type { LeaseRequest } from '../contract';
import { type Desk, fit } from './board';
import type { Able } from './choose';
import type { LeaseState } from './state';

export const capReached = (cap: number, held: number): string =>
  `its experiment may hold ${cap} ${noun(cap, 'device')} at once and holds ${held}`;

export function quotaReached(request: LeaseRequest, limit: number, used: number): string {
  const need = Math.max(1, request.gpus);
  if (need > limit) return `quota of ${request.owner} is ${limit}, less than the ${need} ${noun(need, 'device')} it needs`;
  return used >= limit
    ? `quota of ${request.owner} reached (${used} of ${limit})`
    : `quota of ${request.owner} leaves ${limit - used} of ${limit}, and it needs ${need}`;
}

/** No reporting host could serve it even if nothing else ran. */
export function impossible(request: LeaseRequest, desks: Desk[], model: string | null): string {
  const reporting = desks.filter((desk) => desk.reports);
  if (reporting.length === 0) return desks.length === 0 ? 'no host has reported yet' : 'no host reports any more';
  const open = reporting.filter((desk) => !desk.drained);
  if (open.length === 0) return 'every host that reports is drained';
  if (request.gpus === 0) return 'no host that reports has a place';
  const devices = open.flatMap(({ usable }) => usable);
  if (devices.length === 0) {
    const listed = open.flatMap(({ host }) => host.devices).length;
    if (listed > 0) return 'every device that a host reports is unhealthy or set aside';
    const reasons = [...new Set(open.flatMap(({ host }) => host.absent ?? []))];
    return `no host reports a device${reasons.length === 0 ? '' : `: ${reasons.slice(0, 2).join('; ')}`}`;
  }
  const right = model === null ? devices : devices.filter((device) => device.model === model);
  if (right.length === 0) return `its experiment runs on ${model}, and no host reports a healthy one`;
  const bytes = request.gpuMemoryBytes;
  const kind = model ?? 'device';
  if (bytes !== null && right.every(({ memoryBytes }) => memoryBytes < bytes)) {
    return `no host reports a ${kind} with ${gib(bytes)}`;
  }
  const memory = bytes === null ? '' : ` with ${gib(bytes)} each`;
  return `no host reports ${request.gpus} healthy ${model === null ? 'devices of one model' : model}${memory}`;
}

/** What it waits for, host by host. */
export function waitsFor(request: LeaseRequest, able: Able, yielding: LeaseState[]): string {
  if (yielding.length > 0) {
    return `waits for ${yielding.map(({ request: { label }, lease }) => `${label} on ${lease.host}`).join(', ')} to checkpoint and yield`;
  }
  const memory = request.gpuMemoryBytes === null ? '' : ` with ${gib(request.gpuMemoryBytes)} free`;
  const models = [...new Set(able.options.map(({ model }) => model))].join(' or ');
  const what = request.exclusiveHost
    ? 'an empty host'
    : request.gpus === 0
      ? 'a free place'
      : `${request.gpus} free ${noun(request.gpus, 'device')} of ${models}${memory}`;
  const hosts = [...new Map(able.options.map((option) => [option.desk.host.host, option])).values()];
  const shown = hosts.slice(0, 3).map(({ desk, model }) => `${desk.host.host} has ${has(request, desk, model)}`);
  return `waits for ${what}: ${shown.join(', ')}${hosts.length > 3 ? ` and ${hosts.length - 3} hosts alike` : ''}`;
}

/** How many wait in front of it. */
export const aheadOf = (blocked: unknown[]): string =>
  blocked.length === 0 ? '' : `; behind ${blocked.length} ${blocked.length === 1 ? 'request' : 'requests'}`;

function has(request: LeaseRequest, desk: Desk, model: string): string {
  const { places } = desk.host;
  const leases = desk.holdings.filter(({ leaseId }) => leaseId !== null).length;
  if (!desk.fresh) return 'not reported for a while';
  if (request.exclusiveHost) return `${leases} ${noun(leases, 'lease')}`;
  if (leases >= places || request.gpus === 0) return `${Math.max(0, places - leases)} of ${places} places free`;
  const devices = desk.usable.filter((device) => device.model === model);
  const one = { ...request, gpus: 1 };
  const real = desk.holdings.filter(({ leaseId }) => leaseId !== null);
  const free = devices.filter(({ uuid }) => {
    const others = devices.filter((device) => device.uuid !== uuid).map((device) => device.uuid);
    return fit(desk, one, model, others, real) !== null;
  });
  const kept = desk.holdings.length > real.length ? ', kept for an older request' : '';
  return `${free.length} free of ${devices.length}${kept}`;
}

const noun = (count: number, word: string): string => (count === 1 ? word : `${word}s`);

const gib = (bytes: number): string => `${Number((bytes / 2 ** 30).toFixed(1))} GiB`;
