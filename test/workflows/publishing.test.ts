// Proves, on Temporal's time-skipping server: a server that stays away is asked for a week, one that refuses once, and both end in a sentence
// that the record and the Temporal UI show; what is published is told with its address.
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
  bundleWorkflowCode,
  makeTelemetryFilterString,
} from '@temporalio/worker';
import { activityInterceptors, createPublishActivities } from '../../src/activities';
import { type ExperimentRecord, ids, publishingWorkflow, queues, refNames, usualMlflowPlan } from '../../src/contract';
import { storedExperiment } from '../publish/mlflowServer';
import { Receiver } from '../publish/receiver';
import { freshStore, removeTemporaryFolders } from '../store/helpers';
import { workflowSinks } from '../../workers/observe';
import { skippingServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let worker: Worker;
let running: Promise<void>;
let receiver: Receiver;
const { store } = freshStore();
const environment: Record<string, string> = {};

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const workflows = join(__dirname, '..', '..', 'src', 'workflows');
  const path = process.env.ASSAY_TEST_SERVER;
  if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
  [bundle, env, receiver] = await Promise.all([
    bundleWorkflowCode({
      workflowsPath: join(workflows, 'publishing.ts'),
      workflowInterceptorModules: [join(workflows, 'interceptors.ts')],
      logger: new DefaultLogger('ERROR'),
    }),
    skippingServer({ server: { executable: { type: 'existing-path', path } } }),
    Receiver.start(),
  ]);
  environment.MLFLOW_TRACKING_URI = `http://127.0.0.1:${receiver.port}`;
  worker = await Worker.create({
    sinks: workflowSinks,
    connection: env.nativeConnection,
    taskQueue: queues.control,
    workflowBundle: bundle,
    interceptors: activityInterceptors,
    activities: createPublishActivities({ store, env: environment }),
  });
  running = worker.run();
}, 60_000);

afterAll(async () => {
  worker?.shutdown();
  await running;
  await receiver?.close();
  await env?.teardown();
  await Runtime.instance().shutdown();
  removeTemporaryFolders();
});

test('a server that stays away is asked for a week, and the workflow then fails with what it last said', async () => {
  receiver.answer = (response) => response.writeHead(503).end('closed for works');
  const { id, message, days } = await failure('away');
  expect(days).toBeGreaterThan(6.9);
  expect(days).toBeLessThan(7.3);
  expect(receiver.received.length).toBeGreaterThan(50);
  const last = `127.0.0.1:${receiver.port} answered 503 Service Unavailable to GET /api/2.0/mlflow/experiments/get-by-name: closed for works`;
  expect(message).toBe(`${id} was not published to MLflow: ${last}`);
  expect((await record(id))?.mlflow).toMatchObject({ state: 'failed', message: last });
  expect(await details(id)).toBe(`**given up** ${message}\n\n\`assay publish mlflow ${id}\` does it again from any terminal`);
}, 120_000);

test.each([
  ['refuses', { status: 403, message: /answered 403 Forbidden .*; give this user the permission to edit there$/ }],
  ['does not know its user', { status: 401, message: /answered 401 Unauthorized .*; set MLFLOW_TRACKING_USERNAME/ }],
  ['finds the request wrong', { status: 400, message: /answered 400 INVALID_PARAMETER_VALUE to GET .*: no such thing$/ }],
])('a server that %s is asked once', async (_, { status, message }) => {
  receiver.received.length = 0;
  const body = status === 400 ? '{"error_code":"INVALID_PARAMETER_VALUE","message":"no such thing"}' : '';
  receiver.answer = (response) => response.writeHead(status).end(body);
  const failed = await failure(`refused-${status}`);
  expect(failed.message).toMatch(message);
  expect(receiver.received).toHaveLength(1);
  expect((await record(failed.id))?.mlflow).toMatchObject({ state: 'failed' });
});

test('without an address nothing is asked, and the failure names the variable; the history is short and replays', async () => {
  const { MLFLOW_TRACKING_URI: uri, ...rest } = environment;
  delete environment.MLFLOW_TRACKING_URI;
  const { id, message } = await failure('unset');
  Object.assign(environment, { ...rest, MLFLOW_TRACKING_URI: uri });
  expect(message).toBe(`${id} was not published to MLflow: MLFLOW_TRACKING_URI is not set`);
  const history = await env.client.workflow.getHandle(ids.publishing(id)).fetchHistory();
  expect(history.events?.length).toBeLessThan(15);
  await Worker.runReplayHistory({ workflowBundle: bundle }, history, ids.publishing(id));
});

async function failure(name: string): Promise<{ id: string; message: string; days: number }> {
  const { id } = await storedExperiment(store, { name });
  const handle = await env.client.workflow.start(publishingWorkflow, {
    workflowId: ids.publishing(id),
    taskQueue: queues.control,
    args: [{ experimentId: id, mlflow: usualMlflowPlan(name) }],
  });
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError)) throw new Error(`${name} did not fail: ${String(error)}`);
  expect(error.cause).toMatchObject({ type: 'NotPublished' });
  const { startTime, closeTime } = await handle.describe();
  return { id, message: error.cause?.message ?? '', days: ((closeTime?.getTime() ?? Number.NaN) - startTime.getTime()) / 86_400_000 };
}

const record = async (id: string): Promise<ExperimentRecord | undefined> =>
  (await store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value;

/** What the Temporal UI shows. */
async function details(id: string): Promise<string> {
  const metadata = await env.client.workflow
    .getHandle(ids.publishing(id))
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}
