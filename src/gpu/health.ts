import { AssayError, type HealthCheck } from '../contract';
import { busIdOf } from './failures';
import type { Smi } from './fields';
import { detailsOf, list, statusOfOne } from './inventory';
import { gigabytes, processesOf } from './processes';
import { product } from './product';
import { type Finding, judge } from './status';
import { type Details, type Listed, placeOf } from './text';
import type { CheckOptions, Xid } from './types';
import { xidFinding } from './xid';

/** Whether a run may start on these devices. `readXids` gives those since the last check of a device, null where the log cannot be read. */
export async function check(
  smi: Smi,
  uuids: readonly string[],
  options: CheckOptions,
  readXids: () => Promise<XidsOf | null>,
): Promise<HealthCheck[]> {
  if (uuids.length === 0) return [];
  const { devices, absent } = await list(smi);
  if (absent !== null) return uuids.map((device) => ({ ok: false, device, findings: [absent], memoryBefore: null, productMs: null }));
  const [xidsOf, { devices: details }] = await Promise.all([readXids(), detailsOf(smi)]);
  return Promise.all(uuids.map((uuid) => checkOne(smi, uuid, { devices, details, xidsOf }, options)));
}

export type XidsOf = (uuid: string, busId: string) => Xid[];

/** Bytes of a device or a MIG instance. */
interface Memory {
  total: number | null;
  used: number | null;
  free: number | null;
}

async function checkOne(
  smi: Smi,
  uuid: string,
  host: { devices: Listed[]; details: Map<string, Details>; xidsOf: XidsOf | null },
  options: CheckOptions,
): Promise<HealthCheck> {
  try {
    const place = placeOf(host.devices, uuid);
    if (place === null) return failed(uuid, 'this host has no such device: it is gone, or MIG was set up anew');
    const { row, failed: why } = await statusOfOne(smi, place.parent);
    if (row === null) return failed(uuid, why);
    const busId = busIdOf(row.text('pci.bus_id') ?? '');
    const detail = host.details.get(busId);
    const own: Memory = { total: row.bytes('memory.total'), used: row.bytes('memory.used'), free: row.bytes('memory.free') };
    const memory = place.index === null ? own : (detail?.instances.get(place.index) ?? { total: null, used: null, free: null });
    const findings = [...judge(row, detail), ...errors(host.xidsOf && host.xidsOf(uuid, busId))];
    if (row.loss() === null) findings.push(...(await room(smi, uuid, place.parent, memory, options.neededBytes ?? null)));
    // A device that is set aside gets no work: the product could hang on it.
    const ran = findings.some(({ aside }) => aside)
      ? { ms: null, findings: [{ sentence: 'no matrix product was computed: the device is set aside already', aside: false }] }
      : await product(uuid, options.program);
    return concluded(uuid, [...findings, ...ran.findings], memory.used, ran.ms);
  } catch (error) {
    if (error instanceof AssayError) return failed(uuid, error.message);
    throw error;
  }
}

function errors(xids: readonly Xid[] | null): Finding[] {
  if (xids === null) return [{ sentence: 'the kernel log cannot be read here: XID errors are not seen', aside: false }];
  const seen = new Map<number, Finding>();
  for (const xid of xids) seen.set(xid.code, xidFinding(xid));
  return [...seen.values()];
}

async function room(smi: Smi, uuid: string, parent: string, memory: Memory, needed: number | null): Promise<Finding[]> {
  const { total, used, free } = memory;
  const short = needed === null ? total !== null && used !== null && used > total / 10 : free !== null && free < needed;
  if (!short) return [];
  const others = await processesOf(smi, [parent]);
  const who = others.length === 0 ? '' : ` (${others.map(({ pid }) => `process ${pid}`).join(', ')})`;
  const wanted = needed === null ? 'it is wanted whole' : `${gigabytes(needed)} are needed and ${gigabytes(free ?? 0)} are free`;
  return [{ sentence: `${gigabytes(used ?? 0)} of ${uuid} are in use${who}: ${wanted}`, aside: true }];
}

const concluded = (device: string, findings: readonly Finding[], memoryBefore: number | null, productMs: number | null): HealthCheck => ({
  ok: findings.every(({ aside }) => !aside),
  device,
  findings: findings.map(({ sentence }) => sentence),
  memoryBefore,
  productMs,
});

const failed = (device: string, sentence: string): HealthCheck => concluded(device, [{ sentence, aside: true }], null, null);
