import type { Device, HostReport, LeaseRequest } from '../../src/contract';
import type { PlacementState } from '../../src/placement';

export const GiB = 2 ** 30;
export const second = 1000;
export const minute = 60 * second;

export function device(uuid: string, change: Partial<Device> = {}): Device {
  return {
    uuid,
    model: 'H100',
    memoryBytes: 80 * GiB,
    driver: '550.54.15',
    parent: null,
    sharing: 'none',
    health: { state: 'healthy', reasons: [] },
    ...change,
  };
}

export function hostReport(host: string, devices: Device[], change: Partial<HostReport> = {}): HostReport {
  return { host, places: 8, devices, absent: devices.length === 0 ? 'no driver' : null, leases: [], session: `${host}-1`, ...change };
}

export function ask(requestId: string, change: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    requestId,
    holder: `holder-${requestId}`,
    experimentId: 'experiment',
    label: requestId,
    owner: null,
    qos: 'standard',
    gpus: 1,
    gpuMemoryBytes: null,
    exclusiveHost: false,
    experimentGpus: null,
    avoid: { hosts: [], devices: [] },
    ...change,
  };
}

/** What is wrong with who holds what: empty if nobody has what another has too. */
export function oversubscribed(state: PlacementState): string[] {
  const problems: string[] = [];
  for (const host of state.hosts) {
    const leases = state.leases.filter(({ lease }) => lease.host === host.host).map(({ lease }) => lease);
    if (leases.length > host.places) problems.push(`${host.host}: ${leases.length} leases on ${host.places} places`);
    if (leases.length > 1 && leases.some(({ exclusiveHost }) => exclusiveHost)) problems.push(`${host.host}: not exclusive`);
    const taken = leases.flatMap(({ devices }) => devices);
    for (const { uuid, memoryBytes, sharing, parent } of host.devices) {
      const here = taken.filter((leased) => leased.uuid === uuid);
      if (here.length > 1 && here.some((leased) => leased.memoryBytes === null)) problems.push(`${uuid}: whole and shared`);
      if (here.length > 1 && (sharing === 'none' || parent !== null)) problems.push(`${uuid}: shared without a hard limit`);
      if (here.reduce((sum, leased) => sum + (leased.memoryBytes ?? 0), 0) > memoryBytes) problems.push(`${uuid}: memory`);
    }
  }
  return problems;
}
