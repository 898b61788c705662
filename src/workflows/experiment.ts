import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type AnalysisActivities,
  type AnyHostActivities,
  type Check,
  type ControlActivities,
  type ExperimentInput,
  type ExperimentOutput,
  type ExperimentPlan,
  type GpuActivities,
  type LatencyOutcome,
  type Progress,
  type ResolvedImage,
  type RunOutcome,
  type SnapshotSummary,
  type Stage,
  type Verdict,
  ids,
  queues,
} from '../contract';
import { progressDetails } from './details';
import { causeOf } from './failures';
import { type Held, useLeases } from './lease';
import { type Round, trainRounds } from './ladder';
import { attributes, progress, runChanged } from './messages';
import { counterbalanced } from './order';
import { devicesOf, variantRun } from './variantRun';

/** register -> snapshot -> checks -> all runs -> one latency phase -> source unchanged? -> analyse -> report -> publish. */
export async function experiment(input: ExperimentInput): Promise<ExperimentOutput> {
  const { experimentId } = input;
  const startedAt = new Date().toISOString();
  const { workflowId: id, runId } = workflowInfo();
  const leases = useLeases();
  const state: Progress = { experimentId, stage: 'registering', waitingFor: '', runs: [], verdict: null };

  setHandler(progress, () => state, { description: 'Stage, runs, and what the experiment waits for.' });
  setHandler(
    runChanged,
    ({ key, ...change }) => {
      const run = state.runs.find((r) => r.variant === key.variant && r.seed === key.seed);
      if (run) Object.assign(run, change);
      show();
    },
    { description: 'A variant run entered another state.' },
  );

  try {
    return await steps();
  } catch (error) {
    const cancelled = isCancellation(error);
    const message = cancelled ? 'cancelled on request' : `${causeOf(error).type}: ${causeOf(error).message}`;
    enter(cancelled ? 'cancelled' : 'failed', message);
    await CancellationScope.nonCancellable(() =>
      control('record the end').publishFailure({ experimentId, status: cancelled ? 'cancelled' : 'failed', message }),
    );
    await condition(allHandlersFinished);
    if (cancelled) throw error;
    throw ApplicationFailure.create({ type: causeOf(error).type, message: causeOf(error).message, nonRetryable: true });
  }

  async function steps(): Promise<ExperimentOutput> {
    const plan = await control('register').registerExperiment({ ...input, workflow: { id, runId } });
    state.runs = runsOf(plan).map(({ variant, seed }) => ({
      variant: variant.name,
      seed,
      state: 'waiting',
      host: null,
      epoch: 0,
      message: null,
    }));

    const image = await resolveImage(plan);

    enter('snapshot');
    const snapshot = await analysis('snapshot the data').snapshotData({ experimentId, spec: plan.spec });
    upsertSearchAttributes([{ key: attributes.snapshot, value: snapshot.digest ?? snapshot.ref.digest }]);

    enter('checks');
    const { checks, findings } = await analysis('check the data').checkData({ experimentId, spec: plan.spec, snapshot: snapshot.ref });

    const broken = checks.filter((check) => check.gate && check.status === 'fail');
    const runs = broken.length > 0 ? [] : await trainAll(plan, snapshot, image);
    const latency = broken.length > 0 || !plan.latency ? null : await measure(plan, snapshot, image, runs, checks);

    enter('analysis');
    const { changed } = await analysis('hash the source again').verifySource({ spec: plan.spec, snapshot: snapshot.ref });
    const workflow = { id, runId };
    const analysed = await analysis('compare the variants').analyseExperiment({
      plan,
      snapshot,
      sourceChanged: changed,
      checks,
      ...(findings ? { findings } : {}),
      runs,
      latency,
      provenance: input.provenance,
      workflow,
      startedAt,
    });

    enter('report');
    const { report } = await analysis('write the report').renderReport({ result: analysed.result, latency });
    const { verdict, result, predictions } = analysed;
    const published = { experimentId, name: plan.name, snapshot, result, report, verdict, ...(predictions ? { predictions } : {}) };
    await control('publish').publishResult(published);
    finish(verdict, analysed.effect);
    await condition(allHandlersFinished);
    return { experimentId, verdict, result, report };
  }

  /** Once, before anything costly; every run gets the same image by its digest, whatever a tag means by then. */
  async function resolveImage({ image }: ExperimentPlan): Promise<ResolvedImage | null> {
    if (image === null) return null;
    enter('registering', `a host to pull ${image}`);
    const { resolveImage } = proxyActivities<AnyHostActivities>({
      taskQueue: queues.anyHost,
      startToCloseTimeout: '2h',
      heartbeatTimeout: '30s',
      retry: { maximumInterval: '30s', maximumAttempts: 10 },
      summary: 'resolve the image',
    });
    for (let tries = 1; ; tries++) {
      try {
        return await resolveImage({ reference: image });
      } catch (error) {
        // The host that answered may have no engine, or one that is starting again; the next try may meet another.
        if (isCancellation(error) || causeOf(error).type !== 'ExecutorUnavailable' || tries === 5) throw error;
        enter('registering', `an engine that has ${image}; last: ${causeOf(error).message}`);
        await sleep(3000 * tries, { summary: 'before another host is asked for the image' });
      }
    }
  }

  async function trainAll(plan: ExperimentPlan, snapshot: SnapshotSummary, image: ResolvedImage | null): Promise<RunOutcome[]> {
    enter('training');
    return trainRounds({ plan, runs: runsOf(plan), train: (round) => trainOne(plan, snapshot, image, round), lastEpoch });
  }

  function trainOne(
    plan: ExperimentPlan,
    snapshot: SnapshotSummary,
    image: ResolvedImage | null,
    { variant, seed, remedy, firstEpoch, failures }: Round,
  ): Promise<RunOutcome> {
    return executeChild(variantRun, {
      workflowId: ids.variantRunWorkflow(experimentId, variant.name, seed),
      args: [
        {
          key: { experimentId, variant: variant.name, seed },
          spec: plan.spec,
          snapshot: snapshot.ref,
          mode: variant.pretrained ? 'evaluate' : 'train',
          attempts: plan.attempts,
          timeoutSeconds: plan.runTimeoutSeconds,
          owner: plan.owner,
          resources: plan.resources,
          image,
          code: input.code,
          remedy,
          firstEpoch,
          failures,
        },
      ],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${variant.name} seed ${seed}${remedy.level > 0 ? `, remedy ${remedy.level}` : ''}`,
      typedSearchAttributes: [
        { key: attributes.experiment, value: experimentId },
        { key: attributes.variant, value: variant.name },
      ],
    });
  }

  /** The last epoch that a run has begun, from its signals: a cancelled run has no outcome that says it. */
  function lastEpoch(variant: string, seed: number): number {
    return state.runs.find((run) => run.variant === variant && run.seed === seed)?.epoch ?? 0;
  }

  /** One phase for all variants on one otherwise idle host. Its failure leaves the time metrics undefined, which never passes a guardrail. */
  async function measure(
    plan: ExperimentPlan,
    snapshot: SnapshotSummary,
    image: ResolvedImage | null,
    runs: RunOutcome[],
    checks: Check[],
  ): Promise<LatencyOutcome | null> {
    const models = plan.variants.flatMap(({ name }) => {
      const run = runs.find((r) => r.key.variant === name && r.trained);
      return run?.trained ? [{ variant: name, seed: run.key.seed, model: run.trained.model, remedy: run.remedy }] : [];
    });
    if (models.length < 2) return null;
    enter('latency', 'a host without other work, to measure all variants in turn');
    const devices: string[] = [];
    for (let attempt = 1; ; attempt++) {
      let held: Held | null = null;
      let faulty: string[] = [];
      try {
        held = await leases.acquire(attempt === 1 ? 'latency' : `latency-${attempt}`, {
          experimentId,
          label: 'latency',
          owner: plan.owner,
          ...plan.resources,
          exclusiveHost: true,
          avoid: { hosts: [], devices },
        });
        state.waitingFor = '';
        show();
        return await measureLatency(held.lease.host)({ plan, snapshot, models, ...held, image, code: input.code });
      } catch (error) {
        if (isCancellation(error)) throw error;
        // Another device is tried, as for a run.
        if (held !== null && causeOf(error).type === 'GpuUnhealthy') faulty = devicesOf(error, held);
        devices.push(...faulty);
        if (faulty.length === 0 || attempt === latencyAttempts) {
          checks.push({
            name: 'latency-phase',
            status: 'fail',
            gate: false,
            statistic: null,
            pValue: null,
            detail: `latency was not measured: ${causeOf(error).message.slice(0, 500)}`,
          });
          return null;
        }
      } finally {
        if (held) await leases.release(held, faulty);
      }
    }
  }

  function enter(stage: Stage, waitingFor = ''): void {
    state.stage = stage;
    state.waitingFor = waitingFor;
    upsertSearchAttributes([{ key: attributes.stage, value: stage }]);
    show();
  }

  function finish(verdict: Verdict, effect: number | null): void {
    state.verdict = verdict;
    upsertSearchAttributes([
      { key: attributes.verdict, value: verdict.outcome },
      ...(effect === null ? [] : [{ key: attributes.effect, value: effect }]),
    ]);
    enter('done');
  }

  function show(): void {
    setCurrentDetails(progressDetails(state));
  }
}

/** Devices that the latency phase is tried on. */
const latencyAttempts = 3;

/** A model that is already trained is the same under every seed, so it runs once. */
function runsOf(plan: ExperimentPlan): { variant: ExperimentPlan['variants'][number]; seed: number }[] {
  return counterbalanced(plan.variants, plan.seeds).filter(({ variant, seed }) => !variant.pretrained || seed === plan.seeds[0]);
}

const control = (summary: string): ControlActivities =>
  proxyActivities<ControlActivities>({ taskQueue: queues.control, startToCloseTimeout: '2m', retry: { maximumInterval: '30s' }, summary });

const analysis = (summary: string): AnalysisActivities =>
  proxyActivities<AnalysisActivities>({
    taskQueue: queues.analysis,
    startToCloseTimeout: '12h',
    heartbeatTimeout: '60s',
    retry: { maximumInterval: '30s', maximumAttempts: 20 },
    summary,
  });

const measureLatency = (host: string): GpuActivities['measureLatency'] =>
  proxyActivities<GpuActivities>({
    taskQueue: queues.gpu(host),
    scheduleToStartTimeout: '60s',
    startToCloseTimeout: '6h',
    heartbeatTimeout: '20s',
    retry: { maximumAttempts: 10 },
    summary: 'measure latency in turns',
  }).measureLatency;
