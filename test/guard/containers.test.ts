// Proves: the guard and a worker's start treat containers of their home as they do processes, and touch no other home's.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { guardFinding } from '../../src/activities/guard';
import { homeInstance } from '../../src/activities/hostFiles';
import { LeaseBook, holderOf } from '../../src/activities/leases';
import { takeStock } from '../../src/activities/stock';
import { leaseTerms } from '../../src/contract';
import { type Executor, type TrainerStart, createDockerExecutor, listContainers, reapContainers } from '../../src/executor';
import { labelsOf } from '../../src/executor/docker/names';
import { dockerForTests } from '../docker/engine';
import { until } from '../stack/helpers';
import { keyOf, leaseOf, newHome, removeHomes } from './helpers';

const before = process.env.DOCKER_HOST;
const instances: string[] = [];
let base: string;
let engine: Docker;

beforeAll(async () => {
  const { host, base: image } = await dockerForTests();
  base = image;
  process.env.DOCKER_HOST = host;
  engine = new Docker({ socketPath: host.replace('unix://', '') });
}, 300_000);

afterEach(async () => {
  for (const home of instances.splice(0)) await reapContainers((await listContainers({ home })).map(({ id }) => id));
  await removeHomes();
});

afterAll(() => {
  if (before === undefined) delete process.env.DOCKER_HOST;
  else process.env.DOCKER_HOST = before;
});

test('containers whose host is not renewed are stopped, those that train with time for a checkpoint; those of another home go on', async () => {
  const here = dockerHome();
  const elsewhere = dockerHome();
  await here.executor.start(here.container('cnn'));
  await elsewhere.executor.start(elsewhere.container('cnn'));
  const turns = await engine.createContainer({
    ...{ Image: base, Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } },
    Labels: labelsOf(here.instance, 'lease-latency', { key: keyOf('cnn'), epoch: 1 }, 'latency'),
  });
  await turns.start();
  await until('the trainer', async () => (await here.executor.logTail(here.dir('cnn'), 5)).includes('training'));
  here.renewed(leaseTerms.term - 1, ['cnn']);
  here.guard();
  expect(await until('its end', () => here.executor.ended(here.dir('cnn')), 40_000)).toMatchObject({ code: 75, outOfMemory: false });
  expect(guardFinding(here.dir('cnn'))?.reason).toMatch(/its lease was not renewed/);
  await until('the end of the turns', async () => (await statesOf(here.instance)).join() === 'exited');
  expect((await elsewhere.executor.find(elsewhere.dir('cnn'))).state).toBe('running');
});

test('a starting worker keeps the containers of open runs, and removes what ended runs left, running or not', async () => {
  const { home, executor, container, dir, instance } = dockerHome();
  const book = new LeaseBook(home);
  for (const variant of ['open', 'over', 'stopped']) {
    book.begin(leaseOf(variant).lease, leaseOf(variant).request);
    await executor.start(container(variant));
  }
  await executor.stop(dir('stopped'), { graceSeconds: 0 });
  const isOpen = async (workflowId: string): Promise<boolean> => workflowId === holderOf(keyOf('open'));
  const stock = await takeStock({ executors: [executor], home, isOpen, book });
  expect({ ...stock, reaped: stock.reaped.sort() }).toEqual({
    ...{ kept: [holderOf(keyOf('open'))], reaped: ['over', 'stopped'].map((variant) => holderOf(keyOf(variant))), problems: [] },
  });
  expect(await statesOf(instance)).toEqual(['running']);
  expect(book.held().map(({ lease }) => lease.leaseId)).toEqual(['lease-open']);
});

const statesOf = async (home: string): Promise<string[]> => (await listContainers({ home })).map(({ state }) => state).sort();

function dockerHome() {
  const made = newHome();
  const instance = homeInstance(made.home);
  instances.push(instance);
  const executor: Executor = createDockerExecutor({ instance });
  const data = join(made.home, 'data');
  mkdirSync(data);
  const container = (variant: string): TrainerStart => ({
    ...made.trainer(variant),
    command: ['python3', '-uc', program],
    container: {
      ...{ image: { reference: base, repoDigest: null, id: base }, lease: `lease-${variant}`, devices: [], network: false },
      ...{ mounts: { data, code: null, resume: null, model: null }, cpus: 1, memoryBytes: null, shmBytes: 64 * 2 ** 20 },
    },
  });
  return { ...made, instance, executor, container };
}

const program = `
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
print('training')
while True:
    time.sleep(0.1)
`;
