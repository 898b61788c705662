import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import { connectTemporal, experimentProgress, experimentResult, runProgress, snapshotCode, startExperiment } from '../../src/client';
import {
  type ExperimentOutput,
  type PoolState,
  type ProvenanceObject,
  type Result,
  type RunRecord,
  type TrainProgress,
  ids,
  poolNames,
} from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { registerSearchAttributes, serverArguments, temporalBinary } from '../../src/stack';
import { choosePorts } from '../../src/stack/ports';
import { type Store, openStore } from '../../src/store';

const root = join(__dirname, '..', '..');

interface Options {
  hosts: string[];
  slots: number;
  env?: Record<string, string>;
  /** Another store than a folder of the cluster's own. */
  store?: string;
  /** More of the server's dynamic configuration, `key=value`. */
  dynamic?: string[];
}

/** A real Temporal server and real worker processes, in a folder of their own, on hosts that share one store. */
export class Cluster {
  readonly dir = mkdtempSync(join(tmpdir(), 'assay-e2e-'));
  readonly store: Store;
  client!: Client;
  private ports!: Awaited<ReturnType<typeof choosePorts>>;
  private readonly processes = new Map<string, ChildProcess>();
  private readonly env: Record<string, string>;

  private readonly dynamic: string[];

  private constructor({ env = {}, store, dynamic = [] }: Options) {
    this.env = env;
    this.dynamic = dynamic;
    this.store = openStore(store ?? pathToFileURL(join(this.dir, 'store')).href);
  }

  /** `env` goes to every worker, e.g. the DOCKER_HOST of an engine of one's own. */
  static async start(options: Options): Promise<Cluster> {
    const { hosts, slots } = options;
    const cluster = new Cluster(options);
    mkdirSync(join(cluster.dir, 'logs'));
    cluster.ports = await choosePorts(null);
    await cluster.startServer();
    cluster.startWorker('control');
    cluster.startWorker('analysis');
    for (const host of hosts) cluster.startWorker('gpu', host, slots);
    return cluster;
  }

  async startServer(): Promise<void> {
    const binary = temporalBinary();
    if (binary === null) throw new Error('no Temporal server: npm test installs one');
    this.spawn(
      'temporal',
      binary,
      [
        ...serverArguments({ ports: this.ports, database: join(this.dir, 'temporal.db'), namespace: 'default' }),
        ...this.dynamic.flatMap((pair) => ['--dynamic-config-value', pair]),
      ],
      {},
    );
    const address = `127.0.0.1:${this.ports.frontend}`;
    await until(async () => {
      await registerSearchAttributes(binary, address, 'default');
      this.client = await connectTemporal({ address, namespace: 'default' });
      return true;
    }, 30_000);
  }

  /** `inside` goes before the command, e.g. `ip netns exec NAME`; `from` is the folder of another build. */
  startWorker(
    pool: 'control' | 'analysis' | 'gpu',
    host = pool as string,
    slots = 1,
    { env: more = {}, inside = [], from = root }: { env?: Record<string, string>; inside?: string[]; from?: string } = {},
  ): void {
    const env = {
      TEMPORAL_ADDRESS: `127.0.0.1:${this.ports.frontend}`,
      TEMPORAL_NAMESPACE: 'default',
      ASSAY_HOME: join(this.dir, host),
      ASSAY_STORE: this.store.url,
      ASSAY_HOST: host,
      ASSAY_SLOTS: String(slots),
      ...this.env,
      ...more,
    };
    const [command, ...args] = [...inside, process.execPath, join(from, 'dist', 'workers', `${pool}.js`)];
    this.spawn(host, command as string, args, env);
  }

  /** SIGKILL, as the out-of-memory killer or a power cut would (or a signal that lets it tidy up); resolves with how the process ended. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals | null> {
    const child = this.processes.get(name);
    if (!child || child.exitCode !== null) throw new Error(`${name} is not running`);
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    this.processes.delete(name);
    return child.exitCode ?? child.signalCode;
  }

  /** Fails where there is none: a signal to process 0 would go to this test's own group. */
  pid(name: string): number {
    const pid = this.processes.get(name)?.pid;
    if (pid === undefined) throw new Error(`${name} is not running`);
    return pid;
  }

  async submit(spec: string, folder: string): Promise<string> {
    const resolved = loadSpec(spec, { file: 'experiment.yaml', root: folder });
    const experimentId = ids.experiment(resolved.name, new Date(), randomBytes(2).toString('hex'));
    const ref = await this.store.putJson(resolved);
    const provenance: ProvenanceObject = {
      assay: 'test',
      git: { commit: null, dirty: false, remote: null, diff: null },
      dvc: null,
      spec: ref.digest,
      host: 'test',
      user: null,
      command: [],
      environment: {},
      source: spec,
    };
    const code = await snapshotCode(this.store, resolved);
    const input = { experimentId, spec: ref, provenance: await this.store.putJson(provenance), code };
    await startExperiment(this.client, input, { name: resolved.name, hypothesis: resolved.hypothesis ?? null });
    return experimentId;
  }

  async result(experimentId: string): Promise<{ output: ExperimentOutput; result: Result }> {
    const output = await experimentResult(this.client, experimentId);
    return { output, result: await this.store.getJson<Result>(output.result) };
  }

  /** Waits until a run's trainer says it is past `step`. */
  async reaches(experimentId: string, variant: string, seed: number, step: number): Promise<TrainProgress> {
    let now: TrainProgress | null = null;
    await until(async () => {
      now = await runProgress(this.client, experimentId, variant, seed);
      return now !== null && now.phase === 'training' && now.step >= step;
    }, 180_000);
    return now as unknown as TrainProgress;
  }

  pool(): Promise<PoolState> {
    return this.client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);
  }

  /** Where a host keeps its runs. */
  runs(host: string, experimentId: string): string {
    return join(this.dir, host, 'runs', experimentId);
  }

  progress(experimentId: string) {
    return experimentProgress(this.client, experimentId);
  }

  get frontend(): number {
    return this.ports.frontend;
  }

  log(name: string): string {
    return readFileSync(join(this.dir, 'logs', `${name}.log`), 'utf8');
  }

  async stop(): Promise<void> {
    await this.client?.connection.close();
    for (const [name, child] of [...this.processes].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill(name === 'temporal' ? 'SIGTERM' : 'SIGKILL');
      await gone;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  private spawn(name: string, command: string, args: string[], env: Record<string, string>): void {
    const log = openSync(join(this.dir, 'logs', `${name}.log`), 'a');
    const child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env }, cwd: this.dir });
    this.processes.set(name, child);
  }
}

/** Asks until the answer is true; an error counts as "not yet". */
export async function until(condition: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      throw new Error(
        `not so within ${timeoutMs} ms: ${condition.toString()}${last ? `; last: ${last instanceof Error ? last.message : JSON.stringify(last)}` : ''}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The steps a run logged, in order, from the store. */
export async function stepsOf(store: Store, result: Result, variant: string, seed: number): Promise<number[]> {
  const run = result.variants.find((v) => v.name === variant)?.runs.find((r) => r.seed === seed);
  if (!run?.artifacts.events) throw new Error(`no events of ${variant} seed ${seed}`);
  const lines = (await store.get(run.artifacts.events)).toString('utf8').split('\n').filter(Boolean);
  return lines
    .map((line) => JSON.parse(line) as { type: string; step?: number })
    .filter((event) => event.type === 'step')
    .map((event) => event.step as number);
}

export const predictionsOf = (result: Result, variant: string, seed: number): string | undefined =>
  result.variants.find((v) => v.name === variant)?.runs.find((r) => r.seed === seed)?.artifacts.predictions?.digest;

export type { RunRecord };
