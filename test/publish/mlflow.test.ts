// Proves, against a real MLflow server on SQLite that begins empty: an experiment arrives whole, again and again without a second copy, also when
// the server is killed in the middle; versions and aliases follow verdict and approval, and never go back.
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mlflowPlan, type MlflowPlan, type Published, refNames, type ExperimentRecord, usualMlflowPlan } from '../../src/contract';
import { createControlActivities } from '../../src/activities';
import { mlflowSettings, publishOnce } from '../../src/publish';
import { freshStore, objectPath, removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import { curve, MlflowServer, proxyOf, type ServerRun, storedExperiment } from './mlflowServer';
import { Receiver } from './receiver';

let server: MlflowServer;
const { store } = freshStore();

beforeAll(async () => {
  server = await MlflowServer.at(join(temporaryFolder(), 'mlflow'));
  await server.start();
}, 120_000);

afterAll(async () => {
  await server.kill();
  removeTemporaryFolders();
});

const note = (): string => '## What was found';
const publish = (experimentId: string, mlflow: MlflowPlan, onProgress = (): void => undefined): Promise<Published> =>
  publishOnce(store, { experimentId, mlflow }, { env: { MLFLOW_TRACKING_URI: server.uri }, note, onProgress });
const registering = (name: string): MlflowPlan => ({ ...usualMlflowPlan(name), model: name });
const byContext = (a: unknown[], b: unknown[]): number => String(b[1]).localeCompare(String(a[1]));
const record = async (id: string): Promise<ExperimentRecord | undefined> =>
  (await store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value;

test('an empty server gets the experiment with everything, and the same again leaves one of everything', async () => {
  const { id, result, spec } = await storedExperiment(store, {
    ...{ name: 'whole', publish: '{mlflow: {experiment: "Vision \'team\' / \\"digits\\""}}', decision: '{register: mlflow}' },
    events: [
      ...curve(3),
      '{"type":"step","step":4,"not_finite":["loss"],"timestamp":"2026-11-21T14:04:00.300Z"}',
      'no json',
      '{"type":"epoch","step":4,"epoch":1,"accuracy":0.8}',
    ],
    change: (changed) => {
      Object.assign(changed.variants[0]!.params, {
        'näme <b>': '<script>',
        'näme [b]': { a: [1] },
        '../../up//': null,
        long: 'x'.repeat(7000),
      });
      Object.assign(changed.variants[1]!.runs[1]!, { status: 'failed', failure: { type: 'TrainerFailed', message: 'it fell' } });
    },
  });
  const published = await publish(id, mlflowPlan(spec)!);
  expect(published).toMatchObject({ runs: 4, experiment: 'Vision \'team\' / "digits"', notes: [] });
  expect(published.url).toBe(`${server.uri}/#/experiments/1/runs/${published.runId}`);

  const runs = await server.runs(id);
  const [parent, first, , , fallen] = runs as [ServerRun, ServerRun, ServerRun, ServerRun, ServerRun];
  expect(runs.map(({ name, status }) => [name, status])).toEqual([
    [id, 'FINISHED'],
    ['logistic seed 1', 'FINISHED'],
    ['logistic seed 2', 'FINISHED'],
    ['mlp seed 1', 'FINISHED'],
    ['mlp seed 2', 'FAILED'],
  ]);
  expect(parent).toMatchObject({ id: published.runId, start: Date.parse(result.startedAt), end: Date.parse(result.finishedAt) });
  expect(parent.tags).toMatchObject({
    ...{ 'assay.verdict': 'adopt', 'assay.variant': 'mlp', 'assay.snapshot': result.snapshot.digest, 'mlflow.user': 'vision-team' },
    ...{
      'assay.answer': result.verdict.sentence,
      'mlflow.note.content': '## What was found',
      'mlflow.source.git.commit': result.provenance.git.commit,
    },
  });
  expect(parent.params).toMatchObject({ primary: 'accuracy', control: 'logistic', seeds: '[1,2]', data: 'builtin:digits' });
  const comparison = result.comparisons.find(({ metric }) => metric === 'accuracy')!;
  expect(parent.metrics).toMatchObject({
    ...{ 'mlp/accuracy/difference': comparison.difference, 'mlp/accuracy/difference_low': comparison.low },
    'mlp/accuracy/estimate': result.variants[1]!.metrics.accuracy!.estimate,
  });
  expect(Object.keys(await server.files(parent.id))).toEqual(['report.html', 'result.json', 'spec.yaml']);
  expect((await server.file(parent.id, 'report.html')).toString()).toBe('<!doctype html><title>report</title>');
  expect(JSON.parse((await server.file(parent.id, 'result.json')).toString())).toEqual(JSON.parse(JSON.stringify(result)));

  expect(first.tags).toMatchObject({
    'mlflow.parentRunId': parent.id,
    'assay.variant': 'logistic',
    'assay.seed': '1',
    'assay.control': 'true',
  });
  expect(fallen.tags).toMatchObject({ 'assay.failure': 'TrainerFailed: it fell' });
  expect(first.params).toMatchObject({
    ...{ seed: '1', batchSize: '64', model: 'logistic', 'näme _b_': '<script>', 'näme _b_-2': '{"a":[1]}', up: 'null' },
    long: `${'x'.repeat(500)}… (7000 characters; the whole is in params.json)`,
  });
  expect(JSON.parse((await server.file(first.id, 'params.json')).toString())).toMatchObject({ long: 'x'.repeat(7000) });
  expect(await server.files(first.id)).toEqual({
    ...{ 'events.jsonl': expect.any(Number), 'log.txt': 16, 'params.json': expect.any(Number), 'telemetry.jsonl': expect.any(Number) },
    ...{ 'model/labels.txt': 4, 'model/net/weights.bin': 'weights of logistic 1'.length },
  });
  const at = Date.parse('2026-11-21T14:04:00.000Z');
  expect(await server.history(first.id, 'loss')).toMatchObject([
    { step: 1, value: 1, timestamp: at },
    { step: 2, value: 0.5, timestamp: at + 100 },
    { step: 3, timestamp: at + 200 },
    { step: 4, value: 'NaN', timestamp: at + 300 },
  ]);
  expect(first.metrics).toMatchObject({
    ...{ throughput_samples_per_sec: 5000, 'epoch/accuracy': 0.8, 'test/accuracy': result.variants[0]!.runs[0]!.metrics.accuracy },
    ...{ 'system/gpu_0_utilization_percentage': 50, 'system/gpu_0_memory_usage_megabytes': 2000, 'system/gpu_0_power_usage_watts': 300 },
  });
  expect(first.inputs.map(({ name, context, digest }) => [name, context, digest.length]).sort(byContext)).toEqual([
    ['digits', 'train', 36],
    ['digits', 'test', 36],
  ]);
  const registered = { model: 'whole', version: '1', variant: 'mlp', seed: 1, alias: 'champion' };
  expect(published.registered).toEqual(registered);
  expect(await server.model('whole')).toMatchObject({
    aliases: { champion: '1' },
    versions: [{ run_id: runs[3]!.id, tags: { 'assay.verdict': 'adopt', 'assay.experiment': id } }],
  });
  expect((await record(id))?.mlflow).toMatchObject({ state: 'published', server: server.uri, published });

  expect(await publish(id, mlflowPlan(spec)!)).toEqual(published);
  expect(await server.runs(id)).toEqual(runs);
  expect((await server.model('whole')).versions).toHaveLength(1);
  expect(await server.history(first.id, 'loss')).toHaveLength(4);
}, 60_000);

test('MLflow’s own client fetches the champion as docs/mlflow.md says', async () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'mlflow.md'), 'utf8');
  const [, code = ''] = /```python\n([^]*?)```/.exec(page) ?? [];
  expect(code).toContain('models:/digits@champion');
  const { ASSAY_TEST_PEERS_PYTHON: python } = process.env;
  if (!python) throw new Error('ASSAY_TEST_PEERS_PYTHON names no Python with mlflow: npm test installs one');
  const { stdout } = await promisify(execFile)(python, ['-c', `${code.replace('digits', 'whole')}\nprint(folder)`], {
    env: {
      ...process.env,
      MLFLOW_TRACKING_URI: server.uri,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
    },
  });
  expect(readFileSync(join(stdout.trim(), 'net', 'weights.bin'), 'utf8')).toBe('weights of mlp 1');
}, 60_000);

test('a server that is killed in the middle of a curve of 10,000 steps, and comes back, ends with one of everything', async () => {
  const { id } = await storedExperiment(store, { name: 'killed', events: curve(10_000) });
  let seen = 0;
  const killed: Promise<void>[] = [];
  const dying = publish(id, usualMlflowPlan('killed'), () => {
    // Parameters, tags and some batches of the first curve have come.
    if (++seen === 12) killed.push(server.kill());
  });
  await expect(dying).rejects.toMatchObject({ name: 'NotPublished', kind: 'away' });
  await Promise.all(killed);
  expect(killed).toHaveLength(1);
  await expect(publish(id, usualMlflowPlan('killed'))).rejects.toThrow(/127\.0\.0\.1:\d+ cannot be reached: connect ECONNREFUSED/);
  await server.start();
  const before = await server.runs(id);
  expect(before.map(({ status }) => status)).toEqual(['RUNNING', 'RUNNING']);
  const published = await publish(id, usualMlflowPlan('killed'));
  const runs = await server.runs(id);
  expect(runs).toHaveLength(5);
  expect(runs.map(({ status }) => status)).toEqual(['FINISHED', 'FINISHED', 'FINISHED', 'FINISHED', 'FINISHED']);
  expect(runs.slice(0, 2).map((run) => run.id)).toEqual(before.map((run) => run.id));
  expect(published.runId).toBe(before[0]!.id);
  const losses = await server.history(runs[1]!.id, 'loss');
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1));
  expect(runs[1]!.end).toBe(Date.parse('2026-11-21T14:04:00.000Z') + 9999 * 100);
}, 180_000);

test('the champion goes to the newer experiment, never back to an older one, and stays where a person puts it', async () => {
  const older = await storedExperiment(store, { name: 'shop', finishedAt: '2026-11-20T10:00:00.000Z' });
  const newer = await storedExperiment(store, { name: 'shop', finishedAt: '2026-11-21T10:00:00.000Z' });
  expect((await publish(newer.id, registering('shop'))).registered).toMatchObject({ version: '1', alias: 'champion' });
  const late = await publish(older.id, registering('shop'));
  expect(late.registered).toMatchObject({ version: '2', alias: null });
  expect(late.notes).toEqual([
    `champion of shop stays with version 1: its experiment ${newer.id} ended later, at 2026-11-21T10:00:00.000Z`,
  ]);
  await server.ask('registered-models/alias', { name: 'shop', alias: 'champion', version: '2' });
  await publish(newer.id, registering('shop'));
  expect(await server.model('shop')).toMatchObject({ aliases: { champion: '2' }, versions: [{ version: '1' }, { version: '2' }] });
  const newest = await storedExperiment(store, { name: 'shop', finishedAt: '2026-11-22T10:00:00.000Z' });
  await publish(newest.id, registering('shop'));
  expect((await server.model('shop')).aliases).toEqual({ champion: '3' });
}, 60_000);

describe('what is registered', () => {
  const approved = { state: 'approved', by: 'ada@lab', at: '2026-11-21T15:00:00.000Z', reason: '' } as const;
  test.each<[string, Parameters<typeof storedExperiment>[1], string | null]>([
    ['adopt and approved: champion', { change: (result) => void (result.approval = approved) }, 'champion'],
    ['adopt and rejected: nothing', { change: (result) => void (result.approval = { ...approved, state: 'rejected' }) }, null],
    [
      'inconclusive: challenger',
      { change: ({ verdict }) => void Object.assign(verdict, { outcome: 'inconclusive', variant: null }) },
      'challenger',
    ],
    ['keep: nothing', { change: ({ verdict }) => void Object.assign(verdict, { outcome: 'keep', variant: null, harm: true }) }, null],
    ['invalid: nothing', { change: ({ verdict }) => void Object.assign(verdict, { outcome: 'invalid', variant: null }) }, null],
  ])(
    '%s',
    async (name, options, alias) => {
      const model = name.replace(/\W+/g, '-').replace(/-$/, '');
      const { id } = await storedExperiment(store, { ...options, name: model.toLowerCase() });
      const { registered, notes } = await publish(id, { ...usualMlflowPlan('verdicts'), model });
      expect(registered?.alias ?? null).toBe(alias);
      expect(notes).toHaveLength(alias === null ? 1 : 0);
      if (alias === null) expect(notes[0]).toMatch(/^no model was registered: /);
      else expect((await server.model(model)).aliases).toEqual({ [alias]: '1' });
    },
    60_000,
  );
});

test('models over the limit, and all files where they are not wanted, are left out and named', async () => {
  const { id } = await storedExperiment(store, { name: 'small' });
  const { registered, notes } = await publish(id, { ...registering('small'), largestModel: 10 });
  expect(registered).toBeNull();
  expect(notes[0]).toMatch(/^the model of logistic seed 1 has 25 bytes, more than publish\.mlflow\.largestModel \(10\)/);
  expect(notes.at(-1)).toBe('no model was registered: no run of mlp has a model on the server');
  const bare = await storedExperiment(store, { name: 'bare' });
  await publish(bare.id, { ...usualMlflowPlan('bare'), artifacts: false });
  const [parent, run] = await server.runs(bare.id);
  expect(Object.keys(await server.files(parent!.id))).toEqual(['report.html', 'result.json', 'spec.yaml']);
  expect(await server.files(run!.id)).toEqual({});
}, 60_000);

test('an upload that is cut off is sent again, whole, and what came before it is not', async () => {
  const weights = Buffer.alloc(9_000_000, 'weights ');
  const { id } = await storedExperiment(store, { name: 'cut', weights });
  const sent: string[] = [];
  let cut = true;
  const proxy = await proxyOf(server, ({ method, url }) => {
    if (method !== 'PUT') return {};
    sent.push(url?.split('/artifacts/').at(-1) ?? '');
    return cut && sent.at(-1) === 'model/net/more.bin' ? 'cut' : {};
  });
  const through = (): Promise<Published> =>
    publishOnce(store, { experimentId: id, mlflow: usualMlflowPlan('cut') }, { env: { MLFLOW_TRACKING_URI: proxy.uri }, note });
  await expect(through()).rejects.toMatchObject({ name: 'NotPublished', kind: 'away' });
  expect(sent).toEqual(['model/labels.txt', 'model/net/weights.bin', 'model/net/more.bin']);
  cut = false;
  sent.length = 0;
  await through();
  await proxy.close();
  expect(sent.slice(0, 2)).toEqual(['model/net/more.bin', 'log.txt']);
  const [, run] = await server.runs(id);
  expect(weights.equals(await server.file(run!.id, 'model/net/more.bin'))).toBe(true);
}, 60_000);

test('an object that is damaged in the store is named, and its bytes do not reach the server', async () => {
  const { store: own, root } = freshStore();
  const { id, result } = await storedExperiment(own, { name: 'damaged' });
  const { log } = result.variants[0]!.runs[0]!.artifacts;
  const path = objectPath(root, log!);
  chmodSync(path, 0o644);
  writeFileSync(path, 'log of logistiX\n');
  const env = { MLFLOW_TRACKING_URI: server.uri };
  const damaged = publishOnce(own, { experimentId: id, mlflow: usualMlflowPlan('damaged') }, { env, note });
  await expect(damaged).rejects.toMatchObject({ type: 'ObjectCorrupt', message: expect.stringContaining(log!.digest) });
  const [, run] = await server.runs(id);
  expect(run).toMatchObject({ name: 'logistic seed 1', status: 'RUNNING' });
  expect(Object.keys(await server.files(run!.id)).sort()).toEqual(['model/labels.txt', 'model/net/weights.bin']);
}, 60_000);

test('two that publish at once do not make two of anything: the second is told to come later', async () => {
  const { id } = await storedExperiment(store, { name: 'twice' });
  const ends = await Promise.allSettled([publish(id, usualMlflowPlan('twice')), publish(id, usualMlflowPlan('twice'))]);
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { type: 'Conflict' } });
  expect(await server.runs(id)).toHaveLength(5);
}, 60_000);

test('a host that the server does not answer for, an experiment deleted there, and a name it does not take are told with the mend', async () => {
  const { id } = await storedExperiment(store, { name: 'refused' });
  const to = (uri: string, more = {}) =>
    publishOnce(store, { experimentId: id, mlflow: usualMlflowPlan('refused') }, { env: { MLFLOW_TRACKING_URI: uri, ...more }, note });
  // It knows the server by a name that the server does not.
  const proxy = await proxyOf(server, () => ({ host: 'mlflow.example.org' }));
  await expect(to(proxy.uri)).rejects.toMatchObject({
    ...{ name: 'NotPublished', kind: 'refused', status: 403 },
    message: expect.stringMatching(/answered 403 Forbidden to GET .*Invalid Host header.*; start that server with --allowed-hosts /),
  });
  await proxy.close();
  const { experiment_id } = await server.ask<{ experiment_id: string }>('experiments/create', { name: 'refused' });
  await server.ask('experiments/delete', { experiment_id });
  await expect(to(server.uri)).rejects.toThrow(
    /the experiment "refused" of http.* is deleted: restore it, or name another in publish\.mlflow\.experiment/,
  );
  await expect(to('')).rejects.toThrow('MLFLOW_TRACKING_URI is not set');
  await expect(to('file:///tmp/mlruns')).rejects.toThrow(/MLFLOW_TRACKING_URI is of the kind file:; expected that of a server/);
  // What cannot be read as an address may hold a password.
  await expect(to('https://bob:hunter#2@mlflow.example.org')).rejects.toThrow(/^(?!.*hunter).*MLFLOW_TRACKING_URI is no address/);
}, 60_000);

test('a percent sign in a password is one', () => {
  const settings = mlflowSettings({ MLFLOW_TRACKING_URI: 'https://ann:50%off@mlflow.example.org' });
  expect(settings).toMatchObject({ authorization: `Basic ${Buffer.from('ann:50%off').toString('base64')}` });
});

test('credentials are sent as MLflow’s own client sends them, and stand in no message', async () => {
  const { id } = await storedExperiment(store, { name: 'guarded' });
  const receiver = await Receiver.start();
  receiver.answer = (response) => response.writeHead(401, { 'content-type': 'text/html' }).end('<h1>Who?</h1>');
  const uri = `http://127.0.0.1:${receiver.port}/base/`;
  const as = async (env: Record<string, string>): Promise<string> => {
    const error: unknown = await publishOnce(
      store,
      { experimentId: id, mlflow: usualMlflowPlan('guarded') },
      { env: { MLFLOW_TRACKING_URI: uri, ...env }, note },
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'refused', status: 401 });
    return (error as Error).message;
  };
  const messages = [
    await as({ MLFLOW_TRACKING_USERNAME: 'ada', MLFLOW_TRACKING_PASSWORD: 'se:cret', MLFLOW_TRACKING_TOKEN: 'unused' }),
    await as({ MLFLOW_TRACKING_TOKEN: 'tok-secret' }),
    await as({ MLFLOW_TRACKING_URI: uri.replace('//', '//ada:se%3Acret@') }),
    await as({}),
  ];
  await receiver.close();
  const basic = `Basic ${Buffer.from('ada:se:cret').toString('base64')}`;
  expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual([basic, 'Bearer tok-secret', basic, undefined]);
  expect(receiver.received[0]?.path).toBe('/base/api/2.0/mlflow/experiments/get-by-name?experiment_name=guarded');
  expect(messages[0]).toBe(
    `127.0.0.1:${receiver.port} answered 401 Unauthorized to GET /api/2.0/mlflow/experiments/get-by-name: Who?; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, where it publishes`,
  );
  expect(messages.join(' ') + JSON.stringify(await record(id))).not.toContain('cret');
}, 60_000);

test('a server with a certificate of its own is trusted where the certificate is named, or none is asked for', async () => {
  const { id } = await storedExperiment(store, { name: 'tls' });
  const dir = temporaryFolder();
  const files = { key: join(dir, 'key.pem'), cert: join(dir, 'cert.pem') };
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=mlflow'];
  await promisify(execFile)('openssl', [...args, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', files.key, '-out', files.cert]);
  const pem = { key: readFileSync(files.key), cert: readFileSync(files.cert) };
  const secure = createServer(pem, (_, response) => response.writeHead(401).end()).listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const uri = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  const under = (env: Record<string, string>): Promise<Published> =>
    publishOnce(store, { experimentId: id, mlflow: usualMlflowPlan('tls') }, { env: { MLFLOW_TRACKING_URI: uri, ...env }, note });
  await expect(under({})).rejects.toMatchObject({
    kind: 'away',
    message: expect.stringMatching(/cannot be reached: self-signed certificate/),
  });
  await expect(under({ MLFLOW_TRACKING_SERVER_CERT_PATH: files.cert })).rejects.toMatchObject({ kind: 'refused', status: 401 });
  await expect(under({ MLFLOW_TRACKING_INSECURE_TLS: 'true' })).rejects.toMatchObject({ kind: 'refused', status: 401 });
  await expect(under({ MLFLOW_TRACKING_SERVER_CERT_PATH: '/nowhere.pem' })).rejects.toThrow(
    /^\/nowhere\.pem, which MLFLOW_TRACKING_\*_CERT_PATH names, is not/,
  );
  await new Promise((closed) => secure.close(closed));
}, 60_000);

test('an experiment that its pool cannot publish is told of it from the start, and is not refused', async () => {
  const { id } = await storedExperiment(store, { name: 'nowhere', publish: '{mlflow: {}}' });
  const { spec, provenance, workflow } = (await record(id))!;
  const plan = await createControlActivities({ store }).registerExperiment({ experimentId: id, spec, provenance, code: null, workflow });
  expect(plan.mlflow).toMatchObject({ experiment: 'nowhere', model: null });
  expect(plan.findings).toEqual([
    'it cannot be published to MLflow: MLFLOW_TRACKING_URI is not set in the environment of the control pool; `assay publish mlflow` can do it later',
  ]);
});
