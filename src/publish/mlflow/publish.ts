import { createHash } from 'node:crypto';
import type {
  ExperimentRecord,
  MlflowPlan,
  ProvenanceObject,
  Published,
  PublishProgress,
  Ref,
  ResolvedSpec,
  Result,
  RunResult,
  VariantResult,
} from '../../contract';
import type { Store } from '../../store';
import { type Artifact, artifactRoot, fileArtifact, folderArtifact, sizeOf, textArtifact, uploadArtifact } from './artifacts';
import { type Mlflow, openMlflow } from './client';
import { type Metric, metricOf, spanOf, systemMetrics, trainingCurves } from './curves';
import { datasetInputs, logInputs } from './inputs';
import { namesFor, paramValue, type Tag, tagsOf } from './names';
import { comparisonMetrics, experimentParams, experimentTags } from './parent';
import { registerModel } from './register';
import { createRun, endRun, experimentNamed, logAll, runsOf, type ServerRun } from './runs';
import type { MlflowSettings } from './settings';
import { sourceTags } from './source';

interface ToPublish {
  store: Store;
  record: ExperimentRecord & { result: Ref; report: Ref };
  plan: MlflowPlan;
  /** What the page of the parent run says, in Markdown. */
  note: (result: Result) => string;
}

export interface PublishOptions {
  signal?: AbortSignal;
  onProgress?: (progress: PublishProgress) => void;
}

/** Says of a run that it is complete, and of which result. */
const completeTag = 'assay.complete';

/**
 * Brings an experiment to an MLflow server: a run for it, one below for each variant and seed, files, and a model's version. Every step looks
 * for what is there before it makes something, so that it can be repeated, and goes on where another was interrupted.
 */
export async function publishToMlflow(
  { store, record, plan, note }: ToPublish,
  settings: MlflowSettings,
  { signal, onProgress = () => undefined }: PublishOptions = {},
): Promise<Published> {
  const mlflow = openMlflow(settings, signal === undefined ? {} : { signal });
  try {
    return await publish();
  } finally {
    mlflow.close();
  }

  async function publish(): Promise<Published> {
    const [result, spec] = await Promise.all([store.getJson<Result>(record.result), store.getJson<ResolvedSpec>(record.spec)]);
    const runs = result.variants.flatMap((variant) => variant.runs.map((run) => ({ variant, run })));
    const progress: PublishProgress = { doing: `look at ${mlflow.uri}`, done: 0, of: runs.length + 1 };
    const tell = (doing: string): void => onProgress(Object.assign(progress, { doing }));
    tell(progress.doing);

    const serverExperiment = await experimentNamed(mlflow, plan.experiment);
    const there = await runsOf(mlflow, serverExperiment, result.experiment);
    const found = async (key: string, name: string, startTime: number, tags: Tag[]): Promise<ServerRun> =>
      there.get(key) ?? (await createRun(mlflow, serverExperiment, { key, experimentId: result.experiment, name, startTime, tags }));

    const notes: string[] = [];
    const inputs = await datasetInputs(store, result);
    const complete = completeness(record, plan);
    const parent = await found(result.experiment, result.experiment, Date.parse(result.startedAt), experimentTags(result));
    if (artifactRoot(parent) === null)
      notes.push(`no file was uploaded: ${mlflow.uri} keeps artifacts at ${parent.artifactUri}, outside its own proxy (--serve-artifacts)`);

    const models = new Map<string, { run: ServerRun; seed: number; digest: string }[]>();
    for (const { variant, run } of runs) {
      const name = `${variant.name} seed ${run.seed}`;
      tell(name);
      const material = await runMaterial(store, { result, spec, variant, run, plan }, notes);
      const server = await found(`${result.experiment}/${variant.name}/seed-${run.seed}`, name, material.startTime, [
        { key: 'mlflow.parentRunId', value: parent.id },
      ]);
      if (server.tags.get(completeTag) !== complete) {
        await bring(mlflow, server, { ...material, ...(await material.metrics()), inputs }, complete, () => tell(name));
      }
      if (run.status === 'done' && material.model !== null && artifactRoot(server) !== null)
        models.set(variant.name, [...(models.get(variant.name) ?? []), { run: server, seed: run.seed, digest: material.model.digest }]);
      progress.done++;
    }

    tell('the experiment');
    const registered = plan.model === null ? null : await registerModel(mlflow, { result, model: plan.model, models });
    if (registered !== null && 'why' in registered) notes.push(registered.why);
    else if (registered?.left) notes.push(registered.left);
    if (parent.tags.get(completeTag) !== complete) {
      await bring(mlflow, parent, await parentMaterial(result, inputs), complete, () => tell('the experiment'));
    }
    progress.done++;
    tell('done');
    return {
      url: `${mlflow.uri}/#/experiments/${serverExperiment}/runs/${parent.id}`,
      experiment: plan.experiment,
      runId: parent.id,
      runs: runs.length,
      registered: registered === null || 'why' in registered ? null : registered.registered,
      notes,
    };
  }

  async function parentMaterial(result: Result, inputs: Material['inputs']): Promise<Material> {
    const { source } = await store.getJson<ProvenanceObject>(record.provenance);
    const endTime = Date.parse(result.finishedAt);
    return {
      ...{ ...parameters(experimentParams(result)), inputs, endTime, status: 'FINISHED', metrics: comparisonMetrics(result, endTime) },
      tags: [...experimentTags(result), ...tagsOf({ 'mlflow.note.content': note(result) })],
      artifacts: [
        fileArtifact(store, 'report.html', record.report),
        fileArtifact(store, 'result.json', record.result),
        textArtifact('spec.yaml', source, record.provenance.digest),
      ],
    };
  }
}

/** What a run is to have. */
interface Material {
  params: Tag[];
  tags: Tag[];
  metrics: Metric[];
  inputs: Record<string, unknown>[];
  artifacts: Artifact[];
  status: 'FINISHED' | 'FAILED';
  endTime: number;
}

async function bring(mlflow: Mlflow, run: ServerRun, material: Material, complete: string, sent: () => void): Promise<void> {
  const { params, tags, metrics, inputs, artifacts, status, endTime } = material;
  await logAll(mlflow, run, { params, tags, metrics }, sent);
  await logInputs(mlflow, run, inputs);
  const uploaded: Tag[] = [];
  const log = (tag: Tag): Promise<void> => logAll(mlflow, run, { tags: [tag] });
  for (const artifact of artifacts) uploaded.push(...(await uploadArtifact(mlflow, run, artifact, { log, sent })));
  await endRun(mlflow, run, status, endTime);
  // Last: whoever finds it need not look further.
  await logAll(mlflow, run, { tags: [...uploaded, { key: completeTag, value: complete }] });
}

/** The same for the same result under the same wishes; the number changes with what is published of a result. */
const completeness = ({ result, report }: ToPublish['record'], { artifacts, largestModel }: MlflowPlan): string =>
  createHash('sha256')
    .update(JSON.stringify([1, result.digest, report.digest, artifacts, largestModel]))
    .digest('hex')
    .slice(0, 16);

interface OfRun {
  result: Result;
  spec: ResolvedSpec;
  variant: VariantResult;
  run: RunResult;
  plan: MlflowPlan;
}

/** All but the curves, which are read only where they are needed. */
async function runMaterial(store: Store, of: OfRun, notes: string[]) {
  const { result, spec, variant, run, plan } = of;
  const { batchSize, precision } = spec.training;
  const { params, artifacts } = parameters({ seed: run.seed, batchSize, precision, ...variant.params });
  const { events, log, telemetry } = run.artifacts;
  const model = await modelOf(store, of, notes);
  const files = [
    ...[...artifacts, ...(model === null ? [] : [model])],
    ...(plan.artifacts && log ? [fileArtifact(store, 'log.txt', log)] : []),
    ...(plan.artifacts && events ? [fileArtifact(store, 'events.jsonl', events)] : []),
    ...(plan.artifacts && telemetry ? [fileArtifact(store, 'telemetry.jsonl', telemetry)] : []),
  ];
  const [startTime, endTime] = [Date.parse(result.startedAt), Date.parse(result.finishedAt)];
  return {
    ...{ params, model, startTime, endTime, artifacts: files, tags: runTags(of) },
    status: run.status === 'done' ? ('FINISHED' as const) : ('FAILED' as const),
    async metrics(): Promise<{ metrics: Metric[]; endTime: number }> {
      const curves = events === null ? [] : await trainingCurves(store, events, startTime);
      const system = telemetry === null ? [] : await systemMetrics(store, telemetry);
      const end = spanOf(curves)?.end ?? endTime;
      const test = Object.entries(run.metrics).flatMap(([name, value]) =>
        value === null ? [] : [metricOf(`test/${name}`, value, end, run.steps)],
      );
      return { metrics: [...curves, ...system, ...test], endTime: end };
    },
  };
}

async function modelOf(store: Store, { variant, run, plan }: OfRun, notes: string[]): Promise<Artifact | null> {
  if (!plan.artifacts || run.artifacts.model === null) return null;
  const model = await folderArtifact(store, 'model', run.artifacts.model);
  if (sizeOf(model) <= plan.largestModel) return model;
  notes.push(
    `the model of ${variant.name} seed ${run.seed} has ${sizeOf(model)} bytes, more than publish.mlflow.largestModel (${plan.largestModel}), and was left out`,
  );
  return null;
}

function runTags({ result, variant, run }: OfRun): Tag[] {
  return tagsOf({
    ...sourceTags(result),
    'assay.variant': variant.name,
    'assay.seed': String(run.seed),
    'assay.control': String(variant.control),
    'assay.attempts': String(run.attempts),
    'assay.host': run.host,
    'assay.device': run.device.model,
    'assay.image': run.image,
    'assay.deviations': run.deviations.join('; '),
    'assay.failure': run.failure === null ? null : `${run.failure.type}: ${run.failure.message}`,
  });
}

/** Parameters under names that MLflow takes; where a value is too long for it, all of them stand in a file. */
function parameters(values: Record<string, unknown>): { params: Tag[]; artifacts: Artifact[] } {
  const names = namesFor(Object.keys(values));
  const written = Object.entries(values).map(([name, value]) => ({ key: names.get(name) ?? name, ...paramValue(value) }));
  const params = written.map(({ key, text }) => ({ key, value: text }));
  if (written.every(({ whole }) => whole)) return { params, artifacts: [] };
  const text = JSON.stringify(values, null, 2);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  return { params, artifacts: [textArtifact('params.json', text, digest)] };
}
