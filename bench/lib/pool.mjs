// One place and many who wait for it: how long it lies idle between two of them.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { compiled } from './harness.mjs';

const require = createRequire(import.meta.url);
const { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } = require('@temporalio/worker');
const { ids, poolNames } = compiled('contract');
const holdMs = 200;

/** Idle times, ms, for a place leased by the pool of the running stack and for the slot of a plain worker, on the same server. */
export async function idleTimes({ client, address, count }) {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const workflowsPath = fileURLToPath(new URL('holders.cjs', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const connection = await NativeConnection.connect({ address });
  const gate = openable();
  const activities = {
    async hold(milliseconds, waits) {
      const from = Date.now();
      if (waits) await gate.opened;
      await sleep(milliseconds);
      return { from, to: Date.now() };
    },
  };
  const worker = await Worker.create({
    connection,
    taskQueue: 'bench',
    workflowBundle,
    activities,
    maxConcurrentActivityTaskExecutions: 1,
  });
  const running = worker.run();
  try {
    const slot = await inTurn({
      ...{ client, count, type: 'slotHolder', args: (first) => [holdMs, first] },
      held: async (first) => (await first.describe()).raw.pendingActivities?.[0]?.lastStartedTime != null,
      open: () => gate.open(),
    });
    const lease = await inTurn({
      ...{ client, count, type: 'leaseHolder', args: (first) => [wish, holdMs, first] },
      held: async (first) => (await poolState(client)).leases.some(({ lease: { holder } }) => holder === first.workflowId),
      open: (first) => first.signal('go'),
    });
    return { slot, lease };
  } finally {
    worker.shutdown();
    await running;
    await connection.close();
  }
}

/** Null before the first worker has started it. */
export async function poolState(client) {
  try {
    return await client.workflow.getHandle(ids.gpuPool).query(poolNames.state);
  } catch (error) {
    if (error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}

/** Asks until the answer is neither null nor false. */
export async function until(question, { seconds, everyMs = 100 }) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(everyMs)) {
    const answer = await question();
    if (answer !== null && answer !== false) return answer;
  }
  throw new Error(`not so within ${seconds} s: ${question}`);
}

const wish = {
  ...{ experimentId: 'bench', label: 'bench', owner: null, qos: 'standard', gpus: 0, gpuMemoryBytes: null, exclusiveHost: false },
  ...{ experimentGpus: null, avoid: { hosts: [], devices: [] } },
};

/** The first holds until all others wait; then each takes over from the one before. */
async function inTurn({ client, count, type, args, held, open }) {
  const start = (number) =>
    client.workflow.start(type, { workflowId: `bench/${type}/${number}`, taskQueue: 'bench', args: args(number === 0) });
  const first = await start(0);
  await until(() => held(first), { seconds: 60 });
  const others = [];
  for (let number = 1; number <= count; number++) others.push(await start(number));
  await open(first);
  const turns = await Promise.all([first, ...others].map((handle) => handle.result()));
  turns.sort((a, b) => a.from - b.from);
  return turns.slice(1).map(({ from }, i) => from - turns[i].to);
}

function openable() {
  let open;
  const opened = new Promise((done) => {
    open = done;
  });
  return { opened, open };
}
