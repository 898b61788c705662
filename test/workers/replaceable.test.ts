// Proves, with real workers on a real server: a light activity whose worker is gone is begun anew within seconds, one that only takes long
// is not, a cancel on request is the activity's own; and a worker's environment is refused where it is wrong.
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
  bundleWorkflowCode,
  makeTelemetryFilterString,
} from '@temporalio/worker';
import { temporalBinary } from '../../src/stack';
import { alive, handBack } from '../../workers/replaceable';
import { settings } from '../../workers/settings';
import { localServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  bundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./once'), logger: new DefaultLogger('ERROR') });
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  env = await localServer({
    server: { executable: { type: 'existing-path', path }, log: { level: 'error', format: 'pretty' } },
  });
});

afterAll(async () => {
  await env?.teardown();
  await Runtime.instance().shutdown();
});

test('an activity that outlasts its heartbeat timeout is not begun anew while its worker lives', async () => {
  const attempts: number[] = [];
  const result = await run({ heartbeatTimeout: '1s' }, async () => {
    attempts.push(Context.current().info.attempt);
    await Context.current().sleep('3s');
    return 'done';
  });
  expect([result, attempts]).toEqual(['done', [1]]);
});

test('one whose worker says nothing any more is begun anew after its heartbeat timeout, long before it is due', async () => {
  const attempts: number[] = [];
  const result = await run({ heartbeatTimeout: '1s', beats: false }, async () => {
    attempts.push(Context.current().info.attempt);
    if (attempts.length === 1) await new Promise((_, reject) => Context.current().cancellationSignal.addEventListener('abort', reject));
    return 'done';
  });
  expect([result, attempts]).toEqual(['done', [1, 2]]);
});

test('what goes on when its worker ends is handed back, and another worker begins it', async () => {
  const queue = randomUUID();
  const attempts: number[] = [];
  let begun!: () => void;
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  // It never ends by itself, and hears nothing.
  const deaf = await worker(queue, true, () => new Promise(() => begun()));
  const handle = await env.client.workflow.start('once', { workflowId: queue, taskQueue: queue, args: [{ heartbeatTimeout: '30s' }] });
  const running = deaf.run();
  await first;
  deaf.shutdown();
  await running;
  const other = await worker(queue, true, async () => {
    attempts.push(Context.current().info.attempt);
    return 'done';
  });
  expect(await other.runUntil(handle.result())).toBe('done');
  expect(attempts).toEqual([2]);
});

test.each([
  ['ASSAY_CONTROL_SLOTS', '1', 'expected a whole number from 2'],
  ['ASSAY_ANALYSIS_SLOTS', '0', 'expected a whole number from 1'],
  ['ASSAY_ANALYSIS_SLOTS', 'two', 'expected a whole number from 1'],
  ['ASSAY_CONTROL_CACHE', '1.5', 'expected a whole number from 10'],
  ['ASSAY_GRACE_SECONDS', '-1', 'expected a whole number from 0'],
  ['ASSAY_SLOTS', '0', 'expected a whole number from 1'],
  ['ASSAY_DEPLOYMENT', 'a.b', 'letters, digits'],
])('a worker does not start with %s=%s', (name, value, message) => {
  expect(() => settings({ [name]: value })).toThrow(message);
  expect(() => settings({ [name]: value })).toThrow(`${name} is "${value}"`);
});

test('the build of a worker is named by its package and its code, or by ASSAY_BUILD_ID', () => {
  expect(settings({}).deployment).toBeNull();
  expect(settings({ ASSAY_DEPLOYMENT: '0' }).deployment).toBeNull();
  expect(settings({ ASSAY_DEPLOYMENT: '1' }).deployment).toMatchObject({
    name: 'assay',
    build: expect.stringMatching(/^\d+\.\d+\.\d+-[0-9a-f]{12}$/),
  });
  expect(settings({ ASSAY_DEPLOYMENT: 'blue', ASSAY_BUILD_ID: 'v7' }).deployment).toEqual({ name: 'blue', build: 'v7' });
  expect(settings({}).graceSeconds).toBe(10);
});

interface Once {
  heartbeatTimeout: string;
}

type Work = () => Promise<unknown>;

async function run({ beats = true, ...input }: Once & { beats?: boolean }, work: Work): Promise<unknown> {
  const queue = randomUUID();
  return (await worker(queue, beats, work)).runUntil(
    env.client.workflow.execute('once', { workflowId: queue, taskQueue: queue, args: [input] }),
  );
}

function worker(taskQueue: string, beats: boolean, work: Work): Promise<Worker> {
  return Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: bundle,
    activities: { work },
    interceptors: { activity: beats ? [handBack, alive] : [handBack] },
    shutdownGraceTime: 0,
    shutdownForceTime: '10s',
    maxHeartbeatThrottleInterval: '200ms',
    defaultHeartbeatThrottleInterval: '200ms',
  });
}
