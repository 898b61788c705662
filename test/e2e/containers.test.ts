// Proves, with a real engine, server and workers: an experiment in containers from the image's digest to the report with its latency
// phase; the ladder when memory is short, for all alike or as declared; what a container may not do; preemption, several ranks, a drained
// host; and that nothing of a run is left.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { cancelExperiment } from '../../src/client';
import { type HostDrain, type Result, ids, poolNames } from '../../src/contract';
import { dockerForTests } from '../docker/engine';
import { Cluster, stepsOf, until } from './cluster';
import { writeTable } from './table';

let cluster: Cluster;
let docker: Docker;
let image: string;
const folder = mkdtempSync(join(tmpdir(), 'assay-containers-'));

beforeAll(async () => {
  const engine = await dockerForTests();
  image = await engine.torch();
  docker = new Docker({ socketPath: engine.host.slice('unix://'.length) });
  copyFileSync(join(__dirname, 'trainers', 'trainer.py'), join(folder, 'trainer.py'));
  copyFileSync(join(__dirname, '..', '..', 'examples', 'digits-torch', 'train.py'), join(folder, 'train.py'));
  writeTable(join(folder, 'data.csv'));
  cluster = await Cluster.start({ hosts: ['host-a', 'host-b'], slots: 1, env: { DOCKER_HOST: engine.host } });
}, 1_200_000);

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a whole experiment in containers', () => {
  let result: Result;
  let id: string;

  beforeAll(async () => {
    id = await cluster.submit(
      spec({
        command: ['python', 'train.py'],
        source: 'builtin:digits',
        params: { hidden: 32 },
        candidate: { model: 'cnn', channels: 8 },
        control: { model: 'mlp' },
        steps: 60,
        metrics: ['accuracy', 'latency_p50', 'data_stall'],
      }),
      folder,
    );
    ({ result } = await cluster.result(id));
  }, 300_000);

  it('trains, predicts and measures latency, and records image, device and code', () => {
    const runs = result.variants.flatMap((variant) => variant.runs);
    expect(runs.map((run) => [run.status, run.steps, run.attempts])).toEqual(runs.map(() => ['done', 60, 1]));
    expect(new Set(runs.map((run) => run.imageId))).toEqual(new Set([image]));
    expect(runs.every((run) => run.device.kind === 'cpu' && run.leaks.length === 0)).toBe(true);
    expect(runs.every((run) => run.dataStall !== null && run.dataStall >= 0 && run.dataStall < 1)).toBe(true);
    for (const variant of result.variants) {
      expect(variant.latency?.blocks).toBe(2);
      expect(variant.latency?.p50).toBeGreaterThan(0);
    }
    expect(result.checks.find((check) => check.name === 'latency-phase')).toBeUndefined();
  });

  it('leaves no container and no lease', () => expectNothingLeft(id));
});

describe('short memory', () => {
  const hungry = { fault: 'memory', per_example: 3 * 2 ** 20 };

  it('by the container limit walks the ladder for every variant alike', async () => {
    // 64 examples need 192 MiB and 32 need 96, beside the interpreter: the limit is 64 MiB short of the first.
    const id = await cluster.submit(spec({ candidate: hungry, control: {}, memory: '170MiB' }), folder);
    const { result } = await cluster.result(id);
    const [control, candidate] = result.variants.map((variant) => variant.runs[0]);
    expect(candidate).toMatchObject({ status: 'done', remedy: { level: 1, microBatchDivisor: 2 }, failures: { outOfMemory: 1, crash: 0 } });
    expect(control).toMatchObject({ status: 'done', remedy: { level: 1, microBatchDivisor: 2 } });
    expect(candidate?.deviations.join('\n')).toMatch(
      /out of memory: candidate seed 1; trained again from the start with micro-batches of half the batch/,
    );
    expect(result.verdict.outcome).not.toBe('invalid');
    await expectNothingLeft(id);
  }, 180_000);

  it('on the device (exit code 86) goes on to the level that fits', async () => {
    const candidate = { fault: 'device-memory', fits: 16 };
    const { result } = await cluster.result(await cluster.submit(spec({ candidate, control: {} }), folder));
    expect(result.variants.map((variant) => variant.runs[0]?.remedy.microBatchDivisor)).toEqual([4, 4]);
    expect(result.variants[1]?.runs[0]?.failures.outOfMemory).toBe(2);
  }, 180_000);

  it('with remedies declared unequal trains only the variant that needs them otherwise, and says so', async () => {
    const candidate = { fault: 'device-memory', fits: 32 };
    const { result } = await cluster.result(await cluster.submit(spec({ candidate, control: {}, unequal: true }), folder));
    expect(result.variants.map((variant) => variant.runs[0]?.remedy.level)).toEqual([0, 1]);
    expect(result.verdict.outcome).not.toBe('invalid');
    expect(JSON.stringify(result.checks)).toMatch(/remed|micro-batches/i);
  }, 180_000);

  it('that no level mends fails the variant alone, as OutOfMemory', async () => {
    const candidate = { fault: 'device-memory', fits: 1 };
    const { result } = await cluster.result(await cluster.submit(spec({ candidate, control: {} }), folder));
    expect(result.variants[1]?.runs[0]).toMatchObject({ status: 'failed', failure: { type: 'OutOfMemory' } });
    expect(result.variants[0]?.runs[0]).toMatchObject({ status: 'done' });
  }, 240_000);
});

describe('what a container may not do', () => {
  it.each([
    ['reach the network', 'network', /unreachable|timed out/i],
    ['change files outside its own', 'host-files', /\[\] False[\s\S]*(?:Permission denied|Read-only file system)/],
    ['write to the snapshot', 'snapshot', /(?:Permission denied|Read-only file system)/],
    ['die of a segmentation fault unseen', 'segfault', /segmentation fault/i],
  ])(
    'it cannot %s, and the report shows what it said',
    async (_what, fault, message) => {
      const id = await cluster.submit(spec({ candidate: { fault }, control: {}, attempts: 1 }), folder);
      const { output, result } = await cluster.result(id);
      const run = result.variants[1]?.runs[0];
      expect(run).toMatchObject({ status: 'failed', failure: { type: 'TrainerFailed' } });
      expect(run?.failure?.message).toMatch(message);
      expect((await cluster.store.get(output.report)).toString('utf8')).toMatch(/candidate[\s\S]*TrainerFailed/);
    },
    120_000,
  );
});

it('a besteffort run yields to a guaranteed one at a checkpoint, and goes on afterwards', async () => {
  const patient = await cluster.submit(spec({ candidate: { pause: 0.1 }, control: { pause: 0.1 }, steps: 200, qos: 'besteffort' }), folder);
  await until(async () => (await cluster.progress(patient)).runs.every((run) => run.state === 'training'), 60_000);
  await cluster.reaches(patient, 'candidate', 1, 25);
  const urgent = await cluster.submit(spec({ candidate: {}, control: {}, qos: 'guaranteed' }), folder);
  await cluster.result(urgent);
  const { result } = await cluster.result(patient);
  const runs = result.variants.map((variant) => variant.runs[0]);
  for (const run of runs) expect(run).toMatchObject({ status: 'done', steps: 200, failures: { crash: 0, infrastructure: 0 } });
  expect(runs.reduce((sum, run) => sum + (run?.failures.preemption ?? 0), 0)).toBeGreaterThan(0);
  for (const variant of ['control', 'candidate']) {
    expect(await stepsOf(cluster.store, result, variant, 1)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  }
}, 240_000);

it('a worker that is told to stop leaves its containers to the next one', async () => {
  const slow = { pause: 0.1 };
  const id = await cluster.submit(spec({ candidate: slow, control: slow, steps: 150 }), folder);
  const { host } = await cluster.reaches(id, 'candidate', 1, 5);
  await cluster.kill(host, 'SIGTERM');
  const left = await docker.listContainers({ filters: { label: [`assay.experiment=${id}`, 'assay.variant=candidate'] } });
  expect(left).toHaveLength(1);
  cluster.startWorker('gpu', host, 1);
  const { result } = await cluster.result(id);
  expect(result.variants[1]?.runs[0]).toMatchObject({ status: 'done', steps: 150, attempts: 1, resumedFromStep: null, host });
}, 120_000);

it('two ranks train one model by gloo', async () => {
  const id = await cluster.submit(
    spec({
      command: ['python', 'train.py'],
      source: 'builtin:digits',
      params: { hidden: 16 },
      control: { model: 'mlp' },
      candidate: { model: 'mlp', lr: 0.01 },
      processes: 2,
      steps: 40,
    }),
    folder,
  );
  const { result } = await cluster.result(id);
  expect(result.variants.map((variant) => [variant.runs[0]?.status, variant.runs[0]?.steps])).toEqual([
    ['done', 40],
    ['done', 40],
  ]);
}, 240_000);

it('a cancel gives the trainer time for a last checkpoint and leaves nothing', async () => {
  const endless = { pause: 0.3 };
  const id = await cluster.submit(spec({ candidate: endless, control: endless, steps: 5000 }), folder);
  await cluster.reaches(id, 'candidate', 1, 3);
  await cancelExperiment(cluster.client, id);
  await expect(cluster.result(id)).rejects.toThrow();
  await expectNothingLeft(id);
}, 120_000);

it('a drained host gets no new run, and says why others wait', async () => {
  const drain = (host: string, wanted: boolean) =>
    cluster.client.workflow.getHandle(ids.gpuPool).signal<[HostDrain]>(poolNames.drain, { host, drain: wanted });
  await drain('host-a', true);
  await until(async () => (await cluster.pool()).hosts.find(({ host }) => host === 'host-a')?.drained === true, 10_000);
  const { result } = await cluster.result(await cluster.submit(spec({ candidate: {}, control: {} }), folder));
  expect(result.variants.map((variant) => variant.runs[0]?.host)).toEqual(['host-b', 'host-b']);
  await drain('host-a', false);
}, 180_000);

async function expectNothingLeft(id: string): Promise<void> {
  await until(async () => {
    const left = await docker.listContainers({ all: true, filters: { label: [`assay.experiment=${id}`] } });
    const { leases, waiting } = await cluster.pool();
    return (
      left.length === 0 &&
      [...leases.map(({ lease }) => lease), ...waiting.map(({ request }) => request)].every(({ holder }) => !holder.includes(id))
    );
  }, 10_000);
}

interface Wanted {
  control: Record<string, unknown>;
  candidate: Record<string, unknown>;
  command?: string[];
  params?: Record<string, unknown>;
  source?: string;
  steps?: number;
  attempts?: number;
  memory?: string;
  qos?: string;
  processes?: number;
  unequal?: boolean;
  metrics?: string[];
}

function spec({
  control,
  candidate,
  command = ['python', 'trainer.py'],
  params = {},
  source = 'data.csv',
  steps = 20,
  ...more
}: Wanted): string {
  const varies = [...new Set([...Object.keys(control), ...Object.keys(candidate)])].filter((key) => control[key] !== candidate[key]);
  const { attempts = 5, memory, qos, processes, unequal = false, metrics = ['accuracy'] } = more;
  return JSON.stringify({
    name: 'contained',
    data: { source, label: 'label', id: 'id' },
    runtime: { executor: 'docker', image, ...(memory ? { memory } : {}), ...(qos ? { qos } : {}), ...(processes ? { processes } : {}) },
    training: { command, seeds: [1], budget: { steps }, attempts, params, outOfMemory: { unequal } },
    variants: [
      { name: 'control', control: true, params: control },
      { name: 'candidate', params: candidate },
    ],
    varies,
    evaluation: { metrics, warmupSteps: 2, latency: { blocks: 2 } },
    analysis: { resamples: 1000 },
  });
}
