import { AssayError, type Device, type Inventory } from '../contract';
import { linesOf } from './command';
import type { Row } from './csv';
import { absence, busIdOf, lossIn } from './failures';
import type { Smi } from './fields';
import { healthOf, judge, statusFields } from './status';
import { type Details, type Listed, parseList, parseQuery } from './text';

/** Devices of this host. One in MIG mode is not listed, its instances are: nothing can run on it as a whole. */
export async function inventory(smi: Smi, sharing: Device['sharing'], layout: Layout): Promise<Inventory> {
  try {
    return await look(smi, sharing, layout);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return none(error.message);
  }
}

/** What `-q` said when the list of devices was last another one: limits and sizes do not change, and it is slow. */
export interface Layout {
  list: string;
  told: Awaited<ReturnType<typeof detailsOf>> | null;
}

/** The devices and instances that `-L` names; `absent` where it names none. */
export async function list(smi: Smi): Promise<{ devices: Listed[]; absent: string | null }> {
  const answer = await smi.run(['-L']);
  const devices = parseList(answer.stdout);
  if (devices.length > 0) return { devices, absent: null };
  const lost = linesOf(answer).find((line) => lossIn(line) !== null);
  const why = lost === undefined ? absence(answer) : `${lossIn(lost)} (${lost.trim()})`;
  return { devices, absent: why ?? 'nvidia-smi lists no device' };
}

/** Rows by UUID. Where one device fails nvidia-smi as a whole, each is asked by itself. */
export async function statusOf(smi: Smi, devices: readonly Listed[]): Promise<Map<string, { row: Row | null; failed: string }>> {
  const found = new Map<string, { row: Row | null; failed: string }>();
  const all = await smi.queryGpu(statusFields, null);
  for (const row of all.rows) found.set(row.text('uuid') ?? '', { row, failed: '' });
  const missing = devices.filter(({ uuid }) => !found.has(uuid));
  await Promise.all(missing.map(async ({ uuid }) => found.set(uuid, await statusOfOne(smi, uuid))));
  return found;
}

export async function statusOfOne(smi: Smi, uuid: string): Promise<{ row: Row | null; failed: string }> {
  const { rows, losses, failed } = await smi.queryGpu(statusFields, uuid);
  const row = rows[0];
  if (row && row.loss() === null && row.text('uuid') !== uuid)
    return { row: null, failed: `the device answers as ${row.text('uuid') ?? 'none'} when asked for ${uuid}: restart the worker` };
  if (row) return { row, failed: '' };
  const line = losses[0];
  return { row: null, failed: line === undefined ? (failed ?? 'nvidia-smi says nothing of the device') : `${lossIn(line)} (${line})` };
}

export async function detailsOf(smi: Smi): Promise<{ cuda: string | null; devices: Map<string, Details> }> {
  return parseQuery((await smi.run(['-q'])).stdout);
}

async function look(smi: Smi, sharing: Device['sharing'], layout: Layout): Promise<Inventory> {
  const { devices: listed, absent } = await list(smi);
  if (absent !== null) return none(absent);
  const statuses = await statusOf(smi, listed);
  const key = JSON.stringify(listed);
  if (layout.told === null || layout.list !== key) Object.assign(layout, { list: key, told: await detailsOf(smi) });
  const { cuda, devices: details } = layout.told ?? { cuda: null, devices: new Map<string, Details>() };
  const rows = [...statuses.values()].flatMap(({ row }) => row ?? []);
  const driver = rows.map((row) => row.text('driver_version')).find((version) => version !== null) ?? null;
  const devices = listed.flatMap((device) => devicesOf(device, statuses.get(device.uuid), details, driver ?? 'unknown', sharing));
  const unused = 'every device is in MIG mode and none has an instance: make some with nvidia-smi mig -cgi, or turn MIG mode off';
  return { devices, driver, cuda, absent: devices.length === 0 ? unused : null };
}

function devicesOf(
  { uuid, model, instances }: Listed,
  status: { row: Row | null; failed: string } | undefined,
  details: Map<string, Details>,
  driver: string,
  sharing: Device['sharing'],
): Device[] {
  const row = status?.row ?? null;
  if (row === null || row.loss() !== null) {
    const reasons = [row?.loss() ?? status?.failed ?? 'nvidia-smi says nothing of the device'];
    const lost = { uuid, model, memoryBytes: row?.bytes('memory.total') ?? 0, driver, parent: null, sharing };
    return [{ ...lost, health: { state: 'faulty', reasons } }];
  }
  const detail = details.get(busIdOf(row.text('pci.bus_id') ?? ''));
  const health = healthOf(judge(row, detail));
  if (row.text('mig.mode.current') !== 'Enabled') {
    return [{ uuid, model, memoryBytes: row.bytes('memory.total') ?? 0, driver, parent: null, sharing, health }];
  }
  return instances.map((instance) => ({
    uuid: instance.uuid,
    model: `${model} MIG ${instance.profile}`,
    memoryBytes: detail?.instances.get(instance.index)?.total ?? 0,
    driver,
    parent: uuid,
    sharing: 'none',
    health,
  }));
}

const none = (absent: string): Inventory => ({ devices: [], driver: null, cuda: null, absent });
