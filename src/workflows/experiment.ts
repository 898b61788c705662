import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type AnalysisActivities,
  type Approval,
  type AuditEntry,
  type Check,
  type ControlActivities,
  type ExperimentInput,
  type ExperimentOutput,
  type ExperimentPlan,
  type LatencyOutcome,
  type Progress,
  type ResolvedImage,
  type RunOutcome,
  type SnapshotSummary,
  type Stage,
  type Verdict,
  queues,
  stoppedFailure,
} from '../contract';
import { progressDetails } from './details';
import { causeOf } from './failures';
import { imageByDigest } from './image';
import { type LatencyPhase, type LatencySubject, measureInTurns } from './latencyPhase';
import { useLeases } from './lease';
import { type Round, trainRounds } from './ladder';
import { attributes, namedBy, progress, runChanged } from './messages';
import { observe } from './observe';
import { counterbalanced } from './order';
import { seriesAttributes } from './seriesMessages';
import { type Subject, tell } from './tell';
import { steeredRun } from './steeredRun';
import { useSteering } from './steering';
import { startPublishing } from './publishing';
import { observeSpan } from './trace';

/** register -> snapshot -> checks -> all runs -> one latency phase -> source unchanged? -> analyse -> report -> approval -> publish. */
export async function experiment(input: ExperimentInput): Promise<ExperimentOutput> {
  const { experimentId } = input;
  const startedAt = new Date().toISOString();
  const { workflowId: id, runId } = workflowInfo();
  const leases = useLeases();
  const audit: AuditEntry[] = [];
  const state: Progress & { audit: AuditEntry[] } = {
    ...{ experimentId, stage: 'registering', waitingFor: '', runs: [], verdict: null },
    ...{ paused: false, approval: null, audit, stages: [{ stage: 'registering', at: startedAt }] },
  };
  let registered: ExperimentPlan | null = null;
  let measuring = false;
  let enteredAt = Date.now();
  /** Stage and wait that the details last told. */
  let shown = '';

  /** Whom it tells; nobody before the plan is known. */
  let subject: Subject = { ...{ experiment: experimentId, name: experimentId, owner: null, series: seriesOf() }, targets: [] };

  setHandler(progress, told, { description: 'Stage, runs, and what the experiment waits for.' });
  setHandler(
    runChanged,
    ({ key, ...change }) => {
      Object.assign(runOf(key.variant, key.seed) ?? {}, change);
      show();
    },
    { description: 'A variant run entered another state.' },
  );

  const steered = useSteering({ progress: state, plan: () => registered, measuring: () => measuring, changed: listRuns });

  try {
    return await steps();
  } catch (error) {
    const cancelled = isCancellation(error);
    const undecided = state.stage === 'approval' ? '; nobody had approved its verdict' : '';
    const message = cancelled ? `cancelled on request${undecided}` : `${causeOf(error).type}: ${causeOf(error).message}`;
    enter(cancelled ? 'cancelled' : 'failed', message);
    await CancellationScope.nonCancellable(() =>
      control('record the end').publishFailure({ experimentId, status: cancelled ? 'cancelled' : 'failed', message }),
    );
    await tell(subject, {
      type: cancelled ? 'experiment.cancelled' : 'experiment.failed',
      sentence: cancelled ? `${subject.name} was cancelled.` : `${subject.name} failed: ${message}`,
    });
    await condition(allHandlersFinished);
    if (cancelled) throw error;
    throw ApplicationFailure.create({ type: causeOf(error).type, message: causeOf(error).message, nonRetryable: true });
  }

  async function steps(): Promise<ExperimentOutput> {
    const plan = await control('register').registerExperiment({ ...input, workflow: { id, runId } });
    if (plan.links) state.links = plan.links;
    subject = { ...subject, name: plan.name, owner: plan.owner, targets: plan.notify ?? [] };
    registered = plan;
    state.findings = plan.findings ?? [];
    listRuns();

    const image = await imageByDigest(plan.image, (what) => enter('registering', what));

    enter('snapshot');
    const snapshot = await analysis('snapshot the data').snapshotData({ experimentId, spec: plan.spec });
    upsertSearchAttributes([{ key: attributes.snapshot, value: snapshot.digest ?? snapshot.ref.digest }]);

    enter('checks');
    const { checks, findings } = await analysis('check the data').checkData({ experimentId, spec: plan.spec, snapshot: snapshot.ref });

    const noted = checks.filter(({ status }) => status !== 'pass').map(({ name, detail }) => `${name}: ${detail}`);
    state.findings = [...state.findings, ...noted];
    const broken = checks.filter((check) => check.gate && check.status === 'fail');
    const { runs, latency } = broken.length > 0 ? { runs: [], latency: null } : await trainAndMeasure(plan, snapshot, image, checks);
    await whilePaused();

    enter('analysis');
    const { changed } = await analysis('hash the source again').verifySource({ spec: plan.spec, snapshot: snapshot.ref });
    const workflow = { id, runId };
    const waiting: Approval | null = plan.approval === true ? { state: 'waiting', by: null, at: null, reason: '' } : null;
    const analysed = await analysis('compare the variants').analyseExperiment({
      plan: { ...plan, seeds: steered.seeds(plan), plan: steered.plan(plan) },
      snapshot,
      sourceChanged: changed,
      checks,
      ...(findings ? { findings } : {}),
      runs,
      latency,
      provenance: input.provenance,
      workflow,
      startedAt,
      audit,
      approval: waiting,
    });

    enter('report');
    const { report } = await analysis('write the report').renderReport({ result: analysed.result, latency });
    const { verdict, result, predictions } = analysed;
    const published = { experimentId, name: plan.name, snapshot, result, report, verdict, ...(predictions ? { predictions } : {}) };
    let approval: Approval | null = null;
    if (waiting !== null) {
      await control('publish what waits for approval').publishResult({ ...published, approval: waiting });
      approval = await decision(waiting, verdict, analysed.effect);
    }
    const finish = async (): Promise<ExperimentOutput> => {
      const output = await publish(approval);
      showVerdict(output.verdict, analysed.effect);
      enter('done');
      await tellVerdict('experiment.done', output.verdict, analysed.effect);
      if (plan.mlflow) await startPublishing({ experimentId, mlflow: plan.mlflow });
      await condition(allHandlersFinished);
      return output;
    };
    // Whoever cancels now comes too late: it is decided, and nobody is to hear both.
    return patched('published stays') ? CancellationScope.nonCancellable(finish) : finish();

    async function publish(decided: Approval | null): Promise<ExperimentOutput> {
      if (decided === null) {
        await control('publish').publishResult(published);
        return { experimentId, verdict, result, report };
      }
      return CancellationScope.nonCancellable(async () => {
        const recorded = await analysis('record the decision').recordDecision({ result, approval: decided, audit });
        const rendered = await analysis('write the report again').renderReport({ result: recorded.result, latency });
        await control('publish').publishResult({ ...published, ...recorded, ...rendered, approval: decided });
        return { experimentId, ...recorded, ...rendered, approval: decided };
      });
    }
  }

  /** Waits for a person, for weeks if need be: without a timer, so that a long wait is a short history. */
  async function decision(waiting: Approval, verdict: Verdict, effect: number | null): Promise<Approval> {
    state.approval = waiting;
    showVerdict(verdict, effect);
    enter('approval', `a person: assay approve ${experimentId}, or assay reject ${experimentId} --reason TEXT`);
    await tellVerdict('approval.waiting', verdict, effect);
    await condition(() => state.approval?.state !== 'waiting');
    enter('report');
    return state.approval ?? waiting;
  }

  async function tellVerdict(type: 'experiment.done' | 'approval.waiting', verdict: Verdict, effect: number | null): Promise<void> {
    const { sentence, outcome, harm } = verdict;
    await tell(subject, { type, sentence, outcome, harm, effect });
  }

  async function whilePaused(): Promise<void> {
    if (state.paused) await condition(() => !state.paused);
  }

  /** Until nothing is missing: seeds that are added meanwhile are trained as well, and latency is measured of what is compared. */
  async function trainAndMeasure(
    plan: ExperimentPlan,
    snapshot: SnapshotSummary,
    image: ResolvedImage | null,
    checks: Check[],
  ): Promise<{ runs: RunOutcome[]; latency: LatencyOutcome | null }> {
    const planned = () => runsOf(plan, steered.seeds(plan));
    const train = trainRounds({
      ...{ plan, lastEpoch, runs: planned },
      train: (round) => trainOne(plan, snapshot, image, round),
      isStopped: (variant) => steered.stopped(variant) !== undefined,
    });
    for (let pass = 1; ; pass++) {
      await whilePaused();
      enter('training');
      const runs = await train();
      const latency = plan.latency ? await measure({ plan, snapshot, image, code: input.code, runs, pass }) : { outcome: null };
      // Seeds can be added while it is paused.
      if (state.paused && patched('seeds while paused')) await whilePaused();
      if (runs.length !== planned().length) continue;
      if (latency.problem) checks.push(latency.problem);
      return { runs, latency: latency.outcome };
    }
  }

  async function trainOne(
    plan: ExperimentPlan,
    snapshot: SnapshotSummary,
    image: ResolvedImage | null,
    { variant, seed, remedy, firstEpoch, failures }: Round,
  ): Promise<RunOutcome> {
    const key = { experimentId, variant: variant.name, seed };
    const outcome = await steeredRun(
      {
        key,
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
        quiet: true,
      },
      {
        wanted: () => ({ paused: state.paused === true, qos: steered.qos(plan) }),
        isStopped: () => steered.stopped(key.variant) !== undefined,
      },
      {
        staticSummary: `${variant.name} seed ${seed}${remedy.level > 0 ? `, remedy ${remedy.level}` : ''}`,
        typedSearchAttributes: [
          { key: attributes.experiment, value: experimentId },
          { key: attributes.variant, value: variant.name },
          ...namedBy(plan),
        ],
      },
    );
    if (outcome !== null) return takeOutcome(outcome);
    const { by, reason } = steered.stopped(key.variant) ?? { by: '', reason: '' };
    const message = `stopped by ${by}: ${reason}`;
    Object.assign(runOf(key.variant, seed) ?? {}, { state: 'cancelled', host: null, message });
    show();
    const failure = { type: stoppedFailure, message };
    return { key, status: 'failed', attempts: lastEpoch(key.variant, seed), trained: null, findings: [], failures, remedy, failure };
  }

  /** The last epoch that a run has begun, from its signals: a cancelled run has no outcome that says it. */
  function lastEpoch(variant: string, seed: number): number {
    return runOf(variant, seed)?.epoch ?? 0;
  }

  /** A run says by a signal where it trains; how it ended is in its outcome. */
  function takeOutcome(outcome: RunOutcome): RunOutcome {
    const { key, status, attempts, trained, findings, failure } = outcome;
    const run = runOf(key.variant, key.seed);
    const message = failure === null ? null : (failure.message.split('\n', 1)[0] ?? null);
    if (run) Object.assign(run, { state: status, host: trained?.host ?? run.host, epoch: attempts, message });
    state.findings = [...(state.findings ?? []), ...findings.map((finding) => `${key.variant} seed ${key.seed}: ${finding}`)];
    show();
    return outcome;
  }

  function runOf(variant: string, seed: number): Progress['runs'][number] | undefined {
    return state.runs.find((run) => run.variant === variant && run.seed === seed);
  }

  /** Every run that is wanted by now, those that are known as they stand. */
  function listRuns(): void {
    const wanted = registered === null ? [] : runsOf(registered, steered.seeds(registered));
    state.runs = wanted.map(
      ({ variant: { name }, seed }) => runOf(name, seed) ?? { variant: name, seed, state: 'waiting', host: null, epoch: 0, message: null },
    );
    show();
  }

  function measure(subject: LatencySubject): Promise<LatencyPhase> {
    return measureInTurns(subject, {
      leases,
      qos: () => steered.qos(subject.plan),
      isStopped: (variant) => steered.stopped(variant) !== undefined,
      isPaused: () => state.paused === true,
      whilePaused,
      waiting: () => enter('latency', 'a host without other work, to measure all variants in turn'),
      measuring(now) {
        measuring = now;
        if (now) state.waitingFor = '';
        if (now) show();
      },
    });
  }

  function enter(stage: Stage, waitingFor = ''): void {
    if (stage !== state.stage) {
      observe({ type: 'stageLeft', stage: state.stage, seconds: (Date.now() - enteredAt) / 1000 });
      observeSpan(`stage ${state.stage}`, enteredAt);
      enteredAt = Date.now();
      state.stages?.push({ stage, at: new Date(enteredAt).toISOString() });
    }
    state.stage = stage;
    state.waitingFor = waitingFor;
    upsertSearchAttributes([{ key: attributes.stage, value: stage }]);
    show();
  }

  function showVerdict(verdict: Verdict, effect: number | null): void {
    state.verdict = verdict;
    upsertSearchAttributes([
      { key: attributes.verdict, value: verdict.outcome },
      ...(effect === null ? [] : [{ key: attributes.effect, value: effect }]),
    ]);
  }

  function show(): void {
    const { stage, waitingFor } = told();
    const now = `${stage} ${waitingFor}`;
    if (now !== shown) state.since = new Date().toISOString();
    shown = now;
    setCurrentDetails(progressDetails(told()));
  }

  /** While it is paused, that is what it waits for. */
  function told(): Progress {
    const pause = state.paused ? audit.findLast(({ action }) => action === 'pause') : undefined;
    if (pause === undefined) return state;
    const why = pause.reason === '' ? '' : `: ${pause.reason}`;
    return { ...state, waitingFor: `assay resume ${experimentId}; paused by ${pause.by} at ${pause.at}${why}` };
  }
}

/** Of which it is a run, as whoever started it says. */
const seriesOf = (): string | null => workflowInfo().typedSearchAttributes.get(seriesAttributes.series) ?? null;

/** A model that is already trained is the same under every seed, so it runs once. */
function runsOf(plan: ExperimentPlan, seeds: number[]): { variant: ExperimentPlan['variants'][number]; seed: number }[] {
  return counterbalanced(plan.variants, seeds).filter(({ variant, seed }) => !variant.pretrained || seed === seeds[0]);
}

const control = (summary: string): ControlActivities =>
  proxyActivities<ControlActivities>({
    taskQueue: queues.control,
    startToCloseTimeout: '2m',
    // Else the death of the worker that has it would be noticed only then.
    heartbeatTimeout: '8s',
    retry: { maximumInterval: '30s' },
    summary,
  });

const analysis = (summary: string): AnalysisActivities =>
  proxyActivities<AnalysisActivities>({
    taskQueue: queues.analysis,
    startToCloseTimeout: '12h',
    heartbeatTimeout: '60s',
    retry: { maximumInterval: '30s', maximumAttempts: 20 },
    summary,
  });
