// Proves, on Temporal's time-skipping server with the real pool: a run gives its lease back as soon as that is safe, is stopped for another
// run whenever it is asked, at no cost of its own, and leaves nothing on a host that did not answer for a while.
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
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
import { type LeaseYield, type PoolState, type RunOutcome, type TrainInput, ids, noRemedy, poolNames, queues } from '../../src/contract';
import type { VariantRunInput } from '../../src/workflows/variantRun';
import type { HostInput } from './pool';
import type { gpuPool, host, variantRun } from './run';
import { workflowSinks } from '../../workers/observe';
import { skippingServer } from '../temporal';

type Train = (input: TrainInput) => Promise<unknown>;

const key = { experimentId: 'exp', variant: 'cnn', seed: 1 };
const runId = ids.variantRunWorkflow(key.experimentId, key.variant, key.seed);

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let workers: { worker: Worker; done: Promise<void> }[] = [];

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  bundle = await bundleWorkflowCode({ workflowsPath: join(__dirname, 'run', 'index.ts'), logger: new DefaultLogger('ERROR') });
}, 60_000);

beforeEach(async () => {
  const path = process.env.ASSAY_TEST_SERVER;
  if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
  env = await skippingServer({ server: { executable: { type: 'existing-path', path } } });
  const isOpen = async (id: string): Promise<boolean> => (await env.client.workflow.getHandle(id).describe()).status.name === 'RUNNING';
  workers = [await startWorker('control', createPoolActivities({ isOpen }), true)];
  await env.client.workflow.start<typeof gpuPool>('gpuPool', { workflowId: ids.gpuPool, taskQueue: 'control', args: [{}] });
  const about: HostInput = { host: 'host-a', places: 1, devices: [], session: 's', runs: [], everySeconds: 15 };
  await env.client.workflow.start<typeof host>('host', { workflowId: 'host/host-a', taskQueue: 'control', args: [about] });
}, 60_000);

afterEach(async () => {
  for (const { worker } of workers) worker.shutdown();
  for (const { done } of workers) await done;
  await env?.teardown();
});

afterAll(() => Runtime.instance().shutdown());

test('a run whose trainer the guard stopped gives its lease back at once, and goes on', async () => {
  const cleaned = await startHost(async ({ epoch, lease: { host } }) => {
    if (epoch === 1) throw failure('HostLost', 'the host guard stopped the trainer');
    return { epoch, host, steps: 1, model: null, record };
  });
  const outcome = await (await start()).result();
  expect(outcome).toMatchObject({ status: 'done', attempts: 2, failures: { infrastructure: 1, crash: 0 } });
  expect(outcome.ends).toEqual([{ epoch: 1, cause: expect.stringMatching(/^HostLost: /) }]);
  expect(cleaned.runs).toBe(2);
  // The term of a lease that nobody gives back is 90 s.
  const { startTime, closeTime } = await env.client.workflow.getHandle(runId).describe();
  expect((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()).toBeLessThan(60_000);
  expect((await poolState()).leases).toEqual([]);
}, 60_000);

test('a run that is asked to yield before its trainer runs is asked again, and its end is no crash', async () => {
  const asked = new Set<() => void>();
  let times = 0;
  const host = await startHost(
    async ({ epoch, lease: { host, leaseId } }) => {
      if (epoch === 2) return { epoch, host, steps: 1, model: null, record };
      const stopped = new Promise<void>((resolve) => asked.add(resolve));
      const wanted: LeaseYield = { leaseId, reason: 'another run needs the place' };
      await env.client.workflow.getHandle(runId).signal<[LeaseYield]>(poolNames.yield, wanted);
      await stopped;
      throw failure('TrainerCrashed', 'the trainer was killed by SIGTERM');
    },
    () => {
      times += 1;
      if (times === 2) for (const stop of asked) stop();
    },
  );
  const outcome = await (await start()).result();
  expect(outcome).toMatchObject({ status: 'done', attempts: 2, failures: { preemption: 1, crash: 0, infrastructure: 0 } });
  expect([times, host.runs]).toEqual([2, 2]);
}, 90_000);

test('a run that is cancelled while it waits cleans up the host that did not answer before', async () => {
  const unavailable = { trainVariant: () => Promise.reject(failure('ExecutorUnavailable', 'the Docker daemon does not answer')) };
  workers.push(await startWorker(queues.gpu('host-a'), unavailable));
  const run = await start();
  // The second epoch waits for the lease of the first, which nobody gave back.
  while (!(await waits('epoch-2'))) await env.sleep('1s');
  const host = await startHost(null);
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
  expect((await run.describe()).status.name).toBe('CANCELLED');
  expect(host.runs).toBe(1);
}, 60_000);

test('a lease whose host does not answer is not given to another while its trainer may live', async () => {
  workers.push(await startWorker(queues.gpu('host-a'), { trainVariant: () => Promise.reject(failure('TrainerRejected', 'no')) }));
  const outcome = await (await start()).result();
  expect(outcome).toMatchObject({ status: 'failed', failure: { type: 'TrainerRejected' } });
  expect((await poolState()).leases).toHaveLength(1);
  await env.sleep('300s');
  expect((await poolState()).leases).toEqual([]);
}, 60_000);

const record = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };

const failure = (type: string, message: string): ApplicationFailure => ApplicationFailure.create({ type, message, nonRetryable: true });

/** What a host does for a run; without `train` nobody takes the training. */
async function startHost(train: Train | null, yieldRun: () => void = () => undefined): Promise<{ runs: number }> {
  const cleaned = { runs: 0 };
  const cleanUpRun = async (): Promise<void> => void (cleaned.runs += 1);
  if (train) workers.push(await startWorker(queues.gpu('host-a'), { trainVariant: train }));
  workers.push(await startWorker(queues.host('host-a'), { cleanUpRun, yieldRun: async () => yieldRun() }));
  return cleaned;
}

async function start() {
  const input: VariantRunInput = {
    key,
    spec: record,
    snapshot: record,
    mode: 'train',
    attempts: 1,
    timeoutSeconds: 600,
    owner: null,
    resources: { gpus: 0, gpuMemoryBytes: null, qos: 'standard', experimentGpus: null },
    image: null,
    code: null,
    remedy: noRemedy,
    firstEpoch: 1,
    failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 },
  };
  return env.client.workflow.start<(given: VariantRunInput) => Promise<RunOutcome>>('variantRun' satisfies (typeof variantRun)['name'], {
    workflowId: runId,
    taskQueue: 'control',
    args: [input],
  });
}

async function startWorker(taskQueue: string, activities: object, workflows = false): Promise<(typeof workers)[number]> {
  const worker = await Worker.create({
    sinks: workflowSinks,
    connection: env.nativeConnection,
    taskQueue,
    activities,
    ...(workflows ? { workflowBundle: bundle } : {}),
  } as Parameters<typeof Worker.create>[0]);
  return { worker, done: worker.run() };
}

const waits = async (epoch: string): Promise<boolean> =>
  (await poolState()).waiting.some(({ request }) => request.requestId.endsWith(`/${epoch}`));

const poolState = (): Promise<PoolState> => env.client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);
