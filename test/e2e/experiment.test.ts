// Proves, with a real server and separate worker processes on two host queues: a whole experiment from spec to report, what the Temporal
// UI shows of it, its record after the server is gone, and what a broken trainer, a changed source, a cancel and a lost host lead to.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportExperiment } from '../../src/cli/export';
import { runCompare } from '../../src/cli/compare/compare';
import { findRecord } from '../../src/cli/session';
import { cancelExperiment } from '../../src/client';
import { type ExperimentRecord, type Result, ids, refNames } from '../../src/contract';
import { Cluster, stepsOf, until } from './cluster';

const trainer = join(__dirname, 'trainers', 'trainer.py');

let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: ['host-a', 'host-b'], slots: 1 });
  folder = mkdtempSync(join(tmpdir(), 'assay-spec-'));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a whole experiment', () => {
  let result: Result;
  let record: ExperimentRecord;

  beforeAll(async () => {
    writeTable(join(folder, 'data.csv'));
    const id = await cluster.submit(spec({ seeds: [1, 2, 3, 4, 5], candidate: { noise: 0 }, control: { noise: 1.5 } }), folder);
    ({ result } = await cluster.result(id));
    record = await findRecord(cluster.store, id);
  }, 120_000);

  it('trains every variant under every seed, on both hosts, and adopts the better one', () => {
    expect(result.variants.map((v) => v.runs.map((r) => [r.seed, r.status, r.attempts, r.steps]))).toEqual(
      Array.from({ length: 2 }, () => [1, 2, 3, 4, 5].map((seed) => [seed, 'done', 1, 20])),
    );
    expect(new Set(result.variants.flatMap((v) => v.runs.map((r) => r.host)))).toEqual(new Set(['host-a', 'host-b']));
    expect(result.checks.filter((check) => check.gate && check.status !== 'pass')).toEqual([]);
    expect(result.verdict).toMatchObject({ outcome: 'adopt', variant: 'candidate', harm: false });
    const [primary] = result.comparisons;
    expect(primary).toMatchObject({ metric: 'accuracy', claim: 'algorithm', method: 'variance-components' });
    expect(primary?.low).toBeGreaterThan(0);
  });

  it('tells the Temporal UI its stage, its verdict and its effect', async () => {
    const id = ids.experimentWorkflow(record.experimentId);
    const { searchAttributes, staticSummary } = await description(id);
    expect(searchAttributes).toMatchObject({ AssayStage: ['done'], AssayVerdict: ['adopt'], AssaySnapshot: [result.snapshot.digest] });
    expect(searchAttributes.AssayEffect?.[0]).toBeCloseTo(result.comparisons[0]?.difference ?? Number.NaN, 12);
    expect(staticSummary).toBe('The candidate is more accurate.');
    const found: string[] = [];
    await until(async () => {
      found.length = 0;
      for await (const run of cluster.client.workflow.list({ query: `AssayExperiment = "${record.experimentId}"` }))
        found.push(run.workflowId);
      return found.length === 11;
    }, 20_000);
    expect(found).toContain(ids.variantRunWorkflow(record.experimentId, 'candidate', 3));
    expect((await cluster.progress(record.experimentId)).runs.every((run) => run.state === 'done')).toBe(true);
  });

  it('costs a run under 100 events of history, its share of the experiment included', async () => {
    const runs = result.variants.flatMap(({ name, runs }) => runs.map(({ seed }) => ({ name, seed })));
    const workflows = [
      ids.experimentWorkflow(record.experimentId),
      ...runs.map(({ name, seed }) => ids.variantRunWorkflow(record.experimentId, name, seed)),
    ];
    const lengths = await Promise.all(workflows.map(async (id) => (await cluster.client.workflow.getHandle(id).describe()).historyLength));
    const all = lengths.reduce((sum, length) => sum + length, 0);
    expect(all).toBeGreaterThan(20 * runs.length);
    expect(all / runs.length).toBeLessThan(100);
  });

  it('exports predictions from which compare gets the same numbers without a server', async () => {
    const { folder: dir } = await exportExperiment(cluster.store, record, join(folder, 'export'));
    const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as { files: { path: string }[] };
    expect(manifest.files.map((f) => f.path)).toContain('runs/candidate/seed-5/predictions/scores.npy');
    const compared = await runCompare({
      inputs: [join(dir, 'runs', 'control'), join(dir, 'runs', 'candidate')],
      metrics: ['accuracy', 'f1_macro', 'log_loss'],
    });
    for (const metric of ['accuracy', 'f1_macro', 'log_loss']) {
      const [mine, theirs] = [compared.result.comparisons, result.comparisons].map((list) => list.find((c) => c.metric === metric));
      for (const key of ['difference', 'low', 'high', 'pValue', 'claim', 'method'] as const)
        expect([key, mine?.[key]]).toEqual([key, theirs?.[key]]);
    }
  });

  it('writes one page that opens with the verdict', async () => {
    const page = (await cluster.store.get(record.report as NonNullable<typeof record.report>)).toString('utf8');
    expect(page).toContain('candidate');
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<script[^>]+src=|<link[^>]+href="http/);
  });
});

describe('what goes wrong', () => {
  it.each([
    ['no-result', 'PredictionsInvalid', /result\.json/],
    ['nan', 'PredictionsInvalid', /finite|NaN/i],
    ['missing', 'PredictionsInvalid', /2/],
    ['classes', 'PredictionsInvalid', /4/],
    ['rejected', 'TrainerRejected', /params\.rate: expected a number above 0/],
    ['crash', 'TrainerFailed', /crashed 2 times.*lost its mind/s],
  ])(
    'a candidate whose trainer has the fault "%s" fails alone, as %s',
    async (fault, type, message) => {
      writeTable(join(folder, 'data.csv'));
      const id = await cluster.submit(spec({ seeds: [1], candidate: { fault }, control: {}, attempts: 2 }), folder);
      const { result } = await cluster.result(id);
      const [control, candidate] = result.variants;
      expect(control?.runs[0]).toMatchObject({ status: 'done' });
      expect(candidate?.runs[0]).toMatchObject({ status: 'failed', failure: { type } });
      expect(candidate?.runs[0]?.failure?.message).toMatch(message);
      expect(['inconclusive', 'invalid']).toContain(result.verdict.outcome);
    },
    60_000,
  );

  it('a trainer that crashes once resumes from its checkpoint, with every step once', async () => {
    const id = await cluster.submit(spec({ seeds: [1], candidate: { fault: 'crash-once' }, control: {}, steps: 60 }), folder);
    const { result } = await cluster.result(id);
    expect(result.variants[1]?.runs[0]).toMatchObject({ status: 'done', attempts: 2, resumedFromStep: 40, steps: 60 });
    expect(await stepsOf(cluster.store, result, 'candidate', 1)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(result.comparisons[0]).toMatchObject({ metric: 'accuracy', difference: 0 });
  }, 60_000);

  it('a source that changes while the experiment runs makes it invalid', async () => {
    const own = join(folder, 'changing.csv');
    writeTable(own);
    const slow = { pause: 0.1 };
    const id = await cluster.submit(spec({ seeds: [1], candidate: slow, control: slow, source: 'changing.csv' }), folder);
    await until(async () => (await cluster.progress(id)).stage === 'training', 30_000);
    writeFileSync(own, `${readFileSync(own, 'utf8')}extra,a,0.1,0.2\n`);
    const { result } = await cluster.result(id);
    expect(result.verdict.outcome).toBe('invalid');
    expect(result.verdict.reasons.join(' ')).toContain('changing.csv');
  }, 60_000);

  it('data that cannot be read end it before anything is trained, naming place and mend', async () => {
    writeFileSync(join(folder, 'short.csv'), 'id,label,x,y\na,0,1,2\nb,1,3\n');
    const id = await cluster.submit(spec({ seeds: [1], candidate: {}, control: {}, source: 'short.csv' }), folder);
    await expect(cluster.result(id)).rejects.toThrow();
    expect(await findRecord(cluster.store, id)).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/DataInvalid.*short\.csv/s),
    });
    expect((await cluster.progress(id)).runs.every((run) => run.state === 'waiting')).toBe(true);
  }, 60_000);

  it('a cancel stops the trainers and is recorded', async () => {
    const endless = { pause: 0.5 };
    const id = await cluster.submit(spec({ seeds: [1], candidate: endless, control: endless, steps: 1000 }), folder);
    const { pid } = await cluster.reaches(id, 'candidate', 1, 2);
    await cancelExperiment(cluster.client, id);
    await expect(cluster.result(id)).rejects.toThrow();
    expect(await findRecord(cluster.store, id)).toMatchObject({ status: 'cancelled' });
    expect(() => process.kill(pid ?? 0, 0)).toThrow(/ESRCH/);
  }, 90_000);

  it('a run whose host is lost goes on from its last checkpoint on the other host', async () => {
    const slow = { pause: 0.2 };
    const id = await cluster.submit(spec({ seeds: [1], candidate: slow, control: slow, steps: 100 }), folder);
    const lost = await cluster.reaches(id, 'candidate', 1, 25);
    await cluster.kill(lost.host);
    process.kill(lost.pid ?? 0, 'SIGKILL');
    const { result } = await cluster.result(id);
    const run = result.variants[1]?.runs[0];
    expect(run).toMatchObject({ status: 'done', attempts: 2, steps: 100 });
    expect(run?.host).not.toBe(lost.host);
    expect(run?.resumedFromStep).toBeGreaterThanOrEqual(20);
    expect(await stepsOf(cluster.store, result, 'candidate', 1)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(result.comparisons[0]).toMatchObject({ difference: 0 });
  }, 240_000);

  it('the record outlives the server', async () => {
    await cluster.kill('temporal');
    const prefix = refNames.experiment('');
    const names = await cluster.store.refs.list(prefix);
    expect(names.length).toBeGreaterThan(8);
    const records = await Promise.all(names.map((name) => findRecord(cluster.store, name.slice(prefix.length))));
    expect(new Set(records.map((r) => r.status))).toEqual(new Set(['done', 'failed', 'cancelled']));
  });
});

async function description(workflowId: string) {
  const { searchAttributes, raw } = await cluster.client.workflow.getHandle(workflowId).describe();
  const summary = raw.executionConfig?.userMetadata?.summary?.data;
  return {
    searchAttributes: searchAttributes as Record<string, unknown[] | undefined>,
    staticSummary: summary ? (JSON.parse(Buffer.from(summary).toString('utf8')) as string) : null,
  };
}

interface Wanted {
  seeds: number[];
  control: Record<string, unknown>;
  candidate: Record<string, unknown>;
  source?: string;
  steps?: number;
  attempts?: number;
}

function spec({ seeds, control, candidate, source = 'data.csv', steps = 20, attempts = 5 }: Wanted): string {
  const varies = [...new Set([...Object.keys(control), ...Object.keys(candidate)])].filter((key) => control[key] !== candidate[key]);
  return JSON.stringify({
    name: 'whole',
    hypothesis: 'The candidate is more accurate.',
    data: { source, label: 'label', id: 'id' },
    training: { command: ['python', trainer], seeds, budget: { steps }, attempts },
    variants: [
      { name: 'control', control: true, params: control },
      { name: 'candidate', params: candidate },
    ],
    varies,
    evaluation: { metrics: ['accuracy', 'f1_macro', 'log_loss'] },
  });
}

/** Two overlapping clouds, 600 rows, the same every time. */
function writeTable(path: string): void {
  let state = 7;
  const uniform = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const lines = Array.from({ length: 600 }, (_, i) => {
    const label = i % 2;
    const [x, y] = [uniform() + uniform() + label * 0.8, uniform() + uniform() - label * 0.6];
    return `r${String(i).padStart(3, '0')},${label === 0 ? 'a' : 'b'},${x.toFixed(5)},${y.toFixed(5)}`;
  });
  writeFileSync(path, `id,label,x,y\n${lines.join('\n')}\n`);
}
