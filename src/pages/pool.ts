import type { Device, PoolState } from '../contract';
import { formatBytes } from '../report/formatters';
import { type Html, html } from '../report/html';
import { table } from '../report/sections/parts';
import { age, plainMark } from './words';

/** Hosts and devices, who holds which, and why the others wait. `now`: ms. */
export function poolBody(state: PoolState, now: number): Html {
  const { hosts } = state;
  return html`<h1>GPUs</h1>
<div id="pool" data-refresh="5">
${hosts.length === 0 ? noHosts : hosts.map((host) => hostSection(host, now))}
${waitingTable(state, now)}
${leaseTable(state, now)}
${quotaTable(state)}
</div>`;
}

const noHosts = html`<div class="empty">
<p>No host has reported yet. A host appears with the first report of its GPU worker; the embedded stack has one:</p>
<pre>assay dev</pre>
<p>For hosts of your own see <code>docs/deploy.md</code>; <code>assay doctor</code> says what is missing.</p>
</div>`;

type Host = PoolState['hosts'][number];

function hostSection({ host, places, used, devices, absent, drained, reporting, lastReport }: Host, now: number): Html {
  return html`<section class="card" aria-labelledby="host-${host}">
<h2 id="host-${host}"><bdi>${host}</bdi></h2>
<p>${used} of ${places} ${places === 1 ? 'place' : 'places'} in use ${reporting ? plainMark('good', '✓', 'reporting') : plainMark('bad', '✗', `silent for ${since(lastReport, now)}`)}${drained ? html` ${plainMark('ask', '‖', 'drained')}` : null}</p>
${
  devices.length === 0
    ? html`<p class="muted">No devices: ${absent ?? 'none was found'}</p>`
    : table(
        `devices-${host}`,
        `Devices of ${host}`,
        [
          { head: 'Device' },
          { head: 'Memory', number: true },
          { head: 'Sharing' },
          { head: 'Driver' },
          { head: 'Health' },
          { head: 'Held by' },
        ],
        devices.map((device) => [
          html`<span class="${device.parent === null ? '' : 'part'}">${device.model}</span><span class="sub">${device.uuid}</span>`,
          formatBytes(device.memoryBytes),
          device.parent !== null ? 'MIG' : device.sharing === 'none' ? 'whole' : device.sharing,
          device.driver,
          health(device),
          device.leases.length === 0
            ? html`<span class="muted">free</span>`
            : device.leases.map(
                ({ label, memoryBytes }, i) =>
                  html`${i === 0 ? null : ', '}<bdi>${label}</bdi>${memoryBytes === null ? null : ` (${formatBytes(memoryBytes)})`}`,
              ),
        ]),
        'wide',
      )
}
</section>
`;
}

function health({ health: { state, reasons } }: Device): Html {
  const [tone, sign] =
    state === 'healthy' ? (['good', '✓'] as const) : state === 'faulty' ? (['bad', '✗'] as const) : (['ask', '!'] as const);
  return html`${plainMark(tone, sign, state)}${reasons.length === 0 ? null : html`<span class="sub">${reasons.join('; ')}</span>`}`;
}

function waitingTable({ waiting, moreWaiting = 0 }: PoolState, now: number): Html | null {
  if (waiting.length === 0) return null;
  return html`<div>${table(
    'waiting',
    html`Waiting (${waiting.length + moreWaiting}) <span class="muted">in the order of service</span>`,
    [
      { head: 'Place', number: true },
      { head: 'Run' },
      { head: 'Owner' },
      { head: 'Class' },
      { head: 'Wants' },
      { head: 'Since' },
      { head: 'Why' },
    ],
    waiting.map(({ request, since: from, why }, i) => [
      i + 1,
      html`<bdi>${request.label}</bdi><span class="sub">${experimentLink(request.experimentId)}</span>`,
      owner(request.owner),
      request.qos,
      wants(request),
      since(from, now),
      html`<span class="note">${why}</span>`,
    ]),
    'wide',
  )}${moreWaiting > 0 ? html`<p class="muted">${moreWaiting} more wait behind them.</p>` : null}</div>`;
}

function wants({ gpus, gpuMemoryBytes, exclusiveHost }: PoolState['waiting'][number]['request']): string {
  if (gpus === 0) return exclusiveHost ? 'a whole host' : 'CPU';
  return `${gpus} ${gpus === 1 ? 'device' : 'devices'}${gpuMemoryBytes === null ? '' : ` with ${formatBytes(gpuMemoryBytes)}`}`;
}

function leaseTable({ leases }: PoolState, now: number): Html {
  if (leases.length === 0) return html`<div><p class="muted">Nothing is leased.</p></div>`;
  return html`<div>${table(
    'leases',
    `Leases (${leases.length})`,
    [{ head: 'Run' }, { head: 'Owner' }, { head: 'Class' }, { head: 'Host' }, { head: 'On' }, { head: 'For' }, { head: 'Asked' }],
    leases.map(({ lease, label, owner: whose, qos, since: from, yielding }) => [
      html`<bdi>${label}</bdi>`,
      owner(whose),
      qos,
      html`${lease.exclusiveHost ? 'all of ' : ''}<bdi>${lease.host}</bdi>`,
      lease.devices.length === 0
        ? lease.model
        : lease.devices.map(
            ({ uuid, memoryBytes }) =>
              html`<span class="sub">${uuid}${memoryBytes === null ? '' : ` (${formatBytes(memoryBytes)})`}</span>`,
          ),
      since(from, now),
      yielding ? plainMark('ask', '…', 'to yield') : '–',
    ]),
    'wide',
  )}</div>`;
}

function quotaTable({ quotas, weights = [] }: PoolState): Html | null {
  if (quotas.length + weights.length === 0) return null;
  const owners = [...new Set([...quotas, ...weights].map(({ owner: name }) => name))].sort();
  return html`<div>${table(
    'owners',
    'Owners',
    [{ head: 'Owner' }, { head: 'In use' }, { head: 'Weight', number: true }],
    owners.map((name) => {
      const quota = quotas.find(({ owner: whose }) => whose === name);
      return [
        html`<bdi>${name}</bdi>`,
        quota === undefined ? 'no quota' : `${quota.used} of ${quota.limit}`,
        weights.find(({ owner: whose }) => whose === name)?.weight ?? 1,
      ];
    }),
  )}</div>`;
}

const owner = (name: string | null): Html => (name === null ? html`–` : html`<bdi>${name}</bdi>`);
const experimentLink = (id: string): Html => html`<a href="/experiments/${encodeURIComponent(id)}">${id}</a>`;
const since = (from: string, now: number): string => age(Math.max(0, (now - Date.parse(from)) / 1000));
