import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Worker, type WorkflowBundleWithSourceMap, bundleWorkflowCode } from '@temporalio/worker';
import { activityInterceptors, createAnalysisActivities, createControlActivities, createPoolActivities } from '../../../src/activities';
import { whileHeartbeating } from '../../../src/activities/heartbeat';
import { startExperiment, steer } from '../../../src/client';
import {
  type AnalyseInput,
  type AnalysisActivities,
  type AuditEntry,
  type Check,
  type ExperimentRecord,
  type GpuActivities,
  type HostActivities,
  type PoolState,
  type Progress,
  type Result,
  type RunKey,
  type SteeringCommand,
  type TrainedRun,
  ids,
  names,
  poolNames,
  queues,
  refNames,
} from '../../../src/contract';
import { loadSpec } from '../../../src/contract/loadSpec';
import { until } from '../../e2e/cluster';
import { measured } from '../../activities/seriesFixture';
import { freshStore } from '../../store/helpers';
import type { HostInput } from '../pool';
import { workflowSinks } from '../../../workers/observe';

export const bundleOfSteered = (): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({
    workflowsPath: join(__dirname, 'index.ts'),
    workflowInterceptorModules: [join(__dirname, '..', '..', '..', 'src', 'workflows', 'interceptors.ts')],
    logger: new DefaultLogger('ERROR'),
  });

interface Trainer {
  key: RunKey;
  epoch: number;
  end: (trained: TrainedRun) => void;
  fail: (failure: ApplicationFailure) => void;
}

const failure = (type: string, message: string): ApplicationFailure => ApplicationFailure.create({ type, message, nonRetryable: true });

/** Experiments on a server with everything real but what is computed: trainers end, run short of memory, or yield, as the test says. */
export class Bench {
  readonly store: ReturnType<typeof freshStore>['store'];
  /** `variant/seed/epoch` of each trainer, in the order of their start. */
  readonly started: string[] = [];
  /** Trainers that run, by `variant/seed`. */
  readonly running = new Map<string, Trainer>();
  /** What the analysis was handed, by experiment. */
  readonly analysed = new Map<string, AnalyseInput>();
  /** Classes of the leases under which trainers ran. */
  readonly classes: string[] = [];
  latencies = 0;
  /** What these wait for, by name. */
  readonly holds = new Map<'snapshot' | 'latency' | 'analysis' | 'decision', Promise<void>>();
  private workers: { worker: Worker; done: Promise<void> }[] = [];
  /** The time-skipping server keeps asking a worker that is gone, where workflows stick to it. */
  private readonly sticky: boolean;
  private readonly root: string;
  private readonly env: TestWorkflowEnvironment;
  private readonly bundle: WorkflowBundleWithSourceMap;

  constructor(env: TestWorkflowEnvironment, bundle: WorkflowBundleWithSourceMap, { sticky = true } = {}) {
    this.sticky = sticky;
    ({ store: this.store, root: this.root } = freshStore());
    this.env = env;
    this.bundle = bundle;
  }

  async open(places: number): Promise<void> {
    await this.startControl();
    await this.work(queues.analysis, this.analysis());
    await this.work(queues.gpu('host-a'), this.trainers());
    await this.work(queues.host('host-a'), this.hostSide());
    await this.client.workflow.start('gpuPool', { workflowId: ids.gpuPool, taskQueue: queues.control, args: [{}] });
    const about: HostInput = { host: 'host-a', places, devices: [], session: 's', runs: [], everySeconds: 5 };
    await this.client.workflow.start('host', { workflowId: 'host/host-a', taskQueue: queues.control, args: [about] });
  }

  /** For an experiment that this check keeps from training. */
  async openWithoutHosts(gate: Check): Promise<Worker> {
    await this.work(queues.analysis, { ...this.analysis(), checkData: async () => ({ checks: [gate] }) });
    return this.startControl();
  }

  /** The pool that runs workflows. */
  async startControl(): Promise<Worker> {
    const isOpen = async (id: string): Promise<boolean> => (await this.client.workflow.getHandle(id).describe()).status.name === 'RUNNING';
    return this.work(queues.control, { ...createControlActivities({ store: this.store }), ...createPoolActivities({ isOpen }) }, true);
  }

  async stop(worker: Worker): Promise<void> {
    const found = this.workers.find((one) => one.worker === worker);
    this.workers = this.workers.filter((one) => one !== found);
    worker.shutdown();
    await found?.done;
  }

  async close(): Promise<void> {
    for (const { worker } of this.workers) worker.shutdown();
    for (const { fail } of this.running.values()) fail(failure('TrainerRejected', 'the test is over'));
    for (const { done } of this.workers) await done;
    this.workers = [];
  }

  async submit(text: string): Promise<string> {
    const spec = loadSpec(text, { file: 'experiment.yaml', root: '/experiment' });
    const experimentId = ids.experiment(spec.name, new Date(), randomBytes(2).toString('hex'));
    const input = {
      experimentId,
      spec: await this.store.putJson(spec),
      provenance: await this.store.putJson({ source: text }),
      code: null,
    };
    await startExperiment(this.client, input, { name: spec.name, hypothesis: null });
    return experimentId;
  }

  steer(id: string, command: Record<string, unknown>): Promise<AuditEntry> {
    return steer(this.client, id, { by: 'ada@lab', reason: '', ...command } as unknown as SteeringCommand);
  }

  progress(id: string): Promise<Progress> {
    return this.client.workflow.getHandle(ids.experimentWorkflow(id)).query<Progress>(names.progress);
  }

  pool(): Promise<PoolState> {
    return this.client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);
  }

  async record(id: string): Promise<ExperimentRecord> {
    return (await this.store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value as ExperimentRecord;
  }

  async result(id: string): Promise<Result> {
    await this.ended(id);
    return this.store.getJson<Result>((await this.record(id)).result as NonNullable<ExperimentRecord['result']>);
  }

  ended(id: string): Promise<unknown> {
    return this.client.workflow.getHandle(ids.experimentWorkflow(id)).result();
  }

  /** Waits until these trainers run, and no other. */
  async trains(...wanted: string[]): Promise<void> {
    const now = (): string => [...this.running.keys()].sort().join(' ');
    await until(async () => now() === [...wanted].sort().join(' '), 20_000).catch((error: unknown) => {
      throw new Error(`wanted ${wanted.join(' ')}, there is ${now()}`, { cause: error });
    });
  }

  stage(id: string, stage: string): Promise<void> {
    return until(async () => (await this.progress(id)).stage === stage, 20_000);
  }

  /** Lets a trainer end well. */
  finish(...runs: string[]): void {
    for (const run of runs) {
      const { epoch, end } = this.trainer(run);
      end({ epoch, host: 'host-a', steps: 10, model: null, record });
    }
  }

  /** Lets a trainer end short of memory. */
  starve(run: string): void {
    this.trainer(run).fail(failure('OutOfMemory', 'CUDA out of memory'));
  }

  /** Lets every trainer that runs, or comes, end well until the experiment has ended. */
  async finishAll(id: string): Promise<Result> {
    const timer = setInterval(() => this.finish(...this.running.keys()), 20);
    try {
      return await this.result(id);
    } finally {
      clearInterval(timer);
    }
  }

  private trainer(run: string): Trainer {
    const found = this.running.get(run);
    if (!found) throw new Error(`no trainer of ${run} runs`);
    return found;
  }

  private get client() {
    return this.env.client;
  }

  private async work(taskQueue: string, activities: object, workflows = false): Promise<Worker> {
    const worker = await Worker.create({
      sinks: workflowSinks,
      connection: this.env.nativeConnection,
      taskQueue,
      activities,
      interceptors: activityInterceptors,
      shutdownForceTime: '10s',
      // A cancel reaches an activity with the answer to a heartbeat.
      maxHeartbeatThrottleInterval: '1s',
      ...(workflows ? { workflowBundle: this.bundle, ...(this.sticky ? {} : { maxCachedWorkflows: 0 }) } : {}),
    });
    this.workers.push({ worker, done: worker.run() });
    return worker;
  }

  private analysis(): AnalysisActivities {
    const { store } = this;
    const { recordDecision } = createAnalysisActivities({ store, home: this.root, python: null, runtimeDir: '', uiUrl: null });
    return {
      recordDecision: (input) =>
        whileHeartbeating(async () => {
          await this.holds.get('decision');
          return recordDecision(input);
        }),
      snapshotData: ({ spec: ref }) =>
        whileHeartbeating(async () => {
          await this.holds.get('snapshot');
          return { ref, rows: 10, splits: { train: 5, validation: 0, test: 5 } };
        }),
      checkData: async () => ({ checks: [] }),
      verifySource: async () => ({ changed: null }),
      analyseExperiment: (input) =>
        whileHeartbeating(async () => {
          await this.holds.get('analysis');
          this.analysed.set(input.plan.experimentId, input);
          const { audit = [], approval = null, plan } = input;
          const numbers = measured({ difference: 0.04, standardError: 0.01, outcome: 'adopt' });
          const result: Result = { ...numbers, experiment: plan.experimentId, audit, approval };
          return { result: await store.putJson(result), verdict: result.verdict, effect: 0.04 };
        }),
      renderReport: async ({ result }) => {
        const { approval } = await store.getJson<Result>(result);
        return { report: await store.put(`approval: ${approval?.state ?? 'nobody'}`, 'text/html') };
      },
    };
  }

  private trainers(): GpuActivities {
    return {
      trainVariant: ({ key, epoch, request }) =>
        whileHeartbeating(async () => {
          const name = `${key.variant}/${key.seed}`;
          this.started.push(`${name}/${epoch}`);
          this.classes.push(request.qos);
          try {
            return await Promise.race([
              new Promise<TrainedRun>((end, fail) => this.running.set(name, { key, epoch, end, fail })),
              Context.current().cancelled,
            ]);
          } finally {
            this.running.delete(name);
          }
        }),
      measureLatency: () =>
        whileHeartbeating(async () => {
          this.latencies += 1;
          await this.holds.get('latency');
          return { host: 'host-a', model: 'cpu', measurements: [] };
        }),
    };
  }

  private hostSide(): HostActivities {
    return {
      yieldRun: async ({ key, reason }) => this.running.get(`${key.variant}/${key.seed}`)?.fail(failure('Preempted', reason)),
      cleanUpRun: async () => undefined,
    };
  }
}

const record = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };

/** An experiment with the control a and as many candidates as asked for. */
export function specOf({
  seeds = [1, 2],
  candidates = ['b', 'c'],
  more = {},
}: {
  seeds?: number[];
  candidates?: string[];
  more?: object;
} = {}): string {
  return JSON.stringify({
    name: 'steered',
    data: { source: './data', label: 'label' },
    training: { command: ['python', 'train.py'], seeds, budget: { epochs: 5 } },
    variants: [{ name: 'a', control: true, params: { h: 1 } }, ...candidates.map((name, i) => ({ name, params: { h: i + 2 } }))],
    varies: ['h'],
    evaluation: { metrics: ['accuracy'] },
    ...more,
  });
}
