// Proves: every key of the spec that is for the trainer reaches it, and shows in run.json, the command, its folder or its environment.
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runFileFor } from '../../src/activities/runFile';
import { type Lease, noRemedy, type RunFile, type Snapshot } from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { valid } from '../contract/fixtures';

type Start = ReturnType<typeof runFileFor>;

interface Row {
  key: string;
  /** Changes of the spec, as `--set` takes them. */
  set: Record<string, string>;
  mode?: RunFile['mode'];
  read: (start: Start) => unknown;
  /** What the trainer sees of the default, and of the change. */
  before: unknown;
  after: unknown;
}

const table: Row[] = [
  {
    key: 'training.command',
    set: { 'training.command': '[node, mine.js, --fast]' },
    read: (s) => s.command,
    before: ['python', 'train.py'],
    after: ['node', 'mine.js', '--fast'],
  },
  { key: 'training.batchSize', set: { 'training.batchSize': '17' }, read: (s) => s.runFile.batchSize, before: 64, after: 17 },
  {
    key: 'training.batchSize, undivided',
    set: { 'training.batchSize': '17' },
    read: (s) => s.runFile.microBatchSize,
    before: 64,
    after: 17,
  },
  { key: 'training.precision', set: { 'training.precision': 'bf16' }, read: (s) => s.runFile.precision, before: 'fp32', after: 'bf16' },
  { key: 'training.budget.epochs', set: { 'training.budget.epochs': '9' }, read: (s) => s.runFile.budget.epochs, before: 5, after: 9 },
  { key: 'training.budget.steps', set: { 'training.budget.steps': '120' }, read: (s) => s.runFile.budget.steps, before: null, after: 120 },
  {
    key: 'training.budget.wallClock',
    set: { 'training.budget.wallClock': '1.5m' },
    read: (s) => s.runFile.budget.wallClockSeconds,
    before: null,
    after: 90,
  },
  {
    key: 'training.checkpointEvery',
    set: { 'training.checkpointEvery': '250ms' },
    read: (s) => s.runFile.checkpointEverySeconds,
    before: 30,
    after: 0.25,
  },
  {
    key: 'training.params',
    set: { 'training.params': '{lr: 0.1, h: 7}' },
    read: (s) => s.runFile.params,
    // The variant's own value stands above the common one.
    before: { h: 2 },
    after: { lr: 0.1, h: 2 },
  },
  {
    key: 'variants[].params',
    set: { 'variants[1].params': '{h: 3}' },
    read: (s) => s.runFile.params,
    before: { h: 2 },
    after: { h: 3 },
  },
  {
    key: 'variants[].model',
    set: { 'variants[1].model': 'models/b.bin' },
    mode: 'evaluate',
    read: (s) => s.runFile.model,
    before: null,
    after: '/experiment/models/b.bin',
  },
  {
    key: 'variants[].model, absolute',
    set: { 'variants[1].model': '/models/b.bin' },
    mode: 'evaluate',
    read: (s) => s.runFile.model,
    before: null,
    after: '/models/b.bin',
  },
  {
    key: 'evaluation.command',
    set: { 'evaluation.command': '[python, predict.py]' },
    mode: 'evaluate',
    read: (s) => s.command,
    before: ['python', 'train.py'],
    after: ['python', 'predict.py'],
  },
  {
    key: 'evaluation.command, for latency',
    set: { 'evaluation.command': '[python, predict.py]' },
    mode: 'latency',
    read: (s) => s.command,
    before: ['python', 'train.py'],
    after: ['python', 'predict.py'],
  },
  {
    key: 'evaluation.command, which never trains',
    set: { 'evaluation.command': '[python, predict.py]' },
    read: (s) => s.command,
    before: ['python', 'train.py'],
    after: ['python', 'train.py'],
  },
  {
    key: 'evaluation.batchSize',
    set: { 'evaluation.batchSize': '5' },
    read: (s) => s.runFile.evaluationBatchSize,
    before: 32,
    after: 5,
  },
  { key: 'evaluation.warmupSteps', set: { 'evaluation.warmupSteps': '3' }, read: (s) => s.runFile.warmupSteps, before: 100, after: 3 },
  {
    key: 'evaluation.latency.blocks',
    set: { 'evaluation.latency.blocks': '4' },
    read: (s) => s.runFile.latencyBlocks,
    before: 10,
    after: 4,
  },
  {
    key: 'runtime.processes',
    set: { 'runtime.processes': '4' },
    read: (s) => [s.runFile.worldSize, s.command],
    before: [1, ['python', 'train.py']],
    after: [4, ['python', '-m', 'assay_runtime.launch', '--processes', '4', '--', 'train.py']],
  },
  {
    key: 'runtime.cpus',
    set: { 'runtime.cpus': '3' },
    read: ({ env }) => [env.OMP_NUM_THREADS, env.OPENBLAS_NUM_THREADS, env.MKL_NUM_THREADS],
    before: ['1', '1', '1'],
    after: ['3', '3', '3'],
  },
];

test.each(table)('$key reaches the trainer', ({ set, mode, read, before, after }) => {
  const only = mode === undefined ? {} : { mode };
  expect(read(start({}, only))).toEqual(before);
  expect(read(start(set, only))).toEqual(after);
});

/** Read by the workflow, not by a trainer: which runs there are, and how often one is tried. */
const ofTheWorkflow = [
  ...['training.seeds', 'training.attempts', 'training.outOfMemory.ladder', 'training.outOfMemory.unequal'],
  ...['runtime.gpus', 'runtime.gpuMemory', 'runtime.maxGpus', 'runtime.qos'],
];
/** Read by the host and the analysis: how a trainer runs, what is kept of it, and what is made of its predictions. */
const ofOthers = [
  ...['runtime.executor', 'runtime.image', 'runtime.memory', 'runtime.shm', 'runtime.network', 'training.code'],
  ...['training.keepCheckpoints', 'training.keepCheckpointsFor', 'training.warmStart'],
  ...['evaluation.testRatio', 'evaluation.metrics', 'evaluation.latency.interleave'],
];

test('no key of runtime, training or evaluation is forgotten in the table', () => {
  const schema = JSON.parse(readFileSync(join(__dirname, '..', '..', 'experiment.schema.json'), 'utf8')) as Schema;
  const keys = ['runtime', 'training', 'evaluation'].flatMap((section) => leaves(schema.properties?.[section], section));
  const told = new Set([...table.map(({ key }) => key.split(',')[0]), ...ofTheWorkflow, ...ofOthers]);
  expect(keys.filter((key) => !told.has(key))).toEqual([]);
  expect(keys).toEqual(expect.arrayContaining(['training.batchSize', 'training.budget.wallClock', 'evaluation.latency.blocks']));
});

test('the columns of data.label, data.id and data.unit are what the snapshot says', () => {
  const { runFile } = start({}, {}, { label: 'digit', id: 'sample', unit: 'writer', classes: ['one', 'two'] });
  expect(runFile.data).toEqual({
    dir: '/cache/data',
    label: 'digit',
    id: 'sample',
    unit: 'writer',
    classes: ['one', 'two'],
    splits: { train: '/cache/train.jsonl', validation: '/cache/validation.jsonl', test: '/cache/test.jsonl' },
  });
  expect(start({}, {}, { id: null, unit: null }).runFile.data).toMatchObject({ id: null, unit: null });
});

test('a run is named by experiment, variant, seed and epoch, and writes into the folder of its epoch', () => {
  const { runFile, cwd } = start({}, { epoch: 4, resume: '/runs/epoch-4/resume/step-20', usedSeconds: 12.5 });
  expect(runFile).toMatchObject({
    contract: 1,
    mode: 'train',
    experiment: 'digits-1',
    variant: 'b',
    seed: 3,
    epoch: 4,
    resume: '/runs/epoch-4/resume/step-20',
    checkpoints: '/runs/epoch-4/checkpoints',
    out: '/runs/epoch-4/out',
    budget: { usedSeconds: 12.5 },
  });
  expect(cwd).toBe('/experiment');
});

test('python in a command is the managed interpreter, where there is one', () => {
  const { env } = start({}, { python: '/cache/python/bin/python' });
  expect(env.PATH?.split(delimiter)[0]).toBe('/cache/python/bin');
  expect(env.PYTHONPATH).toBe('/runtime');
  expect(start({}, { python: null }).env.PATH).toBe(process.env.PATH);
});

test('all variants get the same budget, batch size and environment', () => {
  const of = (variant: string): unknown => {
    const { runFile, command, cwd, env } = start({ 'training.batchSize': '17' }, { key: { experimentId: 'digits-1', variant, seed: 3 } });
    const { params: _params, variant: _variant, ...common } = runFile;
    return { common, command, cwd, env };
  };
  expect(of('a')).toEqual(of('b'));
});

function start(
  set: Record<string, string>,
  change: Partial<Parameters<typeof runFileFor>[0]> = {},
  columns: Partial<Snapshot> = {},
): Start {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value }));
  const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };
  return runFileFor({
    spec: loadSpec(valid, { file: 'experiment.yaml', root: '/experiment', overrides }),
    snapshot: {
      schema: 'assay.snapshot/2',
      origin: { kind: 'local' },
      source: 'data',
      kind: 'table',
      data: ref,
      file: 'data.csv',
      format: 'csv',
      rows: 4,
      label: 'label',
      id: 'id',
      unit: null,
      classes: ['0', '1'],
      splits: { train: { rows: 2, ref }, validation: { rows: 1, ref }, test: { rows: 1, ref } },
      profiles: { train: ref, validation: ref, test: ref },
      overlap: { pairs: [] },
      leaks: { nearDuplicates: null, unitsAcross: [], revealing: [] },
      units: { train: 1, validation: 1, test: 1 },
      shares: null,
      ...columns,
    },
    data: {
      dir: '/cache/data',
      splits: { train: '/cache/train.jsonl', validation: '/cache/validation.jsonl', test: '/cache/test.jsonl' },
    },
    key: { experimentId: 'digits-1', variant: 'b', seed: 3 },
    dir: `/runs/epoch-${change.epoch ?? 1}`,
    mode: 'train',
    epoch: 1,
    resume: null,
    warmStart: null,
    usedSeconds: 0,
    lease,
    remedy: noRemedy,
    python: null,
    runtimeDir: '/runtime',
    ...change,
  });
}

const lease: Lease = {
  leaseId: 'lease-1',
  requestId: 'request-1',
  holder: 'assay/digits-1/b/seed-3',
  host: 'host-1',
  devices: [],
  model: 'cpu',
  exclusiveHost: false,
};

interface Schema {
  properties?: Record<string, Schema>;
  type?: string;
}

/** Paths of the keys that hold a value; parameters are the trainer's own and count as one. */
function leaves(schema: Schema | undefined, path: string): string[] {
  const inner = Object.entries(schema?.properties ?? {});
  return inner.length === 0 ? [path] : inner.flatMap(([name, child]) => leaves(child, `${path}.${name}`));
}
