import type { PoolState } from '../contract';
import { costOf, survey } from './place';
import { type PlacementState, reports, touch } from './state';

/** What people see of the pool: who holds what, and why each waiter waits. */
export function view(before: PlacementState, now: number): PoolState {
  const state = touch(before, now);
  const time = (ms: number): string => new Date(ms).toISOString();
  const { granted, blocked } = survey(state, now, true);
  const waiters = [...granted.map(({ waiter }) => ({ waiter, why: 'is being served' })), ...blocked];
  const used = (owner: string): number =>
    state.leases.filter(({ request }) => request.owner === owner).reduce((sum, { request }) => sum + costOf(request), 0);
  return {
    hosts: state.hosts.map((host) => {
      const leases = state.leases.filter(({ lease }) => lease.host === host.host);
      return {
        host: host.host,
        places: host.places,
        used: leases.length,
        devices: host.devices.map((device) => ({
          ...device,
          health: healthOf(state, device),
          leases: leases.flatMap(({ lease, request }) =>
            lease.devices
              .filter(({ uuid }) => uuid === device.uuid)
              .map(({ memoryBytes }) => ({ leaseId: lease.leaseId, label: request.label, memoryBytes })),
          ),
        })),
        absent: host.absent,
        drained: state.drained.includes(host.host),
        reporting: reports(host, now),
        lastReport: time(host.lastReport),
      };
    }),
    leases: state.leases.map(({ lease, request, since, yielding }) => {
      return { lease, label: request.label, owner: request.owner, qos: request.qos, since: time(since), yielding };
    }),
    waiting: waiters.map(({ waiter, why }) => ({ request: waiter.request, since: time(waiter.since), why })),
    weights: state.weights,
    quotas: state.quotas.map(({ owner, limit }) => ({ owner, limit, used: used(owner) })),
  };
}

/** A device that failed a run is set aside, though its host may call it healthy. */
function healthOf(state: PlacementState, { uuid, health }: PlacementState['hosts'][number]['devices'][number]) {
  const failed = state.setAside.find((entry) => entry.uuid === uuid);
  if (!failed || health.state !== 'healthy') return health;
  const reasons = [`failed a run at ${new Date(failed.since).toISOString()} and is set aside`, ...health.reasons];
  return { state: 'suspect' as const, reasons };
}
