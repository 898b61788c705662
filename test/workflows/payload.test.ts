// Proves: on a real server, a value too large for a history fails its workflow at once and says what to do, and one that fits passes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import { activityInterceptors } from '../../src/activities';
import { connectTemporal } from '../../src/client';
import { payloadLimitBytes } from '../../src/contract/payload';
import { serverArguments, temporalBinary } from '../../src/stack';
import { choosePorts } from '../../src/stack/ports';
import type * as workflows from './oversized';

const large = payloadLimitBytes + 1;
/** With the quotes of its JSON and the brackets of the list of arguments still below the limit. */
const small = payloadLimitBytes - 16;

const folder = mkdtempSync(join(tmpdir(), 'assay-payload-'));
let server: ChildProcess;
let client: Client;
let connection: NativeConnection;
let worker: Worker;
let running: Promise<void>;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const ports = await choosePorts(null);
  const binary = temporalBinary();
  if (binary === null) throw new Error('no Temporal server: npm test installs one');
  server = spawn(binary, serverArguments({ ports, database: join(folder, 'temporal.db'), namespace: 'default' }), { stdio: 'ignore' });
  const address = `127.0.0.1:${ports.frontend}`;
  client = await connected(address);
  connection = await NativeConnection.connect({ address });
  worker = await Worker.create({
    connection,
    taskQueue: 'oversized',
    workflowsPath: join(__dirname, 'oversized'),
    interceptors: { ...activityInterceptors, workflowModules: [join(__dirname, '..', '..', 'src', 'workflows', 'interceptors.ts')] },
    activities: { echo: async (_text: string, back: number) => 'y'.repeat(back) },
    bundlerOptions: { logger: new DefaultLogger('ERROR') },
  } as Parameters<typeof Worker.create>[0]);
  running = worker.run();
}, 90_000);

afterAll(async () => {
  worker?.shutdown();
  await running;
  await connection?.close();
  await client?.connection.close();
  const gone = once(server, 'exit');
  server.kill('SIGTERM');
  await gone;
  rmSync(folder, { recursive: true, force: true });
  await Runtime.instance().shutdown();
}, 60_000);

test.each<[string, keyof typeof workflows, unknown[], string]>([
  ['the result of an activity', 'throughActivity', [1, large], 'the result of activity echo'],
  ['the input of an activity', 'throughActivity', [large, 1], 'the input of activity echo'],
  ['the input of a child workflow', 'throughChild', [large], 'the input of workflow length'],
  ['the input of a workflow', 'length', ['x'.repeat(large)], 'the workflow input'],
  ['the result of a workflow', 'returned', [large], 'the workflow result'],
])('%s over 256 KB fails the workflow as PayloadTooLarge', async (_what, workflow, args, place) => {
  const failure = await failureOf(workflow, args);
  expect(failure).toMatchObject({ type: 'PayloadTooLarge', nonRetryable: true });
  expect(failure.message).toMatch(new RegExp(`^${place} is 2621\\d\\d bytes of JSON; .* at most 262144\\. Store it as an object`));
});

test('values just below 256 KB pass everywhere', async () => {
  expect(await execute('throughActivity', [small, small])).toBe(small);
  expect(await execute('throughChild', [small])).toBe(small);
  expect(await execute('returned', [small])).toHaveLength(small);
});

const execute = (workflow: keyof typeof workflows, args: unknown[]): Promise<unknown> =>
  client.workflow.execute(workflow, { taskQueue: 'oversized', workflowId: `${workflow}-${counter++}`, args });
let counter = 0;

/** The innermost failure of a workflow. */
async function failureOf(workflow: keyof typeof workflows, args: unknown[]): Promise<Error> {
  try {
    await execute(workflow, args);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    let cause: Error = error;
    while (cause.cause instanceof Error) cause = cause.cause;
    return cause;
  }
  throw new Error(`${workflow} did not fail`);
}

/** The server answers a moment after its start. */
async function connected(address: string): Promise<Client> {
  for (let tries = 0; ; tries++) {
    try {
      const candidate = await connectTemporal({ address, namespace: 'default' });
      await candidate.workflow.list({ pageSize: 1 })[Symbol.asyncIterator]().next();
      return candidate;
    } catch (error) {
      if (tries > 100) throw error;
      await delay(200);
    }
  }
}
