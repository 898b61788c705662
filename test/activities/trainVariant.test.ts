// Proves, on real trainers: an attempt that is superseded leaves its trainer, its lease and its checkpoints to the next and starts nothing
// itself; only what is over gives the lease back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { GpuDeps } from '../../src/activities/host';
import { LeaseBook } from '../../src/activities/leases';
import { createTrainVariant } from '../../src/activities/trainVariant';
import { type CheckpointRecord, type TrainInput, noRemedy, refNames } from '../../src/contract';
import { createDockerExecutor, createProcessExecutor, resolveImage } from '../../src/executor';
import { openGpus } from '../../src/gpu';
import { csv, room, rows } from '../data/helpers';
import { stepsOf } from '../executor/helpers';
import { leaseOf } from '../guard/helpers';
import { removeTemporaryFolders } from '../store/helpers';

const executor = createProcessExecutor();
const key = { experimentId: 'exp', variant: 'a', seed: 1 };
const stops: string[] = [];

afterEach(async () => {
  for (const dir of stops.splice(0)) await executor.stopRun(dir, { graceSeconds: 0 });
  removeTemporaryFolders();
});

test('an attempt that the server gave up leaves its trainer to the next, which never puts an older checkpoint in place of a newer', async () => {
  const here = await host({ keepCheckpoints: 1 });
  const first = here.attempt();
  await until(async () => (await here.newest()) >= 40);
  first.superseded();
  await expect(first.ended).rejects.toThrow('left to the next supervisor');
  expect(here.leases()).toEqual(['lease-a']);

  const before = await here.newest();
  const second = here.attempt();
  const seen = new Set<number>();
  await until(async () => {
    const step = await here.newest();
    seen.add(step);
    return step >= before + 40;
  });
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(before);
  // The trainer that was adopted has not started again.
  expect(await here.starts()).toEqual([{ epoch: 1, step: 0, seconds: 0, remedy: 0 }]);
  second.cancelled();
  await expect(second.ended).rejects.toThrow('stopped on request');
  expect(await here.found()).toMatchObject({ state: 'exited', exit: { code: 75 } });
  expect(here.leases()).toEqual([]);
}, 60_000);

test('an attempt that was superseded before its trainer ran starts none, and leaves the lease to the next', async () => {
  const here = await host({});
  const late = here.attempt();
  late.superseded();
  await expect(late.ended).rejects.toThrow('left to the next supervisor');
  expect(await here.found()).toEqual({ state: 'absent' });
  expect(here.leases()).toEqual(['lease-a']);
}, 60_000);

test('an attempt of an epoch that is over meanwhile starts nothing', async () => {
  const here = await host({});
  await here.store.refs.set(refNames.checkpoints('exp', 'a', 1), { schema: 'assay.checkpoints/1', epoch: 2, checkpoints: [] }, null);
  await expect(here.attempt().ended).rejects.toMatchObject({ type: 'Preempted' });
  expect(await here.found()).toEqual({ state: 'absent' });
  expect(here.leases()).toEqual([]);
}, 60_000);

test('two attempts at once have one trainer, and the lease stays when the late one goes', async () => {
  const here = await host({});
  const [late, successor] = [here.attempt(), here.attempt()];
  await until(async () => (await here.newest()) >= 40);
  late.superseded();
  await expect(late.ended).rejects.toThrow('left to the next supervisor');
  expect(here.leases()).toEqual(['lease-a']);
  const before = await here.newest();
  await until(async () => (await here.newest()) > before);
  successor.cancelled();
  await expect(successor.ended).rejects.toThrow('stopped on request');
  expect(await here.steps()).toEqual(Array.from({ length: (await here.steps()).length }, (_, i) => i + 1));
  expect(here.leases()).toEqual([]);
}, 60_000);

/** A host with a store, a snapshot and a trainer that goes on for ever, with a checkpoint every twenty steps. */
async function host(more: { keepCheckpoints?: number }) {
  const at = room();
  at.write('data.csv', csv(rows(0, 200)));
  const home = join(at.root, 'home');
  const trainer = join(__dirname, '..', 'executor', 'fixtures', 'trainer.mjs');
  const params = { steps: 1_000_000, msPerStep: 5, checkpointEvery: 20 };
  const training = { command: [process.execPath, trainer], params, ...more };
  const { ref: snapshot } = await at.snapshot({}, { training });
  const spec = await at.store.putJson(at.spec({}, { training }));
  const book = new LeaseBook(home);
  const deps: GpuDeps = {
    ...{ store: at.store, host: 'host-a', home, python: null, runtimeDir: at.root, resolveImage, gpus: openGpus({}), book },
    executors: { process: executor, docker: createDockerExecutor({ instance: 'none' }) },
  };
  const input: TrainInput = {
    ...{ key, epoch: 1, spec, snapshot, mode: 'train', ...leaseOf('a'), image: null, code: null, remedy: noRemedy },
  };
  const dir = join(home, 'runs', 'exp', 'a', 'seed-1');
  stops.push(dir);
  return {
    store: at.store,
    attempt() {
      const env = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
      const ended = env.run(createTrainVariant(deps), input);
      ended.catch(() => undefined);
      return {
        ended,
        superseded: () => env.cancel('NOT_FOUND', new ActivityCancellationDetails({ notFound: true })),
        cancelled: () => env.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true })),
      };
    },
    async newest(): Promise<number> {
      const record = await at.store.refs.get<CheckpointRecord>(refNames.checkpoints('exp', 'a', 1));
      return record?.value.checkpoints.at(-1)?.step ?? 0;
    },
    async starts() {
      return (await at.store.refs.get<CheckpointRecord>(refNames.checkpoints('exp', 'a', 1)))?.value.starts;
    },
    found: () => executor.find(join(dir, 'epoch-1')),
    steps: async () => stepsOf(readFileSync(join(dir, 'epoch-1', 'out', 'events.jsonl'), 'utf8')),
    leases: () => book.held().map(({ lease }) => lease.leaseId),
  };
}

async function until(look: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(10)) if (await look()) return;
  throw new Error('waited 30 s in vain');
}
