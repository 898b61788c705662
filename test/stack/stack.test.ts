// Proves that one home has one stack, that each of its processes comes back when it is killed, and that none is ever left behind.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { searchAttributes } from '../../src/contract';
import { answers, ensureStack, type StackInfo, stackStatus, stopStack, temporalBinary } from '../../src/stack';
import { childPid, makeHome, processesOf, removeHomes, until } from './helpers';

afterAll(removeHomes);

describe('one stack', () => {
  const { home, workers } = makeHome();
  let first: StackInfo;

  beforeAll(async () => {
    first = await ensureStack({ home, workers });
  });

  test('a second and a simultaneous third call share the first one', async () => {
    const others = await Promise.all([ensureStack({ home, workers }), ensureStack({ home, workers })]);
    expect(others).toEqual([first, first]);
    expect(processesOf(home)).toHaveLength(4);
  });

  test('its server knows the search attributes', async () => {
    const connection = await Connection.connect({ address: first.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: first.namespace });
    await connection.close();
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(Object.keys(searchAttributes)));
  });

  test('its workers are told the server, the store and the interpreter', async () => {
    const env = await until('the worker wrote its environment', () => {
      const file = join(home, 'gpu.env');
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8') || 'null') as Record<string, string> | null) : null;
    });
    expect(env).toMatchObject({
      TEMPORAL_ADDRESS: first.address,
      TEMPORAL_NAMESPACE: 'default',
      ASSAY_TEMPORAL_UI: first.uiUrl,
      ASSAY_HOME: home,
      ASSAY_STORE: `file://${home}/store`,
    });
    expect(
      execFileSync(env.ASSAY_PYTHON as string, ['-c', 'import sys; print(sys.version_info >= (3, 11))'], { encoding: 'utf8' }).trim(),
    ).toBe('True');
  });

  test('its UI answers on loopback', async () => {
    const page = await until('the UI answers', () => fetch(first.uiUrl).catch(() => null));
    expect(page.status).toBe(200);
  });

  test('a worker that is killed comes back and its restart is told', async () => {
    const before = await until('the worker runs', () => childPid(home, 'control'));
    process.kill(before, 'SIGKILL');
    const after = await until('another worker runs', async () => {
      const { children } = await stackStatus(home);
      return children.find((child) => child.name === 'control' && child.pid !== before) ?? null;
    });
    expect(after).toMatchObject({ restarts: 1, lastExit: 'signal SIGKILL' });
  });

  test('a server that is killed comes back on the same port with the same workflows', async () => {
    const connection = await Connection.connect({ address: first.address });
    const client = new Client({ connection, namespace: first.namespace });
    await client.workflow.start('nobody', {
      workflowId: 'kept',
      taskQueue: 'nobody',
      searchAttributes: { AssayStage: ['training'], AssayEffect: [0.5] },
    });
    const before = await childPid(home, 'temporal');
    process.kill(before, 'SIGKILL');
    await until('another server runs', async () => (await childPid(home, 'temporal')) !== before && (await answers(first.address)));
    expect(await ensureStack({ home, workers })).toEqual(first);
    const { status, searchAttributes: kept } = await until('the workflow is found', () =>
      client.workflow
        .getHandle('kept')
        .describe()
        .catch(() => null),
    );
    await connection.close();
    expect(status.name).toBe('RUNNING');
    expect(kept).toMatchObject({ AssayStage: ['training'], AssayEffect: [0.5] });
  });

  test('a daemon that is killed leaves no orphan to the next start, which keeps the address and the database', async () => {
    const orphans = processesOf(home).filter((pid) => pid !== first.pid);
    process.kill(first.pid, 'SIGKILL');
    await until('the daemon is gone', async () => (await stackStatus(home)).state === 'dead');
    const next = await ensureStack({ home, workers });
    expect(next).toMatchObject({ address: first.address, uiUrl: first.uiUrl });
    expect(next.pid).not.toBe(first.pid);
    expect(processesOf(home).filter((pid) => orphans.includes(pid))).toEqual([]);
    const connection = await Connection.connect({ address: next.address });
    const description = await new Client({ connection }).workflow.getHandle('kept').describe();
    await connection.close();
    expect(description.status.name).toBe('RUNNING');
  });

  test('stopping ends the workers by their own hand and leaves no process', async () => {
    const listens = async (name: string): Promise<boolean> =>
      readFileSync(join(home, `${name}.env`), 'utf8').includes(`"pid":${await childPid(home, name)}}`);
    await until('both workers listen to signals', async () => (await listens('control')) && (await listens('gpu')));
    rmSync(join(home, 'ended'), { force: true });
    expect(await stopStack(home)).toBe(true);
    expect(processesOf(home)).toEqual([]);
    expect(readFileSync(join(home, 'ended'), 'utf8').trim().split('\n').sort()).toEqual(['control', 'gpu']);
    expect(await stackStatus(home)).toEqual({ state: 'stopped', info: null, children: [], error: null });
    expect(await stopStack(home)).toBe(false);
  });
});

test('what a killed daemon left behind is ended by stopping too', async () => {
  const { home, workers } = makeHome();
  const { pid } = await ensureStack({ home, workers });
  process.kill(pid, 'SIGKILL');
  await until('the daemon is gone', async () => (await stackStatus(home)).state === 'dead');
  expect(processesOf(home).length).toBeGreaterThan(0);
  expect(await stopStack(home)).toBe(true);
  expect(processesOf(home)).toEqual([]);
});

test('a stack whose home is removed ends by itself', async () => {
  const { home, workers } = makeHome();
  await ensureStack({ home, workers });
  rmSync(home, { recursive: true, force: true });
  await until('no process is left', () => processesOf(home).length === 0);
  expect(existsSync(home)).toBe(false);
});

test('a server that cannot start is one error with its last log lines', async () => {
  const { home, workers } = makeHome();
  const { pid } = await ensureStack({ home, workers });
  process.kill(pid, 'SIGTERM');
  await until('it has stopped', async () => (await stackStatus(home)).state === 'stopped');
  for (const suffix of ['-wal', '-shm']) rmSync(join(home, 'stack', `temporal.db${suffix}`), { force: true });
  writeFileSync(join(home, 'stack', 'temporal.db'), 'not a database\n'.repeat(1000));
  await expect(ensureStack({ home, workers })).rejects.toMatchObject({
    type: 'ServerUnavailable',
    message: expect.stringMatching(/the Temporal server did not start \(exit code 1\).*file is not a database/s),
  });
  expect(processesOf(home)).toEqual([]);
});

test('the server is found by ASSAY_TEMPORAL_BIN first, and a wrong one is an error', () => {
  const binary = temporalBinary() as string;
  expect(temporalBinary({ ASSAY_TEMPORAL_BIN: binary, PATH: '' })).toBe(binary);
  expect(temporalBinary({ PATH: '', ASSAY_CACHE: '/nowhere' })).toBeNull();
  expect(() => temporalBinary({ ASSAY_TEMPORAL_BIN: '/nowhere/temporal' })).toThrow(
    'ASSAY_TEMPORAL_BIN names /nowhere/temporal, which is no executable file',
  );
});
