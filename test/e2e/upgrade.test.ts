// Proves, with real workers of two builds beside each other on a real server: an experiment ends on the build it began on though its
// successor has another step, what starts later runs on the new build, the pool goes over to it, rolling back works, and the old workers
// can be stopped once they are drained. Without versions everything works as before: all other tests run so.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deploymentState, queueStates } from '../../src/client';
import { ids } from '../../src/contract';
import { type Desk, desk } from '../cli/assay';
import { Cluster, until } from './cluster';
import { writeTable } from './table';

const root = join(__dirname, '..', '..');
const old = { ASSAY_DEPLOYMENT: '1', ASSAY_BUILD_ID: 'old' };
const renewed = { ASSAY_DEPLOYMENT: '1', ASSAY_BUILD_ID: 'new' };

let cluster: Cluster;
let at: Desk;
let folder: string;
let build: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-upgrade-'));
  writeTable(join(folder, 'data.csv'));
  cpSync(join(root, 'test', 'workflows', 'trainer', 'train.py'), join(folder, 'train.py'));
  build = otherBuild();
  at = desk();
  cluster = await Cluster.start({
    hosts: ['host-a'],
    slots: 2,
    env: old,
    // Else a server takes minutes to call a build drained.
    dynamic: ['matching.wv.VersionDrainageStatusVisibilityGracePeriod="2s"', 'matching.wv.VersionDrainageStatusRefreshInterval="1s"'],
  });
}, 120_000);

afterAll(async () => {
  await cluster.stop();
  at.remove();
  for (const each of [folder, build]) rmSync(each, { recursive: true, force: true });
});

test('an upgrade: what runs ends on the old build, what starts runs on the new one, and nothing stops', async () => {
  await until(async () => (await version('old'))?.workers === 2, 30_000);
  expect(await pools()).toMatchObject({ deployment: { name: 'assay', current: null, versions: [{ build: 'old', state: 'idle' }] } });
  expect((await doctor()).Builds).toMatchObject({ ok: false, mend: '`assay pools promote`' });
  expect(JSON.parse((await assay('pools', 'promote', '--json')).out)).toEqual({ deployment: 'assay', current: 'old', before: null });

  const first = await cluster.submit(spec('first', 0.25), folder);
  await until(async () => (await cluster.progress(first)).runs.some(({ state }) => state === 'training'), 60_000);

  for (const pool of ['control', 'analysis'] as const) cluster.startWorker(pool, `${pool}-new`, 1, { env: renewed, from: build });
  await until(async () => (await version('new'))?.workers === 2, 30_000);
  expect(await assay('pools', 'promote', 'none-such')).toMatchObject({
    code: 2,
    err: expect.stringContaining('builds with workers: new, old'),
  });
  expect((await assay('pools', 'promote')).out).toBe('new is current: what starts from now on runs on it; what runs ends on old\n');
  const second = await cluster.submit(spec('second', 0), folder);
  const [one, two] = await Promise.all([cluster.result(first), cluster.result(second)]);

  expect([one.result.verdict.outcome, two.result.verdict.outcome]).not.toContain('invalid');
  expect(await stepsOf(first)).toEqual({ builds: ['old'], hashed: 1 });
  expect(await stepsOf(second)).toEqual({ builds: ['new'], hashed: 2 });
  for (const [id, on] of [
    [first, 'old'],
    [second, 'new'],
  ] as const)
    expect(await activityBuilds(id, 'analyseExperiment')).toEqual([`analysis${on === 'new' ? '-new' : ''}`]);
  // The pool lives as long as the service: it has gone over.
  await until(async () => (await buildsOf(ids.gpuPool)).at(-1) === 'new', 30_000);
  expect(await buildsOf(ids.gpuPool)).toContain('old');

  // Back, and forth again.
  expect((await assay('pools', 'rollback')).out).toContain('old is current');
  const third = await cluster.submit(spec('third', 0), folder);
  await cluster.result(third);
  expect(await stepsOf(third)).toEqual({ builds: ['old'], hashed: 1 });
  expect((await assay('pools', 'rollback')).out).toContain('new is current');

  await until(async () => (await version('old'))?.state === 'drained', 60_000);
  expect((await assay('pools')).out).toContain('drained: its workers can be stopped');
  expect(await Promise.all([cluster.kill('control', 'SIGTERM'), cluster.kill('analysis', 'SIGTERM')])).toEqual([0, 0]);
  const last = await cluster.submit(spec('last', 0), folder);
  await cluster.result(last);
  expect(await stepsOf(last)).toEqual({ builds: ['new'], hashed: 2 });
  expect((await doctor()).Builds).toMatchObject({ ok: true });
}, 240_000);

interface View {
  deployment: { name: string; current: string | null; versions: { build: string; state: string; workers: number }[] } | null;
}

const environment = () => ({ TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, ASSAY_STORE: cluster.store.url });
const assay = (...args: string[]) => at.run(args, environment());
const pools = async (): Promise<View> => JSON.parse((await assay('pools', '--json')).out) as View;
const version = async (name: string) =>
  (await deploymentState(cluster.client, 'assay', await queueStates(cluster.client, [])))?.versions.find(({ build: it }) => it === name);

async function doctor(): Promise<Record<string, { ok: boolean; mend: string | null }>> {
  const findings = JSON.parse((await assay('doctor', '--json')).out) as { name: string; ok: boolean; mend: string | null }[];
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
}

const spec = (name: string, pause: number): string => `
name: ${name}
data: {source: data.csv, label: label, id: id}
training: {command: [python, train.py], seeds: [1], batchSize: 32, budget: {steps: 40}, checkpointEvery: 1s}
variants:
  - {name: a, control: true, params: {rate: 0.1, pause: ${pause}}}
  - {name: b, params: {rate: 0.5, pause: ${pause}}}
varies: [rate]
evaluation: {metrics: [accuracy]}
analysis: {resamples: 1000}
`;

/** A build whose experiments hash their source twice. */
function otherBuild(): string {
  const other = mkdtempSync(join(tmpdir(), 'assay-build-'));
  for (const name of ['dist', 'scripts', 'package.json', 'runtime']) cpSync(join(root, name), join(other, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(other, 'node_modules'));
  const path = join(other, 'dist', 'src', 'workflows', 'experiment.js');
  const code = readFileSync(path, 'utf8');
  const step = "const { changed } = await analysis('hash the source again').verifySource(";
  expect(code).toContain(step);
  const call = code.slice(code.indexOf(step)).split('\n', 1)[0] as string;
  writeFileSync(path, code.replace(call, `${call.replace('const { changed } =', '')}\n${call}`));
  execFileSync(process.execPath, ['scripts/bundle.mjs'], { cwd: other });
  return other;
}

interface Event {
  workflowTaskCompletedEventAttributes?: { deploymentVersion?: { buildId?: string }; workerDeploymentVersion?: string } | null;
  activityTaskScheduledEventAttributes?: { activityType?: { name?: string } } | null;
  activityTaskStartedEventAttributes?: { scheduledEventId?: unknown; identity?: string } | null;
  eventId?: unknown;
}

async function eventsOf(workflowId: string): Promise<Event[]> {
  const { events } = await cluster.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []) as Event[];
}

/** The builds that a workflow's tasks ran on, in order, each once in a row. */
async function buildsOf(workflowId: string): Promise<string[]> {
  const builds = (await eventsOf(workflowId)).flatMap(({ workflowTaskCompletedEventAttributes: task }) => {
    const found = task?.deploymentVersion?.buildId ?? task?.workerDeploymentVersion?.split(/[.:]/).at(-1);
    return task ? [found ?? 'none'] : [];
  });
  return builds.filter((name, i) => name !== builds[i - 1]);
}

async function stepsOf(experimentId: string): Promise<{ builds: string[]; hashed: number }> {
  const events = await eventsOf(ids.experimentWorkflow(experimentId));
  const hashed = events.filter(({ activityTaskScheduledEventAttributes: it }) => it?.activityType?.name === 'verifySource').length;
  const children = await Promise.all(['a', 'b'].map((variant) => buildsOf(ids.variantRunWorkflow(experimentId, variant, 1))));
  const builds = [...new Set([...(await buildsOf(ids.experimentWorkflow(experimentId))), ...children.flat()])];
  return { builds, hashed };
}

/** Names of the worker processes that an activity ran in. */
async function activityBuilds(experimentId: string, type: string): Promise<string[]> {
  const events = await eventsOf(ids.experimentWorkflow(experimentId));
  const asked = events
    .filter(({ activityTaskScheduledEventAttributes: it }) => it?.activityType?.name === type)
    .map(({ eventId }) => String(eventId));
  const pidOf = (identity = ''): number => Number(identity.split('@')[0]);
  return events.flatMap(({ activityTaskStartedEventAttributes: it }) => {
    if (!it || !asked.includes(String(it.scheduledEventId))) return [];
    const pid = pidOf(it.identity);
    return ['analysis', 'analysis-new'].filter((name) => cluster.pid(name) === pid);
  });
}
