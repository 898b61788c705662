// Proves: no key of the schema is without effect. Each row changes one key and looks where an outsider would see the difference;
// keys for the trainer have their own table in test/activities/runFile.test.ts. A key that stands in neither fails the last test.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createControlActivities } from '../src/activities';
import { dataChecks } from '../src/activities/analysis';
import { runCheckpoints, warmStartOf } from '../src/activities/checkpoints';
import { containerFor } from '../src/activities/container';
import { disagreementsOf } from '../src/activities/disagreements';
import { testColumns } from '../src/activities/testColumns';
import { runDataChecks } from '../src/checks';
import { snapshotCode } from '../src/client/code';
import { type ExperimentRecord, type ResolvedSpec, type SplitProfile, mediaTypes, refNames } from '../src/contract';
import { schemaKeys } from '../src/contract/jsonSchema';
import { loadSpec } from '../src/contract/loadSpec';
import { experimentPlan, registeredPlan } from '../src/contract/plan';
import { retention } from '../src/contract/specValues';
import { createSnapshot, type SplitRow } from '../src/data';
import { type Store, openStore } from '../src/store';
import { valid } from './contract/fixtures';

let folder: string;
let store: Store;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-keys-'));
  store = openStore(pathToFileURL(join(folder, 'store')).href);
  const lines = Array.from({ length: 400 }, (_, i) => `r${i},${i % 2},${(i >> 1) % 2},u${i % 40},${(i * 37) % 101},${(i * 53) % 97}`);
  writeFileSync(join(folder, 'data.csv'), `id,label,other,user,x,y\n${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'more.csv'), `id,label,other,user,x,y\n${lines.map((line) => `${line}5`).join('\n')}\n`);
  const ids = lines.map((line) => line.split(',')[0]);
  for (const [name, from, to] of [
    ['train', 0, 200],
    ['train-2', 0, 250],
    ['validation', 250, 300],
    ['test', 300, 400],
    ['test-2', 310, 400],
  ] as const) {
    writeFileSync(join(folder, `${name}.txt`), `${ids.slice(from, to).join('\n')}\n`);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = { 'data.split.train': './train.txt', 'data.split.test': './test.txt' };
const byTime = { 'data.split.time': 'x', 'data.split.before': "'50'" };
const docker = { 'runtime.executor': 'docker', 'runtime.image': `sha256:${'1'.repeat(64)}` };
const plan = (spec: ResolvedSpec) =>
  experimentPlan(spec, 'digits-1', { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' });

type Probe = (spec: ResolvedSpec) => unknown;
const snapshotted =
  (read: (made: Awaited<ReturnType<typeof createSnapshot>>['snapshot']) => unknown): Probe =>
  async (spec) =>
    read((await createSnapshot({ spec, store, workDir: join(folder, 'work') })).snapshot);
const splits = snapshotted(({ splits: { train, validation, test } }) => [train, validation, test].map((split) => split.ref.digest));
const checked =
  (name: string): Probe =>
  (spec) =>
    checks(spec)
      .filter((check) => check.name.startsWith(name))
      .map((check) => check.status);

/** Key, changes, where it shows; `base` is set on both sides. */
const table: [key: string, set: Record<string, string>, probe: Probe, base?: Record<string, string>][] = [
  ['name', { name: 'other' }, (spec) => plan(spec).name],
  ['owner', { owner: 'vision-team' }, registeredOwner],
  ['data.source', { 'data.source': './more.csv' }, snapshotted((s) => s.data.digest)],
  [
    'data.slices',
    { 'data.slices': `[{name: left, where: "x < 50"}]` },
    snapshotted((s) => s.slices?.map(({ rows }) => rows)),
    { 'data.id': 'id' },
  ],
  [
    'data.slices[].name',
    { 'data.slices': `[{name: other, where: "x < 50"}]` },
    (spec) => registeredPlan(spec).slices,
    { 'data.slices': `[{name: left, where: "x < 50"}]` },
  ],
  [
    'data.slices[].where',
    { 'data.slices': `[{name: left, where: "x < 40"}]` },
    snapshotted((s) => s.slices?.map(({ ref }) => ref.digest)),
    { 'data.id': 'id', 'data.slices': `[{name: left, where: "x < 50"}]` },
  ],
  ['data.label', { 'data.label': 'other' }, splits],
  ['data.id', { 'data.id': 'id' }, splits],
  ['data.unit', { 'data.unit': 'user' }, splits, { 'data.id': 'id' }],
  ['data.split.test', { 'data.split.test': '0.5' }, splits, { 'data.id': 'id' }],
  ['data.split.validation', { 'data.split.validation': '0.3' }, splits, { 'data.id': 'id' }],
  ['data.split.seed', { 'data.split.seed': '9' }, splits, { 'data.id': 'id' }],
  ['data.split.by', { 'data.split.by': 'id' }, splits, { 'data.id': 'id', 'data.unit': 'user' }],
  ['data.split.stratify', { 'data.split.stratify': 'true' }, splits, { 'data.id': 'id' }],
  ['data.split.time', { 'data.split.time': 'y' }, splits, { 'data.id': 'id', ...byTime }],
  ['data.split.before', { 'data.split.before': "'70'" }, splits, { 'data.id': 'id', ...byTime }],
  ['data.split.validationFrom', { 'data.split.validationFrom': "'20'" }, splits, { 'data.id': 'id', ...byTime }],
  ['data.split.train', { 'data.split.train': './train-2.txt' }, splits, { 'data.id': 'id', ...files }],
  ['data.split.test', { 'data.split.test': './test-2.txt' }, splits, { 'data.id': 'id', ...files }],
  ['data.split.validation', { 'data.split.validation': './validation.txt' }, splits, { 'data.id': 'id', ...files }],
  ['runtime.executor', docker, (spec) => plan(spec).executor],
  ['runtime.image', { 'runtime.image': `name@sha256:${'2'.repeat(64)}` }, (spec) => plan(spec).image, docker],
  ['runtime.gpus', { 'runtime.gpus': '2' }, (spec) => plan(spec).resources.gpus],
  ['runtime.gpuMemory', { 'runtime.gpuMemory': '8GiB' }, (spec) => plan(spec).resources.gpuMemoryBytes, { 'runtime.gpus': '1' }],
  ['runtime.maxGpus', { 'runtime.maxGpus': '4' }, (spec) => plan(spec).resources.experimentGpus, { 'runtime.gpus': '1' }],
  ['runtime.qos', { 'runtime.qos': 'besteffort' }, (spec) => plan(spec).resources.qos],
  ['runtime.memory', { 'runtime.memory': '512MiB' }, container, docker],
  ['runtime.shm', { 'runtime.shm': '1GiB' }, container, docker],
  ['runtime.network', { 'runtime.network': 'true' }, container, docker],
  ['training.code', { 'training.code': '[more.csv]' }, (spec) => snapshotCode(store, spec), { ...docker, 'training.code': '[data.csv]' }],
  ['training.keepCheckpoints', { 'training.keepCheckpoints': '1' }, keptSteps],
  ['training.keepCheckpointsFor', { 'training.keepCheckpointsFor': '1h' }, keptSteps],
  ['training.warmStart', { 'training.warmStart': 'digits-0/a/seed-1' }, warmStart],
  ['training.outOfMemory.ladder', { 'training.outOfMemory.ladder': '[]' }, (spec) => plan(spec).ladder],
  ['training.outOfMemory.unequal', { 'training.outOfMemory.unequal': 'true' }, (spec) => plan(spec).unequalRemedies],
  ['training.seeds', { 'training.seeds': '[4, 5]' }, (spec) => plan(spec).seeds],
  ['training.attempts', { 'training.attempts': '2' }, (spec) => plan(spec).attempts],
  ['variants[].name', { 'variants[1].name': 'c' }, (spec) => plan(spec).variants.map((v) => v.name)],
  ['variants[].control', { 'variants[0].control': 'false', 'variants[1].control': 'true' }, (spec) => plan(spec).control],
  ['evaluation.testRatio', { 'evaluation.testRatio': '0.5' }, splits, { 'data.id': 'id' }],
  ['evaluation.metrics', { 'evaluation.metrics': '[accuracy, ece]' }, (spec) => [registeredPlan(spec).metrics, plan(spec).latency]],
  ['checks.srm.alpha', { 'checks.srm.alpha': '0.01' }, checked('sample-ratio')],
  ['checks.covariates.alpha', { 'checks.covariates.alpha': '0.000001' }, checked('covariates')],
  ['checks.covariates.minEffect', { 'checks.covariates.minEffect': '0.5' }, checked('covariates')],
  ['checks.leaks.nearDuplicates', { 'checks.leaks.nearDuplicates': 'false' }, snapshotted((s) => s.leaks.nearDuplicates?.bound)],
  ['checks.leaks.labelAuc', { 'checks.leaks.labelAuc': '0.51' }, snapshotted((s) => s.leaks.revealing.length)],
  ['checks.drift.against', { 'checks.drift.against': 'none' }, drifted],
  ['checks.drift.alpha', { 'checks.drift.alpha': '0.9' }, checked('drift')],
  ['checks.drift.minEffect', { 'checks.drift.minEffect': '0.5' }, checked('drift'), { 'checks.drift.alpha': '0.9' }],
  ['checks.drift.multivariate', { 'checks.drift.multivariate': 'classifier' }, drifted],
  ['report.rows', { 'report.rows': '1' }, disagreed, { 'data.id': 'id' }],
  ['report.content', { 'report.content': 'false' }, disagreed, { 'data.id': 'id' }],
  ['decision.approval', { 'decision.approval': 'true' }, (spec) => plan(spec).approval],
  ['decision.register', { 'decision.register': 'mlflow' }, (spec) => plan(spec).mlflow?.model],
  ...Object.entries({ experiment: 'vision', model: 'digits-net', artifacts: 'false', largestModel: '2GiB' }).map(
    ([key, value]): (typeof table)[number] => [
      `publish.mlflow.${key}`,
      { [`publish.mlflow.${key}`]: value },
      (spec) => plan(spec).mlflow?.[key as 'model'],
      key === 'artifacts' ? { publish: '{mlflow: {}}' } : { 'decision.register': 'mlflow' },
    ],
  ),
  ...['webhook', 'format', 'on', 'secret'].map((key): (typeof table)[number] => [
    `notify[].${key}`,
    { notify: `[{webhook: "https://example.org/${key}", format: slack, on: [series.alert], secret: OTHER}]` },
    (spec) => plan(spec).notify?.[0]?.[key as 'webhook'],
    { notify: '[{webhook: "https://example.org"}]' },
  ]),
  ['analysis.primary', { 'analysis.primary': 'f1_macro' }, (spec) => registeredPlan(spec).primary],
  ['analysis.question', { 'analysis.question': 'artifact' }, (spec) => registeredPlan(spec).question],
  ['analysis.test', { 'analysis.test': 'equivalence' }, (spec) => registeredPlan(spec).test, { 'analysis.margin': '0.02' }],
  ['analysis.margin', { 'analysis.margin': '20%' }, (spec) => [registeredPlan(spec).margin, registeredPlan(spec).marginRelative]],
  ['analysis.confidence', { 'analysis.confidence': '0.9' }, (spec) => registeredPlan(spec).confidence],
  ['analysis.resamples', { 'analysis.resamples': '5000' }, (spec) => registeredPlan(spec).resamples],
  ['analysis.correction', { 'analysis.correction': 'none' }, (spec) => registeredPlan(spec).correction],
  [
    'analysis.guardrails[].metric',
    { 'analysis.guardrails': '[{metric: latency_p95, maxIncrease: 2}]' },
    (spec) => registeredPlan(spec).guardrails,
  ],
  [
    'analysis.guardrails[].maxIncrease',
    { 'analysis.guardrails': '[{metric: log_loss, maxIncrease: 20%}]' },
    (spec) => registeredPlan(spec).guardrails,
    { 'analysis.guardrails': '[{metric: log_loss, maxIncrease: 10%}]' },
  ],
  [
    'analysis.guardrails[].maxDecrease',
    { 'analysis.guardrails': '[{metric: f1_macro, maxDecrease: 0.2}]' },
    (spec) => registeredPlan(spec).guardrails,
    { 'analysis.guardrails': '[{metric: f1_macro, maxDecrease: 0.1}]' },
  ],
];

describe('a change of', () => {
  it.each(table)('%s %j shows', async (_key, set, probe, base = {}) => {
    expect(await probe(resolved({ ...base, ...set }))).not.toEqual(await probe(resolved(base)));
  });

  it('varies decides which differences between variants are an error', () => {
    expect(() => resolved({ varies: '[]' })).toThrow(/varies/);
  });

  it.each(['evaluation.latency.interleave'])('%s is refused: it has one value yet', (key) => {
    expect(() => resolved({ [key]: 'false' })).toThrow(key);
  });
});

it('no key of the schema is left out', () => {
  const trainers = readFileSync(join(__dirname, 'activities', 'runFile.test.ts'), 'utf8');
  const whole = readFileSync(join(__dirname, 'e2e', 'experiment.test.ts'), 'utf8');
  const shown = new Set([...table.map(([key]) => key), 'varies', 'evaluation.latency.interleave']);
  const keys = schemaKeys().map(({ path }) => path);
  const leaves = keys.filter((path) => !keys.some((other) => other.startsWith(`${path}.`) || other.startsWith(`${path}[]`)));
  // The hypothesis is what the Temporal UI shows as the experiment's summary.
  const elsewhere = (key: string): boolean =>
    trainers.includes(`key: '${key}'`) || (key === 'hypothesis' && whole.includes('expect(staticSummary)'));
  expect(leaves.filter((key) => !shown.has(key) && !elsewhere(key))).toEqual([]);
});

function resolved(set: Record<string, string>): ResolvedSpec {
  const overrides = Object.entries({ 'data.source': './data.csv', ...set }).map(([path, value]) => ({ path, value }));
  return loadSpec(valid, { file: 'experiment.yaml', root: folder, overrides });
}

async function registeredOwner(spec: ResolvedSpec): Promise<string | null | undefined> {
  const experimentId = `digits-${spec.owner ?? 'none'}`;
  const [ref, provenance] = [await store.putJson(spec), await store.putJson({})];
  await createControlActivities({ store }).registerExperiment({
    experimentId,
    spec: ref,
    provenance,
    code: null,
    workflow: { id: 'w', runId: 'r' },
  });
  return (await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId)))?.value.owner;
}

function container(spec: ResolvedSpec): unknown {
  return containerFor({
    spec,
    image: { reference: spec.runtime.image ?? '', repoDigest: null, id: `sha256:${'1'.repeat(64)}` },
    lease: { leaseId: 'l', requestId: 'r', holder: 'w', host: 'h', devices: [], model: 'cpu', exclusiveHost: false },
    code: null,
    mounts: { data: '/cache/data', resume: null, model: null },
  });
}

/** Steps of the checkpoints that are left of a run with one of two hours ago and one of now. */
async function keptSteps(spec: ResolvedSpec): Promise<number[]> {
  const keep = retention(spec);
  const key = { experimentId: `kept-${keep.count}-${keep.seconds}`, variant: 'a', seed: 1 };
  const checkpoints = runCheckpoints(store, key, { remedy: 0, keep });
  await checkpoints.open(1);
  for (const [step, hours] of [
    [10, 2],
    [20, 0],
  ] as const) {
    await checkpoints.add(1, await checkpoint(step, new Date(Date.now() - hours * 3_600_000)));
  }
  return (await checkpoints.open(1)).checkpoints.map(({ step }) => step);
}

async function checkpoint(step: number, savedAt: Date) {
  const weights = join(folder, `weights-${step}`);
  mkdirSync(weights, { recursive: true });
  writeFileSync(join(weights, 'weights.bin'), `weights of step ${step}`);
  const manifest = await store.putFolder(weights);
  const events = await store.put(Buffer.from(''), mediaTypes.jsonLines);
  return { step, epoch: 1, manifest, events, usedSeconds: 1, remedy: 0, savedAt: savedAt.toISOString(), telemetry: null };
}

async function warmStart({ training }: ResolvedSpec): Promise<unknown> {
  if (training.warmStart === undefined) return null;
  const earlier = runCheckpoints(store, { experimentId: 'digits-0', variant: 'a', seed: 1 });
  await earlier.open(1);
  await earlier.add(1, await checkpoint(30, new Date()));
  const { run, step } = await warmStartOf(store, training.warmStart, join(folder, 'warm-start'), []);
  return { run, step };
}

/** What is told of two models that answer each row otherwise. */
async function disagreed(spec: ResolvedSpec): Promise<unknown> {
  const deps = { store, workDir: join(folder, 'work') };
  const { snapshot } = await createSnapshot({ spec, ...deps });
  const test = (await store.get(snapshot.splits.test.ref)).toString('utf8').trim().split('\n');
  const rows = test.map((line) => JSON.parse(line) as SplitRow);
  const runs = ['a', 'b'].map((variant, v) => ({
    variant,
    seed: 1,
    scores: Float64Array.from({ length: 2 * rows.length }, (_, i) => (i + v) % 2),
  }));
  const known = await testColumns(deps, snapshot, rows);
  return disagreementsOf(deps, { spec, plan: plan(spec), snapshot, test: rows, runs, ...known });
}

/** What drift of the same columns, each ten times as large, is told by. */
async function drifted(spec: ResolvedSpec): Promise<unknown> {
  const workDir = join(folder, 'work');
  const { ref } = await createSnapshot({ spec, store, workDir });
  await store.refs.update(refNames.latestSnapshot(spec.name), () => ref);
  const { snapshot } = await createSnapshot({ spec: { ...spec, data: { ...spec.data, source: './more.csv' } }, store, workDir });
  const checksMade = await dataChecks({ store, workDir }, spec, snapshot);
  return checksMade.find(({ name }) => name === 'drift')?.findings?.map(({ what }) => what);
}

/** Train and test differ in x by a KS distance of 0.15, and test has more units than its share: both near the bounds. */
function checks(spec: ResolvedSpec) {
  const profile = (rows: number, shift: number): SplitProfile => {
    const sample = Array.from({ length: rows }, (_, i) => i / rows + shift);
    return {
      rows,
      classes: { 0: rows / 2, 1: rows / 2 },
      columns: [{ name: 'x', kind: 'number', count: rows, missing: 0, distinct: rows, sample }],
    };
  };
  const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };
  const split = (rows: number) => ({ rows, ref });
  return runDataChecks({
    spec,
    snapshot: {
      schema: 'assay.snapshot/2',
      origin: { kind: 'local' },
      source: 'data.csv',
      kind: 'table',
      data: ref,
      file: 'data.csv',
      format: 'csv',
      rows: 1060,
      label: 'label',
      id: 'id',
      unit: null,
      classes: ['0', '1'],
      splits: { train: split(700), validation: split(100), test: split(260) },
      profiles: { train: ref, validation: ref, test: ref },
      overlap: { pairs: [] },
      leaks: { nearDuplicates: null, unitsAcross: [], revealing: [] },
      units: { train: 700, validation: 100, test: 260 },
      shares: { train: 0.7, validation: 0.1, test: 0.2 },
    },
    profiles: { train: profile(700, 0), validation: profile(100, 0), test: profile(260, 0.15) },
    reference: { name: 'the snapshot before', profiles: { train: profile(700, 0.06), validation: profile(100, 0), test: profile(260, 0) } },
  });
}
