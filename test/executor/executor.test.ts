// Proves on real processes: one writer for one run, whoever dies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logTail, mapExit, mergeEvents } from '../../src/executor';
import { isAlive, statOf } from '../../src/executor/proc';
import { findTrainer, listTrainers } from '../../src/executor/process/find';
import { startTrainer } from '../../src/executor/process/start';
import { reapOlder, stopTrainer } from '../../src/executor/process/stop';
import { cleanUp, newRunDir, readText, start, stepsOf, supervise, supervisor, until, upTo } from './helpers';

afterEach(cleanUp);

const alive = (pid: number): boolean => !['Z', 'X', undefined].includes(statOf(pid)?.state);

async function running(dir: string) {
  const found = await findTrainer(dir);
  if (found.state !== 'running') throw new Error(`expected a running trainer, got ${found.state}`);
  return found.identity;
}

const atStep = (dir: string, step: number) =>
  until(`step ${step}`, () => {
    try {
      return readText(dir, 'out', 'events.jsonl').includes(`"step":${step},`);
    } catch {
      return false;
    }
  });

test('a trainer is followed to its end: every step, each checkpoint once and in order, its memory', async () => {
  const trainer = start(newRunDir(), 1, { steps: 200, checkpointEvery: 50, megabytes: 100, msPerStep: 10 });
  const handle = await startTrainer(trainer);
  const seen: number[] = [];
  const progress: number[] = [];
  const ended = await supervise({
    dir: trainer.dir,
    onProgress: ({ step }) => progress.push(step ?? 0),
    onCheckpoint: async (step, dir) => {
      seen.push(step);
      expect(JSON.parse(readText(dir, 'state.json')).step).toBe(step);
    },
    pollMs: 20,
  });
  expect(handle.identity && handle.identity.pid).toBeGreaterThan(1);
  expect(ended).toMatchObject({ reason: 'exited', exit: { code: 0, signal: null, lost: false }, step: 200, events: 200, warnings: [] });
  expect(seen).toEqual([50, 100, 150, 200]);
  expect(progress.at(-1)).toBe(200);
  expect(progress.length).toBeLessThan(15);
  expect(ended.peakMemoryBytes).toBeGreaterThan(100e6);
  expect(ended.peakMemoryBytes).toBeLessThan(400e6);
  expect(mapExit(ended.exit ?? fail(), '')).toBeNull();
});

function fail(): never {
  throw new Error('expected an exit');
}

test('a trainer whose supervisor is killed goes on and is adopted, no step lost or doubled', async () => {
  const trainer = start(newRunDir(), 1, { steps: 400, msPerStep: 4 });
  const first = await supervisor(trainer, 'adopted');
  first.go();
  await atStep(trainer.dir, 50);
  const before = await running(trainer.dir);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  expect(await running(trainer.dir)).toEqual(before);
  const ended = await supervise({ dir: trainer.dir, pollMs: 20 });
  expect(ended).toMatchObject({ reason: 'exited', exit: { code: 0 }, step: 400, events: 400 });
  expect(stepsOf(readText(trainer.dir, 'out', 'events.jsonl'))).toEqual(upTo(400));
  expect(stepsOf(mergeEvents(null, readFileSync(join(trainer.dir, 'out', 'events.jsonl')), null).toString())).toEqual(upTo(400));
});

test('a stopped trainer writes a last checkpoint and exits with 75', async () => {
  const trainer = start(newRunDir(), 1, { steps: 100_000, checkpointEvery: 1_000_000 });
  await startTrainer(trainer);
  await atStep(trainer.dir, 20);
  const stop = new AbortController();
  const seen: number[] = [];
  const ending = supervise({ dir: trainer.dir, signal: stop.signal, onCheckpoint: async (step) => void seen.push(step), graceSeconds: 20 });
  stop.abort('stop');
  const ended = await ending;
  expect(ended).toMatchObject({ reason: 'stopped', exit: { code: 75 } });
  expect(seen).toEqual([ended.step]);
  expect(mapExit(ended.exit ?? fail(), '')?.type).toBe('Preempted');
});

test('a trainer that ignores SIGTERM is killed with its helpers when its grace is over', async () => {
  const trainer = start(newRunDir(), 1, { steps: 100_000, deaf: true, helper: 'own session' });
  await startTrainer(trainer);
  await atStep(trainer.dir, 1);
  const { pid } = await running(trainer.dir);
  const helper = Number(readText(trainer.dir, 'out', 'helper.pid'));
  const found = await stopTrainer(trainer.dir, { graceSeconds: 0.3 });
  expect(found).toMatchObject({ state: 'exited', exit: { code: null, signal: 'SIGKILL' } });
  expect([pid, helper].map(alive)).toEqual([false, false]);
});

test('detaching leaves the trainer to the next supervisor', async () => {
  const trainer = start(newRunDir(), 1, { steps: 100_000 });
  await startTrainer(trainer);
  const signal = AbortSignal.abort();
  expect(await supervise({ dir: trainer.dir, signal, onAbort: () => 'detach' })).toMatchObject({ reason: 'detached', exit: null });
  expect(isAlive(await running(trainer.dir))).toBe(true);
});

test('a trainer outlives its shim, and when it has ended without exit.json it counts as crashed', async () => {
  const trainer = start(newRunDir(), 1, { steps: 150, msPerStep: 5 });
  await startTrainer(trainer);
  await atStep(trainer.dir, 5);
  const { pid, shimPid } = await running(trainer.dir);
  process.kill(shimPid, 'SIGKILL');
  await until('the end of the shim', () => !alive(shimPid));
  expect(alive(pid)).toBe(true);
  const ended = await supervise({ dir: trainer.dir, pollMs: 20 });
  expect(ended).toMatchObject({ reason: 'exited', step: 150, exit: { lost: true, code: null } });
  expect(await findTrainer(trainer.dir)).toMatchObject({ state: 'lost' });
  expect(mapExit(ended.exit ?? fail(), '')?.type).toBe('TrainerCrashed');
});

test('a recycled process id, or one of an earlier boot, is never taken for the trainer', async () => {
  const trainer = start(newRunDir(), 1, { steps: 5 });
  await startTrainer(trainer);
  await supervise({ dir: trainer.dir, pollMs: 20 });
  rmSync(join(trainer.dir, 'exit.json'));
  const identity = JSON.parse(readText(trainer.dir, 'trainer.json'));
  const own = statOf(process.pid);
  for (const other of [{ pid: process.pid }, { pid: process.pid, startTime: own?.startTime, bootId: 'another' }]) {
    writeFileSync(join(trainer.dir, 'trainer.json'), JSON.stringify({ ...identity, ...other }));
    expect(await findTrainer(trainer.dir)).toMatchObject({ state: 'lost' });
    expect(await stopTrainer(trainer.dir, { graceSeconds: 1 })).toMatchObject({ state: 'lost' });
  }
});

test('of two supervisors that race for one epoch exactly one starts it', async () => {
  for (let round = 0; round < 3; round++) {
    const trainer = start(newRunDir(), 1, { steps: 5 });
    const both = await Promise.all([supervisor(trainer, `a${round}`), supervisor(trainer, `b${round}`)]);
    for (const { go } of both) go();
    await Promise.all(both.map(({ child }) => once(child, 'exit')));
    const said = both.flatMap(({ said }) => said);
    expect(said.filter((line) => line.started)).toHaveLength(1);
    expect(said.filter((line) => line.refused)).toEqual([{ refused: 'ExecutorUnavailable', reason: 'already-started' }]);
    expect(stepsOf(readText(trainer.dir, 'out', 'events.jsonl'))).toEqual(upTo(5));
  }
});

test('starting a newer epoch first kills what lives of the older, helpers included', async () => {
  const runDir = newRunDir();
  const old = start(runDir, 1, { steps: 100_000, deaf: true, helper: 'same session' });
  await startTrainer(old);
  await atStep(old.dir, 1);
  const { pid } = await running(old.dir);
  const helper = Number(readText(old.dir, 'out', 'helper.pid'));
  await startTrainer(start(runDir, 2, { steps: 100_000 }));
  expect([pid, helper].map(alive)).toEqual([false, false]);
  expect(await findTrainer(old.dir)).toMatchObject({ state: 'exited', exit: { signal: 'SIGKILL' } });
  await running(join(runDir, 'epoch-2'));
});

test('an older epoch is refused once a newer has begun, and the newer is left alone', async () => {
  const runDir = newRunDir();
  await startTrainer(start(runDir, 2, { steps: 100_000 }));
  await expect(startTrainer(start(runDir, 1))).rejects.toMatchObject({ type: 'Preempted', details: { reason: 'superseded' } });
  const found = await findTrainer(join(runDir, 'epoch-1'));
  expect(found.state === 'exited' && mapExit(found.exit, '')?.type).toBe('Preempted');
  await running(join(runDir, 'epoch-2'));
});

test('a shim that comes too late, after a newer epoch has begun and reaped, starts nothing', async () => {
  const runDir = newRunDir();
  const late = start(runDir, 1, { steps: 5 });
  await startTrainer(late);
  await supervise({ dir: late.dir, pollMs: 20 });
  for (const name of ['exit.json', 'trainer.json', 'out/events.jsonl']) rmSync(join(late.dir, name));
  await startTrainer(start(runDir, 2, { steps: 5 }));
  const shim = spawn(process.execPath, [join(__dirname, '..', '..', 'src', 'executor', 'process', 'shim.mjs'), late.dir], {
    stdio: 'ignore',
  });
  await once(shim, 'exit');
  expect(await findTrainer(late.dir)).toMatchObject({ state: 'exited', identity: null, exit: { error: 'superseded' } });
  expect(statSync(join(late.dir, 'out', 'events.jsonl'), { throwIfNoEntry: false })).toBeUndefined();
});

test('reaping finds an orphan of an older epoch that lost its shim and its records', async () => {
  const runDir = newRunDir();
  const old = start(runDir, 1, { steps: 100_000 });
  await startTrainer(old);
  const { pid, shimPid } = await running(old.dir);
  process.kill(shimPid, 'SIGKILL');
  rmSync(join(old.dir, 'trainer.json'));
  expect(await reapOlder(runDir, 2)).toBe(true);
  expect(alive(pid)).toBe(false);
  expect(await reapOlder(runDir, 2)).toBe(false);
});

test('a resumed run joins the events of both epochs without a gap', async () => {
  const runDir = newRunDir();
  const first = start(runDir, 1, { steps: 300, checkpointEvery: 20, msPerStep: 3 });
  await startTrainer(first);
  await atStep(first.dir, 70);
  process.kill((await running(first.dir)).pid, 'SIGKILL');
  const crash = await supervise({ dir: first.dir, pollMs: 20 });
  expect(mapExit(crash.exit ?? fail(), await logTail(first.dir, 20))).toMatchObject({ type: 'TrainerCrashed' });

  const second = start(runDir, 2, { steps: 300 }, { resume: join(first.dir, 'checkpoints', 'step-60') });
  await startTrainer(second);
  expect(await supervise({ dir: second.dir, pollMs: 20 })).toMatchObject({ exit: { code: 0 } });
  const whole = start(newRunDir(), 1, { steps: 300, msPerStep: 0 });
  await startTrainer(whole);
  await supervise({ dir: whole.dir, pollMs: 20 });
  const events = [first, second].map(({ dir }) => readFileSync(join(dir, 'out', 'events.jsonl')));
  expect(stepsOf(mergeEvents(events[0] ?? null, events[1] ?? fail(), 60).toString())).toEqual(upTo(300));
  expect(readText(second.dir, 'out', 'final.json')).toBe(readText(whole.dir, 'out', 'final.json'));
});

test('100 MB of log stay bounded and keep their last line', async () => {
  const trainer = start(newRunDir(), 1, { steps: 5, logMegabytes: 100 });
  await startTrainer({ ...trainer, limits: { logBytes: 4 * 2 ** 20 } });
  expect(await supervise({ dir: trainer.dir })).toMatchObject({ exit: { code: 0 } });
  const sizes = ['stdout.log', 'stdout.log.1'].map((name) => statSync(join(trainer.dir, name), { throwIfNoEntry: false })?.size ?? 0);
  expect(sizes[0]).toBeLessThanOrEqual(4 * 2 ** 20);
  expect(sizes[1]).toBeLessThanOrEqual(2 * 2 ** 20 + 100);
  expect((await logTail(trainer.dir, 3)).split('\n').at(-2)).toBe('the last line');
});

test('a trainer sees the environment it was given and none of our credentials', async () => {
  process.env.AWS_SECRET_ACCESS_KEY = 'not for trainers';
  process.env.TEMPORAL_API_KEY = 'not for trainers';
  try {
    const trainer = start(newRunDir(), 1);
    const env = { HELLO: 'there', OMP_NUM_THREADS: '3' };
    await startTrainer({ ...trainer, command: ['/usr/bin/env'], env, limits: { cpus: 2 } });
    await supervise({ dir: trainer.dir, pollMs: 20 });
    const lines = readText(trainer.dir, 'stdout.log').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining(['HELLO=there', 'OMP_NUM_THREADS=3', 'MKL_NUM_THREADS=2', `ASSAY_RUN=${join(trainer.dir, 'run.json')}`]),
    );
    expect(lines.filter((line) => /^(?:AWS_|TEMPORAL_|ASSAY_SHIM)/.test(line))).toEqual([]);
  } finally {
    delete process.env.AWS_SECRET_ACCESS_KEY;
    delete process.env.TEMPORAL_API_KEY;
  }
});

test('a command that is not there is an error that names it, and stays one for the next look', async () => {
  const trainer = { ...start(newRunDir(), 1), command: ['no-such-program'] };
  await expect(startTrainer(trainer)).rejects.toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringContaining('"no-such-program"'),
  });
  const found = await findTrainer(trainer.dir);
  expect(found.state === 'exited' && mapExit(found.exit, '')?.type).toBe('ExecutorUnavailable');
  await expect(startTrainer({ ...start(newRunDir(), 1), cwd: '/no/such/folder' })).rejects.toThrow('/no/such/folder does not exist');
});

test('a failure to store a checkpoint ends the supervision and leaves the trainer', async () => {
  const trainer = start(newRunDir(), 1, { steps: 100_000 });
  await startTrainer(trainer);
  const full = async (): Promise<void> => {
    throw new Error('disk full');
  };
  await expect(supervise({ dir: trainer.dir, onCheckpoint: full, pollMs: 20 })).rejects.toThrow('disk full');
  await running(trainer.dir);
});

test('event lines count when they are whole; broken ones are a warning; NaN is no breakage', async () => {
  const trainer = start(newRunDir(), 1);
  const script = `cd ${join(trainer.dir, 'out')}; printf '{"type":"step","step":1,"lo' >> events.jsonl; sleep 0.3; printf 'ss":NaN}\\nnot json\\n{"type":"step","step":2,"loss":0.5}\\n{"type":"st' >> events.jsonl`;
  await startTrainer({ ...trainer, command: ['/bin/sh', '-c', script] });
  const ended = await supervise({ dir: trainer.dir, pollMs: 20 });
  expect(ended).toMatchObject({ events: 2, step: 2 });
  expect(ended.warnings).toEqual([expect.stringContaining('1 line is not a JSON event and left out (first: line 2)')]);
});

test('the runs of this host with a living trainer are listed', async () => {
  const runDir = newRunDir();
  const runsDir = join(runDir, '..', '..', '..');
  mkdirSync(join(runsDir, 'exp', 'latency', 'try-1'), { recursive: true });
  expect(await listTrainers(runsDir)).toEqual([]);
  await startTrainer(start(runDir, 1, { steps: 100_000 }));
  expect(await listTrainers(runsDir)).toEqual([{ key: { experimentId: 'exp', variant: 'mlp', seed: 1 }, epoch: 1, leaseId: null }]);
  await stopTrainer(join(runDir, 'epoch-1'), { graceSeconds: 0 });
  expect(await listTrainers(runsDir)).toEqual([]);
});

test('supervising a trainer of 100 steps a second costs under 2 % of a core', async () => {
  const trainer = start(newRunDir(), 1, { steps: 300, msPerStep: 9 });
  await startTrainer(trainer);
  const [cpu, clock] = [process.cpuUsage(), Date.now()];
  await supervise({ dir: trainer.dir });
  const used = process.cpuUsage(cpu);
  expect((used.user + used.system) / 1000 / (Date.now() - clock)).toBeLessThan(0.02);
});
