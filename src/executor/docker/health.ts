import { accessSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type Docker from 'dockerode';
import { connect, explain, timed } from './engine';

export type DockerHealth =
  | {
      version: string;
      /** Driver and version, e.g. `systemd v2`. */
      cgroup: string;
      /** Storage driver, e.g. `overlay2`. */
      storage: string;
      /** It gives containers NVIDIA devices by its own runtime or hook. */
      gpuRuntime: boolean;
      /** It gives containers NVIDIA devices by CDI. */
      cdi: boolean;
      rootless: boolean;
    }
  | { problem: string; mend: string };

/** What `assay doctor` says of the engine. */
export async function dockerHealth(docker: Docker = connect()): Promise<DockerHealth> {
  try {
    const info = await infoOf(docker);
    return {
      version: info.ServerVersion,
      cgroup: `${info.CgroupDriver} v${info.CgroupVersion ?? 1}`,
      storage: info.Driver,
      gpuRuntime: gpuRuntime(info),
      cdi: cdi(info),
      rootless: rootless(info),
    };
  } catch (error) {
    const [problem = '', mend = ''] = explain(error, docker).message.split(/: (?=[^:]*$)/);
    return { problem, mend };
  }
}

/** What settings depend on. */
export interface Facts {
  cpus: number;
  rootless: boolean;
  cdi: boolean;
}

export async function factsOf(docker: Docker): Promise<Facts> {
  const info = await infoOf(docker);
  const forced = process.env.ASSAY_GPU_CDI === '1';
  return { cpus: info.NCPU, rootless: rootless(info), cdi: forced || (cdi(info) && !gpuRuntime(info)) };
}

interface Info {
  ServerVersion: string;
  CgroupDriver: string;
  CgroupVersion?: string;
  Driver: string;
  NCPU: number;
  Runtimes?: Record<string, unknown>;
  SecurityOptions?: string[];
  CDISpecDirs?: string[] | null;
}

const infoOf = async (docker: Docker): Promise<Info> => await timed(15, docker.info() as Promise<Info>);

const rootless = ({ SecurityOptions }: Info): boolean => (SecurityOptions ?? []).some((option) => option.startsWith('name=rootless'));

/** The engine needs no runtime of that name where it finds the toolkit's hook. */
const gpuRuntime = ({ Runtimes }: Info): boolean =>
  'nvidia' in (Runtimes ?? {}) ||
  ['/usr/bin', '/usr/local/bin', ...(process.env.PATH ?? '').split(delimiter)].some((dir) =>
    isThere(join(dir, 'nvidia-container-runtime-hook')),
  );

const cdi = ({ CDISpecDirs }: Info): boolean =>
  (CDISpecDirs ?? []).some((dir) => {
    try {
      return readdirSync(dir).some((name) => name.includes('nvidia'));
    } catch {
      return false;
    }
  });

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
