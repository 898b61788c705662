// Proves: trainers end within the terms of their leases when nobody renews them, whatever died, and only then.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { endOfTerm, guardFinding, guardStop, guardTrainers } from '../../src/activities/guard';
import { type GuardFile, bootTime, readGuardFile, requireTerm, writeGuardFile } from '../../src/activities/guardFile';
import { hostFiles } from '../../src/activities/hostFiles';
import { leaseTerms } from '../../src/contract';
import { createProcessExecutor } from '../../src/executor';
import { startGuard } from '../../workers/startGuard';
import { until } from '../stack/helpers';
import { keyOf, leaseOf, newHome, removeHomes } from './helpers';

const executor = createProcessExecutor();
const stateOf = async (dir: string): Promise<string> => (await executor.find(dir)).state;
const steps = (dir: string): number => readFileSync(join(dir, 'out', 'events.jsonl'), 'utf8').split('\n').length;

afterEach(removeHomes);

test('a trainer whose host was not renewed for a term writes a checkpoint and ends, with the reason beside it', async () => {
  const { home, dir, trainer, renewed, guard } = newHome();
  await executor.start(trainer('cnn'));
  await until('steps', () => existsSync(join(dir('cnn'), 'out', 'events.jsonl')) && steps(dir('cnn')) > 3);
  renewed(leaseTerms.term - 4, ['cnn']);
  guard();
  await until('the end', async () => (await stateOf(dir('cnn'))) === 'exited');
  expect(await executor.ended(dir('cnn'))).toMatchObject({ code: 75, signal: null });
  expect(readdirSync(join(dir('cnn'), 'checkpoints'))).toEqual([expect.stringMatching(/^step-\d+$/)]);
  const said = /^the host guard stopped the trainer: its lease was not renewed for (\d+) s$/.exec(guardFinding(dir('cnn'))?.reason ?? '');
  expect(Number(said?.[1])).toBeGreaterThanOrEqual(leaseTerms.term);
  expect(Number(said?.[1])).toBeLessThan(leaseTerms.term + 4);
  expect(guardStop(dir('cnn'))).toMatchObject({ type: 'HostLost', retryable: true });
  await until('the log', () => /stopped cnn seed 1, epoch 1, of exp/.test(readFileSync(hostFiles(home).guardLog, 'utf8')));
});

test('while the host is renewed, a named trainer goes on, and one that no report names ends after a term', async () => {
  const { home, dir, trainer, renewed } = newHome();
  await executor.start(trainer('named'));
  await executor.start(trainer('forgotten'));
  renewed(0, ['named']);
  const renewing = setInterval(() => renewed(0, ['named']), 500);
  const end = new AbortController();
  const term = 8;
  const began = bootTime().seconds;
  const guarding = guardTrainers({ home, executors: [executor], signal: end.signal, terms: { term, grace: leaseTerms.grace } });
  try {
    await until('the end of the forgotten one', async () => (await stateOf(dir('forgotten'))) === 'exited', 40_000);
    expect(bootTime().seconds - began).toBeGreaterThan(term);
    expect(await stateOf(dir('named'))).toBe('running');
    expect([guardFinding(dir('named')), guardStop(dir('named'))]).toEqual([null, null]);
  } finally {
    clearInterval(renewing);
    end.abort();
    await guarding;
  }
});

test('a trainer that ignores SIGTERM is killed before the pool may give its device away', async () => {
  const { dir, trainer, renewed, guard } = newHome();
  await executor.start(trainer('deaf', { deaf: true }));
  // Two seconds of the time for a checkpoint are left.
  renewed(leaseTerms.term + 0.8 * leaseTerms.grace - 2, ['deaf']);
  guard();
  await until('the end', async () => (await stateOf(dir('deaf'))) === 'exited');
  expect(await executor.ended(dir('deaf'))).toMatchObject({ code: null, signal: 'SIGKILL' });
});

test('the guard outlives a worker that is killed, and then does its work', async () => {
  const { home, dir, trainer, renewed, guardPid } = newHome();
  const { lease, request } = leaseOf('cnn');
  renewed(0, []);
  const args = [home, ...[lease, request, trainer('cnn')].map((value) => JSON.stringify(value))];
  const worker = spawn(process.execPath, [join(__dirname, 'fixtures', 'worker.cjs'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(worker.stdout, 'data');
  const pid = await until('the guard', guardPid);
  await kill(worker);
  renewed(0, ['cnn']);
  expect([guardPid(), await stateOf(dir('cnn'))]).toEqual([pid, 'running']);
  renewed(leaseTerms.term, ['cnn']);
  await until('the end', async () => (await stateOf(dir('cnn'))) === 'exited');
  expect(guardFinding(dir('cnn'))?.reason).toMatch(/its lease was not renewed/);
});

test('a guard that was killed is started again by the next report, and one that lives is left alone', async () => {
  const { home, guardPid } = newHome();
  const script = join(__dirname, 'fixtures', 'guard.cjs');
  startGuard({ home, script });
  const first = await until('the guard', guardPid);
  startGuard({ home, script });
  expect(guardPid()).toBe(first);
  process.kill(first, 'SIGKILL');
  await until('its death', () => guardPid() === null);
  startGuard({ home, script });
  expect(await until('the next guard', guardPid)).not.toBe(first);
});

test('a second guard of a home ends at once, and the guard of a removed home ends by itself', async () => {
  const { home, guard, guardPid } = newHome();
  const first = guard();
  await until('the guard', guardPid);
  const second = guard();
  expect(await once(second, 'exit')).toEqual([0, null]);
  expect(guardPid()).toBe(first.pid);
  const ended = once(first, 'exit');
  rmSync(home, { recursive: true });
  expect(await ended).toEqual([0, null]);
  expect(existsSync(home)).toBe(false);
});

test('a guard with nothing to guard ends when no worker renews for a while, but not before the last trainer', async () => {
  const { home, dir, trainer, renewed } = newHome();
  const { signal } = new AbortController();
  renewed(5, []);
  await guardTrainers({ home, executors: [executor], signal, idleSeconds: 1 });

  await executor.start(trainer('cnn'));
  renewed(leaseTerms.term - 3, ['cnn']);
  await guardTrainers({ home, executors: [executor], signal, idleSeconds: 1 });
  expect(await stateOf(dir('cnn'))).toBe('exited');
});

test('an engine that cannot be asked keeps no trainer of another alive', async () => {
  const { home, dir, trainer, renewed } = newHome();
  await executor.start(trainer('cnn'));
  renewed(leaseTerms.term, ['cnn']);
  const away = { ...executor, kind: 'docker' as const, list: () => Promise.reject(new Error('no daemon answers')) };
  const hanging = { ...executor, list: () => new Promise<never>(() => undefined) };
  const end = new AbortController();
  const guarding = guardTrainers({ home, executors: [away, hanging, executor], signal: end.signal });
  await until('the end', async () => (await stateOf(dir('cnn'))) === 'exited');
  end.abort();
  await guarding;
  const log = readFileSync(hostFiles(home).guardLog, 'utf8');
  expect(log.match(/docker executor: its trainers cannot be listed: no daemon answers/g)).toHaveLength(1);
});

test('the times of files, which follow the calendar, decide nothing', async () => {
  const { home, dir, trainer, renewed, guard } = newHome();
  await executor.start(trainer('cnn'));
  renewed(0, ['cnn']);
  utimesSync(hostFiles(home).guard, 0, 0);
  guard();
  await until('some looks of the guard', () => existsSync(join(dir('cnn'), 'out', 'events.jsonl')) && steps(dir('cnn')) > 600);
  expect(await stateOf(dir('cnn'))).toBe('running');
  renewed(leaseTerms.term, ['cnn']);
  utimesSync(hostFiles(home).guard, 4e9, 4e9);
  await until('the end', async () => (await stateOf(dir('cnn'))) === 'exited');
});

describe('the end of a term', () => {
  const now = { bootId: 'this', seconds: 1000 };
  const run = { key: keyOf('cnn'), leaseId: null };
  const container = { key: keyOf('cnn'), leaseId: 'lease-cnn' };
  const file = (renewedAt: number, changes: Partial<GuardFile> = {}): GuardFile => ({
    ...{ schema: 'assay.guard/1', session: 's', bootId: 'this', renewedAt },
    leases: [{ leaseId: 'lease-cnn', holder: leaseOf('cnn').lease.holder }],
    ...changes,
  });

  it('counts from the renewal that names the lease, by its id for a container and by its run for a process', () => {
    expect(endOfTerm(run, file(990), 900, now)).toBe(990 + leaseTerms.term);
    expect(endOfTerm(container, file(990), 900, now)).toBe(990 + leaseTerms.term);
    expect(endOfTerm({ ...container, leaseId: 'lease-before' }, file(990), 995, now)).toBe(990 + leaseTerms.term);
    expect(endOfTerm({ ...container, leaseId: 'lease-before' }, file(990), 900, now)).toBe(900 + leaseTerms.term);
  });

  it('counts from the first sight of a trainer that no renewal names, but never past the host’s own', () => {
    expect(endOfTerm(run, file(999, { leases: [] }), 980, now)).toBe(980 + leaseTerms.term);
    expect(endOfTerm(run, file(950, { leases: [] }), 980, now)).toBe(950 + leaseTerms.term);
  });

  it('takes no renewal of another boot for one, nor one that lies in the future', () => {
    for (const none of [file(999, { bootId: 'another' }), file(5000), null]) {
      expect(endOfTerm(run, none, 975, now)).toBe(975 + leaseTerms.term);
    }
  });
});

describe('the guard file', () => {
  it('keeps a host whose term is over from starting anything', () => {
    const { home, renewed } = newHome();
    expect(() => requireTerm(home)).not.toThrow();
    renewed(leaseTerms.term - 5, []);
    expect(() => requireTerm(home)).not.toThrow();
    renewed(leaseTerms.term + 1, []);
    expect(() => requireTerm(home)).toThrow(/reached the pool for \d+ s, so its leases are over after \d+ s: nothing is started/);
    renewed(leaseTerms.term + 1, [], 'another boot');
    expect(() => requireTerm(home)).not.toThrow();
  });

  it('is renewed in place where nothing new can be written, as on a full disk', () => {
    const { home } = newHome();
    const path = hostFiles(home).guard;
    const content = { session: 's', bootId: 'b', leases: [{ leaseId: 'l', holder: 'h' }] };
    writeGuardFile(path, { ...content, renewedAt: 10.25 });
    mkdirSync(`${path}.new`);
    writeGuardFile(path, { ...content, leases: [], renewedAt: 11.5 });
    expect(readGuardFile(path)).toEqual({ schema: 'assay.guard/1', session: 's', bootId: 'b', leases: [], renewedAt: 11.5 });
  });
});

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
