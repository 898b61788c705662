// Proves on a daemon of its own: one that is killed and started again ends no supervision, and no trainer without a word.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mapExit, supervise } from '../../src/executor';
import { isAlive, statOf } from '../../src/executor/proc';
import { dockerForTests } from '../docker/engine';
import { Home } from './containers';
import { readText, stepsOf, until, upTo } from './helpers';
import { OwnEngine } from '../docker/ownEngine';

let daemon: OwnEngine;
let home: Home;

beforeAll(async () => {
  const { host, base } = await dockerForTests();
  daemon = await OwnEngine.start({ from: host, image: base });
  home = new Home(daemon.host, base);
}, 300_000);
afterAll(async () => {
  await home.end();
  await daemon.stop();
});

const atStep = (dir: string, step: number) =>
  until(
    `step ${step}`,
    () => existsSync(join(dir, 'out', 'events.jsonl')) && readText(dir, 'out', 'events.jsonl').includes(`"step": ${step},`),
  );

async function restart(liveRestore: boolean): Promise<void> {
  await daemon.kill();
  await daemon.up({ liveRestore });
}

test.each([true, false])(
  'with live restore %s a trainer is followed while the daemon is away, what is waited for is said, and its end is known',
  async (liveRestore) => {
    await restart(liveRestore);
    const trainer = home.start(home.newRunDir(), 1, { steps: 1000, msPerStep: 10 });
    await home.executor.start(trainer);
    const said: string[] = [];
    const steps: number[] = [];
    const ending = supervise({
      executor: home.executor,
      dir: trainer.dir,
      pollMs: 50,
      onMessage: (text) => said.push(text),
      onProgress: ({ step }) => steps.push(step ?? 0),
    });
    await atStep(trainer.dir, 20);
    await daemon.kill();
    await until('the message', () => said.some((text) => /the Docker daemon at .* does not answer \(.*\); waiting/.test(text)));
    const before = steps.at(-1) ?? 0;
    await until('steps without a daemon', () => (steps.at(-1) ?? 0) > before + 20);
    // Its process can be seen, so that a new worker adopts it although no daemon answers.
    expect(await home.executor.find(trainer.dir)).toMatchObject({ state: 'running' });
    expect(await home.executor.list(join(trainer.dir, '..', '..', '..', '..'))).toMatchObject([{ epoch: 1, leaseId: 'lease-1' }]);
    await daemon.up({ liveRestore });
    const { exit } = await ending;
    if (!exit) throw new Error('expected an end');
    expect(said.at(-1)).toBe('');
    // Without live restore the engine stops what it finds: the trainer yields with a checkpoint.
    expect(exit).toMatchObject(liveRestore ? { code: 0, outside: null } : { code: 75, outside: null });
    expect(mapExit(exit, '')?.type ?? null).toBe(liveRestore ? null : 'Preempted');
    const written = stepsOf(readText(trainer.dir, 'out', 'events.jsonl'));
    expect(written).toEqual(upTo(written.length));
  },
);

test('a trainer that was killed with its daemon, as by the host, was ended from outside', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 100_000 });
  await home.executor.start(trainer);
  await atStep(trainer.dir, 5);
  const found = await home.executor.find(trainer.dir);
  if (found.state !== 'running') throw new Error('expected a running trainer');
  const ending = supervise({ executor: home.executor, dir: trainer.dir, pollMs: 50 });
  await daemon.kill();
  // The shim first, so that nobody is left who could note the end.
  for (const pid of [statOf(found.identity.pid)?.parent ?? 0, found.identity.pid]) process.kill(pid, 'SIGKILL');
  await daemon.up({ liveRestore: true });
  const { exit } = await ending;
  expect(mapExit(exit ?? fail(), '')).toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringContaining('no fault of its own'),
  });
});

function fail(): never {
  throw new Error('expected an end');
}

test('a trainer is stopped with a checkpoint also while no daemon answers', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 100_000 });
  await home.executor.start(trainer);
  await atStep(trainer.dir, 5);
  const found = await home.executor.find(trainer.dir);
  await daemon.kill();
  await home.executor.stop(trainer.dir, { graceSeconds: 10 });
  expect(found.state === 'running' && isAlive(found.identity)).toBe(false);
  await daemon.up({ liveRestore: true });
  expect(await home.executor.find(trainer.dir)).toMatchObject({ state: 'exited', exit: { code: 75, outside: null } });
});

test('a start waits for the daemon that is coming back', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 5 });
  await daemon.kill();
  const said: string[] = [];
  const starting = home.executor.start({ ...trainer, onMessage: (text) => said.push(text) });
  await until('the message', () => said.length > 0);
  await Promise.all([daemon.up({ liveRestore: false }), starting]);
  expect(said[0]).toMatch(/does not answer/);
  expect(await supervise({ executor: home.executor, dir: trainer.dir, pollMs: 50 })).toMatchObject({ exit: { code: 0 }, step: 5 });
});
