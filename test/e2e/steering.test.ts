// Proves, with a real server, worker processes and the digits example's trainers: a pause ends the trainers with a checkpoint and frees their
// places, the resume goes on from there with every step once, a variant is stopped, a seed added, and a verdict waits over a killed worker.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { steer } from '../../src/client';
import { type AuditEntry, type ExperimentRecord, type Result, type SteeringCommand, refNames } from '../../src/contract';
import { renderMarkdown } from '../../src/report';
import { Cluster, stepsOf, until } from './cluster';

const folder = join(__dirname, '..', '..', 'examples', 'digits');
const steps = 800;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 3 });
}, 60_000);

afterAll(() => cluster?.stop());

test('an experiment that is paused, resumed, changed and approved compares what it says it compares', async () => {
  const id = await cluster.submit(spec(), folder);
  const ask = (command: Record<string, unknown>): Promise<AuditEntry> =>
    steer(cluster.client, id, { by: 'ada@lab', reason: 'to see it', ...command } as unknown as SteeringCommand);

  await cluster.reaches(id, 'mlp', 1, 50);
  const { pid } = await cluster.reaches(id, 'boosting', 1, 1);
  await ask({ action: 'pause' });
  await until(async () => {
    const { leases, waiting } = await cluster.pool();
    return leases.length + waiting.length === 0;
  }, 40_000);
  expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/);
  expect(await cluster.progress(id)).toMatchObject({ stage: 'training', paused: true });

  await ask({ action: 'stopVariant', variant: 'boosting' });
  await ask({ action: 'addSeeds', seeds: [6] });
  await ask({ action: 'resume' });
  await until(async () => (await cluster.progress(id)).stage === 'approval', 180_000);

  await cluster.kill('control');
  cluster.startWorker('control');
  await until(async () => (await cluster.progress(id)).approval?.state === 'waiting', 60_000);
  const record = (await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value;
  expect(record).toMatchObject({ status: 'running', approval: { state: 'waiting' } });
  expect((await cluster.store.get(record?.report as NonNullable<ExperimentRecord['report']>)).toString()).toContain(
    'It waits for approval',
  );
  await ask({ action: 'approve' });
  const { result, output } = await cluster.result(id);

  expect(output.approval).toMatchObject({ state: 'approved', by: 'ada@lab' });
  const runs = new Map(result.variants.flatMap(({ name, runs: all }) => all.map((run) => [`${name}/${run.seed}`, run])));
  expect([...runs.keys()]).toEqual(['logistic/1', 'logistic/6', 'mlp/1', 'mlp/6', 'boosting/1', 'boosting/6']);
  const mlp = runs.get('mlp/1');
  expect(mlp).toMatchObject({
    status: 'done',
    attempts: 2,
    steps,
    failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 },
  });
  expect(mlp?.resumedFromStep).toBeGreaterThanOrEqual(50);
  expect(mlp?.deviations).toContain('epoch 1 on host-a: paused');
  expect(await stepsOf(cluster.store, result, 'mlp', 1)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  for (const seed of [1, 6]) expect(runs.get(`boosting/${seed}`)).toMatchObject({ status: 'failed', failure: { type: 'Stopped' } });

  expect(result.plan).toMatchObject({ seeds: [1, 6], addedSeeds: [6], stopped: ['boosting'] });
  expect(new Set(result.comparisons.map(({ variant }) => variant))).toEqual(new Set(['mlp']));
  // One of the two registered candidates is left: its interval is as wide as for both.
  expect(result.comparisons.find(({ role }) => role === 'primary')?.confidence).toBeCloseTo(0.975, 12);
  const followed = result.checks.find(({ name }) => name === 'plan-followed');
  expect(followed).toMatchObject({ status: 'warn', gate: false });
  expect(followed?.detail).toMatch(/boosting, by ada@lab at .*still counts every registered candidate.*Seeds added.*: 6, by ada@lab/);
  expect(result.verdict.reasons[0]).toBe(followed?.detail);
  expect(result.checks.find(({ name }) => name === 'runs-complete')).toMatchObject({ status: 'pass' });
  expect(result.audit.map(({ action }) => action)).toEqual(['pause', 'stopVariant', 'addSeeds', 'resume', 'approve']);
  await saidEverywhere(result);
}, 300_000);

async function saidEverywhere(result: Result): Promise<void> {
  const record = (await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(result.experiment)))?.value;
  const page = (await cluster.store.get(record?.report as NonNullable<ExperimentRecord['report']>)).toString();
  for (const text of [page, renderMarkdown(result)]) {
    expect(text).toContain('What was done to it while it ran');
    expect(text).toMatch(/Approved by ada/);
    expect(text).toMatch(/the runs of boosting end/);
  }
}

/** The example, with one seed, and steps enough to be met while it trains. */
function spec(): string {
  const example = parse(readFileSync(join(folder, 'experiment.yaml'), 'utf8')) as Record<string, Record<string, unknown>>;
  return JSON.stringify({
    ...example,
    training: { ...example.training, seeds: [1], budget: { steps }, checkpointEvery: '500ms' },
    evaluation: { metrics: ['accuracy', 'log_loss'] },
    analysis: { ...example.analysis, resamples: 1000, guardrails: [] },
    decision: { approval: true },
  });
}
