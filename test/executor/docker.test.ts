// Proves on a real engine: one container for one run, whoever dies or comes late, and every end told apart.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import {
  copyContainerLogs,
  createDockerExecutor,
  listContainers,
  mapExit,
  mergeEvents,
  reapContainers,
  supervise,
  type TrainerStart,
} from '../../src/executor';
import { containerName, placeOf } from '../../src/executor/docker/names';
import { isAlive, statOf } from '../../src/executor/proc';
import { dockerForTests } from '../docker/engine';
import { Home } from './containers';
import { readText, stepsOf, supervisor, until, upTo } from './helpers';

let home: Home;

beforeAll(async () => {
  const { host, base } = await dockerForTests();
  process.env.DOCKER_HOST = host;
  home = new Home(host, base);
}, 300_000);
afterAll(() => home.end());

const follow = (dir: string, more: Partial<Parameters<typeof supervise>[0]> = {}) =>
  supervise({ executor: home.executor, dir, pollMs: 20, ...more });

async function toEnd(trainer: TrainerStart) {
  await home.executor.start(trainer);
  const { exit, ...rest } = await follow(trainer.dir);
  if (!exit) throw new Error('expected an end');
  return { ...rest, exit, error: mapExit(exit, await home.executor.logTail(trainer.dir, 20)) };
}

async function running(dir: string) {
  const found = await home.executor.find(dir);
  if (found.state !== 'running') throw new Error(`expected a running trainer, got ${found.state}`);
  return found.identity;
}

const atStep = (dir: string, step: number) =>
  until(
    `step ${step}`,
    () => existsSync(join(dir, 'out', 'events.jsonl')) && readText(dir, 'out', 'events.jsonl').includes(`"step": ${step},`),
  );

const nameOf = (dir: string): string => containerName(home.instance, placeOf(dir));

test('its log can be copied while it runs, and followed to its end; afterwards its files have it', async () => {
  const command = ['sh', '-c', 'echo all is well; exec python3 trainer.py'];
  const trainer = { ...home.start(home.newRunDir(), 1, { steps: 100, msPerStep: 20 }), command };
  await home.executor.start(trainer);
  await atStep(trainer.dir, 5);
  const [now, followed] = [new PassThrough(), new PassThrough()];
  expect(await copyContainerLogs(trainer.dir, now, { follow: false })).toBe(true);
  expect(String(now.read())).toContain('all is well');
  const following = copyContainerLogs(trainer.dir, followed, { follow: true });
  await follow(trainer.dir);
  expect(await following).toBe(true);
  expect(String(followed.read())).toContain('all is well');
  expect(await copyContainerLogs(trainer.dir, now, { follow: true })).toBe(false);
});

test('a container is followed to its end: every step, each checkpoint once and in order, its memory, its last words', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 300, checkpointEvery: 100, msPerStep: 10, megabytes: 50 });
  await home.executor.start(trainer);
  const seen: number[] = [];
  const ended = await follow(trainer.dir, {
    onCheckpoint: async (step, dir) => {
      seen.push(step);
      expect(JSON.parse(readText(dir, 'state.json')).step).toBe(step);
    },
  });
  expect(ended).toMatchObject({ reason: 'exited', exit: { code: 0, outside: null, outOfMemory: false }, step: 300, events: 300 });
  expect(seen).toEqual([100, 200, 300]);
  expect(ended.peakMemoryBytes).toBeGreaterThan(20 * 2 ** 20);
  expect(ended.peakMemoryBytes).toBeLessThan(256 * 2 ** 20);
  expect(await home.executor.logTail(trainer.dir, 1)).toMatch(/the last line\n$/);
  expect((await home.containers()).map(({ State }) => State)).toContain('exited');
});

test('a container whose supervisor is killed goes on and is adopted, no step lost or doubled', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 400, msPerStep: 5 });
  const first = await supervisor({ ...trainer, instance: home.instance } as TrainerStart, 'container');
  first.go();
  await atStep(trainer.dir, 30);
  const before = await running(trainer.dir);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  expect(await running(trainer.dir)).toMatchObject({ pid: before.pid });
  expect(await follow(trainer.dir)).toMatchObject({ reason: 'exited', exit: { code: 0 }, step: 400, events: 400 });
  expect(stepsOf(readText(trainer.dir, 'out', 'events.jsonl'))).toEqual(upTo(400));
});

test('of two supervisors that race for one epoch exactly one starts it', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 5 });
  const own = { ...trainer, instance: home.instance } as TrainerStart;
  const both = await Promise.all([supervisor(own, 'left'), supervisor(own, 'right')]);
  for (const { go } of both) go();
  await Promise.all(both.map(({ child }) => once(child, 'exit')));
  const said = both.flatMap((one) => one.said);
  expect(said.filter((line) => line.started)).toHaveLength(1);
  expect(said.filter((line) => line.refused)).toEqual([{ refused: 'ExecutorUnavailable', reason: 'already-started' }]);
  expect(stepsOf(readText(trainer.dir, 'out', 'events.jsonl'))).toEqual(upTo(5));
});

test('a container that was made and never started, because its starter died, is started by the next', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 5 });
  await home.docker.createContainer({ Image: trainer.container?.image.id ?? '', Entrypoint: ['false'], name: nameOf(trainer.dir) });
  expect(await home.executor.find(trainer.dir)).toEqual({ state: 'absent' });
  expect(await toEnd(trainer)).toMatchObject({ exit: { code: 0 }, step: 5 });
});

test('starting a newer epoch first kills and removes the older, whose end is noted', async () => {
  const runDir = home.newRunDir();
  const old = home.start(runDir, 1, { steps: 100_000, deaf: true });
  await home.executor.start(old);
  await atStep(old.dir, 1);
  const identity = await running(old.dir);
  await home.executor.start(home.start(runDir, 2, { steps: 100_000 }));
  expect(isAlive(identity)).toBe(false);
  expect(await home.executor.find(old.dir)).toMatchObject({
    state: 'exited',
    exit: { signal: 'SIGKILL', outOfMemory: false, outside: null },
  });
  await expect(home.docker.getContainer(nameOf(old.dir)).inspect()).rejects.toMatchObject({ statusCode: 404 });
  await running(join(runDir, 'epoch-2'));
  await home.executor.stopRun(runDir, { graceSeconds: 0 });
});

test('an older epoch is refused once a newer has begun, also when the newer is gone, and leaves no container', async () => {
  const runDir = home.newRunDir();
  await home.executor.start(home.start(runDir, 2, { steps: 100_000 }));
  const late = home.start(runDir, 1);
  await expect(home.executor.start(late)).rejects.toMatchObject({ type: 'Preempted', details: { reason: 'superseded' } });
  await running(join(runDir, 'epoch-2'));
  const found = await home.executor.find(late.dir);
  expect(found.state === 'exited' && mapExit(found.exit, '')?.type).toBe('Preempted');
  await home.executor.stopRun(runDir, { graceSeconds: 0 });
  await expect(home.executor.start(home.start(runDir, 1))).rejects.toMatchObject({ type: 'Preempted' });
  expect((await home.containers()).filter(({ Names }) => Names.some((name) => name.includes(`-s${placeOf(late.dir).key.seed}-`)))).toEqual(
    [],
  );
});

test('a starter who is overtaken between making and starting its container finds it removed, and gives way', async () => {
  const runDir = home.newRunDir();
  const overtaken = home.start(runDir, 1);
  const { docker, instance } = home;
  const slow = createDockerExecutor({
    instance,
    docker: overtake(async () => home.executor.start(home.start(runDir, 2, { steps: 100_000 }))),
  });
  await expect(slow.start(overtaken)).rejects.toMatchObject({ type: 'Preempted', details: { reason: 'superseded' } });
  expect(existsSync(join(overtaken.dir, 'out', 'events.jsonl'))).toBe(false);
  await running(join(runDir, 'epoch-2'));
  await home.executor.stopRun(runDir, { graceSeconds: 0 });

  /** The same engine; what is given happens once, just before the first start. */
  function overtake(first: () => Promise<void>): typeof docker {
    const seen = new Proxy(docker, {
      get(target, name) {
        if (name !== 'getContainer') return Reflect.get(target, name, target);
        return (id: string) => {
          const container = target.getContainer(id);
          const { start } = container;
          container.start = (async (options: object) => {
            await first();
            return start.call(container, options);
          }) as typeof start;
          return container;
        };
      },
    });
    return seen;
  }
});

test('a stopped container writes a last checkpoint and exits with 75', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 100_000 });
  await home.executor.start(trainer);
  await atStep(trainer.dir, 20);
  const stop = new AbortController();
  const seen: number[] = [];
  const ending = follow(trainer.dir, { signal: stop.signal, onCheckpoint: async (step) => void seen.push(step), graceSeconds: 20 });
  stop.abort('stop');
  const ended = await ending;
  expect(ended).toMatchObject({ reason: 'stopped', exit: { code: 75 } });
  expect(seen).toEqual([ended.step]);
});

test('a container that ignores SIGTERM is killed when its grace is over, and that is not from outside', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 100_000, deaf: true });
  await home.executor.start(trainer);
  await atStep(trainer.dir, 1);
  const { pid } = await running(trainer.dir);
  await home.executor.stop(trainer.dir, { graceSeconds: 1 });
  expect(statOf(pid)).toBeNull();
  const found = await home.executor.find(trainer.dir);
  expect(found).toMatchObject({ state: 'exited', exit: { code: null, signal: 'SIGKILL', outside: null } });
});

test('detaching leaves the container to the next supervisor', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 100_000 });
  await home.executor.start(trainer);
  expect(await follow(trainer.dir, { signal: AbortSignal.abort(), onAbort: () => 'detach' })).toMatchObject({ reason: 'detached' });
  await running(trainer.dir);
  await home.executor.stop(trainer.dir, { graceSeconds: 0 });
});

test('a resumed run joins the events of both epochs without a gap and ends as an uninterrupted one', async () => {
  const runDir = home.newRunDir();
  const first = home.start(runDir, 1, { steps: 200, checkpointEvery: 20, msPerStep: 5 });
  await home.executor.start(first);
  await atStep(first.dir, 70);
  await home.docker.getContainer(nameOf(first.dir)).kill();
  const crash = await follow(first.dir);
  expect(mapExit(crash.exit ?? (await never()), '')).toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringContaining('from outside'),
  });
  const second = home.start(runDir, 2, { steps: 200 }, { resume: join(first.dir, 'checkpoints', 'step-60') });
  expect(await toEnd(second)).toMatchObject({ exit: { code: 0 } });
  const whole = home.start(home.newRunDir(), 1, { steps: 200, msPerStep: 0 }, {}, { seed: second.runFile.seed });
  await toEnd(whole);
  const events = [first, second].map(({ dir }) => readFileSync(join(dir, 'out', 'events.jsonl')));
  expect(stepsOf(mergeEvents(events[0] ?? null, events[1] ?? (await never()), 60).toString())).toEqual(upTo(200));
  expect(readText(second.dir, 'out', 'final.json')).toBe(readText(whole.dir, 'out', 'final.json'));
});

const never = async (): Promise<never> => {
  throw new Error('expected an end');
};

test.each([
  ['says its parameters are wrong', { exitCode: 78, steps: 1 }, 'TrainerRejected', /exit code 78/],
  ['runs out of device memory', { exitCode: 86, steps: 1 }, 'OutOfMemory', /device is out of memory/],
  ['crashes', { exitCode: 9, steps: 1 }, 'TrainerCrashed', /exit code 9[^]*the last line/],
  ['ends with the code that engines write for an end unseen', { exitCode: 255, steps: 1 }, 'TrainerCrashed', /exit code 255/],
  ['kills itself', { do: 'killed' }, 'ExecutorUnavailable', /SIGKILL \(exit code 137\), not by its memory limit[^]*about to be killed/],
  ['has a segmentation fault', { do: 'fault' }, 'TrainerCrashed', /segmentation fault/],
])('a container that %s is told apart', async (_, params, type, message) => {
  const { error } = await toEnd(home.start(home.newRunDir(), 1, params));
  expect(error).toMatchObject({ type, message: expect.stringMatching(message) });
});

test.each([
  ['itself', 'grab'],
  ['in a child', 'grab_in_child'],
])('a container that needs %s more than 64 MiB is out of memory, by that limit', async (_, how) => {
  const { error, exit } = await toEnd(home.start(home.newRunDir(), 1, { do: how }, { memoryBytes: 64 * 2 ** 20 }));
  expect(exit).toMatchObject({ outOfMemory: true, outside: null });
  expect(error).toMatchObject({ type: 'OutOfMemory', message: expect.stringContaining('memory limit of 64 MiB') });
});

test.each([
  ['that is not there', ['no-such-program'], /command not found/],
  ['that is no program', ['/assay/data/rows.csv'], /not executable/],
])('a command %s is a failure that trying again would not mend', async (_, command, message) => {
  const { error } = await toEnd({ ...home.start(home.newRunDir(), 1), command });
  expect(error).toMatchObject({ type: 'TrainerFailed', message: expect.stringMatching(message) });
});

test.each([
  ['an image that is not here', { image: { reference: 'x', repoDigest: null, id: `sha256:${'1'.repeat(64)}` } }, /is not on this host/],
  [
    'a GPU where the engine has none to give',
    { devices: [{ uuid: 'GPU-00000000-0000-0000-0000-000000000000', memoryBytes: null, sharing: 'whole' as const }] },
    /cannot give a container a GPU .*install the NVIDIA container toolkit/,
  ],
  ['a folder that is not there', { mounts: { data: '/no/such/data', code: null, resume: null, model: null } }, /\/no\/such\/data/],
])('a start with %s is an error that names it, and leaves no container', async (_, settings, message) => {
  const trainer = home.start(home.newRunDir(), 1, {}, settings);
  await expect(home.executor.start(trainer)).rejects.toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringMatching(message),
  });
  await expect(home.docker.getContainer(nameOf(trainer.dir)).inspect()).rejects.toMatchObject({ statusCode: 404 });
});

test('a container that somebody removed while it trained is gone, and no fault of the trainer', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 100_000 });
  await home.executor.start(trainer);
  const ending = follow(trainer.dir);
  await atStep(trainer.dir, 5);
  await home.docker.getContainer(nameOf(trainer.dir)).remove({ force: true });
  const { exit } = await ending;
  expect(mapExit(exit ?? (await never()), '')).toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringContaining('no fault of its own'),
  });
  expect(['lost', 'exited']).toContain((await home.executor.find(trainer.dir)).state);
});

test('living runs are listed with their leases, orphans by the home, and another home is never touched', async () => {
  const [own, other] = [home.newRunDir(), home.newRunDir()];
  const stranger = createDockerExecutor({ instance: `${home.instance}-stranger`, docker: home.docker });
  await home.executor.start(home.start(own, 3, { steps: 100_000 }));
  try {
    await stranger.start(home.start(own, 9, { steps: 100_000 }));
    expect(await home.executor.list(home.folder)).toEqual([{ key: placeOf(join(own, 'epoch-3')).key, epoch: 3, leaseId: 'lease-1' }]);
    expect(await stranger.list(home.folder)).toEqual([{ key: placeOf(join(own, 'epoch-9')).key, epoch: 9, leaseId: 'lease-1' }]);
    await running(join(own, 'epoch-3'));
    await stranger.stopRun(own, { graceSeconds: 0 });
    await running(join(own, 'epoch-3'));
  } finally {
    await stranger.stopRun(own, { graceSeconds: 0 });
  }
  const found = (await listContainers({ home: home.instance })).filter(({ epoch, state }) => epoch === 3 && state === 'running');
  expect(found).toEqual([expect.objectContaining({ leaseId: 'lease-1', home: home.instance, mode: 'train' })]);
  await reapContainers(found.map(({ id }) => id));
  expect(await home.executor.list(home.folder)).toEqual([]);
  await home.executor.stopRun(other, { graceSeconds: 0 });
});

test('supervising a container of 100 steps a second costs under 2 % of a core', async () => {
  const trainer = home.start(home.newRunDir(), 1, { steps: 400, msPerStep: 9 });
  await home.executor.start(trainer);
  const [cpu, clock] = [process.cpuUsage(), Date.now()];
  await supervise({ executor: home.executor, dir: trainer.dir });
  const used = process.cpuUsage(cpu);
  expect((used.user + used.system) / 1000 / (Date.now() - clock)).toBeLessThan(0.02);
});
