import { isOfPause, waitsOf } from '../client';
import {
  type AuditEntry,
  ids,
  isFinal,
  isRunFinal,
  type Progress,
  type ProvenanceObject,
  type ResolvedSpec,
  type Result,
  type RunState,
  type Stage,
} from '../contract';
import { workflowUrl } from '../contract/links';
import type { ExperimentView, RunView } from '../pages';
import { artifactsOf } from './artifactList';
import type { Context } from './context';
import { curvesOf, curvesOfResult, mostCurves } from './curves';
import { type CurveNow, type StepNow, stepsNow } from './events/feed';
import type { Happening } from './events/history';
import { pastOf } from './events/past';
import { findExperiment, type Found, progressOf } from './records';

const patienceMs = 5000;

/** All that is known of an experiment now: from its record, from its workflow while it runs, from its result when it has one. */
export async function standingOf(context: Context, found: Found): Promise<ExperimentView> {
  const { id, record } = found;
  const { store } = context;
  const running = record === null || record.status === 'running';
  const [progress, past, spec, provenance, result] = await Promise.all([
    running ? progressOf(context, id) : null,
    happenedTo(context, found),
    record === null ? null : store.getJson<ResolvedSpec>(record.spec),
    record === null ? null : store.getJson<ProvenanceObject>(record.provenance),
    record?.result ? store.getJson<Result>(record.result) : null,
  ]);
  const entered = past.flatMap(({ event, data }) => (event === 'stage' ? [{ stage: data['stage'] as Stage, at: String(data['at']) }] : []));
  const end = past.find(({ event }) => event === 'end');
  if (running && end !== undefined) {
    // What ends writes its record first; what was terminated never does, and its history is the last word.
    const now = await findExperiment(context, id);
    if (now.record !== null && now.record.status !== 'running') return standingOf(context, now);
  }
  const over = running && end !== undefined ? endedAs(end) : null;
  // Without a pool the history still tells what each run last was.
  const standing: Progress = progress ?? { experimentId: id, stage: 'registering', waitingFor: '', runs: runsOf(past), verdict: null };
  const live = running ? await liveOf(context, found, standing) : { steps: [], curves: [], waits: null };
  const known = progress?.stage ?? entered.at(-1)?.stage ?? (record === null ? 'registering' : null);
  const startedRuns = standing.runs.filter(({ epoch }) => epoch > 0).length;
  const finished = !running && result !== null;
  return {
    id,
    name: record?.name ?? id.replace(/-\d{8}-\d{6}-[^-]*$/, ''),
    hypothesis: spec?.hypothesis ?? null,
    owner: record?.owner ?? null,
    by: provenance?.user ?? null,
    status: over?.status ?? record?.status ?? 'running',
    stage: over?.status ?? (record === null || record.status === 'running' ? known : record.status),
    startedAt: record?.startedAt ?? null,
    finishedAt: record?.finishedAt ?? null,
    now: new Date().toISOString(),
    entered,
    waits: over === null ? waitingFor(progress, live) : [],
    answers: !running || progress !== null || end !== undefined,
    paused: progress?.paused ?? false,
    qos: spec?.runtime.qos ?? null,
    approval: progress?.approval ?? record?.approval ?? null,
    variants: variantsOf(spec, standing),
    runs: finished
      ? result.variants.flatMap((variant) => endedRuns(context, id, variant))
      : standing.runs.map((run) => runView(context, id, run, live)),
    curves: finished ? curvesOfResult(result).slice(0, mostCurves) : await curvesOf(context, standing, live.curves),
    curvesLeftOut: Math.max(0, (finished ? curvesOfResult(result).length : startedRuns) - mostCurves),
    findings: progress?.findings ?? [],
    audit: progress?.audit ?? result?.audit ?? steeringOf(past),
    result,
    message: record?.message ?? over?.message ?? null,
    temporal: workflowUrl(context.uiUrl, context.client.options.namespace, ids.experimentWorkflow(id)),
  };
}

/** Of the event that ends a history. */
interface Ended {
  status: Exclude<ExperimentView['status'], 'running'>;
  message: string | null;
}

const endedAs = ({ data: { status, message } }: Happening): Ended => ({
  status: status === 'done' || status === 'cancelled' ? status : 'failed',
  message: typeof message === 'string' ? message : null,
});

async function happenedTo(context: Context, found: Found): Promise<readonly Happening[]> {
  return context.feeds.seen(found.runId)?.past ?? context.answers.get(`past ${found.runId}`, () => pastOf(context, found));
}

interface Live {
  steps: readonly StepNow[];
  curves: readonly CurveNow[];
  waits: Awaited<ReturnType<typeof waitsOf>> | null;
}

/** What its watchers know, else one question for all who look at the same time; nothing where the server is slow. */
async function liveOf({ client, answers, feeds }: Context, { runId }: Found, progress: Progress): Promise<Live> {
  const { experimentId: id, stage } = progress;
  if (isFinal(stage)) return { steps: [], curves: [], waits: null };
  const seen = feeds.seen(runId);
  if (seen !== null) return seen;
  const [now, waits] = await Promise.all([
    answers
      .get(`steps ${id}`, () => client.withDeadline(Date.now() + patienceMs, () => stepsNow(client, progress)))
      .catch(() => ({ steps: [], curves: [] })),
    answers.get(`waits ${id}`, () => waitsOf(client, id)).catch(() => null),
  ]);
  return { ...now, waits };
}

/** On the page a person has the forms, and needs no commands; what the workflow and its watchers both say is said once. */
function waitingFor(progress: Progress | null, { waits }: Live): string[] {
  // Its workflow ends a moment before its record does.
  if (progress !== null && isFinal(progress.stage)) return [];
  if (progress?.approval?.state === 'waiting') return ['a person: its verdict is to be approved or rejected'];
  const known = waits?.experiment ?? (progress?.waitingFor ? [progress.waitingFor] : []);
  if (progress?.paused !== true) return [...new Set(known)];
  const pause = progress.audit?.findLast(({ action }) => action === 'pause');
  const resumed = `somebody to resume it${pause === undefined ? '' : `: ${pause.by} paused it`}`;
  return [...new Set([resumed, ...known.filter((wait) => wait !== progress.waitingFor && !isOfPause(wait))])];
}

/** Control first, as every table of the report. */
function variantsOf(spec: ResolvedSpec | null, { runs }: Progress): string[] {
  if (spec === null) return [...new Set(runs.map(({ variant }) => variant))];
  return [...spec.variants].sort((a, b) => Number(b.control) - Number(a.control)).map(({ name }) => name);
}

function runView({ uiUrl, client }: Context, id: string, run: Progress['runs'][number], { steps, waits }: Live): RunView {
  const { variant, seed, state, host, epoch, message } = run;
  const same = (one: { variant: string; seed: number }): boolean => one.variant === variant && one.seed === seed;
  const now = steps.find(same);
  const phase = now !== undefined && now.phase !== 'training' ? now.phase : '';
  return {
    variant,
    seed,
    state,
    host,
    device: now?.device ?? null,
    epoch,
    step: now?.step ?? null,
    totalSteps: now?.totalSteps ?? null,
    loss: now?.loss ?? null,
    throughput: now?.throughput ?? null,
    secondsLeft: now?.secondsLeft ?? null,
    message: [phase, now?.message ?? '', message ?? ''].filter((part) => part !== '').join('; '),
    waits: isRunFinal(state)
      ? []
      : (waits?.runs.find(same)?.chain ?? []).map((wait) => (isOfPause(wait) ? 'the experiment is paused' : wait)),
    files: [],
    temporal: epoch === 0 ? null : workflowUrl(uiUrl, client.options.namespace, ids.variantRunWorkflow(id, variant, seed)),
  };
}

const endedRuns = ({ uiUrl, client }: Context, id: string, { name, runs }: Result['variants'][number]): RunView[] =>
  runs.map((run) => ({
    variant: name,
    seed: run.seed,
    state: run.status,
    host: run.host,
    device: run.device.model,
    epoch: run.attempts,
    step: run.steps,
    totalSteps: null,
    loss: run.curve.findLast(({ loss }) => loss !== null)?.loss ?? null,
    throughput: null,
    secondsLeft: null,
    message: run.failure === null ? '' : `${run.failure.type}: ${run.failure.message}`,
    waits: [],
    files: artifactsOf(id, name, run),
    temporal: workflowUrl(uiUrl, client.options.namespace, ids.variantRunWorkflow(id, name, run.seed)),
  }));

/** What the history says each run last was. */
function runsOf(past: readonly Happening[]): Progress['runs'] {
  const runs = new Map<string, Progress['runs'][number]>();
  for (const { event, data } of past) {
    if (event !== 'run') continue;
    const { variant, seed, state, host, epoch, message } = data as unknown as Progress['runs'][number] & { state: RunState };
    runs.set(`${variant}/${seed}`, { variant, seed, state, host, epoch: epoch ?? 0, message });
  }
  return [...runs.values()];
}

const steeringOf = (past: readonly Happening[]): AuditEntry[] =>
  past.flatMap(({ event, data }) => (event === 'steering' ? [data as unknown as AuditEntry] : []));
