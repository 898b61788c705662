import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  allHandlersFinished,
  executeChild,
  isCancellation,
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type ControlActivities,
  type ExperimentPlan,
  type Progress,
  type ReplayAnalysisActivities,
  type ReplayControlActivities,
  type ReplayInput,
  type ReplayOutput,
  type ReplayRun,
  type ResolvedImage,
  type RunOutcome,
  type Stage,
  ids,
  queues,
} from '../contract';
import { progressDetails } from './details';
import { causeOf } from './failures';
import { imageByDigest } from './image';
import { attributes, namedBy, progress, runChanged } from './messages';
import { variantRun } from './variantRun';

/**
 * The runs of an experiment again, from its record: register -> image -> all runs -> compare -> publish. No source is read, nothing is
 * decided and nobody is told: it belongs to no series, and its runs are compared with those of the original alone.
 */
export async function replay(input: ReplayInput): Promise<ReplayOutput> {
  const { experimentId } = input;
  const startedAt = new Date().toISOString();
  const { workflowId: id, runId } = workflowInfo();
  const state: Progress = {
    ...{ experimentId, stage: 'registering', waitingFor: '', verdict: null },
    runs: input.runs.map(({ variant, seed }) => ({ variant, seed, state: 'waiting', host: null, epoch: 0, message: null })),
  };
  setHandler(progress, () => state, { description: 'Stage and runs.' });
  setHandler(
    runChanged,
    ({ key, ...change }) => {
      Object.assign(runOf(key.variant, key.seed) ?? {}, change);
      show();
    },
    { description: 'A variant run entered another state.' },
  );

  try {
    return await steps();
  } catch (error) {
    const cancelled = isCancellation(error);
    const message = cancelled ? 'cancelled on request' : `${causeOf(error).type}: ${causeOf(error).message}`;
    const status = cancelled ? 'cancelled' : 'failed';
    enter(status, message);
    await CancellationScope.nonCancellable(() => control('record the end').publishFailure({ experimentId, status, message }));
    await condition(allHandlersFinished);
    if (cancelled) throw error;
    throw ApplicationFailure.create({ type: causeOf(error).type, message: causeOf(error).message, nonRetryable: true });
  }

  async function steps(): Promise<ReplayOutput> {
    show();
    const plan = await control('register').registerReplay({ replay: input, workflow: { id, runId } });
    const image = await imageByDigest(input.image, (what) => enter('registering', what));
    enter('training');
    const runs = await Promise.all(input.runs.map((run) => again(plan, image, run)));
    enter('analysis');
    const output = await analysis('compare with the original').compareReplay({ replay: input, runs, image, startedAt });
    enter('report');
    await control('publish').publishReplay({ replay: input, output });
    enter('done');
    await condition(allHandlersFinished);
    return output;
  }

  /** One run at the level of the ladder where the original ended: it climbs no further. */
  async function again(plan: ExperimentPlan, image: ResolvedImage | null, { variant, seed, mode, remedy }: ReplayRun): Promise<RunOutcome> {
    const key = { experimentId, variant, seed };
    const outcome = await executeChild(variantRun, {
      workflowId: ids.variantRunWorkflow(experimentId, variant, seed),
      args: [
        {
          ...{ key, spec: plan.spec, snapshot: input.snapshot, mode, attempts: plan.attempts, timeoutSeconds: plan.runTimeoutSeconds },
          ...{ owner: plan.owner, resources: plan.resources, image, code: input.code, remedy, firstEpoch: 1, quiet: true, inCode: true },
          failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 },
        },
      ],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${variant} seed ${seed} again`,
      typedSearchAttributes: [
        { key: attributes.experiment, value: experimentId },
        { key: attributes.variant, value: variant },
        ...namedBy(plan),
      ],
    });
    const { status, trained, attempts, failure } = outcome;
    const run = runOf(variant, seed);
    const message = failure?.message.split('\n', 1)[0] ?? null;
    if (run) Object.assign(run, { state: status, host: trained?.host ?? run.host, epoch: attempts, message });
    show();
    return outcome;
  }

  function runOf(variant: string, seed: number): Progress['runs'][number] | undefined {
    return state.runs.find((run) => run.variant === variant && run.seed === seed);
  }

  function enter(stage: Stage, waitingFor = ''): void {
    Object.assign(state, { stage, waitingFor, since: new Date().toISOString() });
    upsertSearchAttributes([{ key: attributes.stage, value: stage }]);
    show();
  }

  function show(): void {
    setCurrentDetails(progressDetails(state));
  }
}

const control = (summary: string): ControlActivities & ReplayControlActivities =>
  proxyActivities<ControlActivities & ReplayControlActivities>({
    taskQueue: queues.control,
    startToCloseTimeout: '2m',
    heartbeatTimeout: '8s',
    retry: { maximumInterval: '30s' },
    summary,
  });

const analysis = (summary: string): ReplayAnalysisActivities =>
  proxyActivities<ReplayAnalysisActivities>({
    taskQueue: queues.analysis,
    startToCloseTimeout: '12h',
    heartbeatTimeout: '60s',
    retry: { maximumInterval: '30s', maximumAttempts: 20 },
    summary,
  });
