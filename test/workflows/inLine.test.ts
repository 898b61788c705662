// Proves, on Temporal's time-skipping server with the real pool: a run that has waited for a minute says its place in the line and why, in what
// the Temporal UI shows of it, and no longer once it has its place.
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode, makeTelemetryFilterString } from '@temporalio/worker';
import { createPoolActivities } from '../../src/activities/pool';
import {
  type LeaseRelease,
  type LeaseRequest,
  type PlaceInLine,
  type PoolState,
  type TrainInput,
  ids,
  noRemedy,
  poolNames,
  queues,
} from '../../src/contract';
import type { VariantRunInput } from '../../src/workflows/variantRun';
import type { HostInput } from './pool';
import { workflowSinks } from '../../workers/observe';
import { skippingServer } from '../temporal';

const runId = ids.variantRunWorkflow('exp', 'cnn', 1);
const held: LeaseRequest = {
  ...{ requestId: 'other/1', holder: 'host/host-a', experimentId: 'other', label: 'other seed 1', owner: null, qos: 'standard' },
  ...{ gpus: 0, gpuMemoryBytes: null, exclusiveHost: false, experimentGpus: null, avoid: { hosts: [], devices: [] } },
};
const record = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };

let env: TestWorkflowEnvironment;
let workers: { worker: Worker; done: Promise<void> }[] = [];

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const path = process.env.ASSAY_TEST_SERVER;
  if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
  env = await skippingServer({ server: { executable: { type: 'existing-path', path } } });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(__dirname, 'run', 'index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const placeInLine = (requestId: string): Promise<PlaceInLine | null> =>
    env.client.workflow.getHandle(ids.gpuPool).query<PlaceInLine | null, [string]>(poolNames.place, requestId);
  const trainVariant = async ({ epoch, lease: { host } }: TrainInput) => ({ epoch, host, steps: 1, model: null, record });
  const start = async (taskQueue: string, activities: object, more: object = {}): Promise<void> => {
    const worker = await Worker.create({ connection: env.nativeConnection, taskQueue, activities, ...more });
    workers.push({ worker, done: worker.run() });
  };
  await start(queues.control, createPoolActivities({ isOpen: async () => true, placeInLine }), { workflowBundle, sinks: workflowSinks });
  await start(queues.gpu('host-a'), { trainVariant });
  await start(queues.host('host-a'), { cleanUpRun: async () => undefined });

  await env.client.workflow.start('gpuPool', { workflowId: ids.gpuPool, taskQueue: queues.control, args: [{}] });
  const about: HostInput = { host: 'host-a', places: 1, devices: [], session: 's', runs: [], everySeconds: 15 };
  await env.client.workflow.start('host', { workflowId: 'host/host-a', taskQueue: queues.control, args: [about] });
}, 60_000);

afterAll(async () => {
  for (const { worker } of workers) worker.shutdown();
  for (const { done } of workers) await done;
  workers = [];
  await env?.teardown();
  await Runtime.instance().shutdown();
});

test('a run that waits for a minute says its place and why; then its host', async () => {
  const pool = env.client.workflow.getHandle(ids.gpuPool);
  // Of a workflow that is open and trains nothing: an activity under way would hold the time.
  await pool.signal<[LeaseRequest]>(poolNames.request, held);
  while (!(await state()).leases.length) await env.sleep('1s');

  const running = await run();
  while (!(await state()).waiting.length) await env.sleep('1s');
  expect(await details()).toContain('Waits for a place; `assay gpus` says who has them');
  while (!/in line/.test(await details())) await env.sleep('5s');
  expect(await details()).toMatch(/Place 1 of 1 in line, asked .*: waits for a free place: host-a has 0 of 1 places free/);

  const [lease] = (await state()).leases;
  await pool.signal<[LeaseRelease]>(poolNames.release, { leaseId: lease?.lease.leaseId ?? '', requestId: held.requestId, faulty: [] });
  expect(await running.result()).toMatchObject({ status: 'done' });
  expect(await details()).toContain('done** on host-a');
}, 60_000);

const state = (): Promise<PoolState> => env.client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);

async function details(): Promise<string> {
  const metadata = await env.client.workflow.getHandle(runId).query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

function run() {
  const input: VariantRunInput = {
    ...{
      key: { experimentId: 'exp', variant: 'cnn', seed: 1 },
      spec: record,
      snapshot: record,
      mode: 'train',
      attempts: 1,
      timeoutSeconds: 6000,
    },
    ...{ owner: null, resources: { gpus: 0, gpuMemoryBytes: null, qos: 'standard', experimentGpus: null }, image: null, code: null },
    ...{ remedy: noRemedy, firstEpoch: 1, failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 } },
  };
  return env.client.workflow.start<(given: VariantRunInput) => Promise<{ status: string }>>('variantRun', {
    ...{ workflowId: runId, taskQueue: queues.control, args: [input] },
  });
}
