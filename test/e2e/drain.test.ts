// Proves, with real workers: work in flight when a worker is told to end is neither lost nor done twice. A gpu worker leaves its trainers to
// its successor, an analysis worker hands back what it cannot finish in its grace, a second signal ends it at once, and a drained host has
// its runs go on elsewhere.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ids, type Result } from '../../src/contract';
import { type Desk, desk } from '../cli/assay';
import { Cluster, stepsOf, until } from './cluster';
import { writeTable } from './table';

const steps = 60;

let cluster: Cluster;
let at: Desk;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-drain-'));
  writeTable(join(folder, 'data.csv'));
  writeTable(join(folder, 'large.csv'), 0, 10_000);
  cpSync(join(__dirname, '..', 'workflows', 'trainer', 'train.py'), join(folder, 'train.py'));
  at = desk();
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2, env: { ASSAY_GRACE_SECONDS: '0' } });
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  at.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a gpu worker that is told to end leaves its trainers to its successor: the same processes, each step once', async () => {
  const id = await cluster.submit(spec('left', { pause: 0.15 }), folder);
  const before = await cluster.reaches(id, 'b', 1, 5);
  expect(await cluster.kill('host-a', 'SIGTERM')).toBe(0);
  expect(isAlive(before.pid)).toBe(true);
  cluster.startWorker('gpu', 'host-a', 2);
  const { result } = await cluster.result(id);
  await expectOnce(result);
  expect(result.variants.flatMap(({ runs }) => runs.map(({ attempts, resumedFromStep }) => [attempts, resumedFromStep]))).toEqual([
    [1, null],
    [1, null],
  ]);
}, 120_000);

test('a drained host has its runs checkpoint and go on elsewhere, and says when it can be shut down', async () => {
  const id = await cluster.submit(spec('moved', { pause: 0.6 }), folder);
  for (const variant of ['a', 'b']) await cluster.reaches(id, variant, 1, 5);
  cluster.startWorker('gpu', 'host-b', 2);
  await until(async () => (await cluster.pool()).hosts.length === 2, 30_000);
  const drained = await assay('pools', 'drain', 'host-a', '--yield', '--wait', '--timeout', '60');
  expect(drained).toMatchObject({ code: 0, out: 'host-a is drained and nothing runs there: it can be shut down\n' });
  expect(await cluster.kill('host-a', 'SIGTERM')).toBe(0);
  const { result } = await cluster.result(id);
  await expectOnce(result);
  for (const { runs } of result.variants)
    for (const run of runs) expect(run).toMatchObject({ host: 'host-b', failures: { crash: 0, infrastructure: 0, preemption: 1 } });
  cluster.startWorker('gpu', 'host-a', 2);
  expect((await assay('pools', 'undrain', 'host-a')).out).toContain('takes new leases again');
  expect(await assay('pools', 'drain', 'nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('host-a, host-b') });
}, 180_000);

test('an analysis worker hands back what outlasts its grace, and another begins it at once; a second signal ends a worker at once', async () => {
  // Of seconds, whatever else this machine does.
  const id = await cluster.submit(spec('long', { resamples: 1_000_000, source: 'large.csv' }), folder);
  await analysing(id, 1);
  cluster.startWorker('analysis', 'analysis-2');
  const told = Date.now();
  expect(await cluster.kill('analysis', 'SIGTERM')).toBe(0);
  await analysing(id, 2);
  // Without it the heartbeat timeout of a minute would pass first.
  expect(Date.now() - told).toBeLessThan(30_000);

  cluster.startWorker('analysis', 'analysis-3', 1, { env: { ASSAY_GRACE_SECONDS: '600' } });
  await cluster.kill('analysis-2', 'SIGTERM');
  await analysing(id, 3);
  const pid = cluster.pid('analysis-3');
  const gone = cluster.kill('analysis-3', 'SIGTERM');
  // Two that arrive together are one: it is told again until it has heard the second.
  await until(async () => {
    if (isAlive(pid)) process.kill(pid, 'SIGTERM');
    return !isAlive(pid);
  }, 20_000);
  expect(await gone).toBe('SIGTERM');
  cluster.startWorker('analysis', 'analysis');
  const { output, result } = await cluster.result(id);
  await expectOnce(result);
  expect(output.verdict.outcome).not.toBe('invalid');
}, 300_000);

const assay = (...args: string[]) =>
  at.run(args, { TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, ASSAY_STORE: cluster.store.url, ASSAY_HOME: join(cluster.dir, 'cli') });

async function expectOnce(result: Result): Promise<void> {
  for (const variant of ['a', 'b'])
    expect(await stepsOf(cluster.store, result, variant, 1)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
}

/** Waits until that attempt at the comparison is under way. */
async function analysing(id: string, attempt: number): Promise<void> {
  await until(async () => {
    const { raw } = await cluster.client.workflow.getHandle(ids.experimentWorkflow(id)).describe();
    return (raw.pendingActivities ?? []).some(
      ({ activityType, attempt: now, state }) => activityType?.name === 'analyseExperiment' && now === attempt && state === started,
    );
  }, 120_000);
}

/** `temporal.api.enums.v1.PendingActivityState` */
const started = 2;

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
}

const spec = (
  name: string,
  { pause = 0, resamples = 1000, source = 'data.csv' }: { pause?: number; resamples?: number; source?: string },
): string => `
name: ${name}
data: {source: ${source}, label: label, id: id}
training: {command: [python, train.py], seeds: [1], batchSize: 32, budget: {steps: ${steps}}, checkpointEvery: 1s}
variants:
  - {name: a, control: true, params: {rate: 0.1, pause: ${pause}}}
  - {name: b, params: {rate: 0.5, pause: ${pause}}}
varies: [rate]
evaluation: {metrics: [accuracy]}
analysis: {resamples: ${resamples}}
`;
