// Proves, with a real server, real worker processes, the API and a receiver of spans: one trace reaches from the call of the API to the trainer's
// process, over the death of a worker; every line of every worker is a document that says whose it is; the metrics count what happened.
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { lazyTemporal } from '../../src/client';
import { type Result, ids } from '../../src/contract';
import { metricTable } from '../../src/observability';
import { Receiver, type ReceivedSpan } from '../observability/receiver';
import { samplesOf, valueOf } from '../observability/samples';
import { apiHome, type Home, postYaml } from '../api/support';
import { Cluster, until } from './cluster';
import { writeTable } from './table';

const spec = `
name: traced
owner: team-vision
data: {source: data.csv, label: label, id: id}
training:
  # The trainer's log keeps the place in the trace that its process was given.
  command: [sh, -c, 'echo "trace $TRACEPARENT" >&2; exec python trainer.py']
  seeds: [1]
  budget: {steps: 80}
  checkpointEvery: 1s
  params: {pause: 0.25}
variants:
  - {name: control, control: true}
  - {name: candidate}
evaluation: {metrics: [accuracy]}
`;

/** The span of whoever calls the API. */
const caller = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

let receiver: Receiver;
let home: Home;
let client: Client;
let cluster: Cluster;
let folder: string;
let experiment: string;
let result: Result;
let metrics: Map<string, string>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  receiver = await Receiver.start();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' };
  // The API runs in this process.
  Object.assign(process.env, env);
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2, env: { ...env, ASSAY_METRICS_ADDRESS: '127.0.0.1:0' } });
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-trace-')));
  writeTable(join(folder, 'data.csv'));
  copyFileSync(join(__dirname, 'trainers', 'trainer.py'), join(folder, 'trainer.py'));
  home = apiHome();
  client = await lazyTemporal({ address: `127.0.0.1:${cluster.frontend}`, namespace: 'default' });
  const api = await home.start({ client, store: cluster.store, allow: { executors: ['process'], roots: [folder] } });
  const headers = { traceparent: `00-${caller.traceId}-${caller.spanId}-01` };
  experiment = (await postYaml(`${api.url}/v1/experiments?root=${folder}`, spec, { headers })).body.id;
  await cluster.reaches(experiment, 'candidate', 1, 5);
  await cluster.kill('host-a');
  cluster.startWorker('gpu', 'host-a', 2);
  ({ result } = await cluster.result(experiment));
  await until(async () => receiver.named('experiment').length === 1 && receiver.named('train').length === 2, 20_000);
  metrics = new Map();
  for (const pool of ['control', 'analysis', 'host-a']) metrics.set(pool, await scraped(pool));
}, 180_000);

afterAll(async () => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  delete process.env.OTEL_BSP_SCHEDULE_DELAY;
  await Runtime.instance().shutdown();
  await home.stop();
  await client.connection.close();
  await cluster.stop();
  await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('the trace of an experiment', () => {
  it('is one from the caller of the API to the trainers, each span below what caused it', () => {
    const call = only('POST /v1/experiments');
    expect(call).toMatchObject({ traceId: caller.traceId, parentId: caller.spanId, error: null });
    expect(call.attributes['http.response.status_code']).toBe(201);
    const start = only('start experiment');
    expect(parentOf(start)).toBe(call);
    expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([caller.traceId]));
    const known = new Set([caller.spanId, ...receiver.spans.map(({ spanId }) => spanId)]);
    expect(receiver.spans.filter(({ parentId }) => parentId === null || !known.has(parentId))).toEqual([]);
    expect(parentOf(only('experiment'))).toBe(start);
    const runs = receiver.named('variantRun');
    expect(runs.map((run) => parentOf(run)?.name)).toEqual(['experiment', 'experiment']);
    expect(new Set(runs.map(({ attributes }) => attributes['assay.variant']))).toEqual(new Set(['candidate', 'control']));
    expect(only('registerExperiment')).toMatchObject({ service: 'assay-control', traceId: caller.traceId });
    expect(parentOf(only('snapshotData'))?.name).toBe('experiment');
    expect(receiver.named('wait for a lease').map((wait) => parentOf(wait)?.name)).toEqual(['variantRun', 'variantRun']);
  });

  it('holds each trainer once, with its end, though the worker that started it died', () => {
    const attempts = receiver.named('trainVariant');
    // Those of the worker that was killed were never over.
    expect(attempts.map(({ attributes }) => attributes['assay.attempt'])).toEqual([2, 2]);
    for (const variant of ['candidate', 'control']) {
      const [train, ...more] = receiver.named('train').filter(({ attributes }) => attributes['assay.variant'] === variant);
      expect(more).toEqual([]);
      expect(train).toMatchObject({
        service: 'assay-gpu',
        error: null,
        attributes: { 'assay.seed': 1, 'assay.epoch': 1, 'assay.steps': 80, 'process.exit.code': 0, 'assay.host': 'host-a' },
      });
      expect(parentOf(train as ReceivedSpan)?.name).toBe('variantRun');
      expect((train as ReceivedSpan).endMs - (train as ReceivedSpan).startMs).toBeGreaterThan(80 * 250);
    }
  });

  it('was told to the process of the trainer', async () => {
    for (const { name, runs } of result.variants) {
      const log = (await cluster.store.get(runs[0]?.artifacts.log as { digest: string })).toString('utf8');
      const train = receiver.named('train').find(({ attributes }) => attributes['assay.variant'] === name) as ReceivedSpan;
      expect(log).toContain(`trace 00-${train.traceId}-${train.spanId}-01`);
    }
  });

  it('is in histories that replay where nothing is traced', async () => {
    const workflows = [ids.experimentWorkflow(experiment), ids.variantRunWorkflow(experiment, 'candidate', 1), ids.gpuPool];
    const histories = await Promise.all(
      workflows.map(async (workflowId) => ({ workflowId, history: await cluster.client.workflow.getHandle(workflowId).fetchHistory() })),
    );
    expect(JSON.stringify(histories[0]?.history.events?.[0])).toContain('_tracer-data');
    const errors: unknown[] = [];
    const workflowBundle = { codePath: join(__dirname, '..', '..', 'dist', 'workflows.bundle.js') };
    for await (const { error } of Worker.runReplayHistories({ workflowBundle, replayName: 'traced' }, histories)) errors.push(error);
    expect(errors).toEqual([undefined, undefined, undefined]);
  });
});

describe('the logs of the workers', () => {
  it('are a document a line, each with its level, time, message, pool and host', () => {
    const seen = new Set<string>();
    for (const name of ['control', 'analysis', 'host-a'])
      for (const line of linesOf(name)) {
        expect(line).toMatchObject({
          level: expect.stringMatching(/^(debug|info|warn|error|fatal)$/),
          msg: expect.any(String),
          host: name,
        });
        expect(new Date(line.time).toISOString()).toBe(line.time);
        seen.add(line.pool);
      }
    expect(seen).toEqual(new Set(['control', 'analysis', 'gpu']));
  });

  it('name experiment, variant, seed, attempt and epoch, and the place in the trace, where a run is meant', () => {
    const adopted = linesOf('host-a').filter(({ msg }) => msg === 'the trainer is adopted');
    expect(adopted).toHaveLength(2);
    const { traceId } = only('experiment');
    for (const line of adopted) {
      expect(line).toMatchObject({ experiment, seed: 1, epoch: 1, attempt: 2, activity: 'trainVariant', trace_id: traceId });
      expect(['candidate', 'control']).toContain(line.variant);
    }
  });
});

describe('the metrics of the workers', () => {
  it('count the experiment, its runs, its waits and its verdict once', () => {
    const control = metrics.get('control') as string;
    expect(valueOf(control, 'assay_experiments_finished_total', { status: 'done' })).toBe(1);
    expect(valueOf(control, 'assay_runs_finished_total', { status: 'done' })).toBe(2);
    expect(valueOf(control, 'assay_verdicts_total', { outcome: result.verdict.outcome })).toBe(1);
    expect(valueOf(control, 'assay_queue_wait_seconds_count', { qos: 'standard', owner: 'team-vision' })).toBe(2);
    expect(valueOf(control, 'assay_run_restarts_total', { cause: 'crash' })).toBe(0);
    expect(valueOf(control, 'assay_experiment_stage_duration_seconds_count', { stage: 'training' })).toBe(1);
  });

  it('show what the server knows: hosts, leases, backlogs, experiments under way', () => {
    const control = metrics.get('control') as string;
    expect(valueOf(control, 'assay_host_reporting', { host: 'host-a' })).toBe(1);
    expect(valueOf(control, 'assay_host_places', { host: 'host-a' })).toBe(2);
    expect(valueOf(control, 'assay_experiments_open', { stage: 'training' })).toBe(0);
    expect(valueOf(control, 'assay_task_queue_backlog_tasks', { queue: 'assay-analysis', kind: 'activity' })).toBe(0);
    expect(valueOf(control, 'assay_server_polls_total', { result: 'error' })).toBe(0);
    expect(valueOf(control, 'assay_server_polls_total', { result: 'ok' })).toBeGreaterThan(0);
  });

  it('count steps, trainers and checkpoints on their host, and requests to the store', () => {
    const host = metrics.get('host-a') as string;
    expect(valueOf(host, 'assay_train_steps_total', { host: 'host-a' })).toBeGreaterThan(0);
    expect(valueOf(host, 'assay_trainer_exits_total', { host: 'host-a', result: 'ok' })).toBe(2);
    expect(valueOf(host, 'assay_checkpoint_uploads_total', { result: 'ok' })).toBeGreaterThan(0);
    expect(valueOf(host, 'assay_checkpoint_uploaded_bytes_total', {})).toBeGreaterThan(0);
    expect(valueOf(host, 'assay_host_runs', { host: 'host-a', phase: 'training' })).toBe(0);
    expect(valueOf(host, 'assay_activity_retries_total', { activity: 'trainVariant' })).toBe(2);
    expect(valueOf(host, 'assay_store_replica_up', { replica: cluster.store.url })).toBe(1);
    expect(valueOf(metrics.get('analysis') as string, 'assay_data_checks_total', { check: 'overlap', status: 'pass' })).toBe(1);
  });

  it('stand beside those of Temporal and of the process, and each of ours is in the table', () => {
    const ours = new Set(metricTable.map(({ name }) => name as string));
    for (const text of metrics.values()) {
      const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name as string);
      expect(new Set(families).size).toBe(families.length);
      expect(families.filter((name) => name.startsWith('assay_') && !ours.has(name))).toEqual([]);
      expect(families).toContain('process_resident_memory_bytes');
      expect(families.some((name) => name.startsWith('temporal_'))).toBe(true);
    }
  });

  it('name no experiment and no run in a label', () => {
    for (const text of metrics.values())
      for (const { labels } of samplesOf(text)) expect(Object.values(labels).filter((value) => value.includes(experiment))).toEqual([]);
  });
});

interface Line {
  level: string;
  time: string;
  msg: string;
  pool: string;
  host: string;
  variant?: string;
}

/** All lines of a worker's log, over its restarts. */
function linesOf(name: string): Line[] {
  expect(readdirSync(join(cluster.dir, 'logs'))).toContain(`${name}.log`);
  const lines = readFileSync(join(cluster.dir, 'logs', `${name}.log`), 'utf8')
    .split('\n')
    .filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Line);
}

/** What a worker serves, by the address that it told its log last. */
async function scraped(name: string): Promise<string> {
  const { address } = linesOf(name).findLast(({ msg }) => msg === 'metrics are served') as unknown as { address: string };
  return (await fetch(address)).text();
}

function only(name: string): ReceivedSpan {
  const found = receiver.named(name);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0] as ReceivedSpan;
}

const parentOf = ({ parentId }: ReceivedSpan): ReceivedSpan | undefined => receiver.spans.find(({ spanId }) => spanId === parentId);
