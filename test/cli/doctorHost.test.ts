// Proves: doctor tells what containers, devices and leases of this host need, and removes only containers of this home whose experiment is over.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Docker from 'dockerode';
import { homeInstance, hostFiles } from '../../src/activities/hostFiles';
import { containers, docker, gpuDevices, guard } from '../../src/cli/doctorHost';
import { type ExperimentRecord, refNames } from '../../src/contract';
import { labelsOf } from '../../src/executor/docker/names';
import { openStore } from '../../src/store';
import { dockerForTests } from '../docker/engine';
import { newHome, removeHomes } from '../guard/helpers';
import { until } from '../stack/helpers';

const before = { ...process.env };
const made: Docker.Container[] = [];
let host: string;
let base: string;
let engine: Docker;

beforeAll(async () => {
  ({ host, base } = await dockerForTests());
  engine = new Docker({ socketPath: host.replace('unix://', '') });
}, 300_000);
beforeEach(() => {
  process.env = { ...before, DOCKER_HOST: host };
});
afterEach(async () => {
  process.env = before;
  for (const container of made.splice(0)) await container.remove({ force: true }).catch(() => undefined);
  await removeHomes();
});

describe('Docker', () => {
  it('is described by what matters to trainers', async () => {
    expect(await docker()).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^\d+\.\d+.*, cgroup \w+ v[12], storage \w+, GPU runtime (yes|no), CDI (yes|no)$/),
    });
  });

  it('is no need of runs without it, and its absence has a mend', async () => {
    process.env.DOCKER_HOST = 'unix:///nowhere/docker.sock';
    const { ok, optional, detail, mend } = await docker();
    expect([ok, optional]).toEqual([false, true]);
    expect(detail).toMatch(/\/nowhere\/docker\.sock.*; only `executor: docker` needs it$/);
    expect(mend).toMatch(/\w/);
  });
});

describe('devices', () => {
  it('say why there are none', async () => {
    process.env.ASSAY_NVIDIA_SMI = '/nowhere/nvidia-smi';
    expect(await gpuDevices()).toMatchObject({
      ok: false,
      optional: true,
      detail: expect.stringMatching(/\w+.*; runs compute on the CPU$/),
    });
  });
});

describe('containers', () => {
  it('of this home whose experiment is over are listed, and removed on request; all others stay', async () => {
    const { home } = newHome();
    Object.assign(process.env, { ASSAY_HOME: home, ASSAY_STORE: pathToFileURL(join(home, 'store')).href });
    const store = openStore(process.env.ASSAY_STORE as string);
    for (const status of ['running', 'failed'] as const) {
      await store.refs.set(refNames.experiment(`exp-${status}`), { status } as ExperimentRecord, null);
    }
    const own = homeInstance(home);
    const running = await container(own, 'exp-running');
    const failed = await container(own, 'exp-failed');
    const unknown = await container(own, 'exp-of-another-store');
    const foreign = await container(homeInstance(newHome().home), 'exp-failed');

    const listed = await containers(false);
    expect(listed).toMatchObject({ ok: false, optional: true, mend: '`assay doctor --reap` removes them' });
    expect(listed.detail).toBe(`3 of this home, 1 left by experiments that are over: ${await nameOf(failed)} (running)`);
    expect(await containers(true)).toMatchObject({ ok: true, detail: expect.stringMatching(/, now removed: /) });
    await expect(failed.inspect()).rejects.toMatchObject({ statusCode: 404 });
    for (const kept of [running, unknown, foreign]) expect((await kept.inspect()).State.Running).toBe(true);
    expect(await containers(true)).toMatchObject({ ok: true, detail: '2 of this home, 0 left by experiments that are over' });
  });
});

describe('the guard', () => {
  it('is told where it runs, is missed where a worker reports without it, and else is no matter', async () => {
    const { home, renewed, guard: start, guardPid } = newHome();
    process.env.ASSAY_HOME = home;
    expect(await guard()).toMatchObject({ ok: true, detail: 'not running; each GPU worker starts it' });
    renewed(3, []);
    expect(await guard()).toMatchObject({ ok: false, mend: expect.stringContaining(hostFiles(home).guardLog) });
    start();
    const pid = await until('the guard', guardPid);
    expect(await guard()).toMatchObject({ ok: true, detail: expect.stringContaining(`process ${pid} stops trainers`) });
  });
});

async function container(instance: string, experimentId: string): Promise<Docker.Container> {
  const created = await engine.createContainer({
    Image: base,
    Cmd: ['sleep', '600'],
    Labels: labelsOf(instance, 'lease-1', { key: { experimentId, variant: 'cnn', seed: 1 }, epoch: 1 }, 'train'),
    HostConfig: { NetworkMode: 'none' },
  });
  made.push(created);
  await created.start();
  return created;
}

const nameOf = async (one: Docker.Container): Promise<string> => (await one.inspect()).Name.slice(1);
