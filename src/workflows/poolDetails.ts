import type { PoolState } from '../contract';
import { cutTo, plain, tableOf } from '../contract/describe';

const mostWaiting = 20;
const mostHosts = 100;
/** As of an experiment's details. */
const mostBytes = 32_000;

/** The Markdown that the Temporal UI shows as the pool's current details. */
export function poolDetails({ hosts, leases, waiting, quotas, weights = [] }: PoolState): string {
  const labels = new Map(leases.map(({ lease, label, yielding }) => [lease.leaseId, plain(yielding ? `${label} (yielding)` : label)]));
  const hostRows = hosts.slice(0, mostHosts).map((host) => {
    const on = leases.filter(({ lease }) => lease.host === host.host).map(({ lease }) => labels.get(lease.leaseId));
    const healthy = host.devices.filter(({ health }) => health.state === 'healthy').length;
    const devices = host.devices.length === 0 ? '–' : `${healthy} of ${host.devices.length} healthy`;
    const state = !host.reporting ? `silent since ${host.lastReport}` : host.drained ? 'drained' : 'reports';
    return [plain(host.host), state, `${host.used} of ${host.places}`, devices, on.join(', ')];
  });
  const waitRows = waiting.slice(0, mostWaiting).map(({ request, since, why }, index) => {
    return [
      String(index + 1),
      plain(request.label),
      plain(request.experimentId),
      plain(request.owner ?? '–'),
      request.qos,
      since,
      plain(why),
    ];
  });
  const parts = [
    [`**${counted(leases.length, 'lease')} on ${counted(hosts.length, 'host')}, ${waiting.length} waiting**`],
    tableOf(['host', 'state', 'places', 'devices', 'runs'], hostRows),
    rest(hosts.length - mostHosts),
    tableOf(['', 'waits', 'experiment', 'owner', 'class', 'since', 'why'], waitRows),
    rest(waiting.length - mostWaiting),
    tableOf(
      ['owner', 'quota'],
      quotas.map(({ owner, limit, used }) => [plain(owner), `${used} of ${limit}`]),
    ),
    tableOf(
      ['owner', 'weight'],
      weights.map(({ owner, weight }) => [plain(owner), String(weight)]),
    ),
  ];
  return cutTo(parts.flatMap((part) => (part.length > 0 ? [part.join('\n')] : [])).join('\n\n'), mostBytes);
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const rest = (more: number): string[] => (more > 0 ? [`and ${more} more`] : []);
