import { bootTime, readGuardFile } from '../activities/guardFile';
import { hostFiles, knownInstance } from '../activities/hostFiles';
import { type ExperimentRecord, leaseTerms, refNames } from '../contract';
import { dockerHealth, listContainers, reapContainers } from '../executor';
import { openGpus } from '../gpu';
import { lockHolder } from '../stack/lock';
import { isAlive } from '../stack/process';
import type { Finding } from './doctor';
import { homeDir, sessionStore } from './home';

/** What only containers, devices and leases need. */
export async function docker(): Promise<Finding> {
  const name = 'Docker';
  const health = await dockerHealth();
  if ('problem' in health) {
    return { name, ok: false, detail: `${health.problem}; only \`executor: docker\` needs it`, mend: health.mend, optional: true };
  }
  const { version, cgroup, storage, gpuRuntime, cdi } = health;
  const parts = [
    version,
    `cgroup ${cgroup}`,
    `storage ${storage}`,
    `GPU runtime ${gpuRuntime ? 'yes' : 'no'}`,
    `CDI ${cdi ? 'yes' : 'no'}`,
  ];
  const blind = !gpuRuntime && !cdi && (await devicesHere());
  return {
    ...{ name, ok: !blind, detail: parts.join(', ') },
    mend: blind ? 'containers cannot reach the devices of this host: install the NVIDIA Container Toolkit and restart Docker' : null,
  };
}

export async function gpuDevices(): Promise<Finding> {
  const name = 'GPUs';
  const { devices, driver, cuda, absent } = await openGpus().inventory();
  if (devices.length === 0) {
    return { name, ok: false, detail: `${absent ?? 'no device was found'}; runs compute on the CPU`, mend: null, optional: true };
  }
  const models = [...new Set(devices.map(({ model }) => model))].map((model) => {
    const same = devices.filter((device) => device.model === model);
    return `${same.length} x ${model} (${Math.round((same[0]?.memoryBytes ?? 0) / 2 ** 30)} GiB)`;
  });
  const ill = devices.filter(({ health }) => health.state !== 'healthy');
  const reasons = ill.map(({ uuid, health: { state, reasons } }) => `${uuid} is ${state}: ${reasons.join('; ')}`);
  return {
    name,
    ok: ill.length === 0,
    detail: [...models, `driver ${driver ?? 'unknown'}`, `CUDA ${cuda ?? 'unknown'}`, ...reasons].join(', '),
    mend: ill.length === 0 ? null : 'runs go to the other devices; reset or replace these',
  };
}

/** Containers of this home; an orphan is one whose experiment is over. */
export async function containers(reap: boolean): Promise<Finding> {
  const name = 'Containers';
  try {
    const instance = knownInstance(homeDir());
    const found = instance === null ? [] : await listContainers({ home: instance });
    const over = await Promise.all(found.map(async (container) => ((await isOver(container)) ? container : null)));
    const orphans = over.filter((container) => container !== null);
    const detail = `${found.length} of this home, ${orphans.length} left by experiments that are over`;
    if (orphans.length === 0) return { name, ok: true, detail, mend: null };
    const names = orphans.map((orphan) => `${orphan.name} (${orphan.state})`).join(', ');
    if (!reap) return { name, ok: false, detail: `${detail}: ${names}`, mend: '`assay doctor --reap` removes them', optional: true };
    await reapContainers(orphans.map(({ id }) => id));
    return { name, ok: true, detail: `${detail}, now removed: ${names}`, mend: null };
  } catch (error) {
    // What is wrong with the engine is said in its own line.
    return { name, ok: false, detail: (error as Error).message.split('\n', 1)[0] ?? '', mend: null, optional: true };
  }
}

export async function guard(): Promise<Finding> {
  const name = 'Guard';
  const files = hostFiles(homeDir());
  const holder = lockHolder(files.guardLock);
  if (holder !== null && isAlive(holder)) {
    return {
      name,
      ok: true,
      detail: `process ${holder.pid} stops trainers whose lease is not renewed for ${leaseTerms.term} s`,
      mend: null,
    };
  }
  const renewed = readGuardFile(files.guard);
  const now = bootTime();
  const reporting = renewed !== null && renewed.bootId === now.bootId && now.seconds - renewed.renewedAt < leaseTerms.term;
  if (!reporting) return { name, ok: true, detail: 'not running; each GPU worker starts it', mend: null };
  return { name, ok: false, detail: 'a GPU worker runs here without it', mend: `see ${files.guardLog}, then restart the worker` };
}

/** An experiment that this store does not know is over only for a container that has ended. */
async function isOver({ key, state }: { key: { experimentId: string }; state: string }): Promise<boolean> {
  const record = await sessionStore().refs.get<ExperimentRecord>(refNames.experiment(key.experimentId));
  return record === null ? state === 'exited' || state === 'dead' : record.value.status !== 'running';
}

const devicesHere = async (): Promise<boolean> => (await openGpus().inventory()).devices.length > 0;
