// Proves, with real processes: an experiment that names a receiver tells it of its end, signed, whether it is done, failed or cancelled; a
// worker killed while a message is on its way sends it again under the same id; a receiver that could not be told is refused before any work.
import { writeFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { cancelExperiment, experimentResult } from '../../src/client';
import { type ExperimentRecord, ids, type NotifyEvent, refNames } from '../../src/contract';
import { Receiver, secret } from '../publish/receiver';
import { Cluster, until } from './cluster';

let cluster: Cluster;
let receiver: Receiver;
const folder = mkdtempSync(join(tmpdir(), 'assay-webhooks-'));

beforeAll(async () => {
  copyFileSync(join(__dirname, '..', 'workflows', 'trainer', 'train.py'), join(folder, 'train.py'));
  const rows = Array.from({ length: 200 }, (_, i) => `${i},${Math.sin(i).toFixed(6)},${Math.sin(i) > 0 ? 'up' : 'down'}`);
  writeFileSync(join(folder, 'data.csv'), `id,x,label\n${rows.join('\n')}\n`);
  receiver = await Receiver.start();
  cluster = await Cluster.start({
    ...{ hosts: ['host-a'], slots: 2 },
    env: {
      ...{ ASSAY_WEBHOOK_HOSTS: `127.0.0.1:${receiver.port}`, ASSAY_WEBHOOK_SECRET: secret },
      ASSAY_PUBLIC_URL: 'https://assay.example.org',
      ASSAY_TEMPORAL_UI: 'https://temporal.example.org',
    },
  });
}, 90_000);

afterAll(async () => {
  await cluster?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the end of an experiment reaches the receiver with its verdict, signed; a worker killed meanwhile sends it again under the same id', async () => {
  const killed: Promise<void>[] = [];
  receiver.answer = (response) => {
    // The message has arrived, and the worker dies before it hears so.
    if (killed.length === 0) killed.push(cluster.kill('control').then(() => cluster.startWorker('control')));
    else response.writeHead(200).end();
  };
  const id = await cluster.submit(spec('told', {}), folder);
  const { output } = await cluster.result(id);
  await until(async () => receiver.received.length === 2, 60_000);
  await Promise.all(killed);
  const events = received();
  expect(events[1]).toEqual({
    ...{
      schema: 'assay.event/1',
      type: 'experiment.done',
      at: expect.stringMatching(/^20\d\d-/),
      experiment: id,
      name: 'told',
      owner: 'team-a',
    },
    ...{
      series: null,
      sentence: output.verdict.sentence,
      outcome: output.verdict.outcome,
      harm: output.verdict.harm,
      effect: expect.any(Number),
    },
    links: {
      report: `https://assay.example.org/v1/experiments/${id}/report`,
      workflow: `https://temporal.example.org/namespaces/default/workflows/${encodeURIComponent(`assay/${id}`)}`,
    },
  });
  expect(events[0]).toEqual(events[1]);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([`${id}/experiment~done-1`]));
  const told = cluster.client.workflow.getHandle(ids.notification(id, 'experiment.done-1'));
  expect(await told.result()).toEqual({ status: 200, tries: 2 });
}, 150_000);

test('an experiment that fails and one that is cancelled are told as what they are, once each, to those who asked for it', async () => {
  forget();
  const failed = await cluster.submit(spec('failed', { label: 'absent' }), folder);
  await experimentResult(cluster.client, failed).catch(() => undefined);
  await until(async () => receiver.received.length === 1, 30_000);
  const [event] = received();
  expect(event).toMatchObject({ type: 'experiment.failed', experiment: failed, outcome: null, links: { report: null } });
  expect(event?.sentence).toMatch(/^failed failed: DataInvalid: .*absent/);
  forget();
  const cancelled = await cluster.submit(spec('cancelled', { pause: 2, on: '[experiment.cancelled]' }), folder);
  await until(async () => (await cluster.progress(cancelled)).stage === 'training', 60_000);
  await cancelExperiment(cluster.client, cancelled);
  await experimentResult(cluster.client, cancelled).catch(() => undefined);
  await until(async () => receiver.received.length === 1, 30_000);
  expect(received()).toEqual([
    expect.objectContaining({ type: 'experiment.cancelled', experiment: cancelled, sentence: 'cancelled was cancelled.' }),
  ]);
}, 150_000);

test('a receiver without its secret, or that is not allowed, is refused before anything is snapshotted, naming the variable', async () => {
  forget();
  const id = await cluster.submit(spec('mute', { more: 'secret: NOWHERE' }), folder);
  await expect(experimentResult(cluster.client, id)).rejects.toThrow();
  const record = (await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value;
  expect(record).toMatchObject({ status: 'failed', snapshot: null });
  expect(record?.message).toMatch(/^SpecInvalid: notify\[0\]\.secret: ASSAY_WEBHOOK_SECRET_NOWHERE is not set/);
  const inside = await cluster.submit(spec('inside', { webhook: 'http://169.254.169.254/latest/meta-data' }), folder);
  await expect(experimentResult(cluster.client, inside)).rejects.toThrow();
  const refused = (await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(inside)))?.value;
  expect(refused?.message).toMatch(/notify\[0\]\.webhook: 169\.254\.169\.254 is not among the hosts that ASSAY_WEBHOOK_HOSTS allows/);
  expect(receiver.received).toEqual([]);
}, 60_000);

/** What came, each verified by the reference library. */
const received = (): NotifyEvent[] =>
  receiver.received.map(({ body, headers }) => new Webhook(secret).verify(body, headers as Record<string, string>) as NotifyEvent);

function forget(): void {
  receiver.received.length = 0;
  receiver.answer = (response) => response.writeHead(204).end();
}

interface Options {
  label?: string;
  pause?: number;
  on?: string;
  more?: string;
  webhook?: string;
}

function spec(name: string, { label = 'label', pause = 0, on, more, webhook = receiver.url }: Options): string {
  const target = [`webhook: "${webhook}"`, ...(on === undefined ? [] : [`on: ${on}`]), ...(more === undefined ? [] : [more])].join(', ');
  return `
name: ${name}
owner: team-a
data: {source: data.csv, label: ${label}, id: id}
training: {command: [python, train.py], seeds: [1], batchSize: 32, budget: {steps: 20}, checkpointEvery: 200ms}
variants:
  - {name: a, control: true, params: {rate: 0.1, pause: ${pause}}}
  - {name: b, params: {rate: 0.5, pause: ${pause}}}
varies: [rate]
evaluation: {metrics: [accuracy]}
analysis: {resamples: 1000}
notify: [{${target}}]
`;
}
