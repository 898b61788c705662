import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import { containerPaths } from '../../contract';
import { defaultLogBytes, filesOf, writeJson } from '../layout';
import type { ContainerSettings, TrainerStart } from '../types';
import type { Facts } from './health';

/** The folders of the epoch as the container's user needs them, and run.json in one of them. */
export function prepareFolders({ dir, runFile, container }: TrainerStart, facts: Facts): void {
  const files = filesOf(dir);
  for (const folder of [files.out, files.checkpoints, files.containerRunDir]) mkdirSync(folder, { recursive: true });
  chmodSync(files.containerRunDir, 0o755);
  writeJson(files.containerRun, runFile, { mode: 0o644 });
  if (!isForeign(facts)) return;
  for (const folder of [files.out, files.checkpoints]) chownSync(folder, foreignUser, foreignUser);
  for (const path of [container?.mounts.resume, container?.mounts.model]) if (path) makeReadable(path);
}

/** Everything that keeps a trainer in its place. */
export function settingsOf(start: TrainerStart, container: ContainerSettings, facts: Facts): ContainerCreateOptions {
  const { command, limits = {}, env = {}, runFile } = start;
  const logBytes = limits.logBytes ?? defaultLogBytes;
  const mps = container.devices.some((device) => device.sharing === 'mps');
  return {
    Image: container.image.id,
    // With an entry point of its own the image's is not used, nor its command.
    Entrypoint: [...command],
    ...(container.mounts.code === null ? {} : { WorkingDir: containerPaths.code }),
    User: userOf(facts),
    Env: Object.entries({
      ...environment(limits.cpus ?? 1),
      ...env,
      ...(mps ? mpsEnvironment(container) : {}),
      ASSAY_RUN: containerPaths.run,
    }).map(([name, value]) => `${name}=${value}`),
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGTERM',
    // For an engine that stops its containers because it is stopped itself.
    StopTimeout: Math.ceil(runFile.graceSeconds),
    HostConfig: {
      AutoRemove: false,
      RestartPolicy: { Name: 'no' },
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      Init: true,
      PidsLimit: 512,
      NanoCpus: Math.round(Math.min(container.cpus, facts.cpus) * 1e9),
      ...(container.memoryBytes === null ? {} : { Memory: container.memoryBytes, MemorySwap: container.memoryBytes }),
      ShmSize: container.shmBytes,
      // The host's own programs go last when the host's memory ends.
      OomScoreAdj: 500,
      NetworkMode: container.network ? 'bridge' : 'none',
      // MPS clients reach their server over shared memory of the host.
      ...(mps ? { IpcMode: 'host' } : { IpcMode: 'private' }),
      Tmpfs: { [containerPaths.tmp]: `rw,nosuid,nodev,exec,mode=1777,size=${tmpBytes}` },
      Mounts: mountsOf(start, container, mps),
      LogConfig: { Type: 'json-file', Config: { 'max-size': String(Math.ceil(logBytes / 2)), 'max-file': '2' } },
      ...(container.devices.length === 0 ? {} : { DeviceRequests: [deviceRequest(container, facts.cdi)] }),
    },
  };
}

/** Of the user that a trainer runs as where the worker is root. */
const foreignUser = 10_001;
/** Scratch, in memory: it counts towards the memory limit. */
const tmpBytes = 2 ** 30;

const isForeign = ({ rootless }: Facts): boolean => !rootless && process.getuid?.() === 0;

/** Root in a container of a rootless engine is the user who started the engine. */
function userOf(facts: Facts): string {
  if (facts.rootless) return '0:0';
  return isForeign(facts) ? `${foreignUser}:${foreignUser}` : `${process.getuid?.() ?? foreignUser}:${process.getgid?.() ?? foreignUser}`;
}

function environment(cpus: number): Record<string, string> {
  const threads = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS', 'LOKY_MAX_CPU_COUNT'];
  return { HOME: containerPaths.tmp, PYTHONUNBUFFERED: '1', ...Object.fromEntries(threads.map((name) => [name, String(cpus)])) };
}

function mountsOf({ dir }: TrainerStart, { mounts }: ContainerSettings, mps: boolean): MountSettings[] {
  const files = filesOf(resolve(dir));
  const bind = (source: string | null, target: string, readOnly: boolean): MountSettings[] =>
    source === null ? [] : [{ Type: 'bind', Source: resolve(source), Target: target, ReadOnly: readOnly }];
  return [
    ...bind(files.containerRunDir, resolve(containerPaths.run, '..'), true),
    ...bind(mounts.data, containerPaths.data, true),
    ...bind(mounts.code, containerPaths.code, true),
    ...bind(mounts.resume, containerPaths.resume, true),
    ...bind(mounts.model, containerPaths.model, true),
    ...bind(files.out, containerPaths.out, false),
    ...bind(files.checkpoints, containerPaths.checkpoints, false),
    ...(mps ? bind(mpsPipes(), mpsTarget, false) : []),
  ];
}

const mpsTarget = '/assay/mps';
const mpsPipes = (): string => process.env.CUDA_MPS_PIPE_DIRECTORY ?? '/tmp/nvidia-mps';

/** The limit names devices by their number among those visible. */
const mpsEnvironment = ({ devices }: ContainerSettings): Record<string, string> => ({
  CUDA_MPS_PIPE_DIRECTORY: mpsTarget,
  CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: devices
    .flatMap(({ memoryBytes }, i) => (memoryBytes === null ? [] : [`${i}=${Math.floor(memoryBytes / 2 ** 20)}M`]))
    .join(','),
});

const deviceRequest = ({ devices }: ContainerSettings, cdi: boolean) =>
  cdi
    ? { Driver: 'cdi', DeviceIDs: devices.map(({ uuid }) => `nvidia.com/gpu=${uuid}`) }
    : { Driver: '', DeviceIDs: devices.map(({ uuid }) => uuid), Capabilities: [['gpu']] };

/** For the container's user, as far as it is not so already. */
function makeReadable(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  const wanted = stat.mode | (stat.isDirectory() ? 0o555 : 0o444);
  if (wanted !== stat.mode) chmodSync(path, wanted & 0o7777);
  if (stat.isDirectory()) for (const name of readdirSync(path)) makeReadable(join(path, name));
}
