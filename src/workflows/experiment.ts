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
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type AnalysisActivities,
  type Check,
  type Claim,
  type ControlActivities,
  type ExperimentInput,
  type ExperimentOutput,
  type ExperimentPlan,
  type GpuActivities,
  type HostActivities,
  type LatencyOutcome,
  type Progress,
  type RunOutcome,
  type SnapshotSummary,
  type Stage,
  type Verdict,
  ids,
  queues,
} from '../contract';
import { progressDetails } from './details';
import { causeOf } from './failures';
import { attributes, progress, runChanged } from './messages';
import { counterbalanced } from './order';
import { variantRun } from './variantRun';

/** register -> snapshot -> checks -> all runs -> one latency phase -> source unchanged? -> analyse -> report -> publish. */
export async function experiment(input: ExperimentInput): Promise<ExperimentOutput> {
  const { experimentId } = input;
  const startedAt = new Date().toISOString();
  const { workflowId: id, runId } = workflowInfo();
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

    enter('snapshot');
    const snapshot = await analysis('snapshot the data').snapshotData({ experimentId, spec: plan.spec });
    upsertSearchAttributes([{ key: attributes.snapshot, value: snapshot.ref.digest }]);

    enter('checks');
    const { checks } = await analysis('check the data').checkData({ experimentId, spec: plan.spec, snapshot: snapshot.ref });

    const broken = checks.filter((check) => check.gate && check.status === 'fail');
    const runs = broken.length > 0 ? [] : await trainAll(plan, snapshot);
    const latency = broken.length > 0 || !plan.latency ? null : await measure(plan, snapshot, runs, checks);

    enter('analysis');
    const { changed } = await analysis('hash the source again').verifySource({ spec: plan.spec, snapshot: snapshot.ref });
    const workflow = { id, runId };
    const analysed = await analysis('compare the variants').analyseExperiment({
      plan,
      snapshot,
      sourceChanged: changed,
      checks,
      runs,
      latency,
      provenance: input.provenance,
      workflow,
      startedAt,
    });

    enter('report');
    const { report } = await analysis('write the report').renderReport({ result: analysed.result, latency });
    const { verdict, result } = analysed;
    await control('publish').publishResult({ experimentId, name: plan.name, snapshot, result, report, verdict });
    finish(verdict, analysed.effect);
    await condition(allHandlersFinished);
    return { experimentId, verdict, result, report };
  }

  async function trainAll(plan: ExperimentPlan, snapshot: SnapshotSummary): Promise<RunOutcome[]> {
    enter('training');
    return Promise.all(
      runsOf(plan).map(({ variant, seed }) =>
        executeChild(variantRun, {
          workflowId: ids.variantRunWorkflow(experimentId, variant.name, seed),
          args: [
            {
              key: { experimentId, variant: variant.name, seed },
              spec: plan.spec,
              snapshot: snapshot.ref,
              mode: variant.pretrained ? 'evaluate' : 'train',
              attempts: plan.attempts,
              timeoutSeconds: plan.runTimeoutSeconds,
            },
          ],
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          staticSummary: `${variant.name} seed ${seed}`,
          typedSearchAttributes: [
            { key: attributes.experiment, value: experimentId },
            { key: attributes.variant, value: variant.name },
          ],
        }),
      ),
    );
  }

  /** One phase for all variants on one otherwise idle host. Its failure leaves the time metrics undefined, which never passes a guardrail. */
  async function measure(
    plan: ExperimentPlan,
    snapshot: SnapshotSummary,
    runs: RunOutcome[],
    checks: Check[],
  ): Promise<LatencyOutcome | null> {
    const models = plan.variants.flatMap(({ name }) => {
      const run = runs.find((r) => r.key.variant === name && r.trained);
      return run?.trained ? [{ variant: name, seed: run.key.seed, model: run.trained.model }] : [];
    });
    if (models.length < 2) return null;
    enter('latency', 'a host without other work, to measure all variants in turn');
    let claim: Claim | null = null;
    try {
      claim = await gpu(queues.claims, 'wait for an idle host', '30d').claimHost({ holder: `${id}/latency`, exclusive: true });
      state.waitingFor = '';
      show();
      return await gpu(queues.gpu(claim.host), 'measure latency in turns', '6h').measureLatency({ plan, snapshot, models, claim });
    } catch (error) {
      if (isCancellation(error)) throw error;
      checks.push({
        name: 'latency-phase',
        status: 'fail',
        gate: false,
        statistic: null,
        pValue: null,
        detail: `latency was not measured: ${causeOf(error).message.slice(0, 500)}`,
      });
      return null;
    } finally {
      if (claim) {
        const given = claim;
        await CancellationScope.nonCancellable(() => giveBack(given));
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

const gpu = (taskQueue: string, summary: string, startToCloseTimeout: '30d' | '6h'): GpuActivities =>
  proxyActivities<GpuActivities>({ taskQueue, startToCloseTimeout, heartbeatTimeout: '20s', retry: { maximumAttempts: 10 }, summary });

async function giveBack(claim: Claim): Promise<void> {
  const { releaseClaim } = proxyActivities<HostActivities>({
    taskQueue: queues.host(claim.host),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 2 },
    summary: 'give the place back',
  });
  // A host that is gone has nothing to give back.
  await releaseClaim({ claim }).catch(() => undefined);
}
