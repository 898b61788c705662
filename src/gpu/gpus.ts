import { check, type XidsOf } from './health';
import { Smi } from './fields';
import { inventory, type Layout, list, statusOfOne } from './inventory';
import { leaksAfter } from './leaks';
import { parentsOf, processes } from './processes';
import { telemetry } from './telemetry';
import type { Gpus, GpusOptions, Xid } from './types';
import { defaultKernelLog, readXids } from './xid';

/** This host's devices through nvidia-smi. Nothing is started until something is asked. */
export function openGpus(options: GpusOptions = {}): Gpus {
  const smi = new Smi(options.command ?? commandOf(process.env.ASSAY_NVIDIA_SMI), options.timeoutMs ?? 20_000);
  const kernelLog = options.kernelLog ?? defaultKernelLog;
  const checkedAt = new Map<string, number>();
  const layout: Layout = { list: '', told: null };

  const newXids = async (uuids: readonly string[], since: Date | undefined): Promise<XidsOf | null> => {
    const now = Date.now();
    const from = new Map(uuids.map((uuid) => [uuid, since?.getTime() ?? checkedAt.get(uuid) ?? now - firstLookMs]));
    const found = await readXids(kernelLog, new Date(Math.min(...from.values())), smi.timeoutMs);
    if (found === null) return null;
    for (const uuid of uuids) checkedAt.set(uuid, now);
    return (uuid, busId) => found.filter((xid) => xid.busId === busId && (xid.at ?? 0) >= (from.get(uuid) ?? 0));
  };

  return {
    inventory: () => inventory(smi, options.sharing ?? 'none', layout),
    check: (uuids, checks = {}) => check(smi, uuids, checks, () => newXids(uuids, checks.since)),
    telemetry: (uuids, sampling) => telemetry(smi, uuids, sampling),
    xids: (uuids, since) => xidsSince(smi, kernelLog, uuids, since),
    processes: (uuids) => processes(smi, uuids),
    leaksAfter: (before, uuids, leaks) => leaksAfter(smi, before, uuids, leaks),
  };
}

async function xidsSince(
  smi: Smi,
  kernelLog: readonly (readonly string[])[],
  uuids: readonly string[],
  since: Date,
): Promise<Xid[] | null> {
  if (uuids.length === 0) return [];
  const { devices } = await list(smi);
  const parents = parentsOf(devices, uuids);
  await Promise.all(parents.filter((uuid) => !smi.busIds.has(uuid)).map((uuid) => statusOfOne(smi, uuid)));
  const busIds = new Set(parents.flatMap((uuid) => smi.busIds.get(uuid) ?? []));
  const found = await readXids(kernelLog, since, smi.timeoutMs);
  return found === null ? null : found.filter(({ busId }) => busIds.has(busId));
}

function commandOf(words: string | undefined): string[] {
  const command = words?.split(/\s+/).filter((word) => word !== '') ?? [];
  return command.length > 0 ? command : ['nvidia-smi'];
}

const firstLookMs = 600_000;
