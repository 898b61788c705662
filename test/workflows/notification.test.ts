// Proves, on Temporal's time-skipping server and against a real HTTP receiver: a message is tried under one id until it is taken, for as long
// as its kind of refusal deserves, and whoever gives up says so in a sentence.
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
import { Webhook } from 'standardwebhooks';
import { activityInterceptors, createNotifyActivities } from '../../src/activities';
import { type Delivered, ids, type NotificationInput, notificationWorkflow, queues } from '../../src/contract';
import { webhookSettings } from '../../src/publish';
import { done, messageTo, Receiver, secret } from '../publish/receiver';
import { workflowSinks } from '../../workers/observe';
import { skippingServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let worker: { worker: Worker; done: Promise<void> };
let receiver: Receiver;

const day = 86_400_000;
const webhooks = webhookSettings({ ASSAY_WEBHOOK_HOSTS: '127.0.0.1', ASSAY_WEBHOOK_SECRET: secret });

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const workflows = join(__dirname, '..', '..', 'src', 'workflows');
  const path = process.env.ASSAY_TEST_SERVER;
  if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
  [bundle, env] = await Promise.all([
    bundleWorkflowCode({
      workflowsPath: join(workflows, 'notification.ts'),
      workflowInterceptorModules: [join(workflows, 'interceptors.ts')],
      logger: new DefaultLogger('ERROR'),
    }),
    skippingServer({ server: { executable: { type: 'existing-path', path } } }),
  ]);
  await startWorker();
}, 60_000);

beforeEach(async () => (receiver = await Receiver.start()));
afterEach(() => receiver.close());

afterAll(async () => {
  await stopWorker();
  await env?.teardown();
  await Runtime.instance().shutdown();
});

test('a receiver that answers 500, resets the connection, is gone altogether and comes back gets the message once, under the id of every try', async () => {
  const says: Receiver['answer'][] = [
    (response) => response.writeHead(500).end('first'),
    (_, __, socket) => void socket.resetAndDestroy(),
    // Down from now on, and back a little later.
    (_, __, socket) => {
      socket.destroy();
      void receiver.close().then(() => setTimeout(() => void receiver.open(), 100));
    },
    (response) => response.writeHead(200).end(),
  ];
  receiver.answer = (...answer) => says.shift()?.(...answer);
  const delivered = await result('back');
  expect(delivered).toEqual({ status: 200, tries: expect.any(Number) });
  expect(delivered.tries).toBeGreaterThanOrEqual(4);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([messageTo('').id]));
  for (const { headers, body } of receiver.received)
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({
      ...done,
      links: {
        report: `https://assay.example.org/v1/experiments/${done.experiment}/report`,
        workflow: `https://temporal.example.org/namespaces/default/workflows/${encodeURIComponent(`assay/${done.experiment}`)}`,
      },
    });
  // Taken means taken.
  expect(receiver.received).toHaveLength(4);
}, 60_000);

test('a receiver that stays away is tried for three days, and the workflow then fails with what it last said', async () => {
  receiver.answer = (response) => response.writeHead(503).end('closed for works');
  const message = await failure('away');
  const took = await lived('away');
  expect(took / day).toBeGreaterThan(2.9);
  expect(took / day).toBeLessThan(3.1);
  const tries = receiver.received.length;
  expect(tries).toBeGreaterThan(70);
  expect(tries).toBeLessThan(170);
  expect(message).toBe(
    `experiment.done of ${done.experiment} was not delivered to 127.0.0.1:${receiver.port} in ${tries} tries; last: 127.0.0.1:${receiver.port} answered 503 Service Unavailable: closed for works`,
  );
}, 120_000);

test('a receiver that refuses is tried for a day, one that says 410 never again', async () => {
  receiver.answer = (response) => response.writeHead(404).end();
  expect(await failure('refused')).toMatch(/in \d+ tries; last: 127\.0\.0\.1:\d+ answered 404 Not Found$/);
  const took = await lived('refused');
  expect(took / day).toBeGreaterThan(1);
  expect(took / day).toBeLessThan(1.1);
  receiver.received.length = 0;
  receiver.answer = (response) => response.writeHead(410).end();
  expect(await failure('gone')).toMatch(/in one try; last: .* answered 410 Gone$/);
  expect(receiver.received).toHaveLength(1);
}, 60_000);

test('what a receiver asks to wait is waited', async () => {
  const says = [429, 503, 204];
  receiver.answer = (response) => response.writeHead(says.shift() ?? 500, { 'retry-after': '7200' }).end();
  expect(await result('later')).toEqual({ status: 204, tries: 3 });
  const took = await lived('later');
  expect(took).toBeGreaterThanOrEqual(4 * 3_600_000);
  expect(took).toBeLessThan(4.5 * 3_600_000);
}, 60_000);

test('workers that are away when an experiment ends lose nothing, and the history of a delivery is short and replays', async () => {
  await stopWorker();
  const handle = await start('waiting');
  await startWorker();
  expect(await handle.result()).toEqual({ status: 204, tries: 1 });
  const history = await handle.fetchHistory();
  expect(history.events?.length).toBeLessThan(15);
  await Worker.runReplayHistory({ workflowBundle: bundle }, history, handle.workflowId);
  expect(await details('waiting')).toMatch(/^\*\*delivered\*\* experiment\.done of .* to 127\.0\.0\.1:\d+: 204 at try 1/);
}, 60_000);

function start(key: string, change: Partial<NotificationInput> = {}) {
  return env.client.workflow.start(notificationWorkflow, {
    workflowId: ids.notification(done.experiment, key),
    taskQueue: queues.control,
    args: [{ ...messageTo(receiver.url), event: { ...done, links: { report: null, workflow: null } }, ...change }],
  });
}

const result = async (key: string): Promise<Delivered> => (await start(key)).result() as Promise<Delivered>;

async function failure(key: string): Promise<string> {
  const error: unknown = await result(key).catch((reason: unknown) => reason);
  if (!(error instanceof WorkflowFailedError)) throw new Error(`${key} did not fail: ${String(error)}`);
  expect(error.cause).toMatchObject({ type: 'NotDelivered' });
  return error.cause?.message ?? '';
}

/** By the server's clock, milliseconds. */
async function lived(key: string): Promise<number> {
  const { startTime, closeTime } = await env.client.workflow.getHandle(ids.notification(done.experiment, key)).describe();
  return (closeTime?.getTime() ?? Number.NaN) - startTime.getTime();
}

/** What the Temporal UI shows. */
async function details(key: string): Promise<string> {
  const metadata = await env.client.workflow
    .getHandle(ids.notification(done.experiment, key))
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

async function startWorker(): Promise<void> {
  const made = await Worker.create({
    sinks: workflowSinks,
    connection: env.nativeConnection,
    taskQueue: queues.control,
    workflowBundle: bundle,
    interceptors: activityInterceptors,
    activities: createNotifyActivities({ webhooks, publicUrl: 'https://assay.example.org/', uiUrl: 'https://temporal.example.org' }),
  });
  worker = { worker: made, done: made.run() };
}

async function stopWorker(): Promise<void> {
  worker?.worker.shutdown();
  await worker?.done;
}
