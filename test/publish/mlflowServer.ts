import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExperimentRecord, Ref, ResolvedSpec, Result, Snapshot } from '../../src/contract';
import { mediaTypes, refNames } from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import type { Store } from '../../src/store';
import { until } from '../e2e/cluster';
import { makeResult } from '../report/fixture';

/** A real MLflow server on SQLite, on a port of its own that it keeps over restarts. */
export class MlflowServer {
  readonly uri: string;
  private readonly dir: string;
  private child: ChildProcess | null = null;

  private constructor(dir: string, port: number) {
    this.dir = dir;
    this.uri = `http://127.0.0.1:${port}`;
  }

  /** Its place; nothing runs yet. */
  static async at(dir: string): Promise<MlflowServer> {
    mkdirSync(dir, { recursive: true });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    return new MlflowServer(dir, port);
  }

  async start(): Promise<void> {
    const program = process.env.ASSAY_TEST_MLFLOW;
    if (!program) throw new Error('ASSAY_TEST_MLFLOW names no mlflow: npm test installs one');
    const log = openSync(join(this.dir, 'log.txt'), 'a');
    const { host, port } = { host: '127.0.0.1', port: new URL(this.uri).port };
    const args = [
      '--backend-store-uri',
      `sqlite:///${join(this.dir, 'mlflow.db')}`,
      '--artifacts-destination',
      join(this.dir, 'artifacts'),
    ];
    this.child = spawn(program, ['server', ...args, '--host', host, '--port', port, '--workers', '1'], {
      // A group of its own, so that its workers end with it.
      ...{ cwd: this.dir, detached: true, stdio: ['ignore', log, log] },
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' },
    });
    await until(async () => (await fetch(`${this.uri}/health`)).ok, 90_000);
  }

  /** SIGKILL to all of it. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  }

  /** One of its API's answers. */
  async ask<T>(path: string, body?: Record<string, unknown>): Promise<T> {
    const options =
      body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${this.uri}/api/2.0/mlflow/${path}`, options);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** All runs of one experiment of ours, the parent first. */
  async runs(experiment: string): Promise<ServerRun[]> {
    const { experiments = [] } = await this.ask<{ experiments?: { experiment_id: string }[] }>('experiments/search', { max_results: 100 });
    const { runs = [] } = await this.ask<{ runs?: RunJson[] }>('runs/search', {
      ...{ experiment_ids: experiments.map(({ experiment_id }) => experiment_id), max_results: 1000 },
      ...{ filter: `tags."assay.experiment" = '${experiment}'`, run_view_type: 'ALL', order_by: ['tags.`assay.key`'] },
    });
    return runs.map(({ info, data, inputs }) => ({
      ...{ id: info.run_id, name: info.run_name, status: info.status, start: info.start_time, end: info.end_time },
      tags: mapOf(data.tags),
      params: mapOf(data.params),
      metrics: Object.fromEntries((data.metrics ?? []).map(({ key, value }) => [key, value])),
      inputs: (inputs?.dataset_inputs ?? []).map(({ dataset, tags }) => ({ ...dataset, context: tags?.[0]?.value ?? null })),
    }));
  }

  async history(runId: string, key: string): Promise<{ step: number; value: number | string; timestamp: number }[]> {
    const found: { step: number; value: number | string; timestamp: number }[] = [];
    let token = '';
    do {
      const page: { metrics?: typeof found; next_page_token?: string } = await this.ask(
        `metrics/get-history?${new URLSearchParams({ run_id: runId, metric_key: key, max_results: '25000', ...(token ? { page_token: token } : {}) }).toString()}`,
      );
      found.push(...(page.metrics ?? []));
      token = page.next_page_token ?? '';
    } while (token !== '');
    return found;
  }

  async files(runId: string, path = ''): Promise<Record<string, number>> {
    const query = new URLSearchParams({ run_id: runId, ...(path === '' ? {} : { path }) }).toString();
    const { files = [] } = await this.ask<{ files?: { path: string; is_dir: boolean; file_size?: number }[] }>(`artifacts/list?${query}`);
    const below = await Promise.all(
      files.map(async (file) => (file.is_dir ? this.files(runId, file.path) : { [file.path]: Number(file.file_size) })),
    );
    return Object.assign({}, ...below) as Record<string, number>;
  }

  async file(runId: string, path: string): Promise<Buffer> {
    const response = await fetch(`${this.uri}/get-artifact?${new URLSearchParams({ run_uuid: runId, path }).toString()}`);
    return Buffer.from(await response.arrayBuffer());
  }

  async model(
    name: string,
  ): Promise<{ aliases: Record<string, string>; versions: { version: string; run_id: string; tags: Record<string, string> }[] }> {
    const { registered_model: model } = await this.ask<{ registered_model: { aliases?: { alias: string; version: string }[] } }>(
      `registered-models/get?${new URLSearchParams({ name }).toString()}`,
    );
    const { model_versions: versions = [] } = await this.ask<{
      model_versions?: { version: string; run_id: string; tags?: Pair[] }[];
    }>(`model-versions/search?${new URLSearchParams({ filter: `name='${name}'` }).toString()}`);
    return {
      aliases: Object.fromEntries((model.aliases ?? []).map(({ alias, version }) => [alias, version])),
      versions: versions
        .map(({ version, run_id, tags }) => ({ version, run_id, tags: mapOf(tags) }))
        .sort((a, b) => Number(a.version) - Number(b.version)),
    };
  }
}

type Pair = { key: string; value: string };

interface RunJson {
  info: { run_id: string; run_name: string; status: string; start_time: number; end_time: number };
  data: { tags?: Pair[]; params?: Pair[]; metrics?: { key: string; value: number | string }[] };
  inputs?: { dataset_inputs?: { dataset: { name: string; digest: string; source: string }; tags?: Pair[] }[] };
}

export interface ServerRun {
  id: string;
  name: string;
  status: string;
  start: number;
  end: number;
  tags: Record<string, string>;
  params: Record<string, string>;
  metrics: Record<string, number | string>;
  inputs: { name: string; digest: string; source: string; context: string | null }[];
}

/** What stands before a server: it sees each request, may change its headers, and may cut it off. */
export async function proxyOf(
  { uri }: MlflowServer,
  sees: (request: IncomingMessage) => 'cut' | Record<string, string> | void,
): Promise<{ uri: string; close: () => Promise<void> }> {
  const proxy = createHttpServer((inner, outer) => {
    const said = sees(inner) ?? {};
    const headers = { ...inner.headers, ...(said === 'cut' ? {} : said) };
    const onward = request(`${uri}${inner.url}`, { method: inner.method, headers }, (answer) =>
      answer.pipe(outer.writeHead(answer.statusCode ?? 0, answer.headers)),
    ).on('error', () => outer.destroy());
    // After the first bytes of it.
    if (said === 'cut')
      inner.once('data', (bytes: Buffer) => {
        onward.write(bytes);
        inner.destroy();
        onward.destroy();
      });
    else inner.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    uri: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async close() {
      proxy.closeAllConnections();
      await new Promise((closed) => proxy.close(closed));
    },
  };
}

const mapOf = (pairs: Pair[] = []): Record<string, string> => Object.fromEntries(pairs.map(({ key, value }) => [key, value]));

interface Stored {
  /** Of the experiment; also its id's beginning. */
  name?: string;
  finishedAt?: string;
  change?: (result: Result) => void;
  /** Lines of the first run's events.jsonl. */
  events?: string[];
  /** Lines below `publish:` and `decision:` of the spec. */
  publish?: string;
  decision?: string;
  /** Content of one more file of each model. */
  weights?: Buffer;
}

/** A finished experiment of two variants and two seeds in the store, with models, events, logs and telemetry. */
export async function storedExperiment(store: Store, options: Stored = {}): Promise<{ id: string; result: Result; spec: ResolvedSpec }> {
  const { name = 'digits', finishedAt = '2026-11-21T14:09:48.000Z', change, publish, decision } = options;
  const result = makeResult({ candidates: ['mlp'], seeds: [1, 2], points: 3 });
  const stamp = finishedAt.replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  Object.assign(result, { name, finishedAt, experiment: `${name}-${stamp}-a1b2` });
  const source = `name: ${name}
data: {source: builtin:digits}
training: {command: [python, train.py], seeds: [1, 2], budget: {epochs: 1}}
variants: [{name: logistic, control: true}, {name: mlp, params: {model: mlp}}]
varies: [model]
${publish === undefined ? '' : `publish: ${publish}\n`}${decision === undefined ? '' : `decision: ${decision}\n`}`;
  const spec = loadSpec(source, { file: 'experiment.yaml', root: '/nowhere' });
  let events = options.events ?? curve(3);
  for (const variant of result.variants)
    for (const run of variant.runs) {
      const weights = await store.put(`weights of ${variant.name} ${run.seed}`, mediaTypes.bytes);
      const labels = await store.put('0\n1\n', mediaTypes.text);
      const more = options.weights === undefined ? null : await store.put(options.weights, mediaTypes.bytes);
      const files = [
        { path: 'labels.txt', size: labels.size, digest: labels.digest },
        { path: 'net/weights.bin', size: weights.size, digest: weights.digest },
        ...(more === null ? [] : [{ path: 'net/more.bin', size: more.size, digest: more.digest }]),
      ];
      run.artifacts = {
        ...{ predictions: null, result: null },
        model: { ...(await store.putJson({ files })), mediaType: mediaTypes.manifest },
        events: await store.put(`${events.join('\n')}\n`, mediaTypes.jsonLines),
        log: await store.put(`log of ${variant.name}\n`, mediaTypes.text),
        telemetry: await store.put(`${telemetry}\n`, mediaTypes.jsonLines),
      };
      events = curve(3);
    }
  const rows = await Promise.all([2, 0, 1].map((n) => store.put('x'.repeat(n), mediaTypes.jsonLines)));
  const [train, validation, test] = rows.map((ref) => ({ rows: ref.size, ref })) as [Split, Split, Split];
  const snapshot = await store.putJson({
    ...{ schema: 'assay.snapshot/2', source: 's3://data/digits', origin: { kind: 'local' }, data: train.ref },
    splits: { train, validation, test },
  } satisfies Partial<Snapshot>);
  result.snapshot.record = snapshot.digest;
  change?.(result);
  const record: ExperimentRecord = {
    ...{ schema: 'assay.experiment/1', experimentId: result.experiment, name, owner: null, status: 'done', message: null },
    ...{ startedAt: result.startedAt, finishedAt, workflow: result.workflow, snapshot, verdict: result.verdict },
    spec: await store.putJson(spec),
    provenance: await store.putJson({ ...result.provenance, source }),
    result: await store.putJson(result),
    report: await store.put('<!doctype html><title>report</title>', mediaTypes.html),
    ...(result.approval === null ? {} : { approval: result.approval }),
  };
  await store.refs.set(refNames.experiment(result.experiment), record, null);
  return { id: result.experiment, result, spec };
}

interface Split {
  rows: number;
  ref: Ref;
}

/** Events of so many steps, a tenth of a second apart. */
export const curve = (steps: number): string[] =>
  Array.from({ length: steps }, (_, i) =>
    JSON.stringify({
      ...{ type: 'step', step: i + 1, loss: 1 / (i + 1), accuracy: 1 - 1 / (i + 2), throughput_samples_per_sec: 5000 },
      timestamp: new Date(Date.parse('2026-11-21T14:04:00.000Z') + i * 100).toISOString(),
    }),
  );

const telemetry = JSON.stringify({
  ...{ timestamp: '2026-11-21T14:04:01.000Z', uuid: 'GPU-1', utilization: 0.5, memoryBytes: 2e9, smClockMhz: 1900 },
  ...{ maxSmClockMhz: 1980, powerWatts: 300, temperatureCelsius: null, throttled: [] },
});
