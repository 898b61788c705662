import { linesOf } from './command';
import { rowsOf } from './csv';
import { absence } from './failures';
import type { Smi } from './fields';
import { list } from './inventory';
import { type Listed, placeOf } from './text';
import type { DeviceProcess } from './types';

/** Processes that compute on these devices, by the devices' own UUIDs. */
export async function processesOf(smi: Smi, uuids: readonly string[]): Promise<DeviceProcess[]> {
  const fields = ['gpu_uuid', 'pid', 'used_gpu_memory'];
  const answer = await smi.run([`--query-compute-apps=${fields.join(',')}`, '--format=csv,noheader,nounits']);
  if (absence(answer) !== null) return [];
  return rowsOf(linesOf(answer), fields).rows.flatMap((row) => {
    const uuid = row.text('gpu_uuid') ?? '';
    const pid = row.number('pid');
    return pid === null || !uuids.includes(uuid) ? [] : [{ uuid, pid, memoryBytes: row.bytes('used_gpu_memory') }];
  });
}

/** The same, where a UUID may be that of a MIG instance. */
export async function processes(smi: Smi, uuids: readonly string[]): Promise<DeviceProcess[]> {
  if (uuids.length === 0) return [];
  const { devices } = await list(smi);
  return processesOf(smi, parentsOf(devices, uuids));
}

/** The devices of these UUIDs and of the instances among them. */
export const parentsOf = (devices: readonly Listed[], uuids: readonly string[]): string[] => [
  ...new Set(uuids.map((uuid) => placeOf(devices, uuid)?.parent ?? uuid)),
];

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
