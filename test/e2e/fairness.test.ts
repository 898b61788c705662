// Proves, with real workers on a real server: where one team fills a queue, the few experiments of another do not wait behind them, an
// urgent one goes before both, and priority needs nothing but `owner` and `qos` in the experiment file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueStates, setOwnerWeight, submitExperiment } from '../../src/client';
import { ids, type ProvenanceObject, queues } from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { Cluster, until } from './cluster';
import { writeTable } from './table';

let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: [], slots: 1, env: { ASSAY_ANALYSIS_SLOTS: '1' } });
  folder = mkdtempSync(join(tmpdir(), 'assay-fairness-'));
  writeTable(join(folder, 'data.csv'));
  writeFileSync(join(folder, 'train.py'), '');
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('of 30 experiments of one team and 3 of another, the 3 are not behind the 30; 2 urgent ones go first', async () => {
  await cluster.kill('analysis', 'SIGTERM');
  await setOwnerWeight(cluster.store, { owner: 'few', weight: 2 });
  const many = await all(30, { owner: 'many', qos: 'standard' });
  const cheap = await all(2, { owner: 'few', qos: 'besteffort' });
  const few = await all(3, { owner: 'few', qos: 'standard' });
  const urgent = await all(2, { owner: 'many', qos: 'guaranteed' });
  const everything = [...many, ...cheap, ...few, ...urgent];
  await until(
    async () => (await queueStates(cluster.client, [])).some(({ queue, waiting }) => queue === queues.analysis && waiting === 37),
    60_000,
  );

  cluster.startWorker('analysis');
  let order: string[] = [];
  await until(async () => {
    order = (await Promise.all(everything.map(started)))
      .filter((each) => each !== null)
      .sort((a, b) => a.at - b.at)
      .map(({ id }) => id);
    return few.every((id) => order.includes(id));
  }, 60_000);

  // An experiment goes on with its next step, in the same queue, when its first is done: only firsts are compared.
  expect(new Set(order.slice(0, 2))).toEqual(new Set(urgent));
  const places = few.map((id) => order.indexOf(id));
  expect(Math.max(...places)).toBeLessThan(2 + 3 + 6);
  expect(order.some((id) => cheap.includes(id))).toBe(false);
}, 180_000);

async function all(count: number, wish: { owner: string; qos: string }): Promise<string[]> {
  const started_ = await Promise.all(Array.from({ length: count }, () => submit(wish)));
  return started_.map(({ experimentId }) => experimentId);
}

function submit({ owner, qos }: { owner: string; qos: string }) {
  const source = `
name: fair
owner: ${owner}
data: {source: data.csv, label: label, id: id}
runtime: {qos: ${qos}}
training: {command: [python, train.py], seeds: [1], budget: {steps: 40}}
variants:
  - {name: a, control: true, params: {rate: 0.1}}
  - {name: b, params: {rate: 0.5}}
varies: [rate]
evaluation: {metrics: [accuracy]}
`;
  const spec = loadSpec(source, { file: 'experiment.yaml', root: folder });
  const provenance: Omit<ProvenanceObject, 'spec' | 'source'> = {
    ...{ assay: 'test', git: { commit: null, dirty: false, remote: null, diff: null }, dvc: null },
    ...{ host: 'test', user: null, command: [], environment: {} },
  };
  return submitExperiment({ client: cluster.client, store: cluster.store }, { spec, source, provenance });
}

/** When a worker took the experiment's snapshot, or null. */
async function started(id: string): Promise<{ id: string; at: number } | null> {
  const { events } = await cluster.client.workflow.getHandle(ids.experimentWorkflow(id)).fetchHistory();
  const asked = events?.find(({ activityTaskScheduledEventAttributes: it }) => it?.activityType?.name === 'snapshotData');
  // A started activity is written to the history when it ends; until then the description has it.
  const event = events?.find(
    ({ activityTaskStartedEventAttributes: it }) => asked && String(it?.scheduledEventId) === String(asked.eventId),
  );
  if (event?.eventTime) return { id, at: Number(event.eventTime.seconds) + (event.eventTime.nanos ?? 0) / 1e9 };
  return null;
}
