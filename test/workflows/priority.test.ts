// Proves, on real servers with and without Temporal's priority and fairness: the probe tells which of both a server has, by its behaviour.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import { probeOrder, ownerWeights, priorityOf, setOwnerWeight } from '../../src/client';
import { builds, order, pools } from '../../src/cli/doctorPools';
import { taskPriority } from '../../src/contract';
import { serverArguments, temporalBinary } from '../../src/stack';
import { openStore } from '../../src/store';
import { localServer } from '../temporal';

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
});

test('the embedded server keeps the order of priorities and lets teams take turns, exactly', async () => {
  await withServer(embeddedFlags(), async ({ client }) => {
    const began = performance.now();
    expect(await probeOrder(client)).toEqual({ priority: 'exact', fairness: 'exact' });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await running(client)).toEqual([]);
  });
});

test('a server that was started without the flags is told from one that has them', async () => {
  await withServer([], async ({ client, address }) => {
    const { fairness } = await probeOrder(client);
    expect(fairness).toBe('off');
    process.env.TEMPORAL_ADDRESS = address;
    try {
      expect(await order()).toMatchObject({
        ...{ ok: false, optional: true, detail: expect.stringContaining('turns between teams not kept') },
        mend: expect.stringContaining('matching.enableFairness=true'),
      });
      expect(await pools()).toMatchObject({ ok: false, detail: expect.stringContaining('no worker polls assay-control (workflows)') });
      expect(await builds()).toMatchObject({ ok: true, detail: expect.stringContaining('no versions') });
    } finally {
      delete process.env.TEMPORAL_ADDRESS;
    }
  });
});

test('a class of service is a priority, an owner is a team, and a team has the weight that it was given', async () => {
  expect(taskPriority({ qos: 'guaranteed' })).toEqual({ priorityKey: 1 });
  expect(taskPriority({ qos: 'standard', owner: 'vision' })).toEqual({ priorityKey: 3, fairnessKey: 'vision' });
  expect(taskPriority({ qos: 'besteffort', owner: null })).toEqual({ priorityKey: 5 });
  const long = taskPriority({ qos: 'standard', owner: 'ü'.repeat(60) }).fairnessKey as string;
  expect(Buffer.byteLength(long)).toBe(64);

  const dir = mkdtempSync(join(tmpdir(), 'assay-weights-'));
  try {
    const store = openStore(`file://${dir}`);
    await setOwnerWeight(store, { owner: 'vision', weight: 2 });
    await setOwnerWeight(store, { owner: 'speech', weight: 0.5 });
    const spec = { owner: 'vision', runtime: { qos: 'standard' } } as Parameters<typeof priorityOf>[1];
    expect(await priorityOf(store, spec)).toEqual({ priorityKey: 3, fairnessKey: 'vision', fairnessWeight: 2 });
    await setOwnerWeight(store, { owner: 'vision', weight: null });
    expect(await ownerWeights(store)).toEqual({ speech: 0.5 });
    expect(await priorityOf(store, spec)).toEqual({ priorityKey: 3, fairnessKey: 'vision' });
    for (const weight of [0, -1, 1001, Number.NaN])
      await expect(setOwnerWeight(store, { owner: 'vision', weight })).rejects.toMatchObject({ type: 'SpecInvalid' });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

/** Those of the embedded server that concern its queues. */
function embeddedFlags(): string[] {
  const args = serverArguments({ ports: { frontend: 0, ui: 0 }, database: '', namespace: 'default' });
  return args.flatMap((arg, i) => (arg.startsWith('matching.') ? [args[i - 1] as string, arg] : []));
}

async function withServer(extraArgs: string[], work: (env: TestWorkflowEnvironment) => Promise<void>): Promise<void> {
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  const env = await localServer({
    server: { executable: { type: 'existing-path', path }, extraArgs, log: { level: 'error', format: 'pretty' } },
  });
  try {
    await work(env);
  } finally {
    await env.teardown();
  }
}

async function running(client: TestWorkflowEnvironment['client']): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: "ExecutionStatus = 'Running'" })) found.push(workflowId);
  return found;
}
