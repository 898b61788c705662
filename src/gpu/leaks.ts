import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheck } from '../contract';
import { busIdOf } from './failures';
import type { Smi } from './fields';
import { detailsOf, list, statusOfOne } from './inventory';
import { gigabytes, parentsOf, processesOf } from './processes';
import { type Listed, placeOf } from './text';
import type { LeakOptions } from './types';

/** What a run left on its devices: looked for until nothing is left or patience is over. */
export async function leaksAfter(
  smi: Smi,
  before: HealthCheck | readonly HealthCheck[],
  uuids: readonly string[],
  { pids, marginBytes = 64 * 2 ** 20, patienceMs = 5000 }: LeakOptions,
): Promise<string[]> {
  if (uuids.length === 0) return [];
  const checks = 'ok' in before ? [before] : before;
  for (const begin = performance.now(); ; await sleep(Math.min(250, patienceMs))) {
    const leaks = await look(smi, checks, uuids, pids, marginBytes);
    if (leaks.length === 0 || performance.now() - begin >= patienceMs) return leaks;
  }
}

async function look(
  smi: Smi,
  checks: readonly HealthCheck[],
  uuids: readonly string[],
  pids: readonly number[],
  marginBytes: number | null,
): Promise<string[]> {
  const { devices } = await list(smi);
  const running = await processesOf(smi, parentsOf(devices, uuids));
  const left = running
    .filter(({ pid }) => pids.includes(pid))
    .map(({ uuid, pid, memoryBytes }) => {
      const held = memoryBytes === null ? '' : ` with ${gigabytes(memoryBytes)}`;
      return `process ${pid} of the run is still on ${uuid}${held}`;
    });
  const grown = marginBytes === null ? [] : await Promise.all(uuids.map((uuid) => growth(smi, devices, uuid, checks, marginBytes)));
  return [...left, ...grown.flatMap((sentence) => sentence ?? [])];
}

async function growth(smi: Smi, devices: readonly Listed[], uuid: string, checks: readonly HealthCheck[], margin: number) {
  const before = checks.find(({ device }) => device === uuid)?.memoryBefore ?? null;
  const after = await usedBytes(smi, devices, uuid);
  if (before === null || after === null || after - before <= margin) return null;
  return `${gigabytes(after)} of ${uuid} are in use after the run, ${gigabytes(before)} were before it`;
}

async function usedBytes(smi: Smi, devices: readonly Listed[], uuid: string): Promise<number | null> {
  const place = placeOf(devices, uuid);
  if (place === null) return null;
  const { row } = await statusOfOne(smi, place.parent);
  if (row === null) return null;
  if (place.index === null) return row.bytes('memory.used');
  const details = await detailsOf(smi);
  return details.devices.get(busIdOf(row.text('pci.bus_id') ?? ''))?.instances.get(place.index)?.used ?? null;
}
