// Proves, with a real server, workers and trainers that are processes: who climbs the ladder after exit code 86, what is trained again, what
// is left when no level helps, and that a cancel in the middle of a rung ends everything.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRecord } from '../../src/cli/session';
import { cancelExperiment } from '../../src/client';
import type { Result } from '../../src/contract';
import { Cluster, predictionsOf, stepsOf, until } from '../e2e/cluster';
import { writeTable } from '../e2e/table';

const trainer = join(__dirname, '..', 'e2e', 'trainers', 'patient.py');
const folder = mkdtempSync(join(tmpdir(), 'assay-ladder-'));
let cluster: Cluster;

beforeAll(async () => {
  writeTable(join(folder, 'data.csv'));
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 4 });
}, 60_000);

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('a run that is out of memory takes every variant and seed up, those that were trained already too, and each from step 1', async () => {
  const after = join(folder, 'trained');
  const id = await cluster.submit(
    spec({ seeds: [1, 2], candidate: { fault: 'device-memory', fits: 32, after }, control: { fault: 'none' } }),
    folder,
  );
  await until(async () => (await cluster.progress(id)).runs.filter(({ state }) => state === 'done').length === 2, 60_000);
  writeFileSync(after, '');
  const { result } = await cluster.result(id);
  for (const run of runsOf(result))
    expect(run).toMatchObject({ status: 'done', resumedFromStep: null, remedy: { level: 1, microBatchDivisor: 2 } });
  expect(result.variants[0]?.runs.map(({ attempts }) => attempts)).toEqual([2, 2]);
  const [, candidate] = result.variants;
  expect(candidate?.runs.reduce((sum, run) => sum + run.failures.outOfMemory, 0)).toBeGreaterThan(0);
  expect(runsOf(result).every(({ failures }) => failures.crash === 0 && failures.infrastructure === 0)).toBe(true);
  for (const run of runsOf(result))
    expect(run.deviations.join('\n')).toMatch(/out of memory: candidate seed \d.*trained again from the start/);
  for (const variant of ['control', 'candidate']) {
    for (const seed of [1, 2])
      expect(await stepsOf(cluster.store, result, variant, seed)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  }
  // The effective batch stays, so that the remedy changes nothing that the trainer learns.
  expect(result.comparisons[0]).toMatchObject({ metric: 'accuracy', difference: 0 });
  expect(predictionsOf(result, 'candidate', 1)).toBe(predictionsOf(result, 'control', 1));
  expect(result.verdict.outcome).not.toBe('invalid');
}, 90_000);

it('declared unequal, each variant climbs alone and keeps what it has trained', async () => {
  const candidate = { fault: 'device-memory', fits: 16 };
  const result = await finished(spec({ seeds: [1, 2], candidate, control: { fault: 'none' }, unequal: true }));
  expect(runsOf(result).map((run) => [run.status, run.remedy.microBatchDivisor])).toEqual([1, 1, 4, 4].map((divisor) => ['done', divisor]));
  expect(result.variants[0]?.runs.every((run) => run.attempts === 1 && run.deviations.length === 0)).toBe(true);
  expect(result.verdict.outcome).not.toBe('invalid');
}, 90_000);

it('a run that no level fits fails alone after each level was tried once, and the others stand at the last one', async () => {
  const result = await finished(spec({ candidate: { fault: 'device-memory', fits: 0 }, control: { fault: 'none' } }));
  const [control, candidate] = runsOf(result);
  // Half and a quarter of the batch at once, gradient checkpointing, bf16.
  const levels = 4;
  expect(candidate).toMatchObject({
    status: 'failed',
    failure: { type: 'OutOfMemory', message: expect.stringMatching(/out of memory with a micro-batch of 16/) },
    failures: { outOfMemory: levels + 1, crash: 0, infrastructure: 0 },
    attempts: levels + 1,
  });
  expect(control).toMatchObject({
    status: 'done',
    remedy: { level: levels, microBatchDivisor: 4, gradientCheckpointing: true, precision: 'bf16' },
  });
  expect(['inconclusive', 'invalid']).toContain(result.verdict.outcome);
}, 120_000);

it('a ladder that the spec makes empty lets the run fail at once', async () => {
  const result = await finished(spec({ candidate: { fault: 'device-memory', fits: 0 }, control: { fault: 'none' }, ladder: [] }));
  expect(runsOf(result).map((run) => [run.status, run.remedy.level, run.failures.outOfMemory])).toEqual([
    ['done', 0, 0],
    ['failed', 0, 1],
  ]);
}, 60_000);

it('a cancel in the middle of a rung stops every trainer, gives back every lease, and is recorded', async () => {
  const slow = { pause: 0.3 };
  const candidate = { ...slow, fault: 'device-memory', fits: 32 };
  const id = await cluster.submit(spec({ seeds: [1, 2], candidate, control: { ...slow, fault: 'none' }, budget: 2000 }), folder);
  await until(async () => {
    const { runs } = await cluster.progress(id);
    return runs.length === 4 && runs.every((run) => run.state === 'training' && run.epoch > 1);
  }, 60_000);
  const pids = await Promise.all(
    (await cluster.progress(id)).runs.map(async ({ variant, seed }) => (await cluster.reaches(id, variant, seed, 1)).pid),
  );
  expect(new Set(pids).size).toBe(4);
  await cancelExperiment(cluster.client, id);
  await expect(cluster.result(id)).rejects.toThrow();
  expect(await findRecord(cluster.store, id)).toMatchObject({ status: 'cancelled' });
  for (const pid of pids) expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/);
  await expectNothingHeld();
}, 120_000);

it('a cancel that comes while the others are being stopped for the next rung ends it there', async () => {
  const after = join(folder, 'begin');
  const candidate = { fault: 'device-memory', fits: 32, after };
  // In a step of ten minutes the control hears no SIGTERM: its end takes the whole grace.
  const id = await cluster.submit(spec({ candidate, control: { fault: 'none', pause: 600 }, budget: 2000 }), folder);
  const { pid } = await cluster.reaches(id, 'control', 1, 1);
  writeFileSync(after, '');
  const stateOf = async (name: string) => (await cluster.progress(id)).runs.find(({ variant }) => variant === name)?.state;
  await until(async () => (await stateOf('candidate')) === 'failed', 60_000);
  expect(await stateOf('control')).toBe('training');
  await cancelExperiment(cluster.client, id);
  await expect(cluster.result(id)).rejects.toThrow();
  expect(await findRecord(cluster.store, id)).toMatchObject({ status: 'cancelled' });
  expect((await cluster.progress(id)).runs.map(({ epoch }) => epoch)).toEqual([1, 1]);
  expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/);
  await expectNothingHeld();
}, 120_000);

async function finished(text: string): Promise<Result> {
  return (await cluster.result(await cluster.submit(text, folder))).result;
}

const expectNothingHeld = (): Promise<void> =>
  until(async () => {
    const { leases, waiting } = await cluster.pool();
    return leases.length + waiting.length === 0;
  }, 10_000);

const runsOf = (result: Result) => result.variants.flatMap((variant) => variant.runs);

interface Wanted {
  seeds?: number[];
  control: Record<string, unknown>;
  candidate: Record<string, unknown>;
  /** Steps. */
  budget?: number;
  ladder?: string[];
  unequal?: boolean;
}

function spec({ seeds = [1], control, candidate, budget = 20, ladder, unequal = false }: Wanted): string {
  const varies = [...new Set([...Object.keys(control), ...Object.keys(candidate)])].filter((key) => control[key] !== candidate[key]);
  return JSON.stringify({
    name: 'ladder',
    data: { source: 'data.csv', label: 'label', id: 'id' },
    training: { command: ['python', trainer], seeds, budget: { steps: budget }, outOfMemory: { unequal, ...(ladder ? { ladder } : {}) } },
    variants: [
      { name: 'control', control: true, params: control },
      { name: 'candidate', params: candidate },
    ],
    varies,
    evaluation: { metrics: ['accuracy'] },
    analysis: { resamples: 1000 },
  });
}
