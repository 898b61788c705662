import type { PoolState } from '../contract';

/** The Markdown that the Temporal UI shows as the pool's current details. */
export function poolDetails({ hosts, leases, waiting, quotas }: PoolState): string {
  const labels = new Map(leases.map(({ lease, label, yielding }) => [lease.leaseId, yielding ? `${label} (yielding)` : label]));
  const hostRows = hosts.map((host) => {
    const on = leases.filter(({ lease }) => lease.host === host.host).map(({ lease }) => labels.get(lease.leaseId));
    const healthy = host.devices.filter(({ health }) => health.state === 'healthy').length;
    const devices = host.devices.length === 0 ? '–' : `${healthy} of ${host.devices.length} healthy`;
    const state = !host.reporting ? `silent since ${host.lastReport}` : host.drained ? 'drained' : 'reports';
    return `| ${host.host} | ${state} | ${host.used} of ${host.places} | ${devices} | ${on.join(', ')} |`;
  });
  const waitRows = waiting.slice(0, shown).map(({ request, since, why }) => {
    return `| ${request.label} | ${request.experimentId} | ${request.qos} | ${since} | ${why} |`;
  });
  return [
    `**${leases.length} leases on ${hosts.length} hosts, ${waiting.length} waiting**`,
    ...table(['host', 'state', 'places', 'devices', 'runs'], hostRows),
    ...table(['waits', 'experiment', 'class', 'since', 'why'], waitRows),
    ...(waiting.length > shown ? [`and ${waiting.length - shown} more`] : []),
    ...table(
      ['owner', 'quota'],
      quotas.map(({ owner, limit, used }) => `| ${owner} | ${used} of ${limit} |`),
    ),
  ].join('\n');
}

const shown = 20;

function table(heads: string[], rows: string[]): string[] {
  if (rows.length === 0) return [];
  return ['', `| ${heads.join(' | ')} |`, `|${heads.map(() => ' --- |').join('')}`, ...rows];
}
