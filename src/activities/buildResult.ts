import { join } from 'node:path';
import { type AnalysisRun, type LatencyInput, alignRun, latencyBlocks } from '../analysis';
import {
  type AnalyseInput,
  type Check,
  type DriftFinding,
  LatencyLine,
  type LatencyOutcome,
  type Manifest,
  type ProvenanceObject,
  type ResolvedSpec,
  type Result,
  type RunOutcome,
  type Ref,
  type RunRecord,
  type RunResult,
  type Snapshot,
  type UsageSeries,
} from '../contract';
import { workflowUrl } from '../contract/links';
import { effectiveParams } from '../contract/specValues';
import { readNpy } from '../contract/npy';
import type { SplitRow } from '../data';
import { curveOf } from '../executor';
import type { Store } from '../store';
import type { AnalysisDeps } from './analysis';
import { analyseApart } from './analyseApart';
import { resultContents } from './contents';
import { disagreementsOf } from './disagreements';
import { planChecks } from './deviations';
import { predictionDrift } from './predictions';
import { restartsOf } from './restarts';
import { testColumns } from './testColumns';
import { usageOf } from './usage';

/** From the references of a finished experiment to its `assay.result/1`, and the profiles of what its variants predicted. */
export async function buildResult(
  { store, uiUrl, home }: Pick<AnalysisDeps, 'store' | 'uiUrl' | 'home'>,
  input: AnalyseInput,
  namespace: string,
): Promise<{ result: Result; predictions: Record<string, Ref> }> {
  const { plan } = input;
  const [spec, snapshot, provenance, findings] = await Promise.all([
    store.getJson<ResolvedSpec>(plan.spec),
    store.getJson<Snapshot>(input.snapshot.ref),
    store.getJson<ProvenanceObject>(input.provenance),
    input.findings ? store.getJson<Record<string, DriftFinding[]>>(input.findings) : {},
  ]);
  const test = parsedLines<SplitRow>(await store.get(snapshot.splits.test.ref));
  const ids = test.map((row) => String(row.id));
  const labels = Int32Array.from(test, (row) => snapshot.classes.indexOf(row.label));
  const units = snapshot.unit === null ? null : numbered(test.map((row) => String(row.unit ?? row.id)));

  const aligned = { ids, labels, classes: snapshot.classes.length };
  const runs: LoadedRun[] = [];
  for (let from = 0; from < input.runs.length; from += loadedAtOnce)
    runs.push(...(await Promise.all(input.runs.slice(from, from + loadedAtOnce).map((run) => loadRun(store, run, aligned)))));
  // One after the other: telemetry of days is long.
  for (const run of runs) run.usage = await usageIn(store, run);
  const scored = runs.flatMap(({ outcome: { key }, analysis: { scores } }) => (scores === null ? [] : [{ ...key, scores }]));
  const predicted = await predictionDrift(store, spec, snapshot.classes, scored);
  const columnsDeps = { store, workDir: join(home, 'cache', 'sources') };
  const { names, ...known } = await testColumns(columnsDeps, snapshot, test);
  // Before the analysis, which takes the scores away.
  const disagreements = await disagreementsOf(columnsDeps, { spec, plan, snapshot, test, runs: scored, columns: known.columns, names });
  const analysis = await analyseApart({
    plan: plan.plan,
    classes: snapshot.classes,
    ids,
    labels,
    units,
    variants: plan.variants.map(({ name, control, pretrained }) => ({
      name,
      control,
      pretrained,
      params: effectiveParams(spec, name),
      stopped: plan.plan.stopped?.includes(name) ?? false,
      runs: runs.filter((run) => run.outcome.key.variant === name).map((run) => run.analysis),
    })),
    latency: await latencyOf(store, input.latency),
    dataChecks: [
      ...withFindings(input.checks, findings),
      ...predicted.checks,
      sourceCheck(input.sourceChanged),
      ...planChecks(plan.plan, input.audit ?? []),
    ],
    unequalRemedies: plan.unequalRemedies,
    wallClockBudget: endsByClock(spec.training.budget),
    ...known,
  });

  const result: Result = {
    schema: 'assay.result/1',
    experiment: plan.experimentId,
    name: spec.name,
    hypothesis: spec.hypothesis ?? null,
    owner: spec.owner ?? null,
    startedAt: input.startedAt,
    finishedAt: new Date().toISOString(),
    workflow: {
      ...input.workflow,
      url: workflowUrl(uiUrl, namespace, input.workflow.id),
    },
    verdict: analysis.verdict,
    plan: plan.plan,
    snapshot: {
      digest: snapshot.data.digest,
      record: input.snapshot.ref.digest,
      source: snapshot.source,
      rows: snapshot.rows,
      splits: input.snapshot.splits,
      classes: snapshot.classes,
    },
    variants: analysis.variants.map(({ runs: measured, ...variant }) => ({
      ...variant,
      runs: runs
        .filter((run) => run.outcome.key.variant === variant.name)
        .map((run) => runResult(plan, run, measured.find((m) => m.seed === run.outcome.key.seed)?.metrics ?? {})),
    })),
    comparisons: analysis.comparisons,
    breakdowns: analysis.breakdowns,
    checks: analysis.checks,
    provenance: withoutSource(provenance),
    audit: input.audit ?? [],
    approval: input.approval ?? null,
    disagreements,
    contents: await resultContents(store, input, predicted.profiles),
  };
  return { result, predictions: predicted.profiles };
}

/** The ids of a run's predictions take more memory than the scores that are kept of it. */
const loadedAtOnce = 4;

/** Epochs or steps end a run that has them, and its wall clock only guards it. */
const endsByClock = ({ epochs, steps, wallClock }: ResolvedSpec['training']['budget']): boolean =>
  wallClock !== undefined && epochs === undefined && steps === undefined;

interface LoadedRun {
  outcome: RunOutcome;
  record: RunRecord | null;
  analysis: AnalysisRun;
  curve: RunResult['curve'];
  usage: UsageSeries | null;
}

async function loadRun(
  store: Store,
  outcome: RunOutcome,
  test: { ids: string[]; labels: Int32Array; classes: number },
): Promise<LoadedRun> {
  const { seed } = outcome.key;
  const conduct = { remedy: outcome.remedy, failures: outcome.failures, leaks: [], deviceModel: null, telemetry: null, dataStall: null };
  if (!outcome.trained) {
    const analysis: AnalysisRun = { seed, status: 'failed', scores: null, seconds: null, peakMemoryBytes: null, conduct };
    return { outcome, record: null, curve: [], usage: null, analysis };
  }
  const record = await store.getJson<RunRecord>(outcome.trained.record);
  const manifest = await store.getJson<Manifest>(record.artifacts.predictions);
  const array = async (name: string) => {
    const file = manifest.files.find((f) => f.path === name);
    if (!file) throw new Error(`the predictions of ${outcome.key.variant} seed ${seed} lack ${name}`);
    return readNpy(await store.get(file)).values;
  };
  const [predIds, predLabels, predScores] = await Promise.all([array('ids.npy'), array('labels.npy'), array('scores.npy')]);
  const aligned = alignRun({ ...test, predIds, predLabels: predLabels as ArrayLike<number>, predScores: predScores as ArrayLike<number> });
  return {
    outcome,
    record,
    curve: curveOf(await store.get(record.artifacts.events), 200),
    usage: null,
    analysis: {
      seed,
      status: 'done',
      scores: aligned.scores,
      problem: aligned.problem,
      trainerMetrics: record.trainerMetrics,
      seconds: record.seconds,
      // Of the devices where there are any: what fills up first, and what the host's number does not see.
      peakMemoryBytes: record.telemetry === null ? record.peakMemoryBytes : record.telemetry.peakMemoryBytes,
      conduct: {
        ...conduct,
        remedy: record.remedy,
        leaks: record.leaks,
        deviceModel: record.model,
        telemetry: record.telemetry,
        dataStall: record.dataStall,
      },
    },
  };
}

/** What is damaged or gone costs the picture, not the result. */
async function usageIn(store: Store, { record }: LoadedRun): Promise<UsageSeries | null> {
  const telemetry = record?.artifacts.telemetry ?? null;
  const lines = telemetry === null ? null : await store.get(telemetry).catch(() => null);
  return lines === null ? null : usageOf(lines);
}

function runResult(
  plan: AnalyseInput['plan'],
  { outcome, record, curve, usage }: LoadedRun,
  metrics: Record<string, number | null>,
): RunResult {
  const none = { predictions: null, events: null, model: null, log: null, result: null, telemetry: null };
  const restarts = record === null ? undefined : restartsOf(record, outcome);
  return {
    seed: outcome.key.seed,
    status: outcome.status,
    attempts: outcome.attempts,
    resumedFromStep: record?.resumedFromStep ?? null,
    steps: record?.steps ?? 0,
    samples: record?.samples ?? 0,
    seconds: record?.seconds ?? 0,
    host: record?.host ?? null,
    metrics,
    deviations: [
      ...outcome.findings,
      ...(record?.warnings ?? []),
      ...(record?.health ?? []).filter(({ ok }) => !ok).flatMap(({ device, findings }) => findings.map((text) => `${device}: ${text}`)),
      ...(record?.leaks ?? []).map((leak) => `left behind: ${leak}`),
    ],
    image: record === null ? plan.image : (record.image?.repoDigest ?? record.image?.id ?? null),
    imageId: record === null ? null : (record.image?.id ?? null),
    device: deviceOf(plan, record),
    telemetry: record?.telemetry ?? null,
    dataStall: record?.dataStall ?? null,
    remedy: record?.remedy ?? outcome.remedy,
    failures: outcome.failures,
    leaks: record?.leaks ?? [],
    warmStart: record?.warmStart ? { run: record.warmStart.run, step: record.warmStart.step } : null,
    environment: record?.environment ?? {},
    curve,
    ...(restarts === undefined ? {} : { restarts }),
    usage,
    failure: outcome.failure,
    artifacts: record?.artifacts ?? none,
  };
}

/** A run that left no record never said which device it had. */
function deviceOf({ resources }: AnalyseInput['plan'], record: RunRecord | null): RunResult['device'] {
  if (record === null)
    return resources.gpus === 0 ? { kind: 'cpu', model: 'cpu', uuids: [] } : { kind: 'cuda', model: 'unknown', uuids: [] };
  if (record.devices.length === 0) return { kind: 'cpu', model: 'cpu', uuids: [] };
  return { kind: 'cuda', model: record.model, uuids: record.devices.map(({ uuid }) => uuid) };
}

export async function latencyOf(store: Store, latency: LatencyOutcome | null): Promise<LatencyInput[] | null> {
  if (!latency) return null;
  return Promise.all(
    latency.measurements.map(async ({ variant, lines }) => {
      return latencyBlocks(
        variant,
        parsedLines(await store.get(lines)).map((line) => LatencyLine.parse(line)),
      );
    }),
  );
}

/** Promise 2: nothing is compared if the data changed while the experiment ran. */
function sourceCheck(changed: string | null): Check {
  return {
    name: 'source-unchanged',
    status: changed === null ? 'pass' : 'fail',
    gate: true,
    statistic: null,
    pValue: null,
    detail:
      changed === null
        ? 'the source has the same digest after the last run as in the snapshot'
        : `the source changed during the experiment: ${changed}`,
  };
}

/** The checks travel through histories without their findings, which can be long. */
const withFindings = (checks: Check[], findings: Record<string, DriftFinding[]>): Check[] =>
  checks.map((check) => {
    const own = findings[check.name];
    return own === undefined ? check : { ...check, findings: own };
  });

function parsedLines<T>(bytes: Buffer): T[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

function numbered(names: string[]): Int32Array {
  const index = new Map<string, number>();
  return Int32Array.from(names, (name) => {
    if (!index.has(name)) index.set(name, index.size);
    return index.get(name) as number;
  });
}

function withoutSource({ source: _source, ...provenance }: ProvenanceObject): Result['provenance'] {
  return provenance;
}
