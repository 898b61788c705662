// Proves on a real engine what a trainer in a container cannot do.
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { containerName, placeOf } from '../../src/executor/docker/names';
import { supervise, type TrainerStart } from '../../src/executor';
import { dockerForTests } from '../docker/engine';
import { Home } from './containers';
import { readText } from './helpers';

let home: Home;
let server: Server;

beforeAll(async () => {
  const { host, base } = await dockerForTests();
  home = new Home(host, base);
  server = createServer((socket) => socket.end()).listen(0, '0.0.0.0');
  await once(server, 'listening');
}, 300_000);
afterAll(async () => {
  server.close();
  await home.end();
});

async function toEnd(trainer: TrainerStart) {
  await home.executor.start(trainer);
  return supervise({ executor: home.executor, dir: trainer.dir, pollMs: 20 });
}

test('a container has no network, no privileges, no files of the host and nothing to write but its own', async () => {
  process.env.AWS_SECRET_ACCESS_KEY = 'not for trainers';
  try {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a port');
    const hostFile = join(home.folder, 'data', 'rows.csv');
    const params = { do: 'probe', address: '127.0.0.1', port: address.port, hostFile };
    const trainer = home.start(home.newRunDir(), 1, params, { shmBytes: 8 * 2 ** 20 });
    expect(await toEnd({ ...trainer, env: { HELLO: 'there' } })).toMatchObject({ exit: { code: 0 } });
    const seen = JSON.parse(readText(trainer.dir, 'out', 'probe.json'));
    expect(seen.uid).toBeGreaterThan(0);
    expect(seen).toMatchObject({
      capabilities: 0,
      noNewPrivileges: '1',
      seccomp: '2',
      cwd: '/assay/code',
      hostFile: false,
      readData: 'a,b\n',
    });
    expect(seen).toMatchObject({
      writeData: 'EROFS',
      writeRun: expect.stringMatching(/^E(ROFS|ACCES)$/),
      writeCode: 'EROFS',
      writeRoot: 'EROFS',
      mount: 'EPERM',
    });
    expect(seen).toMatchObject({ network: 'ECONNREFUSED', writeScratch: 'done', runScratch: 'done', shm: 8 * 2 ** 20 });
    expect(seen.environment).toEqual(expect.arrayContaining(['ASSAY_RUN', 'HELLO', 'HOME', 'OMP_NUM_THREADS', 'PYTHONUNBUFFERED']));
    expect(seen.environment).not.toContain('AWS_SECRET_ACCESS_KEY');
  } finally {
    delete process.env.AWS_SECRET_ACCESS_KEY;
  }
});

test('an address outside is unreachable', async () => {
  const trainer = home.start(home.newRunDir(), 1, { do: 'probe', address: '192.0.2.1', port: 80, hostFile: '/none' });
  await toEnd(trainer);
  expect(JSON.parse(readText(trainer.dir, 'out', 'probe.json')).network).toBe('ENETUNREACH');
});

test('one that forks without end stops at the limit of processes, and ends with all of them', async () => {
  const trainer = home.start(home.newRunDir(), 1, { do: 'fork' }, { memoryBytes: 2 ** 30 });
  expect(await toEnd(trainer)).toMatchObject({ exit: { code: 0 } });
  const { children, error } = JSON.parse(readText(trainer.dir, 'out', 'forks.json'));
  expect(error).toBe('EAGAIN');
  expect(children).toBeGreaterThan(400);
  expect(children).toBeLessThan(512);
});

test('1 GB of log stays bounded on the disk of the engine and in the folder, and its last line is kept', async () => {
  const trainer = { ...home.start(home.newRunDir(), 1, { do: 'chatter', megabytes: 1000 }), limits: { logBytes: 4 * 2 ** 20 } };
  expect(await toEnd(trainer)).toMatchObject({ exit: { code: 0 } });
  const { LogPath } = await home.docker.getContainer(containerName(home.instance, placeOf(trainer.dir))).inspect();
  const sizes = [LogPath, `${LogPath}.1`].map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  expect(Math.max(...sizes)).toBeGreaterThan(2 ** 20);
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(4.1 * 2 ** 20);
  expect(statSync(join(trainer.dir, 'stdout.log')).size).toBeLessThan(4.1 * 2 ** 20);
  expect(readFileSync(join(trainer.dir, 'stderr.log'), 'utf8')).toBe('the last line\n');
}, 120_000);

test('the settings are those of the run: memory without swap, processors, no restart, no automatic removal', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 1 }, { memoryBytes: 100 * 2 ** 20, cpus: 0.5 });
  await toEnd(trainer);
  const { HostConfig, Config } = await home.docker.getContainer(containerName(home.instance, placeOf(trainer.dir))).inspect();
  expect(HostConfig).toMatchObject({ Memory: 100 * 2 ** 20, MemorySwap: 100 * 2 ** 20, NanoCpus: 5e8, AutoRemove: false, PidsLimit: 512 });
  expect(HostConfig).toMatchObject({ RestartPolicy: { Name: 'no' }, NetworkMode: 'none', Privileged: false, Init: true });
  expect(Config).toMatchObject({ StopSignal: 'SIGTERM', StopTimeout: 20 });
});
