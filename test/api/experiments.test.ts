// Proves the API over a real server, real pools and a real store: what is started by it, watched across restarts of both servers, read and steered.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningApi } from '../../src/api';
import { lazyTemporal } from '../../src/client';
import { Cluster, until } from '../e2e/cluster';
import { writeTable } from '../e2e/table';
import { type Answer, apiHome, ask, expectProblem, type Home, post, postYaml, readEvents, type ServerEvent } from './support';

let cluster: Cluster;
let home: Home;
let api: RunningApi;
let folder: string;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2 });
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-root-')));
  mkdirSync(join(folder, 'digits'));
  writeTable(join(folder, 'digits', 'data.csv'));
  copyFileSync(join(__dirname, '..', 'e2e', 'trainers', 'trainer.py'), join(folder, 'digits', 'trainer.py'));
  home = apiHome();
  api = await start();
}, 60_000);

afterAll(async () => {
  await home.stop();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (port = 0): Promise<RunningApi> =>
  home.start({
    port,
    client: await lazyTemporal({ address: `127.0.0.1:${cluster.frontend}`, namespace: 'default' }),
    store: cluster.store,
    allow: { executors: ['process'], roots: [folder] },
    uiUrl: 'http://ui.example',
  });

const spec = (name: string, params: Record<string, unknown> = {}, more = ''): string => `name: ${name}
data: {source: data.csv, label: label, id: id}
training: {command: [python, trainer.py], seeds: [1], budget: {steps: 20}, params: ${JSON.stringify(params)}}
variants:
  - {name: control, control: true, params: {noise: 1.5}}
  - {name: candidate, params: {noise: 0}}
varies: [noise]
evaluation: {metrics: [accuracy, log_loss]}
${more}`;

const submit = (body: string, headers: Record<string, string> = {}, { url } = api) =>
  postYaml(`${url}/v1/experiments?root=${folder}/digits`, body, { headers });

describe('an experiment from its start to its files', () => {
  let id: string;
  let events: ServerEvent[];

  beforeAll(async () => {
    const started = await submit(spec('whole'), { 'idempotency-key': 'whole-1' });
    expect(started).toMatchObject({ status: 201, body: { name: 'whole', status: 'running', stage: 'registering' } });
    id = started.body.id;
    expect(started.headers.get('location')).toBe(`/v1/experiments/${id}`);
    // It is there at once, before any pool has seen it.
    expect((await ask(`${api.url}/v1/experiments/${id}`)).status).toBe(200);
    expectProblem(await ask(`${api.url}/v1/experiments/${id}/result`), 409, 'conflict');
    ({ events } = await readEvents(`${api.url}/v1/experiments/${id}/events`));
  }, 60_000);

  test('its events tell each stage and each run once, in order, and the verdict last', () => {
    const stages = events.filter(({ event }) => event === 'stage').map(({ data }) => data['stage']);
    expect(stages).toEqual(['registering', 'snapshot', 'checks', 'training', 'analysis', 'report', 'done']);
    const runs = events.filter(({ event }) => event === 'run').map(({ data }) => `${String(data['variant'])} ${String(data['state'])}`);
    expect(runs).toEqual(expect.arrayContaining(['control training', 'control done', 'candidate training', 'candidate done']));
    const ids = events.flatMap((one) => one.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(events.at(-1)).toMatchObject({ id: 'end', event: 'end', data: { status: 'done', verdict: { outcome: expect.any(String) } } });
    expect(events.filter(({ event }) => event === 'progress').every((one) => one.id === null)).toBe(true);
  });

  test('asked again, an ended one tells the same at once, the rest after an id, and nothing after the end', async () => {
    const url = `${api.url}/v1/experiments/${id}/events`;
    const told = events.filter((one) => one.id !== null);
    expect((await readEvents(url)).events).toEqual(told);
    expect((await readEvents(url, { lastId: told[3]?.id ?? '' })).events).toEqual(told.slice(4));
    expect((await readEvents(url, { lastId: 'no id of ours' })).events).toEqual(told);
    expect((await readEvents(url, { lastId: 'end' })).status).toBe(204);
  });

  test('the same key gives the same experiment, also after its end; another body is a conflict', async () => {
    expect(await submit(spec('whole'), { 'idempotency-key': 'whole-1' })).toMatchObject({ status: 200, body: { id } });
    const refused = await submit(spec('whole', { pause: 1 }), { 'idempotency-key': 'whole-1' });
    expectProblem(refused, 409, 'conflict');
    expect(refused.body.detail).toContain(id);
  });

  test('it is listed, found by name and stage, and says who started it', async () => {
    const { body } = await ask(`${api.url}/v1/experiments?name=whole&stage=done&limit=1`);
    expect(body.experiments).toMatchObject([
      { id, status: 'done', links: { workflow: expect.stringContaining('http://ui.example/namespaces/default') } },
    ]);
    expect((await ask(`${api.url}/v1/experiments?name=other`)).body.experiments).toEqual([]);
    expect((await ask(`${api.url}/v1/experiments?series=nightly`)).body.experiments).toEqual([]);
    expect((await ask(`${api.url}/v1/experiments/${id}`)).body).toMatchObject({ by: 'loopback', verdict: { outcome: expect.any(String) } });
  });

  test('its result and its report come in the form that is asked for', async () => {
    const result = await ask(`${api.url}/v1/experiments/${id}/result`);
    expect(result).toMatchObject({ status: 200, body: { schema: 'assay.result/1', experiment: id } });
    const report = (accept?: string) => ask(`${api.url}/v1/experiments/${id}/report`, accept === undefined ? {} : { headers: { accept } });
    expect((await report('text/html,application/xhtml+xml,*/*;q=0.8')).body).toMatch(/^<!doctype html>/i);
    expect((await report()).headers.get('content-security-policy')).toMatch(/sandbox/);
    expect((await report('text/markdown')).body).toMatch(/^## .*whole/);
    expect((await report('text/html;q=0.1, application/json')).body).toMatchObject({ schema: 'assay.result/1' });
    expectProblem(await report('image/png'), 406, 'not-acceptable');
  });

  test('its files come whole or in ranges, under their digest', async () => {
    const { body } = await ask(`${api.url}/v1/experiments/${id}/runs`);
    const run = body.runs.find((one: { variant: string }) => one.variant === 'candidate');
    const { href, digest, size } = run.artifacts.find(({ name }: { name: string }) => name === 'events');
    const url = api.url + href;
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect([whole.length, `sha256:${createHash('sha256').update(whole).digest('hex')}`]).toEqual([size, digest]);

    const part = async (range: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(url, { headers: { range, ...headers } });
      const bytes = Buffer.from(await answer.arrayBuffer());
      return { status: answer.status, range: answer.headers.get('content-range'), bytes, type: answer.headers.get('content-type') };
    };
    expect(await part('bytes=10-19')).toMatchObject({ status: 206, range: `bytes 10-19/${size}`, bytes: whole.subarray(10, 20) });
    expect(await part('bytes=10-')).toMatchObject({ status: 206, bytes: whole.subarray(10) });
    expect(await part('bytes=-5')).toMatchObject({
      status: 206,
      range: `bytes ${size - 5}-${size - 1}/${size}`,
      bytes: whole.subarray(-5),
    });
    expect(await part(`bytes=0-${size + 100}`)).toMatchObject({ status: 206, bytes: whole });
    expect(await part(`bytes=${size}-`)).toMatchObject({ status: 416, range: `bytes */${size}`, type: 'application/problem+json' });
    for (const ignored of ['bytes=1-2,4-5', 'rows=1-2', 'bytes=9-3', 'bytes=-'])
      expect(await part(ignored)).toMatchObject({ status: 200, bytes: whole });
    expect(await part('bytes=0-1', { 'if-range': '"another"' })).toMatchObject({ status: 200 });
    expect(await part('bytes=0-1', { 'if-range': `"${digest}"` })).toMatchObject({ status: 206 });

    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag'), head.headers.get('accept-ranges')]).toEqual([
      200,
      String(size),
      `"${digest}"`,
      'bytes',
    ]);
    expect((await fetch(url, { headers: { 'if-none-match': `"${digest}"` } })).status).toBe(304);

    const listing = await ask(`${api.url}/v1/experiments/${id}/runs/candidate/1/predictions`);
    const scores = listing.body.files.find((file: { path: string }) => file.path.endsWith('scores.npy'));
    const bytes = Buffer.from(await (await fetch(api.url + scores.href)).arrayBuffer());
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(scores.digest);
    for (const nowhere of [
      'runs/candidate/2/log',
      'runs/other/1/log',
      'runs/candidate/1/predictions/none.npy',
      'runs/candidate/1/predictions/..%2f..%2flog',
    ])
      expectProblem(await ask(`${api.url}/v1/experiments/${id}/${nowhere}`), 404);
  });

  test('what has ended cannot be steered', async () => {
    expectProblem(await post(`${api.url}/v1/experiments/${id}/pause`, {}), 409, 'conflict');
    expectProblem(await post(`${api.url}/v1/experiments/${id}/cancel`, {}), 409, 'conflict');
    // A request that says nothing more needs no body.
    expectProblem(await ask(`${api.url}/v1/experiments/${id}/resume`, { method: 'POST' }), 409, 'conflict');
  });
});

test('a workflow of another kind is no experiment, whatever its id', async () => {
  for (const id of ['gpu-pool', 'series%2Fnightly', '..%2Fgpu-pool', 'x-20260101-000000-abcd%2Fcandidate%2Fseed-1']) {
    expectProblem(await ask(`${api.url}/v1/experiments/${id}`), 404);
    expectProblem(await post(`${api.url}/v1/experiments/${id}/cancel`, {}), 404);
  }
});

test('the pool, series and schedules are told', async () => {
  await until(async () => (await ask(`${api.url}/v1/gpus`)).body.hosts.length === 1, 20_000);
  expect((await ask(`${api.url}/v1/series`)).body).toEqual({ series: [] });
  expect((await ask(`${api.url}/v1/schedules`)).body).toEqual({ schedules: [] });
  expectProblem(await ask(`${api.url}/v1/series/nightly`), 404);
  expectProblem(await post(`${api.url}/v1/schedules/nightly/trigger`, {}), 404);
  expect(await ask(`${api.url}/readyz`)).toMatchObject({ status: 200, body: { checks: { temporal: 'ok', store: 'ok' } } });
});

test('1,000 posts at once with one key, to two servers, give one experiment; 1,000 with two bodies give one and conflicts', async () => {
  const servers = [api, await start()];
  const crowd = (bodyOf: (i: number) => string, key: string) =>
    Promise.all(Array.from({ length: 1000 }, (_, i) => submit(bodyOf(i), { 'idempotency-key': key }, servers[i % 2])));
  const count = (answers: Answer[], status: number): number => answers.filter((one) => one.status === status).length;
  const same = await crowd(() => spec('crowd', { pause: 5 }), 'crowd');
  expect([count(same, 201), count(same, 200), new Set(same.map(({ body }) => body.id)).size]).toEqual([1, 999, 1]);

  const mixed = await crowd((i) => spec('mixed', { pause: i % 4 < 2 ? 5 : 6 }), 'mixed');
  expect([count(mixed, 201), count(mixed, 200), count(mixed, 409)]).toEqual([1, 499, 500]);
  for (const answers of [same, mixed]) {
    const id = String(answers.find(({ status }) => status === 201)?.body.id);
    expect(await post(`${api.url}/v1/experiments/${id}/cancel`, { reason: 'enough' })).toMatchObject({
      status: 202,
      body: { by: 'loopback', reason: 'enough' },
    });
    const { events } = await readEvents(`${api.url}/v1/experiments/${id}/events`);
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { status: 'cancelled' } });
  }
  const started = cluster.client.workflow.list({ query: `WorkflowType = 'experiment' AND AssayName IN ('crowd', 'mixed')` });
  const ids = [];
  for await (const { workflowId } of started) ids.push(workflowId);
  expect(ids.length).toBe(2);
}, 120_000);

test('its events go on across a restart of the API and of the Temporal server, none lost and none twice; many watchers ask once', async () => {
  const { body } = await submit(spec('long', { pause: 0.8 }));
  const path = `/v1/experiments/${body.id}/events`;
  const training = (events: ServerEvent[]): boolean => events.some(({ event, data }) => event === 'run' && data['state'] === 'training');
  const before = await readEvents(api.url + path, { enough: training });
  const lastId = before.events.findLast(({ id }) => id !== null)?.id ?? '';

  const port = Number(new URL(api.url).port);
  await api.close();
  api = await start(port);
  const watchers = Array.from({ length: 50 }, () => readEvents(api.url + path));
  const resumed = readEvents(api.url + path, { lastId });
  await until(async () => (await ask(`${api.url}/metrics`)).body.includes('assay_api_event_streams 51'), 20_000);
  expect((await post(`${api.url}/v1/experiments/${body.id}/pause`, { reason: 'the room is too warm' })).body).toMatchObject({
    action: 'pause',
    by: 'loopback',
  });
  await cluster.kill('temporal');
  expectProblem(await ask(`${api.url}/readyz`), 503, 'not-ready');
  await cluster.startServer();
  await until(async () => (await post(`${api.url}/v1/experiments/${body.id}/resume`, {})).status === 200, 30_000);

  const after = await resumed;
  const whole = (await readEvents(api.url + path)).events;
  const withIds = (events: ServerEvent[]) => events.filter(({ id }) => id !== null);
  expect([...withIds(before.events), ...withIds(after.events)]).toEqual(whole);
  expect(whole.filter(({ event }) => event === 'steering').map(({ data }) => data['action'])).toEqual(['pause', 'resume']);
  expect(whole.at(-1)).toMatchObject({ event: 'end', data: { status: 'done' } });
  expect(
    after.events.some(({ event, data }) => event === 'progress' && (data['steps'] as { step: number }[]).some(({ step }) => step > 0)),
  ).toBe(true);
  for (const { events } of await Promise.all(watchers)) expect(withIds(events)).toEqual(whole);
}, 120_000);

test('a server that stops ends the streams and is gone within ten seconds', async () => {
  const { body } = await submit(spec('short-lived', { pause: 1 }));
  const other = await start();
  const stream = readEvents(`${other.url}/v1/experiments/${body.id}/events`);
  await until(async () => (await ask(`${other.url}/metrics`)).body.includes('assay_api_event_streams 1'), 10_000);
  const started = performance.now();
  await other.close();
  expect(performance.now() - started).toBeLessThan(10_000);
  expect((await stream).events.at(-1)?.event).not.toBe('end');
  await post(`${api.url}/v1/experiments/${body.id}/cancel`, {});
}, 30_000);
