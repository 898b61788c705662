// Proves, with a real server and workers whose nvidia-smi replays recorded outputs: devices are seen, leased whole and of one model for
// an experiment; what a run costs on them is in its result; one that fails its check or is lost in a run is set aside and the run goes on
// elsewhere; throttling confounds and drops; limits hold; and who gets no device hears why.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type HostDrain, type OwnerQuota, type PoolState, type Result, type TelemetrySample, ids, poolNames } from '../../src/contract';
import { Cluster, stepsOf, until } from './cluster';
import { ReplayedHost } from './replayedHost';
import { writeTable } from './table';

const trainer = join(__dirname, 'trainers', 'trainer.py');
const served = join(__dirname, 'trainers', 'served.py');
const h100 = 'NVIDIA H100 80GB HBM3';
const alphas = [0, 1, 2, 3].map((i) => `GPU-aaaaaaaa-0000-0000-0000-00000000000${i}`);
const betas = [0, 1, 2].map((i) => `GPU-bbbbbbbb-0000-0000-0000-00000000000${i}`);

const folder = mkdtempSync(join(tmpdir(), 'assay-gpus-'));
const alpha = new ReplayedHost(folder, 'healthy', alphas);
const beta = new ReplayedHost(folder, 'ecc', betas);
const mig = new ReplayedHost(folder, 'mig');
const without = new ReplayedHost(folder, 'no-driver');
let cluster: Cluster;

beforeAll(async () => {
  writeTable(join(folder, 'data.csv'));
  for (const uuid of betas) beta.set(uuid, { 'remapped_rows.pending': 'No' });
  cluster = await Cluster.start({ hosts: [], slots: 1 });
  cluster.startWorker('gpu', 'without', 2, { env: without.env });
}, 60_000);

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('without a device a run waits and the pool says why, a run on the CPU goes on, and the first host with devices serves the waiting one', async () => {
  const patient = await cluster.submit(spec({}), folder);
  await until(async () => (await waitingOf(patient)).length === 2, 30_000);
  for (const { why } of await waitingOf(patient)) expect(why).toMatch(/no host reports a device/);
  const { hosts } = await cluster.pool();
  expect(hosts).toMatchObject([
    { host: 'without', devices: [], absent: expect.stringMatching(/reaches no NVIDIA driver: load its kernel/) },
  ]);

  const { result: onCpu } = await cluster.result(await cluster.submit(spec({ gpus: 0 }), folder));
  expect(runsOf(onCpu).map((run) => [run.status, run.device.kind, run.telemetry])).toEqual([1, 2].map(() => ['done', 'cpu', null]));
  expect(await waitingOf(patient)).toHaveLength(2);

  cluster.startWorker('gpu', 'alpha', 4, { env: alpha.env });
  const { result } = await cluster.result(patient);
  expect(runsOf(result).map((run) => [run.status, run.host, run.attempts])).toEqual([1, 2].map(() => ['done', 'alpha', 1]));
}, 90_000);

describe('devices of several models', () => {
  const seen: PoolState[] = [];
  let result: Result;

  beforeAll(async () => {
    cluster.startWorker('gpu', 'mig', 4, { env: mig.env });
    await until(async () => (await cluster.pool()).hosts.length === 3, 20_000);
    const id = await cluster.submit(
      spec({ seeds: [1, 2, 3], params: { pause: 0.25 }, metrics: ['accuracy', 'gpu_utilization', 'gpu_hours', 'energy'] }),
      folder,
    );
    let over = false;
    const ended = cluster.result(id).finally(() => (over = true));
    await until(async () => {
      seen.push(await cluster.pool());
      return over;
    }, 60_000);
    ({ result } = await ended);
  }, 90_000);

  it('are seen by UUID with model, memory, driver and health', async () => {
    const devices = seen[0]?.hosts.find(({ host }) => host === 'alpha')?.devices;
    expect(devices?.map(({ uuid }) => uuid)).toEqual(alphas);
    for (const device of devices ?? []) {
      expect(device).toMatchObject({ model: h100, memoryBytes: 81559 * 2 ** 20, driver: '590.48.01', parent: null, sharing: 'none' });
      expect(device.health).toEqual({ state: 'healthy', reasons: [] });
    }
    const shown = await assay('gpus');
    for (const uuid of alphas) expect(shown).toMatch(new RegExp(`${uuid} +${h100} +79.6 GiB +whole +driver 590.48.01 +healthy`));
    expect(shown).toMatch(/MIG-00000002-.* MIG 1g\.10gb .* MIG /);
    expect(shown).toMatch(/no devices: nvidia-smi reaches no NVIDIA driver/);
  });

  it('are leased whole, never to two runs at once, and all of one model', () => {
    expect(Math.max(...seen.map((state) => state.leases.length))).toBeGreaterThan(2);
    for (const { leases } of seen) {
      const uuids = leases.flatMap(({ lease }) => lease.devices.map(({ uuid }) => uuid));
      expect(uuids).toHaveLength(new Set(uuids).size);
      expect(leases.every(({ lease }) => lease.devices.length === 1 && lease.devices[0]?.memoryBytes === null)).toBe(true);
    }
    const runs = runsOf(result);
    expect(runs.map((run) => [run.status, run.device.kind, run.device.model])).toEqual(runs.map(() => ['done', 'cuda', h100]));
    expect(new Set(runs.flatMap((run) => run.device.uuids)).size).toBeGreaterThan(2);
  });

  it('have their samples kept and summed up with each run', async () => {
    for (const run of runsOf(result)) {
      const lines = run.artifacts.telemetry === null ? Buffer.alloc(0) : await cluster.store.get(run.artifacts.telemetry);
      const samples = lines
        .toString('utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as TelemetrySample);
      expect(samples.length).toBeGreaterThan(1);
      expect(new Set(samples.map(({ uuid }) => uuid))).toEqual(new Set(run.device.uuids));
      const summary = run.telemetry;
      expect(summary).toMatchObject({ samples: samples.length, smClockMhz: 1980, maxTemperatureCelsius: 59, throttledShare: 0 });
      expect(summary?.peakMemoryBytes).toBe(19818 * 2 ** 20);
      expect(summary?.utilization).toBeCloseTo((samples.length - 1) / samples.length, 10);
      expect(summary?.gpuHours).toBeCloseTo((summary?.seconds ?? 0) / 3600, 10);
      const watts = (summary?.energyJoules ?? 0) / (summary?.seconds ?? 1);
      expect(watts).toBeGreaterThan(69.85);
      expect(watts).toBeLessThan(631.95);
      expect([run.leaks, run.failures.infrastructure, run.metrics.energy]).toEqual([[], 0, summary?.energyJoules]);
    }
  });

  it('have utilisation, hours and energy compared with intervals', () => {
    for (const metric of ['gpu_utilization', 'gpu_hours', 'energy']) {
      const found = result.comparisons.find((comparison) => comparison.metric === metric);
      expect(found).toMatchObject({ claim: 'algorithm', method: 'paired-t', low: expect.any(Number), high: expect.any(Number) });
      expect(found?.low).toBeLessThanOrEqual(found?.difference ?? Number.NaN);
      expect(found?.high).toBeGreaterThanOrEqual(found?.difference ?? Number.NaN);
    }
    expect(result.checks.find(({ name }) => name === 'clocks')?.status).toBe('pass');
  });
});

it('a run on a throttled device confounds the time metrics of its pair, and latency blocks under throttling are dropped and counted', async () => {
  const held = { 'clocks_event_reasons.sw_thermal_slowdown': 'Active', 'clocks.current.sm': '1410 MHz' };
  for (const uuid of alphas) alpha.set(uuid, held, ['load.csv']);
  copyFileSync(join(alpha.dir, 'load.csv'), join(alpha.dir, 'hot.csv'));
  const cool = { 'clocks_event_reasons.sw_thermal_slowdown': 'Not Active', 'clocks.current.sm': '1980 MHz' };
  // A power cap is how a device is run: it neither confounds nor drops.
  const capped = { ...cool, 'clocks_event_reasons.sw_power_cap': 'Active' };
  for (const uuid of alphas.filter((_, i) => i % 2 === 0)) alpha.set(uuid, capped, ['load.csv']);
  const id = await cluster.submit(
    spec({
      command: served,
      params: { pause: 0.12 },
      candidate: { heat: alpha.dir },
      metrics: ['accuracy', 'training_seconds', 'latency_p50'],
    }),
    folder,
  );
  const { result } = await cluster.result(id);
  const clocks = runsOf(result).map((run) => run.telemetry?.smClockMhz);
  expect(new Set(clocks)).toEqual(new Set([1410, 1980]));
  const check = result.checks.find(({ name }) => name === 'clocks');
  expect(check).toMatchObject({ status: 'warn', statistic: 1 });
  expect(check?.detail).toMatch(/confounded: .* at 1410 MHz against .* at 1980 MHz \(ratio 0\.71; sw_thermal_slowdown\)/);
  const seconds = result.comparisons.find(({ metric }) => metric === 'training_seconds');
  expect(seconds?.notes.join(' ')).toMatch(/Confounded/);

  const [control, candidate] = result.variants.map((variant) => variant.latency);
  expect([control?.blocks, control?.dropped, candidate?.blocks, candidate?.dropped]).toEqual([4, 0, 3, 1]);
}, 90_000);

describe('a device in trouble', () => {
  beforeAll(async () => {
    for (const host of ['alpha', 'mig']) await signal<HostDrain>(poolNames.drain, { host, drain: true });
    cluster.startWorker('gpu', 'beta', 3, { env: beta.env });
    await until(async () => (await devicesOf('beta')).length === 3, 20_000);
  }, 30_000);

  it('is set aside by the check before a run, which goes elsewhere and counts as infrastructure', async () => {
    // The host has just reported it healthy and looks again in half a minute: the check is what finds it.
    beta.set(betas[0] as string, { 'remapped_rows.pending': 'Yes' });
    const { result } = await cluster.result(await cluster.submit(spec({}), folder));
    const runs = runsOf(result);
    expect(runs.map((run) => run.status)).toEqual(['done', 'done']);
    expect(runs.some((run) => run.device.uuids.includes(betas[0] as string))).toBe(false);
    expect(runs.reduce((sum, { failures }) => sum + failures.infrastructure, 0)).toBe(1);
    expect(runs.every(({ failures }) => failures.crash === 0)).toBe(true);
    expect(runs.flatMap((run) => run.deviations).join('\n')).toMatch(
      new RegExp(`epoch 1 on beta: GpuUnhealthy: ${betas[0]}: faulty memory rows wait to be remapped`),
    );
    const [first] = await devicesOf('beta');
    expect(first).toMatchObject({ uuid: betas[0], leases: [] });
    expect(first?.health.state).not.toBe('healthy');
  }, 60_000);

  it('that is lost during a run ends the epoch, and the run goes on from its checkpoint on another', async () => {
    const id = await cluster.submit(spec({ steps: 90, params: { pause: 0.1 } }), folder);
    await cluster.reaches(id, 'candidate', 1, 25);
    const holder = (await cluster.pool()).leases.find(({ lease }) => lease.holder === ids.variantRunWorkflow(id, 'candidate', 1));
    const lost = holder?.lease.devices[0]?.uuid as string;
    beta.lose(lost);
    const { result } = await cluster.result(id);
    const [control, candidate] = runsOf(result);
    expect(control).toMatchObject({ status: 'done', attempts: 1, failures: { infrastructure: 0 } });
    expect(candidate).toMatchObject({ status: 'done', attempts: 2, steps: 90, failures: { infrastructure: 1, crash: 0 } });
    expect(candidate?.resumedFromStep).toBeGreaterThanOrEqual(20);
    expect(candidate?.device.uuids).toHaveLength(1);
    expect(candidate?.device.uuids).not.toContain(lost);
    expect(candidate?.deviations.join('\n')).toMatch(new RegExp(`epoch 1 on beta: GpuUnhealthy: ${lost}: the device is lost`));
    expect(await stepsOf(cluster.store, result, 'candidate', 1)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1));
    expect(result.comparisons[0]).toMatchObject({ difference: 0 });
    await until(async () => (await devicesOf('beta')).find(({ uuid }) => uuid === lost)?.health.state !== 'healthy', 40_000);
  }, 120_000);

  afterAll(async () => {
    await signal<HostDrain>(poolNames.drain, { host: 'beta', drain: true });
    for (const host of ['alpha', 'mig']) await signal<HostDrain>(poolNames.drain, { host, drain: false });
  });
});

it('an experiment with maxGpus and an owner with a quota hold no more, and MIG instances are leased as small devices', async () => {
  await signal<OwnerQuota>(poolNames.quota, { owner: 'vision', limit: 1 });
  const params = { pause: 0.1 };
  const capped = await cluster.submit(spec({ params, maxGpus: 1 }), folder);
  const owned = await cluster.submit(spec({ params, owner: 'vision' }), folder);
  const small = await cluster.submit(spec({ params, gpuMemory: '8GiB' }), folder);
  const results = Promise.all([capped, owned, small].map((id) => cluster.result(id)));
  const most = new Map<string, number>();
  const whys = new Set<string>();
  let over = false;
  void results.finally(() => (over = true));
  await until(async () => {
    const { leases, waiting } = await cluster.pool();
    for (const id of [capped, owned]) {
      const held = leases.filter(({ lease }) => lease.holder.startsWith(ids.experimentWorkflow(id))).length;
      most.set(id, Math.max(most.get(id) ?? 0, held));
    }
    for (const { why } of waiting) whys.add(why);
    return over;
  }, 60_000);
  expect([most.get(capped), most.get(owned)]).toEqual([1, 1]);
  expect(whys).toContain('its experiment may hold 1 device at once and holds 1');
  expect(whys).toContain('quota of vision reached (1 of 1)');
  const [, , onMig] = await results;
  const runs = runsOf(onMig?.result as Result);
  expect(runs.map((run) => [run.host, run.device.model])).toEqual([1, 2].map(() => ['mig', `${h100} MIG 1g.10gb`]));
  expect(new Set(runs.flatMap((run) => run.device.uuids))).toEqual(
    new Set(['MIG-00000002-0000-0000-0000-000000000002', 'MIG-00000003-0000-0000-0000-000000000003']),
  );
  expect((await cluster.pool()).quotas).toEqual([{ owner: 'vision', limit: 1, used: 0 }]);
}, 90_000);

const runsOf = (result: Result) => result.variants.flatMap((variant) => variant.runs);

const waitingOf = async (experimentId: string) =>
  (await cluster.pool()).waiting.filter(({ request }) => request.experimentId === experimentId);

const devicesOf = async (name: string) => (await cluster.pool()).hosts.find(({ host }) => host === name)?.devices ?? [];

const signal = <T>(name: string, message: T): Promise<void> => cluster.client.workflow.getHandle(ids.gpuPool).signal<[T]>(name, message);

async function assay(...args: string[]): Promise<string> {
  const env = {
    ...process.env,
    ...{ TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, TEMPORAL_NAMESPACE: 'default', ASSAY_STORE: cluster.store.url, NO_COLOR: '1' },
  };
  return (await promisify(execFile)(process.execPath, [join(__dirname, '..', '..', 'bin', 'assay'), ...args], { env })).stdout;
}

interface Wanted {
  seeds?: number[];
  candidate?: Record<string, unknown>;
  params?: Record<string, unknown>;
  command?: string;
  metrics?: string[];
  gpus?: number;
  gpuMemory?: string;
  maxGpus?: number;
  owner?: string;
  steps?: number;
}

function spec({
  seeds = [1],
  candidate = { rate: 1 },
  params = {},
  command = trainer,
  metrics = ['accuracy'],
  gpus = 1,
  ...more
}: Wanted): string {
  const { steps = 20, owner, ...runtime } = more;
  return JSON.stringify({
    name: 'devices',
    ...(owner === undefined ? {} : { owner }),
    data: { source: 'data.csv', label: 'label', id: 'id' },
    runtime: { executor: 'process', gpus, ...runtime },
    training: { command: ['python', command], seeds, budget: { steps }, params },
    variants: [
      { name: 'control', control: true },
      { name: 'candidate', params: candidate },
    ],
    varies: Object.keys(candidate),
    evaluation: { metrics, warmupSteps: 2, latency: { blocks: 4 } },
    analysis: { resamples: 1000 },
  });
}
