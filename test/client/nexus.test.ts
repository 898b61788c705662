// Proves, on a real server with two namespaces: workflows of another namespace start experiments through the service assay.v1, wait for them,
// cancel them, and read our sentence where they are refused. Only what an experiment does is made up.
import { join } from 'node:path';
import { Client, WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Worker, type WorkerOptions, bundleWorkflowCode } from '@temporalio/worker';
import { activityInterceptors } from '../../src/activities';
import { createAssayService, ensureNexusEndpoint, prepareExperiment, childExperiment, submitExperiment } from '../../src/client';
import {
  type ExperimentInput,
  type ExperimentOutput,
  type ProvenanceObject,
  type SpecInput,
  type StartedExperiment,
  ids,
  queues,
} from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { assayProblem } from '../../src/contract/nexus';
import { admission } from '../../workers/nexus';
import { valid } from '../contract/fixtures';
import { freshStore, removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import type { Conduct } from '../workflows/triggers';
import { startServer, stopServer } from './environment';

let env: TestWorkflowEnvironment;
let callers: Client;
const workers: { worker: Worker; done: Promise<void> }[] = [];
let conduct: (id: string) => Conduct = () => ({ seconds: 0 });
let calls = 0;
const { store } = freshStore();
const home = temporaryFolder();

const spec: SpecInput = {
  name: 'digits',
  data: { source: 'builtin:digits' },
  runtime: { executor: 'docker', image: `trainer@sha256:${'0'.repeat(64)}` },
  training: { command: ['python', '/app/train.py'], budget: { epochs: 5 } },
  variants: [
    { name: 'a', control: true, params: { h: 1 } },
    { name: 'b', params: { h: 2 } },
  ],
  varies: ['h'],
};

beforeAll(async () => {
  env = await startServer(['--namespace', 'callers']);
  callers = new Client({ connection: env.connection, namespace: 'callers' });
  const logger = new DefaultLogger('ERROR');
  const [experiments, calling] = await Promise.all([
    bundleWorkflowCode({ workflowsPath: join(__dirname, '..', 'workflows', 'triggers', 'index.ts'), logger }),
    bundleWorkflowCode({ workflowsPath: join(__dirname, 'callers', 'index.ts'), logger }),
  ]);
  await start({
    taskQueue: queues.control,
    workflowBundle: experiments,
    activities: { conduct: async (id: string) => conduct(id) },
    nexusServices: [createAssayService({ store, admit: admission({ store, home, root: null }) })],
    interceptors: activityInterceptors,
  });
  await start({ namespace: 'callers', taskQueue: 'callers', workflowBundle: calling });
  await start({ taskQueue: 'team', workflowBundle: calling });
  expect(await ensureNexusEndpoint(env.client, 'assay')).toBe('made');
}, 60_000);

afterAll(async () => {
  for (const { worker } of workers) worker.shutdown();
  for (const { done } of workers) await done;
  await stopServer(env);
  removeTemporaryFolders();
});

test('an endpoint is made once, and one that leads elsewhere is moved only on demand', async () => {
  expect(await ensureNexusEndpoint(env.client, 'assay')).toBe('kept');
  await expect(ensureNexusEndpoint(callers, 'assay')).rejects.toMatchObject({
    ...{ type: 'Conflict', message: expect.stringContaining('leads to assay-control in namespace default') },
  });
  expect(await ensureNexusEndpoint(env.client, 'mobile')).toBe('made');
  expect(await ensureNexusEndpoint(callers, 'mobile', { move: true })).toBe('moved');
  expect(await ensureNexusEndpoint(callers, 'mobile')).toBe('kept');
  await expect(ensureNexusEndpoint(callers, 'no name!')).rejects.toMatchObject({ type: 'SpecInvalid' });
});

test('start gives the experiment, recorded with the workflow that asked; the same key gives it again', async () => {
  const handle = await begin('callStart', { spec, idempotencyKey: 'one' });
  const first = (await handle.result()) as StartedExperiment;
  expect(first).toMatchObject({ workflowId: ids.experimentWorkflow(first.experimentId), created: true });
  expect(await call('callStart', { spec, idempotencyKey: 'one' })).toEqual({ ...first, created: false });
  const { provenance } = await inputOf(first.experimentId);
  expect(await store.getJson<ProvenanceObject>(provenance)).toMatchObject({
    user: `workflow ${handle.workflowId} of callers`,
    command: ['nexus', 'assay.v1'],
  });
  const other = (await call('callStart', { spec })) as StartedExperiment;
  expect(other.experimentId).not.toBe(first.experimentId);
});

test('run completes with the verdict, and two runs of one key share the experiment', async () => {
  const [one, two] = (await Promise.all([
    call('callRun', { spec, idempotencyKey: 'shared' }),
    call('callRun', { spec, idempotencyKey: 'shared' }),
  ])) as ExperimentOutput[];
  expect(one).toMatchObject({ verdict: { outcome: 'keep', sentence: 'No difference was shown.' } });
  expect(two).toEqual(one);
});

test('a caller that is cancelled cancels the experiment of its run', async () => {
  conduct = () => ({ seconds: 3600 });
  const handle = await begin('callRun', { spec, idempotencyKey: 'cancelled' });
  const { experimentId } = await submitted('cancelled');
  await until(async () => (await statusOf(experimentId)) === 'RUNNING');
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow();
  expect([(await handle.describe()).status.name, await statusOf(experimentId)]).toEqual(['CANCELLED', 'CANCELLED']);
});

test('who leaves a result leaves the experiment alone; cancel ends it', async () => {
  conduct = () => ({ seconds: 3600 });
  const { experimentId } = (await call('callStart', { spec, idempotencyKey: 'left' })) as StartedExperiment;
  await recorded(experimentId);
  expect(await call('callResultImpatiently', { experimentId })).toBe('left');
  expect(await statusOf(experimentId)).toBe('RUNNING');
  await call('callCancel', { experimentId });
  await until(async () => (await statusOf(experimentId)) === 'CANCELLED');
});

test('a failed experiment fails its run with its sentence and type', async () => {
  conduct = () => ({ seconds: 0, failure: 'data.csv: 3 columns, expected 4' });
  const failure = await failed(call('callRun', { spec }));
  expect(assayProblem(failure)).toEqual({ type: 'DataInvalid', message: 'data.csv: 3 columns, expected 4' });
  conduct = () => ({ seconds: 0 });
});

test.each<[string, string, unknown, { type: string; message: RegExp; cause: string }]>([
  [
    'a wrong spec',
    'callStart',
    { spec: { ...spec, varies: ['x'] } },
    { type: 'BAD_REQUEST', message: /differs between variants without being declared/, cause: 'SpecInvalid' },
  ],
  [
    'a file of the host',
    'callStart',
    { spec: { ...spec, data: { source: '/etc' } } },
    { type: 'UNAUTHORIZED', message: /data\.source: \/etc is a path of the server's host/, cause: 'Forbidden' },
  ],
  [
    'a process on the host',
    'callRun',
    { spec: { ...spec, runtime: { executor: 'process' } } },
    { type: 'UNAUTHORIZED', message: /runtime\.executor: "process" is not allowed/, cause: 'Forbidden' },
  ],
  [
    'another spec under a key',
    'callRun',
    { spec: { ...spec, hypothesis: 'other' }, idempotencyKey: 'one' },
    { type: 'BAD_REQUEST', message: /"one" named/, cause: 'Conflict' },
  ],
  [
    'an unknown experiment',
    'callResult',
    { experimentId: 'absent' },
    { type: 'NOT_FOUND', message: /no experiment "absent"/, cause: 'NotFound' },
  ],
])('%s is refused at once, with our sentence and a type', async (_what, workflow, input, { type, message, cause }) => {
  const failure = await failed(call(workflow, input));
  expect(failure).toMatchObject({ cause: { type, message: expect.stringMatching(message) } });
  expect(assayProblem(failure)).toMatchObject({ type: cause, message: expect.stringMatching(message) });
});

test('a workflow of the namespace runs an experiment as its child, from what an activity prepared', async () => {
  const prepared = await prepareExperiment(store, await submission('child'));
  const handle = await env.client.workflow.start('runAsChild', {
    ...{ workflowId: 'child-recipe', taskQueue: 'team', args: [childExperiment(prepared)] },
  });
  expect(await handle.result()).toMatchObject({ experimentId: prepared.input.experimentId, verdict: { outcome: 'keep' } });
  const { parentExecution, searchAttributes } = await env.client.workflow
    .getHandle(ids.experimentWorkflow(prepared.input.experimentId))
    .describe();
  expect([parentExecution?.workflowId, searchAttributes['AssayExperiment']]).toEqual(['child-recipe', [prepared.input.experimentId]]);
  // The child is the experiment of the key, for whoever submits it.
  expect(await submitExperiment({ client: env.client, store }, await submission('child'))).toMatchObject({
    ...{ experimentId: prepared.input.experimentId, created: false },
  });
});

async function start(options: Omit<WorkerOptions, 'connection'>): Promise<void> {
  const worker = await Worker.create({ connection: env.nativeConnection, ...options });
  workers.push({ worker, done: worker.run() });
}

const begin = (workflow: string, input: unknown) => {
  calls += 1;
  return callers.workflow.start(workflow, {
    workflowId: `call-${calls}`,
    taskQueue: 'callers',
    args: [input],
    workflowExecutionTimeout: '50s',
  });
};
const call = async (workflow: string, input: unknown): Promise<unknown> => (await begin(workflow, input)).result();

/** What the operation failed with, as the caller's workflow sees it. */
async function failed(calling: Promise<unknown>): Promise<Error> {
  const error = await calling.catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError)) throw new Error(`expected a failed workflow, not ${String(error)}`);
  return error.cause as Error;
}

async function submission(idempotencyKey: string) {
  const provenance = {
    assay: 'test',
    git: { commit: null, dirty: false, remote: null, diff: null },
    dvc: null,
    host: 'h',
    user: 'me',
    command: [],
    environment: {},
  };
  return { spec: loadSpec(valid, { file: 'experiment.yaml', root: '/experiment' }), source: valid, provenance, idempotencyKey };
}

/** The experiment of a key, once its call has arrived. */
async function submitted(key: string): Promise<{ experimentId: string }> {
  let found: { experimentId: string } | undefined;
  await until(async () => {
    for (const name of await store.refs.list('idempotency/')) {
      const record = await store.refs.get<{ key: string; experimentId: string }>(name);
      if (record?.value.key === key) found = record.value;
    }
    return found !== undefined;
  });
  return found as { experimentId: string };
}

/** As registerExperiment does first of all. */
async function recorded(experimentId: string): Promise<void> {
  const input = await inputOf(experimentId);
  const workflow = { id: ids.experimentWorkflow(experimentId), runId: '' };
  await store.refs.set(`experiments/${experimentId}`, { name: 'digits', status: 'running', workflow, ...input }, null);
}

const statusOf = async (id: string): Promise<string> =>
  env.client.workflow
    .getHandle(ids.experimentWorkflow(id))
    .describe()
    .then(
      ({ status }) => status.name,
      () => 'UNKNOWN',
    );

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function inputOf(experimentId: string): Promise<ExperimentInput> {
  const { events } = await env.client.workflow.getHandle(ids.experimentWorkflow(experimentId)).fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return JSON.parse(Buffer.from(payload!.data!).toString('utf8')) as ExperimentInput;
}
