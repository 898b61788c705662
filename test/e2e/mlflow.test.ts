// Proves, with real processes and a real MLflow server: a server that is away costs an experiment nothing, and has it once it is there; what
// waits for approval is registered after it; a worker killed while it publishes leaves one of everything; the command adds nothing twice.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { steer } from '../../src/client';
import { type ExperimentRecord, ids, type Published, refNames } from '../../src/contract';
import { MlflowServer } from '../publish/mlflowServer';
import { Cluster, until } from './cluster';

let cluster: Cluster;
let server: MlflowServer;
const folder = mkdtempSync(join(tmpdir(), 'assay-mlflow-'));

beforeAll(async () => {
  copyFileSync(join(__dirname, '..', 'workflows', 'trainer', 'train.py'), join(folder, 'train.py'));
  const rows = Array.from({ length: 200 }, (_, i) => `${i},${Math.sin(i).toFixed(6)},${Math.sin(i) > 0 ? 'up' : 'down'}`);
  writeFileSync(join(folder, 'data.csv'), `id,x,label\n${rows.join('\n')}\n`);
  server = await MlflowServer.at(join(folder, 'mlflow'));
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 4, env: { MLFLOW_TRACKING_URI: server.uri } });
}, 90_000);

afterAll(async () => {
  await cluster?.stop();
  await server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

test('away at its end, killed in the middle, asked again by hand: an experiment is done all the same, and is there once', async () => {
  const [early, asked] = await Promise.all([
    cluster.submit(spec('early', 'publish: {mlflow: {experiment: team}}'), folder),
    cluster.submit(spec('asked', 'publish: {mlflow: {experiment: team}}\ndecision: {approval: true, register: mlflow}'), folder),
  ]);
  // Nobody listens yet.
  const { output } = await cluster.result(early);
  expect(output.experimentId).toBe(early);
  await until(async () => (await record(early))?.mlflow?.state === 'waiting', 30_000);
  expect((await record(early))?.mlflow?.message).toMatch(/^127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/);
  expect(await record(early)).toMatchObject({ status: 'done', message: null });

  await server.start();
  await until(async () => (await cluster.progress(asked)).stage === 'approval', 60_000);
  await until(async () => (await record(early))?.mlflow?.state === 'published', 90_000);
  expect(await runs(early)).toEqual([early, 'a seed 1', 'b seed 1']);
  // Before the approval nothing of it is there.
  expect(await runs(asked)).toEqual([]);
  await expect(assay('publish', 'mlflow', asked)).rejects.toMatchObject({ stderr: expect.stringContaining('waits for `assay approve`') });

  await steer(cluster.client, asked, { action: 'approve', by: 'ada@lab', reason: 'as planned' });
  await until(async () => (await runs(asked)).length > 0, 60_000);
  await cluster.kill('control');
  cluster.startWorker('control');
  const published = (await cluster.client.workflow.getHandle(ids.publishing(asked)).result()) as Published;
  expect(await runs(asked)).toEqual([asked, 'a seed 1', 'b seed 1']);
  expect((await server.runs(asked)).map(({ status }) => status)).toEqual(['FINISHED', 'FINISHED', 'FINISHED']);
  const { verdict } = (await cluster.result(asked)).output;
  expect(verdict.outcome).toBe('adopt');
  expect(published.registered).toMatchObject({ model: 'asked', version: '1', variant: 'b', alias: 'champion' });
  const [version, ...more] = (await server.model('asked')).versions;
  expect(more).toEqual([]);
  expect(version?.tags).toMatchObject({ 'assay.approved_by': 'ada@lab', 'assay.experiment': asked });

  const said = JSON.parse((await assay('publish', 'mlflow', asked, '--uri', server.uri, '--json')).stdout) as Published;
  expect(said).toEqual({ id: asked, ...published });
  expect(await runs(asked)).toHaveLength(3);
  expect((await assay('show', asked)).stdout).toContain(`MLflow: published`);
  // The trainer's own loss, step by step.
  const run = (await server.runs(asked)).find(({ name }) => name === 'b seed 1');
  expect((await server.history(run!.id, 'loss')).map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(Object.keys(await server.files(run!.id)).sort()).toEqual(['events.jsonl', 'log.txt', 'model/softmax.npz']);
}, 300_000);

const record = async (id: string): Promise<ExperimentRecord | undefined> =>
  (await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value;

const runs = async (id: string): Promise<string[]> => (await server.runs(id)).map(({ name }) => name);

const assay = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, [join(__dirname, '..', '..', 'bin', 'assay'), ...args], {
    env: { ...process.env, ASSAY_STORE: cluster.store.url, ASSAY_HOME: join(cluster.dir, 'home'), MLFLOW_TRACKING_URI: server.uri },
  });

const spec = (name: string, more: string): string => `
name: ${name}
data: {source: data.csv, id: id}
training: {command: [python, train.py], seeds: [1], batchSize: 32, budget: {steps: 20}, checkpointEvery: 200ms}
variants:
  - {name: a, control: true, params: {rate: 0}}
  - {name: b, params: {rate: 0.5}}
varies: [rate]
evaluation: {metrics: [accuracy]}
analysis: {resamples: 1000}
${more}
`;
