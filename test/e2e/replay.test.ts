// Proves, on a real server with separate worker processes: the examples replay to the bit from their record alone, on another host and
// without the folder they came from; each kind of planted difference is classed and located; what is missing is named before anything runs.
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PlannedReplay, planReplay, startReplay } from '../../src/client';
import {
  type ExperimentRecord,
  type Manifest,
  type Provenance,
  type Ref,
  type ReplayInput,
  type ReplayReport,
  type ReplayedRun,
  type ResolvedSpec,
  type Result,
  type Snapshot,
  ids,
  poolNames,
  refNames,
} from '../../src/contract';
import { Cluster } from './cluster';
import { writeTable } from './table';

const root = join(__dirname, '..', '..');
const examples = join(root, 'examples');
const python = process.env.ASSAY_PYTHON ?? 'python3';
const shell = promisify(execFile);

let cluster: Cluster;
let folder: string;
let clouds: ExperimentRecord;
let digits: ExperimentRecord;
let torch: ExperimentRecord;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-replay-'));
  solver('1.0.0', 'weights - rate * gradient');
  cluster = await Cluster.start({ hosts: [], slots: 0 });
  startHost('host-a');
  const copies = ['clouds', 'digits', 'torch'].map((name) => join(folder, name));
  const [own = '', first = '', second = ''] = copies;
  mkdirSync(own);
  copyFileSync(join(__dirname, 'trainers', 'clouds.py'), join(own, 'clouds.py'));
  writeTable(join(own, 'data.csv'));
  cpSync(join(examples, 'digits'), first, { recursive: true });
  cpSync(join(examples, 'digits-torch'), second, { recursive: true });
  const started = await Promise.all([
    cluster.submit(cloudsSpec, own),
    cluster.submit(
      digitsSpec('digits', '{name: logistic, control: true, params: {model: logistic}}, {name: mlp, params: {model: mlp}}'),
      first,
    ),
    cluster.submit(
      digitsSpec('digits-torch', '{name: mlp, control: true, params: {model: mlp}}, {name: cnn, params: {model: cnn}}'),
      second,
    ),
  ]);
  const ended = await Promise.all(started.map(async (id) => (await cluster.result(id), await recordOf(id))));
  [clouds, digits, torch] = ended as [ExperimentRecord, ExperimentRecord, ExperimentRecord];
  // What follows has another host, and nothing of the folders that the experiments were started from.
  for (const copy of copies) rmSync(copy, { recursive: true });
  startHost('host-b');
  await cluster.client.workflow.getHandle(ids.gpuPool).signal(poolNames.drain, { host: 'host-a', drain: true });
}, 240_000);

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a replay of what nothing has changed', () => {
  it.each([
    ['digits by scikit-learn', () => digits, ['logistic', 'mlp']],
    ['digits by PyTorch', () => torch, ['mlp', 'cnn']],
  ])(
    '%s is bit-exact on another host, from the store alone, by the command',
    async (_, experiment, variants) => {
      const { experimentId } = experiment();
      const { code, stdout, stderr } = await assay(['replay', experimentId, '--json', '--fail-on', 'within-tolerance']);
      expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
      const report = JSON.parse(stdout) as ReplayReport;
      expect(report).toMatchObject({ schema: 'assay.replay/1', of: experimentId, class: 'bit-exact', changed: [] });
      expect(report.runs.map(({ variant, seed, class: found }) => [variant, seed, found])).toEqual(
        variants.map((name) => [name, 1, 'bit-exact']),
      );
      for (const run of report.runs) {
        expect(run).toMatchObject({ first: null, causes: [], environment: [], hosts: { original: 'host-a', replay: 'host-b' } });
        expect(run.order).toEqual({ recorded: true, compared: 6, differing: 0 });
        expect(run.loss).toMatchObject({ recorded: true, compared: 6, differing: 0, largest: null });
        expect(run.checkpoint).toMatchObject({ recorded: true, differing: 0 });
        expect(run.checkpoint.compared).toBeGreaterThanOrEqual(2);
        expect(run.predictions).toMatchObject({ recorded: true, differing: 0, classes: 0 });
        expect(run.predictions.rows).toBeGreaterThan(300);
      }
      const record = await recordOf(report.experiment);
      expect(record).toMatchObject({ status: 'done', result: null, verdict: null, message: report.sentence });
      expect(record.replay).toMatchObject({ of: experimentId, class: 'bit-exact' });
      expect(report.sentence).toBe(`replay of ${experimentId}: bit-exact, all 2 runs`);
    },
    120_000,
  );

  it('stands in the list and under show as what it is, and is never the latest experiment of the name', async () => {
    const listed = await assay(['list']);
    expect(listed.stdout).toMatch(new RegExp(`^replay-digits-\\S+ .* replay of ${digits.experimentId}: bit-exact`, 'm'));
    const id = /^(replay-digits-2\S+)/m.exec(listed.stdout)?.[1] ?? '';
    expect((await assay(['show', id])).stdout).toContain(
      'mlp seed 1: bit-exact over 6 steps and 552 predictions: data order, loss, checkpoint digest, predictions',
    );
    expect((await assay(['replay', id])).stderr).toContain(
      `${id} is itself a replay; replay the experiment that it repeats: assay replay ${digits.experimentId}`,
    );
    expect((await cluster.store.refs.get<Ref>(refNames.latestSnapshot('digits')))?.value).toEqual(digits.snapshot);
  }, 30_000);
});

describe('a planted difference', () => {
  it('of the seed shows in the data order at the first step', async () => {
    const result = await original();
    const [control] = result.variants;
    const doctored = { ...result, variants: [{ ...control, runs: control?.runs.map((run) => ({ ...run, seed: 2 })) }] };
    const { run } = await replayed(async ({ input }) => ({
      result: await cluster.store.putJson(doctored),
      runs: input.runs.map((each) => ({ ...each, seed: 2 })),
    }));
    expect(run).toMatchObject({ class: 'different', first: { step: 1, stream: 'order' }, beyond: { step: 1, stream: 'order' } });
    expect(run.causes).toEqual(['the rows came in another order: another seed, other data, or another batch size']);
  }, 60_000);

  it('of one row of the data shows in the loss at the step that has the row', async () => {
    const snapshot = await cluster.store.getJson<Snapshot>(clouds.snapshot as Ref);
    const train = (await cluster.store.get(snapshot.splits.train.ref)).toString('utf8').trim().split('\n');
    const at = 17;
    const { id } = JSON.parse(train[at] ?? '') as { id: string };
    const { run, report } = await replayed(async () => ({ snapshot: await withRow(snapshot, id) }));
    const { stdout } = await shell(python, ['-c', stepOfRow, String(train.length), String(at)], {
      env: { ...process.env, PYTHONPATH: join(root, 'runtime') },
    });
    const step = Number(stdout);
    expect(step).toBeGreaterThan(1);
    expect(run).toMatchObject({ class: 'different', first: { step, stream: 'loss' }, order: { recorded: true, differing: 0 } });
    expect(report.changed).toEqual([{ what: 'data', original: clouds.snapshot?.digest, replay: expect.stringMatching(/^sha256:/) }]);
    expect(run.causes[0]).toMatch(/^data: sha256:/);
  }, 60_000);

  it('of a parameter shows in the state after the first step, and is named', async () => {
    const { run, report } = await replayed(async ({ spec }) => ({
      spec: await withSpec(spec, (copy) => (copy.training.params.rate = 0.4)),
    }));
    expect(run).toMatchObject({ class: 'different', first: { step: 1, stream: 'checkpoint' }, beyond: { step: 2, stream: 'loss' } });
    expect(report.changed).toEqual([{ what: 'training.params.rate', original: '0.5', replay: '0.4' }]);
    expect(run.causes[0]).toBe('training.params.rate: 0.5, now 0.4');
    expect(report.sentence).toContain('1 different of 1; control seed 1 diverges first at step 1 in the checkpoint digest');
  }, 60_000);

  it('of the number of threads is within tolerance, and is named', async () => {
    const { run, report } = await replayed(async ({ spec }) => ({ spec: await withSpec(spec, (copy) => (copy.runtime.cpus = 2)) }));
    expect(run).toMatchObject({ class: 'within-tolerance', beyond: null, order: { differing: 0 }, predictions: { classes: 0 } });
    expect(run.first?.stream).toMatch(/^(checkpoint|loss)$/);
    expect(run.environment).toEqual([{ what: 'threads', original: '1', replay: '2' }]);
    expect(report.changed).toEqual([{ what: 'runtime.cpus', original: '1', replay: '2' }]);
  }, 60_000);

  it('of a library is within tolerance or not as one asks, and is named with both versions', async () => {
    solver('1.1.0', 'weights - gradient * (rate * gradient.dtype.type(1.000001))');
    const { run } = await replayed(() => Promise.resolve({}));
    expect(run).toMatchObject({ class: 'within-tolerance', first: { step: 1, stream: 'checkpoint' }, beyond: null });
    expect(run.environment).toEqual([{ what: 'solver', original: '1.0.0', replay: '1.1.0' }]);
    expect(run.causes[0]).toBe('solver: 1.0.0, now 1.1.0');
    const strict = await assay([
      'replay',
      clouds.experimentId,
      '--variant',
      'control',
      '--rtol',
      '0',
      '--atol',
      '0',
      '--fail-on',
      'different',
    ]);
    expect(strict.code).toBe(4);
    expect(strict.stdout).toMatch(
      /control seed 1: different: it diverges first at step 1 in the checkpoint digest: \w+, now \w+, and leaves the tolerance at step \d+ in the loss/,
    );
  }, 90_000);
});

test('a replay whose trainer ends otherwise is different, and says of what, with its log', async () => {
  const { run, report } = await replayed(async ({ spec }) => ({
    spec: await withSpec(spec, (copy) => (copy.training.params.rate = 'fast')),
  }));
  expect(run).toMatchObject({
    class: 'different',
    first: { step: null, stream: 'end', original: 'done' },
    failure: { type: 'TrainerRejected' },
  });
  expect(run.sentence).toContain('TrainerRejected');
  expect((await assay(['logs', report.experiment, 'control/1'])).stdout).toContain("params.rate is 'fast'");
}, 60_000);

describe('what is missing is named before anything runs', () => {
  it('an object of the snapshot, and of the code', async () => {
    const before = await experiments();
    const { data } = await cluster.store.getJson<Snapshot>(clouds.snapshot as Ref);
    const [file] = (await cluster.store.getJson<Manifest>(data)).files;
    const [trainer] = (await cluster.store.getJson<Manifest>(clouds.code as Ref)).files;
    await cluster.store.delete(file?.digest ?? '');
    await cluster.store.delete(trainer?.digest ?? '');
    const { code, stderr } = await assay(['replay', clouds.experimentId]);
    expect(code).toBe(2);
    expect(stderr).toContain(`snapshot: not in ${cluster.store.url}: data.csv (${file?.digest})`);
    expect(stderr).toContain(`code: not in ${cluster.store.url}: clouds.py (${trainer?.digest})`);
    expect(stderr).toContain('nothing was started');
    expect(await experiments()).toEqual(before);
  }, 30_000);

  it('an image that neither the engine nor its registry has, without a server even', async () => {
    const image = `registry.invalid/trainer@sha256:${'0'.repeat(64)}`;
    const result = await cluster.store.getJson<Result>(digits.result as Ref);
    const of = 'packed-20260101-000000-aaaa';
    const spec = await withSpec(await cluster.store.getJson<ResolvedSpec>(digits.spec), ({ runtime }) =>
      Object.assign(runtime, { executor: 'docker', image }),
    );
    const variants = result.variants.map((variant) => ({ ...variant, runs: variant.runs.map((run) => ({ ...run, image })) }));
    const record = { ...digits, experimentId: of, spec, result: await cluster.store.putJson({ ...result, variants }) };
    await cluster.store.refs.set(refNames.experiment(of), record, null);
    const env = { DOCKER_HOST: `unix://${join(folder, 'no-engine.sock')}`, TEMPORAL_ADDRESS: '', ASSAY_HOME: join(folder, 'nobody') };
    const { code, stderr } = await assay(['replay', of], env);
    expect(code).toBe(2);
    expect(stderr).toContain(`image: ${image}: no Docker engine answers`);
  }, 30_000);

  it('code that was not stored and is at another revision by now, with the commit to check out', async () => {
    const repository = join(folder, 'repository');
    cpSync(join(examples, 'digits'), repository, { recursive: true });
    const git = (...args: string[]) => shell('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      ['commit', '-qm', 'one'],
    ])
      await git(...args);
    const commit = (await git('rev-parse', 'HEAD')).stdout.trim();
    const spec = await withSpec(await cluster.store.getJson<ResolvedSpec>(digits.spec), (copy) => (copy.root = repository));
    const provenance = await cluster.store.putJson({
      ...(await cluster.store.getJson<object>(digits.provenance)),
      git: { ...unknown.git, commit },
    });
    const record: ExperimentRecord = { ...digits, spec, provenance, code: null };
    const code = async () => (await planned(record)).ingredients.filter(({ name, state }) => name === 'code' && state !== 'there');
    expect(await code()).toEqual([]);
    writeFileSync(join(repository, 'train.py'), 'print("another")\n');
    expect(await code()).toMatchObject([
      { state: 'missing', detail: `it ran at commit ${commit}; ${repository} is at ${commit} with uncommitted changes` },
    ]);
    expect((await code())[0]?.mend).toContain(`git checkout ${commit}`);
  }, 30_000);
});

const whence = { home: tmpdir(), version: 'test', command: [] };
const unknown = {
  git: { commit: null, dirty: false, remote: null, diff: null },
  ...{ assay: 'test', dvc: null, host: 'test', user: null, command: [], environment: {} },
} satisfies Omit<Provenance, 'spec'>;

const planned = (record: ExperimentRecord): Promise<PlannedReplay> =>
  planReplay(cluster.store, record, whence, {
    variants: ['control', 'mlp'].filter((name) => (record === clouds ? name === 'control' : name === 'mlp')),
  });

const original = (): Promise<Result> => cluster.store.getJson<Result>(clouds.result as Ref);

/** The control of the clouds again, with something that is not as its record has it. */
async function replayed(
  plant: (plan: PlannedReplay) => Promise<Partial<ReplayInput>>,
): Promise<{ report: ReplayReport; run: ReplayedRun }> {
  const plan = await planned(clouds);
  const input = { ...plan.input, ...(await plant(plan)) };
  const { experimentId } = await startReplay(cluster, { ...plan, input }, unknown);
  await cluster.client.workflow.getHandle(ids.experimentWorkflow(experimentId)).result();
  const report = await cluster.store.getJson<ReplayReport>((await recordOf(experimentId)).replay?.report as Ref);
  return { report, run: report.runs[0] as ReplayedRun };
}

async function withSpec(spec: ResolvedSpec, change: (copy: ResolvedSpec) => unknown): Promise<Ref> {
  const copy = structuredClone(spec);
  change(copy);
  return cluster.store.putJson(copy);
}

/** The snapshot with x of one row moved. */
async function withRow(snapshot: Snapshot, id: string): Promise<Ref> {
  const { files } = await cluster.store.getJson<Manifest>(snapshot.data);
  const text = (await cluster.store.get(files[0] as { digest: string })).toString('utf8');
  const changed = text.replace(new RegExp(`^(${id},\\w+),[^,]+`, 'm'), '$1,9.5');
  expect(changed).not.toBe(text);
  const { digest, size } = await cluster.store.put(changed, 'text/csv');
  const data = { ...(await cluster.store.putJson({ files: [{ path: 'data.csv', size, digest }] })), mediaType: snapshot.data.mediaType };
  return cluster.store.putJson({ ...snapshot, data });
}

const stepOfRow = `
import sys
from assay_runtime.order import Order
order = Order(int(sys.argv[1]), 50, 1)
print(next(step + 1 for step in range(20) if int(sys.argv[2]) in order.at(step)))`;

async function recordOf(id: string): Promise<ExperimentRecord> {
  const found = await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(id));
  if (found === null) throw new Error(`no record of ${id}`);
  return found.value;
}

const experiments = (): Promise<string[]> => cluster.store.refs.list(refNames.experiment(''));

/** The command as a person starts it, from a home of its own. */
async function assay(args: string[], env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const own = { ASSAY_HOME: join(folder, 'elsewhere'), ASSAY_STORE: cluster.store.url, TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}` };
  const options = { env: { ...process.env, ...own, TEMPORAL_NAMESPACE: 'default', ...env }, cwd: folder };
  try {
    const { stdout, stderr } = await shell(process.execPath, [join(root, 'bin', 'assay'), ...args], options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** The host's interpreter finds `solver` beside what assay gives it. */
function startHost(host: string): void {
  const bin = join(folder, `${host}-bin`);
  mkdirSync(bin);
  const wrapper = join(bin, 'python');
  writeFileSync(wrapper, `#!/bin/sh\nPYTHONPATH="$PYTHONPATH:${join(folder, 'libraries')}" exec ${python} "$@"\n`);
  chmodSync(wrapper, 0o755);
  cluster.startWorker('gpu', host, 2, { env: { ASSAY_PYTHON: wrapper } });
}

/** Installs a version of the library. */
function solver(version: string, update: string): void {
  const installed = join(folder, `solver-${version}`);
  mkdirSync(installed);
  writeFileSync(
    join(installed, 'solver.py'),
    `__version__ = "${version}"\n\n\ndef update(weights, gradient, rate):\n    return ${update}\n`,
  );
  const link = join(folder, 'libraries');
  if (version !== '1.0.0') unlinkSync(link);
  symlinkSync(installed, link);
}

const cloudsSpec = `
name: clouds
data: {source: data.csv, label: label, id: id, split: {test: 0.3, validation: 0.1, seed: 7}}
training: {command: [python, clouds.py], seeds: [1], batchSize: 50, budget: {steps: 14}, params: {rate: 0.5}}
variants: [{name: control, control: true}, {name: candidate, params: {rate: 0.6}}]
varies: [rate]
evaluation: {metrics: [accuracy, log_loss]}
checks: {leaks: {nearDuplicates: false}}
analysis: {resamples: 1000}
`;

const digitsSpec = (name: string, variants: string): string => `
name: ${name}
data: {source: "builtin:digits", label: label, id: id, split: {test: 0.3, validation: 0.1, seed: 7}}
training: {command: [python, train.py], seeds: [1], batchSize: 128, budget: {steps: 6}}
variants: [${variants}]
varies: [model]
evaluation: {metrics: [accuracy, log_loss]}
analysis: {resamples: 1000}
`;
