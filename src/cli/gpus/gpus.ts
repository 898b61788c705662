import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { pc } from '../colours';
import { AssayError, type Device, type HostDrain, type OwnerQuota, type PoolState, ids, poolNames } from '../../contract';
import { homeDir } from '../home';
import { joinSession } from '../session';

/** Who holds which device of the pool, who waits, and why. Starts nothing. */
export async function gpus(options: { json?: boolean }): Promise<void> {
  const session = await joinSession();
  try {
    const state = session === null ? null : await poolState(session.client);
    if (options.json) process.stdout.write(`${JSON.stringify(state ?? emptyPool, null, 2)}\n`);
    else process.stdout.write(state === null ? `${noPool(session?.client ?? null)}\n` : poolText(state, Date.now()));
  } finally {
    await session?.client.connection.close();
  }
}

/** No new lease goes to a drained host; what runs there goes on. */
export async function drainHost(host: string, drain: boolean): Promise<void> {
  await withPool(async (client, state) => {
    requireHost(state, host);
    await client.workflow.getHandle(ids.gpuPool).signal<[HostDrain]>(poolNames.drain, { host, drain });
    const running = state.leases.filter(({ lease }) => lease.host === host).length;
    if (!drain) process.stdout.write(`${host} takes new leases again\n`);
    else process.stdout.write(`${host} takes no new lease${running > 0 ? `; ${count(running, 'lease')} there will run to the end` : ''}\n`);
  });
}

export function requireHost({ hosts }: PoolState, host: string): void {
  const known = hosts.map((each) => each.host);
  if (known.includes(host)) return;
  throw new AssayError('NotFound', `no host "${host}" in the pool; known: ${known.join(', ') || 'none yet'}`);
}

/** Devices (or, on the CPU, places) that one owner may hold at once; `none` lifts it. */
export async function setQuota(owner: string, limit: string): Promise<void> {
  const value = limit === 'none' ? null : Number(limit);
  if (value !== null && (limit.trim() === '' || !Number.isInteger(value) || value < 0)) {
    throw new AssayError('SpecInvalid', `the quota of ${owner} is "${limit}"; expected a whole number from 0, or none`);
  }
  await withPool(async (client) => {
    await client.workflow.getHandle(ids.gpuPool).signal<[OwnerQuota]>(poolNames.quota, { owner, limit: value });
    process.stdout.write(value === null ? `${owner} has no quota any more\n` : `${owner} may hold ${count(value, 'device')} at once\n`);
  });
}

/** Hosts with their devices, then leases, waiters and quotas, for people. */
export function poolText(state: PoolState, now: number): string {
  return [hostLines(state, now), leaseLines(state, now), waitingLines(state, now), quotaLines(state)]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** Fails with `NotFound` where no pool runs. */
export async function withPool(work: (client: Client, state: PoolState) => Promise<void>): Promise<void> {
  const session = await joinSession();
  try {
    const state = session === null ? null : await poolState(session.client);
    if (session === null || state === null) throw new AssayError('NotFound', noPool(session?.client ?? null));
    await work(session.client, state);
  } finally {
    await session?.client.connection.close();
  }
}

/** Null where no pool was ever started, or it was ended. */
export async function poolState(client: Client): Promise<PoolState | null> {
  const pool = client.workflow.getHandle(ids.gpuPool);
  try {
    if ((await pool.describe()).status.name !== 'RUNNING') return null;
    return await client.withAbortSignal(AbortSignal.timeout(10_000), () => pool.query<PoolState>(poolNames.state));
  } catch (cause) {
    if (cause instanceof WorkflowNotFoundError) return null;
    throw new AssayError('ServerUnavailable', 'the pool does not answer within 10 s: see that a control worker runs (`assay doctor`)', {
      cause,
    });
  }
}

function noPool(client: Client | null): string {
  return client === null
    ? `no pool: no server is configured and no embedded stack runs for ${homeDir()}; \`assay run\` or \`assay dev\` starts one`
    : `no pool yet in namespace ${client.options.namespace}: it begins with the first report of a GPU worker`;
}

function hostLines({ hosts }: PoolState, now: number): string[] {
  if (hosts.length === 0) return ['no host has reported yet'];
  return hosts.flatMap((host) => {
    const marks = [host.drained ? pc.yellow('drained') : '', host.reporting ? '' : pc.red(`silent for ${age(host.lastReport, now)}`)];
    const head = [pc.bold(host.host), `${host.used} of ${count(host.places, 'place')} in use`, ...marks.filter((mark) => mark !== '')];
    const devices = host.devices.length === 0 ? [[`no devices: ${host.absent ?? 'none was found'}`]] : host.devices.map(deviceCells);
    return [head.join('  '), ...columns(devices).map((line) => `  ${line}`)];
  });
}

function deviceCells({ leases, ...device }: PoolState['hosts'][number]['devices'][number]): string[] {
  const users = leases.map(({ label, memoryBytes }) => (memoryBytes === null ? label : `${label} (${gib(memoryBytes)})`));
  return [
    `${device.parent === null ? '' : '- '}${device.uuid}`,
    device.model,
    gib(device.memoryBytes),
    device.parent === null ? (device.sharing === 'none' ? 'whole' : device.sharing) : 'MIG',
    `driver ${device.driver}`,
    health(device),
    users.join(', ') || pc.dim('free'),
  ];
}

function health({ health: { state, reasons } }: Device): string {
  if (state === 'healthy') return pc.green('healthy');
  return (state === 'faulty' ? pc.red : pc.yellow)(`${state}${reasons.length > 0 ? `: ${reasons.join('; ')}` : ''}`);
}

function leaseLines({ leases }: PoolState, now: number): string[] {
  if (leases.length === 0) return ['nothing is leased'];
  const rows = leases.map(({ lease, label, owner, qos, since, yielding }) => {
    const on = lease.devices.map(({ uuid, memoryBytes }) => (memoryBytes === null ? uuid : `${uuid} (${gib(memoryBytes)})`)).join(' ');
    const where = lease.exclusiveHost ? `all of ${lease.host}` : lease.host;
    return [label, owner ?? '-', qos, where, on || lease.model, `for ${age(since, now)}`, yielding ? pc.yellow('yielding') : ''];
  });
  return [`${pc.bold('leases')} (${leases.length})`, ...columns(rows).map((line) => `  ${line}`)];
}

function waitingLines({ waiting }: PoolState, now: number): string[] {
  if (waiting.length === 0) return [];
  const rows = waiting.map(({ request, since, why }, i) => {
    const memory = request.gpuMemoryBytes === null ? '' : ` with ${gib(request.gpuMemoryBytes)}`;
    const wants = request.gpus === 0 ? (request.exclusiveHost ? 'a whole host' : 'CPU') : `${count(request.gpus, 'device')}${memory}`;
    return [`${i + 1}.`, request.label, request.experimentId, request.owner ?? '-', request.qos, wants, `for ${age(since, now)}`, why];
  });
  return [`${pc.bold('waiting')} (${waiting.length})`, ...columns(rows).map((line) => `  ${line}`)];
}

function quotaLines({ quotas }: PoolState): string[] {
  if (quotas.length === 0) return [];
  const rows = quotas.map(({ owner, limit, used }) => [owner, `${used} of ${limit} in use`]);
  return [pc.bold('quotas'), ...columns(rows).map((line) => `  ${line}`)];
}

/** Each column as wide as its widest cell, colour codes apart; the last one is left ragged. */
export function columns(rows: string[][]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, plain(cell).length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - plain(cell).length))
      .join('  ')
      .trimEnd(),
  );
}

function age(since: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

const plain = (text: string): string => text.replace(colourCode, '');
// Built from text, since a control character in a pattern looks like a mistake.
const colourCode = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const gib = (bytes: number): string => `${Number((bytes / 2 ** 30).toFixed(1))} GiB`;
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const emptyPool: PoolState = { hosts: [], leases: [], waiting: [], quotas: [] };
