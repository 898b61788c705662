// Proves, on Temporal's time-skipping server: a queue of triggers runs one experiment after the other, each once, with the changes that were
// asked for, for weeks, through thousands of triggers and new histories. Only what an experiment does is made up.
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
import { activityInterceptors, createTriggersActivities } from '../../src/activities';
import { type Place, configureTriggers, openTriggered, signalTrigger, submitTrigger, triggersState } from '../../src/client';
import {
  type ExperimentInput,
  type ProvenanceObject,
  type ResolvedSpec,
  type Trigger,
  type TriggerPolicy,
  type TriggersState,
  ids,
  queues,
  triggersNames,
} from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { temporalBinary } from '../../src/stack';
import { changed, valid } from '../contract/fixtures';
import { freshStore, removeTemporaryFolders } from '../store/helpers';
import type { Conduct } from './triggers';
import { workflowSinks } from '../../workers/observe';
import { localServer, skippingServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let worker: { stop: () => Promise<void> };
let at: Place;
let conduct: (id: string) => Conduct;
/** When each experiment began, by the server's clock. */
let begun: { id: string; at: number }[];

const { store } = freshStore();
const name = 'models';
const hour = 3600;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  bundle = await bundleWorkflowCode({ workflowsPath: join(__dirname, 'triggers', 'index.ts'), logger: new DefaultLogger('ERROR') });
}, 60_000);

beforeEach(async () => {
  const path = process.env.ASSAY_TEST_SERVER;
  if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
  env = await skippingServer({ server: { executable: { type: 'existing-path', path } } });
  at = { client: env.client, store };
  conduct = () => ({ seconds: hour });
  begun = [];
  worker = await startWorker();
}, 60_000);

afterEach(async () => {
  await worker.stop();
  await env?.teardown();
});

afterAll(async () => {
  await Runtime.instance().shutdown();
  removeTemporaryFolders();
});

test('each: every trigger is an experiment of its own, in turn, made of the file and its changes', async () => {
  await configure({ policy: 'each' });
  const [first, second] = [
    await submitTrigger(at, name, asked({ set: { 'training.budget.epochs': 1 } })),
    await submitTrigger(at, name, asked()),
  ] as const;
  expect([first, second]).toEqual([
    { experimentId: expect.stringMatching(/^digits-\d{8}-\d{6}-[0-9a-f]{8}$/), before: expect.any(Number), joined: false },
    { experimentId: expect.any(String), before: 1, joined: false },
  ]);
  await ended(2);
  expect(begun.map(({ id }) => id)).toEqual([first.experimentId, second.experimentId]);
  expect(begun[1]!.at - begun[0]!.at).toBeGreaterThanOrEqual(hour * 1000);
  const inputs = await Promise.all([first, second].map(({ experimentId }) => inputOf(experimentId)));
  const specs = await Promise.all(inputs.map(({ spec }) => store.getJson<ResolvedSpec>(spec)));
  expect(specs.map(({ training }) => training.budget)).toMatchObject([{ epochs: 1 }, { epochs: 5 }]);
  expect(await store.getJson<ProvenanceObject>(inputs[0]!.provenance)).toMatchObject({ user: 'ci', source: valid });
  expect((await state()).last).toMatchObject([
    { experimentId: first.experimentId, status: 'done', verdict: 'keep', sentence: 'No difference was shown.' },
    { experimentId: second.experimentId, status: 'done' },
  ]);
}, 60_000);

test('latest: what comes within the quiet time, or while one runs, is one experiment with the changes of the last', async () => {
  await configure({ policy: 'latest', quietSeconds: 600 });
  const epochs = (n: number): Trigger => asked({ set: { 'training.budget.epochs': n } });
  const first = await submitTrigger(at, name, epochs(1));
  await env.sleep('300s');
  const joined = await submitTrigger(at, name, epochs(2));
  expect(joined).toEqual({ experimentId: first.experimentId, before: 0, joined: true });
  const asked2 = await env.currentTimeMs();
  await until(async () => begun.length === 1);
  expect(begun[0]!.at - asked2).toBeGreaterThanOrEqual(599_000);
  const third = await submitTrigger(at, name, epochs(3));
  expect(third).toMatchObject({ before: 1, joined: false });
  for (const n of [4, 5])
    expect(await submitTrigger(at, name, epochs(n))).toEqual({ experimentId: third.experimentId, before: 1, joined: true });
  await ended(2);
  expect(begun.map(({ id }) => id)).toEqual([first.experimentId, third.experimentId]);
  const trained = await Promise.all(
    begun.map(async ({ id }) => (await store.getJson<ResolvedSpec>((await inputOf(id)).spec)).training.budget),
  );
  expect(trained).toMatchObject([{ epochs: 2 }, { epochs: 5 }]);
}, 60_000);

test('triggers that never fall quiet still begin, after ten times the quiet time', async () => {
  await configure({ policy: 'latest', quietSeconds: 60 });
  const start = await env.currentTimeMs();
  while (begun.length === 0) {
    await signalTrigger(at, name, asked());
    await env.sleep('30s');
  }
  expect(begun[0]!.at - start).toBeGreaterThanOrEqual(590_000);
  expect(begun[0]!.at - start).toBeLessThan(720_000);
}, 60_000);

test('a key is one experiment, while it waits, runs, and after its end', async () => {
  await configure({ policy: 'each' });
  const first = await submitTrigger(at, name, asked({ key: 'model-1' }));
  expect(await submitTrigger(at, name, asked({ key: 'model-1' }))).toMatchObject({ experimentId: first.experimentId, joined: true });
  await ended(1);
  expect(await submitTrigger(at, name, asked({ key: 'model-1' }))).toEqual({ experimentId: first.experimentId, before: 0, joined: true });
  expect(await submitTrigger(at, name, asked({ key: 'model-2' }))).toMatchObject({ joined: false });
  expect((await state()).accepted).toBe(2);
}, 60_000);

test('what is wrong is refused with a sentence: to whoever submits by the validator, to signals by a count', async () => {
  await configure({ policy: 'each' });
  await submitTrigger(at, name, asked());
  const handle = env.client.workflow.getHandle(ids.triggers(name));
  const wrong = { by: '', reason: '' };
  await expect(handle.executeUpdate(triggersNames.submit, { args: [wrong] })).rejects.toMatchObject({
    cause: { type: 'SpecInvalid', message: 'triggers models: by: expected who asks, 1 to 100 characters' },
  });
  await handle.signal(triggersNames.trigger, wrong);
  await until(async () => (await state()).refused === 1);
  for (const [set, message] of [
    [{ 'training.budget.epoch': 1 }, /training\.budget\.epoch/],
    [{ 'training.command': ['python'] }, /all experiments of a queue share it/],
    [{ long: 'x'.repeat(5000) }, /at most 4096/],
  ] as const)
    await expect(submitTrigger(at, name, asked({ set }))).rejects.toMatchObject({
      type: 'SpecInvalid',
      message: expect.stringMatching(message),
    });
  await expect(submitTrigger(at, 'absent', asked())).rejects.toMatchObject({ type: 'NotFound' });
}, 60_000);

test('a queue takes a thousand triggers that wait, refuses the next, and hands all of them on to a new history', async () => {
  await configure({ policy: 'each' });
  conduct = () => ({ seconds: 30 * 24 * hour });
  await onOrdinaryServer();
  const first = await submitTrigger(at, name, asked());
  await until(async () => begun.length === 1);
  const { firstExecutionRunId, runId } = await running();
  const handle = env.client.workflow.getHandle(ids.triggers(name));
  for (let sent = 0; sent < 1000; sent += 50)
    await Promise.all(Array.from({ length: 50 }, () => handle.signal(triggersNames.trigger, { by: 'ci', reason: '' })));
  await until(async () => (await running()).runId !== runId);
  await until(async () => (await state()).queue.length === 1000);
  expect((await running()).firstExecutionRunId).toBe(firstExecutionRunId);
  // The experiment that ran goes on, and is waited for by the new run.
  expect((await state()).current?.experimentId).toBe(first.experimentId);
  await expect(submitTrigger(at, name, asked())).rejects.toMatchObject({
    type: 'Conflict',
    message: expect.stringMatching(/1000 triggers wait/),
  });
  await env.client.workflow.getHandle(ids.experimentWorkflow(first.experimentId)).terminate('enough');
  await until(async () => begun.length === 2);
  expect((await state()).last).toMatchObject([
    { experimentId: first.experimentId, status: 'failed', sentence: expect.stringContaining('enough') },
  ]);
}, 120_000);

test('an experiment that fails, is cancelled, or cannot be made does not stop the queue', async () => {
  await configure({ policy: 'each' });
  conduct = () => (begun.length === 1 ? { seconds: 1, failure: 'data.csv: 3 columns' } : { seconds: 30 * 24 * hour });
  await submitTrigger(at, name, asked());
  const second = await submitTrigger(at, name, asked());
  await until(async () => begun.length === 2);
  await env.client.workflow.getHandle(ids.experimentWorkflow(second.experimentId)).cancel();
  // A signal reaches the queue unread.
  await env.client.workflow.getHandle(ids.triggers(name)).signal(triggersNames.trigger, asked({ set: { 'training.attempts': 'many' } }));
  await ended(3);
  expect((await state()).last).toMatchObject([
    { status: 'failed', sentence: 'DataInvalid: data.csv: 3 columns' },
    { status: 'cancelled', sentence: 'cancelled on request' },
    { status: 'failed', sentence: expect.stringMatching(/^SpecInvalid: .*training\.attempts/s) },
  ]);
}, 60_000);

test('a queue that is cancelled cancels what runs; one that is terminated leaves it running', async () => {
  await configure({ policy: 'each' });
  conduct = () => ({ seconds: 30 * 24 * hour });
  const first = await submitTrigger(at, name, asked());
  await submitTrigger(at, name, asked());
  await until(async () => begun.length === 1);
  const handle = env.client.workflow.getHandle(ids.triggers(name));
  await handle.cancel();
  await until(async () => (await handle.describe()).status.name === 'CANCELLED');
  expect(await statusOf(first.experimentId)).toBe('CANCELLED');
  expect([await triggersState(env.client, name), begun.length]).toEqual([null, 1]);

  const again = await submitTrigger(at, name, asked());
  await until(async () => begun.length === 2);
  await handle.terminate('the test ends it');
  expect(await statusOf(again.experimentId)).toBe('RUNNING');
}, 60_000);

test('a changed file holds for experiments that wait as well, and its policy for triggers to come', async () => {
  await configure({ policy: 'each' });
  await submitTrigger(at, name, asked());
  const second = await submitTrigger(at, name, asked());
  await until(async () => begun.length === 1);
  await configure({ policy: 'latest' }, changed(['epochs: 5', 'epochs: 7']));
  expect(await submitTrigger(at, name, asked())).toMatchObject({ experimentId: second.experimentId, joined: true });
  await ended(2);
  expect((await store.getJson<ResolvedSpec>((await inputOf(second.experimentId)).spec)).training.budget).toMatchObject({ epochs: 7 });
}, 60_000);

/** Where time is as it is: the activity that waits for an experiment beats. */
async function onOrdinaryServer(): Promise<void> {
  await worker.stop();
  await env.teardown();
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  env = await localServer({ server: { executable: { type: 'existing-path', path } } });
  at = { client: env.client, store };
  worker = await startWorker();
}

const asked = (more: Partial<Trigger> = {}): Trigger => ({ by: 'ci', reason: 'a new model', ...more });

async function configure(options: { policy: TriggerPolicy; quietSeconds?: number }, text = valid): Promise<void> {
  const provenance = {
    assay: 'test',
    git: { commit: null, dirty: false, remote: null, diff: null },
    dvc: null,
    host: 'h',
    user: 'me',
    command: [],
    environment: {},
  };
  const spec = loadSpec(text, { file: 'experiment.yaml', root: '/experiment' });
  await configureTriggers(at, name, { spec, source: text, provenance }, { quietSeconds: 0, ...options });
}

async function startWorker(): Promise<{ stop: () => Promise<void> }> {
  const activities = {
    ...createTriggersActivities({
      open: async ({ name: queue, next }) => {
        // The time-skipping server knows no search attributes.
        return { ...(await openTriggered(store, queue, next)), typedSearchAttributes: [] };
      },
      ended: async (experimentId) => {
        const outcome = { experimentId, at: new Date().toISOString(), verdict: null };
        return env.client.workflow
          .getHandle(ids.experimentWorkflow(experimentId))
          .result()
          .then(
            () => ({ ...outcome, status: 'done' as const, sentence: '' }),
            (error: Error) => ({ ...outcome, status: 'failed' as const, sentence: String(error.cause) }),
          );
      },
    }),
    conduct: async (id: string): Promise<Conduct> => {
      begun.push({ id, at: await env.currentTimeMs() });
      return conduct(id);
    },
  };
  const made = await Worker.create({
    sinks: workflowSinks,
    ...{
      connection: env.nativeConnection,
      taskQueue: queues.control,
      workflowBundle: bundle,
      activities,
      interceptors: activityInterceptors,
    },
    maxConcurrentActivityTaskExecutions: 10,
  });
  const done = made.run();
  return {
    stop: async () => {
      made.shutdown();
      await done;
    },
  };
}

const state = async (): Promise<TriggersState> => (await triggersState(env.client, name)) as TriggersState;
const statusOf = async (id: string): Promise<string> =>
  (await env.client.workflow.getHandle(ids.experimentWorkflow(id)).describe()).status.name;
const running = async () => {
  const { runId, raw } = await env.client.workflow.getHandle(ids.triggers(name)).describe();
  return { runId, firstExecutionRunId: raw.workflowExecutionInfo?.firstRunId };
};

/** Waits for so many ends, by the server's clock. */
const ended = (count: number): Promise<void> =>
  until(async () => ((await triggersState(env.client, name))?.last.length ?? 0) >= count, '600s');

async function until(condition: () => Promise<boolean>, step: '1s' | '600s' = '1s'): Promise<void> {
  while (!(await condition())) await env.sleep(step);
}

async function inputOf(experimentId: string): Promise<ExperimentInput> {
  const { events } = await env.client.workflow.getHandle(ids.experimentWorkflow(experimentId)).fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return JSON.parse(Buffer.from(payload!.data!).toString('utf8')) as ExperimentInput;
}
