// Proves on a real engine and a real registry: an image is what its digest says, or the message says what to write.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { createDockerExecutor, dockerHealth, ensureImage, pinOf, resolveImage } from '../../src/executor';
import { explain } from '../../src/executor/docker/engine';
import { dockerForTests } from '../docker/engine';
import { type RegistryForTests, registryForTests } from '../docker/registry';
import { command } from '../docker/command';

let host: string;
let base: string;
let baseDigest: string;
let docker: Docker;
let registry: RegistryForTests;
let small: string;
let folder: string;

/** A few megabytes that do not compress, in two layers, under names of this test alone. */
beforeAll(async () => {
  ({ host, base, baseDigest } = await dockerForTests());
  process.env.DOCKER_HOST = host;
  docker = new Docker({ socketPath: host.replace('unix://', '') });
  registry = await registryForTests(host);
  folder = mkdtempSync(join(tmpdir(), 'assay-image-'));
  writeFileSync(join(folder, 'weights'), randomBytes(4 * 2 ** 20));
  writeFileSync(join(folder, 'more'), randomBytes(2 ** 20));
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY weights /weights\nCOPY more /more\n');
  small = `assay-test/small-${process.pid}`;
  await command('docker', ['-H', host, 'build', '--quiet', '-t', small, folder]);
}, 300_000);

afterAll(async () => {
  for (const name of [small, `${registry.address}/small`])
    await docker
      .getImage(name)
      .remove({ force: true })
      .catch(() => {});
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('an image by its digest or its id is resolved to both', async () => {
  expect(await resolveImage(baseDigest)).toEqual({ reference: baseDigest, repoDigest: baseDigest, id: base });
  expect(await resolveImage(base)).toMatchObject({ reference: base, id: base });
});

test('an image that only the registry has is pulled by its digest, and says how far it is', async () => {
  const pushed = await registry.push(small, 'small');
  const { Id } = await docker.getImage(small).inspect();
  await docker.getImage(`${registry.address}/small:latest`).remove({ force: true });
  await docker.getImage(small).remove({ force: true });
  const said: string[] = [];
  expect(await resolveImage(pushed, { onProgress: (text) => said.push(text) })).toEqual({ reference: pushed, repoDigest: pushed, id: Id });
  expect(said.filter((text) => /^pulling \d of 2 layers, \d+ %$/.test(text)).length).toBeGreaterThan(1);
  expect(said.slice(-2)).toEqual(['pulling 2 of 2 layers, 100 %', '']);
  await command('docker', ['-H', host, 'tag', Id, small]);
});

test('another host gets the very image that was resolved, and one that is different content is refused', async () => {
  const pushed = await registry.push(small, 'small');
  const { Id } = await docker.getImage(small).inspect();
  await docker.getImage(`${registry.address}/small:latest`).remove({ force: true });
  await docker.getImage(small).remove({ force: true });
  await ensureImage({ reference: pushed, repoDigest: pushed, id: Id });
  expect((await docker.getImage(Id).inspect()).RepoDigests).toContain(pushed);
  await command('docker', ['-H', host, 'tag', Id, small]);
  await expect(ensureImage({ reference: pushed, repoDigest: pushed, id: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringContaining('use hosts of one platform'),
  });
});

test('a digest that the registry does not have is an error of the spec', async () => {
  await registry.push(small, 'small');
  const wrong = `${registry.address}/small@sha256:${'0'.repeat(64)}`;
  await expect(resolveImage(wrong)).rejects.toMatchObject({
    type: 'SpecInvalid',
    message: expect.stringMatching(/the registry has no .*@sha256:0000.*correct the name or the digest/),
  });
});

test('an id that this engine does not have cannot be pulled, and the message says so', async () => {
  const error = { type: 'ExecutorUnavailable', message: expect.stringMatching(/is not on this host, and an image id cannot be pulled/) };
  await expect(resolveImage(`sha256:${'1'.repeat(64)}`)).rejects.toMatchObject(error);
});

test('a registry that cannot be reached is named with the mend', async () => {
  await expect(resolveImage(`127.0.0.1:1/none@sha256:${'2'.repeat(64)}`)).rejects.toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringMatching(/127\.0\.0\.1:1\/none@.*could not be pulled .*connection refused.*docker load/),
  });
});

test('a bare tag is refused with what to write: the digest that the engine knows, the id of one only built here, the digest of its registry', async () => {
  const tag = baseDigest.replace(/@.*/, ':latest');
  const { RepoDigests } = await docker.getImage(tag).inspect();
  await expect(resolveImage(tag)).rejects.toMatchObject({
    type: 'ImageUnpinned',
    message: expect.stringContaining(`write ${RepoDigests[0]}`),
    details: { pin: RepoDigests[0] },
  });

  const local = `assay-test/local-${process.pid}`;
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY more /only-here\n');
  await command('docker', ['-H', host, 'build', '--quiet', '-t', local, folder]);
  const { Id } = await docker.getImage(local).inspect();
  expect(await pinOf(local)).toBe(Id);
  const pushed = await registry.push(local, 'elsewhere');
  await docker.getImage(local).remove({ force: true });
  await docker.getImage(`${registry.address}/elsewhere:latest`).remove({ force: true });
  expect(await pinOf(`${registry.address}/elsewhere:latest`)).toBe(pushed);
  expect(await pinOf(`${registry.address}/nowhere:latest`)).toBeNull();
  await expect(resolveImage(`${registry.address}/nowhere`)).rejects.toMatchObject({ type: 'ImageUnpinned', details: { pin: null } });
});

test('a pull that does not come forward can be given up', async () => {
  // A registry that takes the request and never answers.
  const silent: Server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  const stop = new AbortController();
  const asked = once(silent, 'request');
  const pulling = resolveImage(`127.0.0.1:${address.port}/none@sha256:${'3'.repeat(64)}`, { signal: stop.signal });
  pulling.catch(() => {});
  await asked;
  stop.abort(new Error('enough'));
  await expect(pulling).rejects.toThrow();
  silent.closeAllConnections();
  silent.close();
});

test('without a daemon each function says which socket it asked, and what to do', async () => {
  const nowhere = new Docker({ socketPath: join(folder, 'no.sock') });
  const message = expect.stringMatching(/no Docker daemon answers at .*no\.sock \(.*ENOENT.*\): start it, or set DOCKER_HOST/);
  await expect(resolveImage(base, { docker: nowhere })).rejects.toMatchObject({ type: 'ExecutorUnavailable', message });
  expect(await dockerHealth(nowhere)).toEqual({
    problem: expect.stringMatching(/^no Docker daemon answers at .*no\.sock/),
    mend: 'start it, or set DOCKER_HOST to the one to use',
  });
  const executor = createDockerExecutor({ instance: 'none', docker: nowhere, patienceMs: 300 });
  await expect(executor.find(join(folder, 'exp', 'mlp', 'seed-1', 'epoch-1'))).rejects.toMatchObject({
    type: 'ExecutorUnavailable',
    message,
  });
  expect(await executor.list(folder)).toEqual([]);
  await executor.stopRun(join(folder, 'exp', 'mlp', 'seed-1'), { graceSeconds: 0 });
});

test('what is wrong with an engine is told apart, each with its mend', () => {
  const told = (error: object): string => explain(error, docker).message;
  expect(told(Object.assign(new Error('connect EACCES'), { code: 'EACCES' }))).toMatch(
    /no permission on the Docker socket .*: add this user to the group docker/,
  );
  expect(told({ statusCode: 500, json: { message: 'write /x: no space left on device' } })).toMatch(
    /disk of the Docker engine is full .*: free space/,
  );
});

test('the health of an engine names its version, control groups, storage and what it can do with GPUs', async () => {
  const { ServerVersion, Driver } = (await docker.info()) as { ServerVersion: string; Driver: string };
  expect(await dockerHealth()).toMatchObject({
    version: ServerVersion,
    storage: Driver,
    cgroup: expect.stringMatching(/^(cgroupfs|systemd) v[12]$/),
  });
});
