import type { Lease, ResolvedImage, ResolvedSpec } from '../contract';
import { bytes } from '../contract/specValues';
import type { ContainerSettings } from '../executor';

interface Inputs {
  spec: ResolvedSpec;
  image: ResolvedImage | null;
  lease: Lease;
  code: string | null;
  mounts: Omit<ContainerSettings['mounts'], 'code'>;
}

/** What a trainer's container gets; null for a process. */
export function containerFor({ spec, image, lease, code, mounts }: Inputs): ContainerSettings | null {
  if (image === null) return null;
  const { cpus, memory, shm, network } = spec.runtime;
  return {
    image,
    lease: lease.leaseId,
    mounts: { ...mounts, code },
    devices: lease.devices,
    cpus,
    memoryBytes: memory === undefined ? null : bytes(memory),
    shmBytes: bytes(shm ?? '64MiB'),
    network: network ?? false,
  };
}
