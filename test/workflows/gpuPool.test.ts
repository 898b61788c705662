// Proves, on Temporal's time-skipping server: hundreds of runs are served by many hosts without a device ever given out twice, the
// history stays short, and nothing leaks or is lost when holders, the pool or its worker die.
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
  bundleWorkflowCode,
  makeTelemetryFilterString,
} from '@temporalio/worker';
import { createPoolActivities } from '../../src/activities/pool';
import { type Device, type LeaseRequest, type PoolState, ids, leaseTerms, poolNames } from '../../src/contract';
import { emptyState, pack, place, report, request } from '../../src/placement';
import type { GpuPoolInput } from '../../src/workflows/gpuPool';
import { GiB, ask, device, hostReport } from '../placement/world';
import type { HostInput, Tenure, gpuPool, holder, host } from './pool';
import { workflowSinks } from '../../workers/observe';
import { skippingServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let workers: { worker: Worker; done: Promise<void> }[] = [];

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  bundle = await bundleWorkflowCode({
    workflowsPath: join(__dirname, 'pool', 'index.ts'),
    workflowInterceptorModules: [join(__dirname, '..', '..', 'src', 'workflows', 'interceptors.ts')],
    logger: new DefaultLogger('ERROR'),
  });
}, 60_000);

// A server a test: one on which a workflow was terminated during a task skips no time any more.
beforeEach(async () => {
  const path = process.env.ASSAY_TEST_SERVER;
  if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
  env = await skippingServer({ server: { executable: { type: 'existing-path', path } } });
  workers = [await startWorker('pool'), await startWorker('runs')];
});

afterEach(async () => {
  for (const { worker } of workers) worker.shutdown();
  for (const { done } of workers) await done;
  await env?.teardown();
});

afterAll(() => Runtime.instance().shutdown());

test('200 runs on 16 hosts are all served, never two on one device, by a chain of short histories', async () => {
  await startPool({ historyEvents: 400 });
  for (let i = 0; i < 16; i++) {
    const name = `host-${String(i).padStart(2, '0')}`;
    const devices = [0, 1].map((j) => device(`${name}-${j}`, { sharing: i % 2 === 0 ? 'mps' : 'none', model: i < 12 ? 'H100' : 'A100' }));
    await startHost(name, devices, { places: 4 });
  }
  const runs = Array.from({ length: 200 }, (_, i) => {
    const wish: Partial<LeaseRequest> = {
      experimentId: `experiment-${i % 10}`,
      gpus: i % 25 === 0 ? 2 : 1,
      gpuMemoryBytes: i % 3 === 0 ? null : 40 * GiB,
      qos: i % 5 === 0 ? 'besteffort' : i % 7 === 0 ? 'guaranteed' : 'standard',
      exclusiveHost: i === 113,
    };
    return { id: `run-${i}`, wish, seconds: 60 + ((i * 37) % 120) };
  });
  for (const { id, wish, seconds } of runs) await startHolder(id, wish, seconds);
  const logs: Tenure[] = [];
  for (const { id, seconds } of runs) {
    const log = (await env.client.workflow.getHandle<typeof holder>(id).result()) as Tenure[];
    expect(log.reduce((sum, { from, to }) => sum + to - from, 0)).toBeGreaterThanOrEqual(seconds * 1000);
    logs.push(...log);
  }
  expect(overlaps(logs)).toEqual([]);
  for (let i = 0; i < 10; i++) {
    const mine = logs.filter(({ lease }) => Number(lease.holder.split('-')[1]) % 10 === i);
    expect(new Set(mine.map(({ lease }) => lease.model)).size).toBe(1);
  }
  const state = await poolState();
  expect({ leases: state.leases, waiting: state.waiting }).toEqual({ leases: [], waiting: [] });
  const chain = await histories();
  expect(chain.length).toBeGreaterThan(3);
  for (const { events } of chain) expect(events).toBeLessThan(600);
  for (const { history } of chain.slice(0, 3)) await Worker.runReplayHistory({ workflowBundle: bundle }, history, ids.gpuPool);
}, 300_000);

test('a pool that was terminated takes over what its hosts report, and gives it to nobody else', async () => {
  await startPool();
  await startHost('a', [device('a0')]);
  await startHolder('first', {}, 300);
  await env.sleep('20s');
  const [before] = (await poolState()).leases;
  expect(before?.lease.holder).toBe('first');
  await env.client.workflow.getHandle(ids.gpuPool).terminate('lost');
  await startPool();
  await startHolder('second', {}, 10);
  await env.sleep('20s');
  const { leases, waiting } = await poolState();
  expect(leases.map(({ lease }) => lease)).toEqual([before?.lease]);
  expect(waiting.map(({ request, why }) => [request.holder, why])).toEqual([
    ['second', 'waits for 1 free device of H100: a has 0 free of 1'],
  ]);
  const [one] = (await env.client.workflow.getHandle<typeof holder>('first').result()) as Tenure[];
  const [two] = (await env.client.workflow.getHandle<typeof holder>('second').result()) as Tenure[];
  expect(two?.from).toBeGreaterThanOrEqual(one?.to as number);
}, 60_000);

test('holders that are terminated leak neither a lease nor a place in the queue', async () => {
  await startPool();
  await startHost('a', [device('a0')]);
  for (const id of ['holds', 'waits', 'heir']) {
    await startHolder(id, {}, 3000);
    await env.sleep('1s');
  }
  for (const id of ['holds', 'waits']) await env.client.workflow.getHandle(id).terminate('operator');
  await env.sleep('10m');
  const { leases, waiting } = await poolState();
  expect(leases.map(({ lease }) => lease.holder)).toEqual(['heir']);
  expect(waiting).toEqual([]);
}, 60_000);

test('a grant to a holder that is gone comes back at once', async () => {
  await startPool();
  await startHost('a', [device('a0')]);
  await env.client.workflow.getHandle(ids.gpuPool).signal(poolNames.request, ask('ghost', { holder: 'nobody' }));
  await startHolder('real', {}, 5);
  const log = (await env.client.workflow.getHandle<typeof holder>('real').result()) as Tenure[];
  expect(log).toHaveLength(1);
  expect((await poolState()).leases).toEqual([]);
}, 60_000);

test('a lost host gives its leases back after the term, the grace and the margin', async () => {
  await startPool();
  await startHost('a', [device('a0')]);
  await startHolder('first', {}, 3000);
  await env.sleep('20s');
  await env.client.workflow.getHandle('host/a').terminate('power cut');
  await env.sleep(`${leaseTerms.term + leaseTerms.grace - 20}s`);
  expect((await poolState()).leases).toHaveLength(1);
  await env.sleep(`${leaseTerms.margin + 45}s`);
  expect((await poolState()).leases).toEqual([]);
}, 60_000);

test('a pool that had nobody to run it for longer than the term gives a silent host a full new term', async () => {
  const then = (await env.currentTimeMs()) - 10 * 60_000;
  // As the run before carried it over, when its worker went away: the server does not skip time while a task waits for a worker.
  const state = request(report(emptyState(then), hostReport('a', [device('a0')]), then).state, ask('r'), then).state;
  await startPool({ state: pack(place(state, then).state) });
  expect((await poolState()).leases).toHaveLength(1);
  await env.sleep(`${leaseTerms.term + leaseTerms.grace}s`);
  expect((await poolState()).leases).toHaveLength(1);
  await env.sleep(`${leaseTerms.margin + 20}s`);
  expect((await poolState()).leases).toEqual([]);
}, 60_000);

test('the current details name hosts, runs and waiters', async () => {
  await startPool();
  await startHost('a', [device('a0')]);
  await startHolder('first', { label: 'cnn seed 1' }, 300);
  await env.sleep('1s');
  await startHolder('second', { label: 'cnn seed 2' }, 300);
  await env.sleep('30s');
  const metadata = await env.client.workflow.getHandle(ids.gpuPool).query('__temporal_workflow_metadata');
  const { currentDetails } = metadata as { currentDetails: string };
  expect(currentDetails).toContain('**1 lease on 1 host, 1 waiting**');
  expect(currentDetails).toContain('| a | reports | 1 of 8 | 1 of 1 healthy | cnn seed 1 |');
  expect(currentDetails).toContain('waits for 1 free device of H100: a has 0 free of 1 |');
}, 60_000);

async function startPool(input: GpuPoolInput = {}): Promise<void> {
  await env.client.workflow.start<typeof gpuPool>('gpuPool', { workflowId: ids.gpuPool, taskQueue: 'pool', args: [input] });
}

async function startHost(name: string, devices: Device[], change: Partial<HostInput> = {}): Promise<void> {
  const input = { host: name, places: 8, devices, session: `${name}-1`, runs: [], everySeconds: 15, ...change };
  await env.client.workflow.start<typeof host>('host', { workflowId: `host/${name}`, taskQueue: 'runs', args: [input] });
}

async function startHolder(id: string, wish: Partial<LeaseRequest>, seconds: number): Promise<void> {
  const { requestId: _requestId, holder: _holder, ...whole } = ask(id, wish);
  await env.client.workflow.start<typeof holder>('holder', { workflowId: id, taskQueue: 'runs', args: [whole, seconds] });
}

async function startWorker(name: string): Promise<(typeof workers)[number]> {
  const activities = createPoolActivities({
    isOpen: async (workflowId) => (await env.client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING',
  });
  const worker = await Worker.create({
    sinks: workflowSinks,
    connection: env.nativeConnection,
    taskQueue: name,
    workflowBundle: bundle,
    activities,
    maxCachedWorkflows: 500,
  } as Parameters<typeof Worker.create>[0]);
  return { worker, done: worker.run() };
}

const poolState = (): Promise<PoolState> => env.client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);

/** The runs of the pool's chain, newest first. */
async function histories() {
  const chain: { events: number; history: object }[] = [];
  let runId: string | undefined = (await env.client.workflow.getHandle(ids.gpuPool).describe()).runId;
  while (runId) {
    const history = await env.client.workflow.getHandle(ids.gpuPool, runId).fetchHistory();
    chain.push({ events: history.events?.length ?? 0, history });
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  }
  return chain;
}

/** Moments at which a device, a place or an exclusive host was in more hands than it may. */
function overlaps(logs: Tenure[]): string[] {
  const problems: string[] = [];
  for (const { from, lease } of logs) {
    const now = logs
      .filter((other) => other.lease.host === lease.host && other.from <= from && from < other.to)
      .map((other) => other.lease);
    if (now.length > 4) problems.push(`${lease.host} has ${now.length} runs`);
    if (now.length > 1 && now.some(({ exclusiveHost }) => exclusiveHost)) problems.push(`${lease.host} is not exclusive`);
    for (const { uuid } of lease.devices) {
      const on = now.flatMap(({ devices }) => devices).filter((leased) => leased.uuid === uuid);
      const bytes = on.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 80 * GiB), 0);
      if (bytes > 80 * GiB) problems.push(`${uuid} has ${on.length} runs`);
    }
  }
  return problems;
}
