// Proves, with a real server, separate worker processes and the package as npm packs it: a program of another team compiles against the
// package, loads nothing heavy, and runs experiments through the library, a child workflow, Nexus from another namespace, and triggers.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Assay, connect } from '../../src/client/library';
import type { ExperimentRecord, SpecInput } from '../../src/contract';
import { type Desk, desk } from '../cli/assay';
import { Cluster } from './cluster';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'assay-service-'));
const service = join(folder, 'service');

let cluster: Cluster;
let assay: Assay;
let at: Desk;

beforeAll(async () => {
  [cluster] = await Promise.all([
    Cluster.start({ hosts: ['host-a'], slots: 2, env: { ASSAY_NEXUS_ENDPOINT: 'assay', ASSAY_NEXUS_ROOT: folder } }),
    installed(),
  ]);
  const seconds = 86_400 as never;
  await cluster.client.workflowService.registerNamespace({ namespace: 'team', workflowExecutionRetentionPeriod: { seconds } });
  assay = await connect({ address: `127.0.0.1:${cluster.frontend}`, namespace: 'default', store: cluster.store.url });
  at = desk();
  writeFileSync(join(folder, 'rows.csv'), table());
}, 120_000);

afterAll(async () => {
  await assay?.close();
  await cluster?.stop();
  at?.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('the package type-checks for CommonJS and ES modules, loads without the heavy parts, and prints nothing', async () => {
  const use = `
    import { type Assay, AssayError, type Progress, type Result, type SpecInput, type Verdict, connect } from 'assay';
    import { assayService } from 'assay/nexus';
    export async function use(assay: Assay): Promise<Verdict> {
      // @ts-expect-error a spec without variants
      const wrong: SpecInput = { name: 'x', data: { source: 'builtin:digits' }, training: { command: ['x'], budget: { epochs: 1 } } };
      void wrong;
      const experiment = await assay.startExperiment('experiment.yaml', { idempotencyKey: 'a' });
      // @ts-expect-error no such action
      await experiment.steer({ action: 'dance', by: 'me', reason: '' });
      await experiment.steer({ action: 'pause', by: 'me', reason: '' });
      const progress: Progress = await experiment.progress();
      // @ts-expect-error no such stage
      if (progress.stage === 'nowhere') return (await experiment.result()).verdict;
      const result: Result = await experiment.result();
      return result.verdict;
    }`;
  const show = (heavy: string) => `
    ${use}
    if (typeof connect !== 'function' || assayService.name !== 'assay.v1') throw new Error('exports');
    if (!(new AssayError('NotFound', 'x') instanceof Error)) throw new Error('AssayError');
    ${heavy}`;
  const loaded = `const heavy = Object.keys(require.cache).filter((file) => /@duckdb|sharp|vega|@temporalio.worker|core-bridge|fastify/.test(file));
    if (heavy.length > 0) throw new Error(heavy.join());`;
  mkdirSync(join(service, 'consumer'));
  writeFileSync(join(service, 'consumer', 'common.cts'), show(loaded));
  writeFileSync(join(service, 'consumer', 'module.mts'), show('export {};'));
  const options = { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'], outDir: 'out' };
  writeFileSync(join(service, 'consumer', 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.cts', '*.mts'] }));
  await compile('consumer');
  for (const name of ['common.cjs', 'module.mjs']) {
    const { stdout, stderr } = await run(process.execPath, [join(service, 'consumer', 'out', name)]);
    expect([stdout, stderr]).toEqual(['', '']);
  }
}, 60_000);

test('the example service gets its verdicts in each way', async () => {
  const file = join(folder, 'experiment.json');
  writeFileSync(file, JSON.stringify(spec('served')));
  await compile('.');
  const env = {
    ...{ PATH: process.env['PATH'], TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, TEMPORAL_NAMESPACE: 'default' },
    ...{ ASSAY_STORE: cluster.store.url, ASSAY_HOME: join(folder, 'home'), SERVICE_NAMESPACE: 'team' },
  };
  const { stdout } = await run(process.execPath, [join(service, 'dist', 'service.js'), file], { env, timeout: 150_000 });
  const outcome = '(?:adopt|keep|equivalent|inconclusive)';
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^library: ${outcome}: .+\\(report: \\d{4,} characters\\)$`)),
    expect.stringMatching(new RegExp(`^child workflow: ${outcome}$`)),
    expect.stringMatching(new RegExp(`^nexus: ${outcome}$`)),
    expect.stringMatching(new RegExp(`^triggers: served-\\S+, then served-\\S+ for 2 triggers: ${outcome}$`)),
  ]);
  // Five experiments, and the record of each says who asked.
  const records = await assay.list({ name: 'served' });
  expect(records.map(({ status }) => status)).toEqual(Array(5).fill('done'));
  const users = await Promise.all(records.map(async ({ provenance }) => (await cluster.store.getJson<{ user: string }>(provenance)).user));
  expect(new Set(users)).toEqual(new Set(['example service']));
}, 200_000);

test('the library tells a failed, a cancelled and an unknown experiment apart, and an end that the server forgot', async () => {
  const failing = await assay.startExperiment(spec('failing', { data: { source: 'rows.csv', label: 'absent' } }), { root: folder });
  await expect(failing.result()).rejects.toMatchObject({
    name: expect.stringMatching(/^(?:SpecInvalid|DataInvalid)$/),
    message: expect.stringContaining('absent'),
  });

  const slow = await assay.startExperiment(spec('slow', {}, 5), { root: folder });
  const stages: string[] = [];
  for await (const { stage } of slow.watch({ everyMs: 200 })) {
    stages.push(stage);
    if (stage === 'training') await slow.cancel();
  }
  expect([stages.includes('training'), stages.at(-1)]).toEqual([true, 'cancelled']);
  await expect(slow.result()).rejects.toMatchObject({ type: 'Conflict', message: expect.stringContaining('was cancelled') });
  await expect(slow.report()).rejects.toMatchObject({ type: 'Conflict' });
  await slow.cancel();

  for (const ask of [
    () => assay.experiment('absent').result(),
    () => assay.experiment('absent').progress(),
    () => assay.experiment('absent').cancel(),
  ])
    await expect(ask()).rejects.toMatchObject({ type: 'NotFound' });
  await expect(assay.startExperiment(spec('wrong', { varies: ['x'] }), { root: folder })).rejects.toMatchObject({ type: 'SpecInvalid' });
  await expect(connect({ address: '127.0.0.1:1', store: cluster.store.url })).rejects.toMatchObject({ type: 'ServerUnavailable' });

  const [done] = await assay.list({ name: 'served', limit: 1 });
  const { experimentId } = done as ExperimentRecord;
  await cluster.client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: `assay/${experimentId}` },
  });
  expect((await assay.experiment(experimentId).result()).experiment).toBe(experimentId);
}, 120_000);

test('the command asks a queue of triggers, waits, and shows it', async () => {
  const file = join(folder, 'experiment.json');
  writeFileSync(file, JSON.stringify(spec('asked')));
  const first = await command(
    'trigger',
    'models',
    file,
    '--policy',
    'each',
    '--reason',
    'nightly build',
    '--key',
    '1207',
    '--wait',
    '--json',
  );
  expect([first.code, JSON.parse(first.out).schema]).toEqual([0, 'assay.result/1']);
  const again = await command('trigger', 'models', '--key', '1207');
  expect([again.code, again.out.trim()]).toEqual([0, JSON.parse(first.out).experiment]);
  const wrong = await command('trigger', 'models', '--set', 'training.epoch=1');
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('training.epoch')]);
  const shown = await command('show', 'triggers/models');
  expect(shown.out).toMatch(/^models {2}asked: one experiment a trigger\ntaken {4}1\ndone {5}asked-/);
  expect((await command('trigger', 'absent')).code).toBe(2);
  expect((await command('nexus', 'endpoint')).out).toBe('assay leads to assay-control in namespace default (there already)\n');
}, 120_000);

const command = (...args: string[]) =>
  at.run(args, { TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, TEMPORAL_NAMESPACE: 'default', ASSAY_STORE: cluster.store.url });

/** The example with the package as npm packs it, and what both depend on. */
async function installed(): Promise<void> {
  cpSync(join(root, 'examples', 'service'), service, {
    recursive: true,
    filter: (path) => !/node_modules|dist/.test(path.slice(root.length)),
  });
  const modules = join(service, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules'))) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 2 ** 24,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await run('tar', ['-xzf', join(folder, filename), '-C', folder]);
  cpSync(join(folder, 'package'), join(modules, 'assay'), { recursive: true });
  expect(existsSync(join(modules, 'assay', 'dist', 'src', 'client', 'library.d.ts'))).toBe(true);
}

async function compile(project: string): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, '-p', project], { cwd: service }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

function spec(name: string, more: Partial<SpecInput> = {}, pause = 0): SpecInput {
  return {
    name,
    data: { source: 'rows.csv', label: 'label', id: 'id', split: { test: 0.5 } },
    training: { command: ['python', join(__dirname, 'trainers', 'trainer.py')], seeds: [1], budget: { steps: 10 } },
    variants: [
      { name: 'control', control: true, params: { noise: 1.5, pause } },
      { name: 'candidate', params: { noise: 1.4, pause } },
    ],
    varies: ['noise'],
    evaluation: { metrics: ['accuracy', 'log_loss'] },
    analysis: { resamples: 1000 },
    ...more,
  };
}

function table(): string {
  const rows = Array.from({ length: 300 }, (_, i) => {
    const label = i % 2;
    return `r${i},${label === 0 ? 'a' : 'b'},${(Math.sin(i) + label * 0.8).toFixed(5)},${(Math.cos(1.7 * i) - label * 0.6).toFixed(5)}`;
  });
  return `id,label,x,y\n${rows.join('\n')}\n`;
}
