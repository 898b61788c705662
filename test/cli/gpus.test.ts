// Proves: a person sees what the pool holds, who waits and why, and can drain a host or set a quota, against the real pool.
import { stripVTControlCharacters } from 'node:util';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createPoolActivities } from '../../src/activities';
import { drainHost, gpus, poolText, setQuota } from '../../src/cli/gpus/gpus';
import { type HostReport, type LeaseRequest, type PoolState, ids, poolNames, queues } from '../../src/contract';
import { leaseOf } from '../guard/helpers';
import { startServer } from '../guard/server';
import { until } from '../stack/helpers';
import { workflowSinks } from '../../workers/observe';

let server: Awaited<ReturnType<typeof startServer>>;
const before = { ...process.env };

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  server = await startServer();
  Object.assign(process.env, { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'default', NO_COLOR: '1' });
});
afterAll(async () => {
  process.env = before;
  await server.stop();
  await Runtime.instance().shutdown();
});

test('without a pool it says so, and prints an empty one as JSON', async () => {
  expect(await printed(() => gpus({}))).toBe('no pool yet in namespace default: it begins with the first report of a GPU worker\n');
  expect(JSON.parse(await printed(() => gpus({ json: true })))).toEqual({ hosts: [], leases: [], waiting: [], quotas: [] });
  await expect(drainHost('host-a', true)).rejects.toMatchObject({ type: 'NotFound' });
});

describe('with a pool', () => {
  let connection: NativeConnection;
  let worker: Worker;
  let running: Promise<void>;

  beforeAll(async () => {
    connection = await NativeConnection.connect({ address: server.address });
    worker = await Worker.create({
      sinks: workflowSinks,
      connection,
      taskQueue: queues.control,
      workflowsPath: require.resolve('../../src/workflows/gpuPool'),
      activities: createPoolActivities({ isOpen: async () => true }),
    });
    running = worker.run();
    const pool = await server.client.workflow.signalWithStart(poolNames.workflow, {
      ...{ workflowId: ids.gpuPool, taskQueue: queues.control, args: [{}], signal: poolNames.report, signalArgs: [hostReport] },
    });
    for (const [i, gpuCount] of [2, 1].entries()) {
      const request = wants(`cnn seed ${i + 1}`, gpuCount);
      // Stays open, since nobody works on its queue.
      await server.client.workflow.start('holder', { workflowId: request.holder, taskQueue: 'nobody' });
      await pool.signal<[LeaseRequest]>(poolNames.request, request);
    }
    await until('a lease and a waiter', async () => {
      const state = await pool.query<PoolState>(poolNames.state);
      return state.leases.length === 1 && state.waiting.length === 1;
    });
  });

  afterAll(async () => {
    worker.shutdown();
    await running;
    await connection.close();
  });

  it('shows hosts, devices, leases, and who waits and why', async () => {
    const text = await printed(() => gpus({}));
    expect(text).toMatch(/^host-a {2}1 of 4 places in use$/m);
    expect(text).toMatch(/^ {2}GPU-1 +NVIDIA A100 +40 GiB +whole +driver 550 +healthy +cnn seed 1$/m);
    expect(text).toMatch(/^ {2}GPU-3 +NVIDIA A100 +40 GiB +whole +driver 550 +faulty: XID 79 +free$/m);
    expect(text).toMatch(/^ {2}cnn seed 1 +team-a +standard +host-a +GPU-1 GPU-2 +for \d+ s$/m);
    expect(text).toMatch(/^ {2}1\. +cnn seed 2 +exp +team-a +standard +1 device +for \d+ s +\S.+$/m);
  });

  it('prints the state of the pool as JSON', async () => {
    const state = JSON.parse(await printed(() => gpus({ json: true }))) as PoolState;
    expect(state.hosts.map(({ host, places }) => [host, places])).toEqual([['host-a', 4]]);
    expect(state.waiting.map(({ request }) => request.label)).toEqual(['cnn seed 2']);
  });

  it('drains a host and takes it back', async () => {
    expect(await printed(() => drainHost('host-a', true))).toBe('host-a takes no new lease; 1 lease there will run to the end\n');
    await until('drained', async () => /^host-a {2}1 of 4 places in use {2}drained$/m.test(await printed(() => gpus({}))));
    expect(await printed(() => drainHost('host-a', false))).toBe('host-a takes new leases again\n');
    await until('undrained', async () => !/drained/.test(await printed(() => gpus({}))));
    await expect(drainHost('host-z', true)).rejects.toThrow('no host "host-z" in the pool; known: host-a');
  });

  it('sets and lifts the quota of an owner', async () => {
    expect(await printed(() => setQuota('team-a', '3'))).toBe('team-a may hold 3 devices at once\n');
    await until('the quota', async () => /^ {2}team-a {2}2 of 3 in use$/m.test(await printed(() => gpus({}))));
    expect(await printed(() => setQuota('team-a', 'none'))).toBe('team-a has no quota any more\n');
    await until('no quota', async () => !/quotas/.test(await printed(() => gpus({}))));
    for (const wrong of ['-1', '1.5', '', 'many']) await expect(setQuota('team-a', wrong)).rejects.toMatchObject({ type: 'SpecInvalid' });
  });
});

test('a drained, silent host, a MIG instance, a shared device and a yielding lease are told apart', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  const device = hostReport.devices[0] as HostReport['devices'][number];
  const gib = 2 ** 30;
  const { lease, request } = leaseOf('cnn', { exclusiveHost: true, devices: [{ uuid: 'GPU-1', memoryBytes: 8 * gib, sharing: 'mps' }] });
  const state: PoolState = {
    hosts: [
      {
        ...{ host: 'host-a', places: 1, used: 1, absent: null, drained: true, reporting: false, lastReport: '2026-01-01T00:59:00Z' },
        devices: [
          { ...device, sharing: 'mps', leases: [{ leaseId: lease.leaseId, label: 'cnn seed 1', memoryBytes: 8 * gib }] },
          { ...device, uuid: 'MIG-1', parent: 'GPU-1', memoryBytes: 9.75 * gib, leases: [] },
        ],
      },
      { ...{ host: 'host-b', places: 2, used: 0, devices: [], absent: 'no driver', drained: false, reporting: true, lastReport: '' } },
    ],
    leases: [{ lease, label: 'cnn seed 1', owner: null, qos: 'besteffort', since: '2026-01-01T00:30:00Z', yielding: true }],
    waiting: [
      { request: { ...request, label: 'mlp seed 1', gpus: 1, gpuMemoryBytes: 24 * gib }, since: '2025-12-31T20:00:00Z', why: 'no device' },
      { request: { ...request, label: 'latency', exclusiveHost: true }, since: '2026-01-01T01:00:00Z', why: 'no host is empty' },
    ],
    quotas: [],
  };
  expect(stripVTControlCharacters(poolText(state, now))).toBe(`host-a  1 of 1 place in use  drained  silent for 60 s
  GPU-1    NVIDIA A100  40 GiB   mps  driver 550  healthy  cnn seed 1 (8 GiB)
  - MIG-1  NVIDIA A100  9.8 GiB  MIG  driver 550  healthy  free
host-b  0 of 2 places in use
  no devices: no driver

leases (1)
  cnn seed 1  -  besteffort  all of host-a  GPU-1 (8 GiB)  for 30 min  yielding

waiting (2)
  1.  mlp seed 1  exp  -  standard  1 device with 24 GiB  for 5 h  no device
  2.  latency     exp  -  standard  a whole host          for 0 s  no host is empty
`);
});

const device = (uuid: string, faulty = false): HostReport['devices'][number] => ({
  ...{ uuid, model: 'NVIDIA A100', memoryBytes: 40 * 2 ** 30, driver: '550', parent: null, sharing: 'none' },
  health: faulty ? { state: 'faulty', reasons: ['XID 79'] } : { state: 'healthy', reasons: [] },
});

const hostReport: HostReport = {
  ...{ host: 'host-a', places: 4, absent: null, leases: [], session: 's' },
  devices: [device('GPU-1'), device('GPU-2'), device('GPU-3', true)],
};

function wants(label: string, gpuCount: number): LeaseRequest {
  const { request } = leaseOf(label);
  return { ...request, label, owner: 'team-a', gpus: gpuCount };
}

async function printed(work: () => Promise<void>): Promise<string> {
  let text = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += stripVTControlCharacters(String(chunk));
    return true;
  });
  try {
    await work();
  } finally {
    write.mockRestore();
  }
  return text;
}
