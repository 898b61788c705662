// Proves: what the records of the runs say of images, devices, remedies, restarts and leaks reaches the result, from objects in a real store.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildResult } from '../../src/activities/buildResult';
import {
  type AnalyseInput,
  type Manifest,
  mediaTypes,
  noRemedy,
  type Ref,
  type Remedy,
  type Result,
  type RunOutcome,
  type RunRecord,
  type Snapshot,
  type TelemetrySummary,
} from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { writeNpy } from '../../src/contract/npy';
import { experimentPlan } from '../../src/contract/plan';
import { openStore, type Store } from '../../src/store';
import { valid } from '../contract/fixtures';
import { sampleAt } from '../gpu/helpers';

let folder: string;
let store: Store;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-result-'));
  store = openStore(pathToFileURL(join(folder, 'store')).href);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const image = { reference: `trainer@${digest('1')}`, repoDigest: `trainer@${digest('1')}`, id: digest('2') };
const onGpu = { 'runtime.gpus': '1', 'evaluation.metrics': '[accuracy, gpu_utilization, gpu_hours, energy, data_stall, peak_memory]' };
const inDocker = { 'runtime.executor': 'docker', 'runtime.image': image.reference };
const half: Remedy = { ...noRemedy, level: 1, microBatchDivisor: 2 };
const telemetry: TelemetrySummary = {
  samples: 40,
  seconds: 40,
  utilization: 0.8,
  peakMemoryBytes: 3e9,
  smClockMhz: 1755,
  energyJoules: 9000,
  maxTemperatureCelsius: 66,
  throttledShare: 0,
  throttleReasons: {},
  gpuHours: 0.011,
};

test('a run in a container on a device says which image, device, energy and memory it had', async () => {
  const result = await build({ ...onGpu, ...inDocker }, () => ({
    image,
    model: 'NVIDIA H100 80GB HBM3',
    devices: [{ uuid: 'GPU-1', memoryBytes: null, sharing: 'whole' }],
    telemetry,
    dataStall: 0.04,
  }));
  expect(runOf(result, 'b')).toMatchObject({
    image: image.repoDigest,
    imageId: image.id,
    device: { kind: 'cuda', model: 'NVIDIA H100 80GB HBM3', uuids: ['GPU-1'] },
    telemetry,
    dataStall: 0.04,
    remedy: noRemedy,
    warmStart: null,
    // Of the device, not of the process on its host.
    metrics: { gpu_utilization: 0.8, gpu_hours: 0.011, energy: 9000, data_stall: 0.04, peak_memory: 3e9 },
    deviations: [],
  });
  expect(result.comparisons.find(({ metric }) => metric === 'energy')).toMatchObject({ difference: 0, n: 5 });
  expect(checkOf(result, 'devices')).toMatchObject({ status: 'pass', detail: 'Every run was trained on NVIDIA H100 80GB HBM3.' });
});

test('an image that no registry knows is named by its id', async () => {
  const only = { ...image, reference: digest('2'), repoDigest: null };
  const result = await build(inDocker, () => ({ image: only }));
  expect(runOf(result, 'a')).toMatchObject({ image: digest('2'), imageId: digest('2') });
});

test('a process on the CPU has no image, no telemetry and the memory of its host', async () => {
  const result = await build({ 'evaluation.metrics': '[accuracy, peak_memory, data_stall]' }, () => ({}));
  expect(runOf(result, 'a')).toMatchObject({
    image: null,
    imageId: null,
    device: { kind: 'cpu', model: 'cpu', uuids: [] },
    telemetry: null,
    metrics: { peak_memory: 5e8, data_stall: null },
    artifacts: { telemetry: null },
  });
});

test('remedies of one variant alone make the result invalid, and a deviation where they were declared', async () => {
  const unequal = ({ variant }: RunRecord['key']) => (variant === 'b' ? { remedy: half } : {});
  const refused = await build({}, unequal);
  expect(refused.verdict).toMatchObject({ outcome: 'invalid' });
  expect(refused.verdict.sentence).toContain('b was trained with micro-batches of half the batch');
  const finding = 'out of memory: b seed 1; trained again from the start with micro-batches of half the batch';
  const told = ({ variant }: RunRecord['key']) => (variant === 'b' ? { findings: [finding] } : {});
  const declared = await build({ 'training.outOfMemory.unequal': 'true' }, unequal, told);
  expect(declared.verdict.outcome).not.toBe('invalid');
  expect(declared.verdict.reasons[0]).toBe('Declared beforehand: a without; b was trained with micro-batches of half the batch.');
  expect(runOf(declared, 'b')).toMatchObject({
    remedy: half,
    deviations: [finding],
  });
});

test('restarts by cause, leaks, a device set aside and a warm start stand with the run', async () => {
  const manifest = await store.putJson({});
  const failures = { crash: 1, infrastructure: 2, preemption: 0, outOfMemory: 0 };
  const result = await build(
    {},
    ({ variant, seed }) =>
      variant === 'b' && seed === 1
        ? {
            leaks: ['process 4711 still runs'],
            warmStart: { run: 'digits-0/a/seed-1', step: 900, manifest },
            health: [
              { ok: false, device: 'GPU-7', findings: ['XID 79: the device has fallen off the bus'], memoryBefore: null, productMs: null },
            ],
          }
        : {},
    ({ variant, seed }) => (variant === 'b' && seed === 1 ? { attempts: 4, failures } : {}),
  );
  expect(runOf(result, 'b')).toMatchObject({
    attempts: 4,
    failures,
    leaks: ['process 4711 still runs'],
    warmStart: { run: 'digits-0/a/seed-1', step: 900 },
    deviations: ['GPU-7: XID 79: the device has fallen off the bus', 'left behind: process 4711 still runs'],
  });
  expect(runOf(result, 'b').warmStart).not.toHaveProperty('manifest');
  expect(checkOf(result, 'restarts')).toMatchObject({ status: 'warn', statistic: 3 });
  expect(checkOf(result, 'leftovers')).toMatchObject({ status: 'warn' });
});

test('restarts with their cause and the use of the devices reach the result, and damaged telemetry costs no more than itself', async () => {
  const lines = [0, 1, 2].map((at) => `${JSON.stringify(sampleAt(at, { utilization: 0.25 * at }))}\n`).join('');
  const kept = await store.put(Buffer.from(lines), mediaTypes.jsonLines);
  const starts = [
    { epoch: 1, step: 0, seconds: 0, remedy: 0 },
    { epoch: 2, step: 6, seconds: 2.5, remedy: 0 },
  ];
  const run = await build(
    {},
    ({ variant, seed }) =>
      variant === 'b' ? { starts, telemetry, telemetryLines: seed === 1 ? kept : { ...kept, digest: digest('9') } } : {},
    ({ variant }) => (variant === 'b' ? { attempts: 2, ends: [{ epoch: 1, cause: 'HostLost: no heartbeat' }] } : {}),
  );
  expect(runOf(run, 'b')).toMatchObject({
    restarts: [{ step: 6, seconds: 2.5, cause: 'HostLost: no heartbeat' }],
    usage: { seconds: [0, 1, 2], utilization: [0, 0.25, 0.5] },
  });
  expect(run.variants[1]?.runs[1]?.usage).toBeNull();
  expect(runOf(run, 'a').usage).toBeNull();
  expect(runOf(run, 'a')).not.toHaveProperty('restarts');
});

test('variants that predict alike disagree on no row, and one that does not on the rows it turns', async () => {
  const alike = await build({}, () => ({}));
  expect(alike.disagreements).toEqual([{ control: 'a', variant: 'b', of: rows, differing: 0, rows: [], withContent: true }]);
  const turned = await build(
    { 'report.rows': '3' },
    () => ({}),
    () => ({}),
    ({ variant }) => variant === 'b',
  );
  expect(turned.disagreements).toMatchObject([
    { differing: rows, rows: [{ id: 'r0', gap: expect.closeTo(0.6, 9), content: null }, { id: 'r1' }, { id: 'r2' }] },
  ]);
});

test('a run that failed says what it was meant to run in, and how often it was tried', async () => {
  const failures = { crash: 5, infrastructure: 0, preemption: 0, outOfMemory: 0 };
  const result = await build(
    { ...onGpu, ...inDocker },
    () => ({ image }),
    ({ variant, seed }) =>
      variant === 'b' && seed === 1
        ? { status: 'failed', trained: null, attempts: 5, failures, failure: { type: 'TrainerFailed', message: 'ValueError: bad' } }
        : {},
  );
  expect(runOf(result, 'b')).toMatchObject({
    status: 'failed',
    image: image.reference,
    imageId: null,
    device: { kind: 'cuda', model: 'unknown', uuids: [] },
    failures,
    telemetry: null,
    artifacts: { telemetry: null, predictions: null },
  });
  expect(result.verdict.outcome).toBe('inconclusive');
});

const rows = 40;

/** An experiment of two variants and five seeds that predict alike; `of` and `ended` say how a run was otherwise. */
async function build(
  set: Record<string, string>,
  of: (key: RunRecord['key']) => Partial<RunRecord> & { telemetryLines?: Ref },
  ended: (key: RunRecord['key']) => Partial<RunOutcome> = () => ({}),
  turned: (key: RunRecord['key']) => boolean = () => false,
): Promise<Result> {
  const overrides = Object.entries({ 'evaluation.metrics': '[accuracy]', 'analysis.resamples': '1000', ...set }).map(([path, value]) => ({
    path,
    value,
  }));
  const spec = loadSpec(valid, { file: 'experiment.yaml', root: folder, overrides });
  const plan = experimentPlan(spec, 'digits-1', await store.putJson(spec));
  const test = Array.from({ length: rows }, (_, row) => JSON.stringify({ id: `r${row}`, label: String(row % 2), row }));
  const split = { rows, ref: await store.put(Buffer.from(`${test.join('\n')}\n`), mediaTypes.jsonLines) };
  const none = await store.putJson({});
  const snapshot: Snapshot = {
    schema: 'assay.snapshot/2',
    origin: { kind: 'local' },
    source: 'data',
    kind: 'table',
    data: none,
    file: 'data.csv',
    format: 'csv',
    rows,
    label: 'label',
    id: 'id',
    unit: null,
    classes: ['0', '1'],
    splits: { train: split, validation: split, test: split },
    profiles: { train: none, validation: none, test: await store.putJson({ rows, classes: {}, columns: [] }) },
    overlap: { pairs: [] },
    leaks: { nearDuplicates: null, unitsAcross: [], revealing: [] },
    units: { train: 1, validation: 1, test: 1 },
    shares: null,
  };
  const keys = plan.variants.flatMap(({ name }) => plan.seeds.map((seed) => ({ experimentId: 'digits-1', variant: name, seed })));
  const input: AnalyseInput = {
    plan,
    snapshot: { ref: await store.putJson(snapshot), rows, splits: { train: rows, validation: rows, test: rows } },
    sourceChanged: null,
    checks: [],
    runs: await Promise.all(keys.map((key) => outcome(key, of(key), ended(key), turned(key)))),
    latency: null,
    provenance: await store.putJson({ assay: '0', source: '', git: { commit: null, dirty: false, remote: null, diff: null } }),
    workflow: { id: 'w', runId: 'r' },
    startedAt: '2026-11-21T14:03:12.000Z',
  };
  return (await buildResult({ store, uiUrl: null, home: folder }, input, 'default')).result;
}

async function outcome(
  key: RunRecord['key'],
  { telemetryLines = null, ...of }: Partial<RunRecord> & { telemetryLines?: Ref | null },
  ended: Partial<RunOutcome>,
  turned: boolean,
): Promise<RunOutcome> {
  const events = await store.put(Buffer.from('{"type":"step","step":10,"loss":0.5}\n'), mediaTypes.jsonLines);
  const record: RunRecord = {
    schema: 'assay.run/1',
    key,
    epoch: 1,
    host: 'host-1',
    resumedFromStep: null,
    steps: 10,
    samples: 640,
    seconds: 12,
    peakMemoryBytes: 5e8,
    trainerMetrics: {},
    environment: {},
    warnings: [],
    remedy: noRemedy,
    image: null,
    code: null,
    devices: [],
    model: 'cpu',
    telemetry: null,
    health: [],
    dataStall: null,
    leaks: [],
    warmStart: null,
    artifacts: { predictions: await predictions(turned), events, model: null, log: events, result: events, telemetry: telemetryLines },
    ...of,
  };
  return {
    key,
    status: 'done',
    attempts: 1,
    trained: { epoch: 1, host: 'host-1', steps: 10, model: null, record: await store.putJson(record) },
    findings: [],
    failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 },
    remedy: record.remedy,
    failure: null,
    ...ended,
  };
}

async function predictions(turned: boolean): Promise<RunRecord['artifacts']['predictions']> {
  const scores = Float64Array.from({ length: rows * 2 }, (_, i) => {
    // Every seventh row is wrong.
    const right = (i >> 1) % 7 === 0 ? (i >> 1) % 2 === 0 : (i >> 1) % 2 === 1;
    return ((i % 2 === 1) === right) !== turned ? 0.8 : 0.2;
  });
  const files: [string, Uint8Array][] = [
    ['ids.npy', writeNpy(Array.from({ length: rows }, (_, row) => `r${row}`))],
    ['labels.npy', writeNpy(Int32Array.from({ length: rows }, (_, row) => row % 2))],
    ['scores.npy', writeNpy(scores, [rows, 2])],
  ];
  const manifest: Manifest = {
    files: await Promise.all(
      files.map(async ([path, bytes]) => {
        const ref = await store.put(Buffer.from(bytes), mediaTypes.npy);
        return { path, size: ref.size, digest: ref.digest };
      }),
    ),
  };
  return store.putJson(manifest);
}

const runOf = (result: Result, variant: string): Result['variants'][number]['runs'][number] => {
  const run = result.variants.find(({ name }) => name === variant)?.runs.find(({ seed }) => seed === 1);
  if (run === undefined) throw new Error(`no run of ${variant}`);
  return run;
};

const checkOf = (result: Result, name: string) => result.checks.find((check) => check.name === name);
