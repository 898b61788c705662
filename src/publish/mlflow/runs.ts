import { NotPublished, type Mlflow } from './client';
import type { Metric } from './curves';
import type { Tag } from './names';

/** A run as the server has it. */
export interface ServerRun {
  id: string;
  artifactUri: string;
  tags: Map<string, string>;
  /** Names of its parameters, which can be written once. */
  params: Set<string>;
}

interface RunJson {
  info: { run_id: string; artifact_uri?: string; lifecycle_stage?: string };
  data?: { tags?: Tag[]; params?: { key: string }[] };
}

/** What finds a run again: it stands on it from its first moment on. */
const keyTag = 'assay.key';
const experimentTag = 'assay.experiment';

/** Finds an MLflow experiment by its name, or makes it. */
export async function experimentNamed(mlflow: Mlflow, name: string): Promise<string> {
  const found = (await known(mlflow, name)) ?? (await create(mlflow, name));
  if (found.lifecycle_stage === 'deleted')
    throw new NotPublished(
      'refused',
      `the experiment "${name}" of ${mlflow.uri} is deleted: restore it, or name another in publish.mlflow.experiment`,
    );
  return found.experiment_id;
}

interface ExperimentJson {
  experiment_id: string;
  lifecycle_stage?: string;
}

async function known(mlflow: Mlflow, name: string): Promise<ExperimentJson | null> {
  try {
    const { experiment } = await mlflow.get<{ experiment: ExperimentJson }>('experiments/get-by-name', { experiment_name: name });
    return experiment;
  } catch (error) {
    if (codeOf(error) === 'RESOURCE_DOES_NOT_EXIST') return null;
    throw error;
  }
}

async function create(mlflow: Mlflow, name: string): Promise<ExperimentJson> {
  try {
    return await mlflow.post<ExperimentJson>('experiments/create', { name });
  } catch (error) {
    // Another came between, or the answer to an earlier try was lost.
    const now = codeOf(error) === 'RESOURCE_ALREADY_EXISTS' ? await known(mlflow, name) : null;
    if (now === null) throw error;
    return now;
  }
}

export const codeOf = (error: unknown): string | null => (error instanceof NotPublished ? error.code : null);

/** The runs of one of our experiments, by key. Of two under one key, which a lost answer can leave, the same one is taken each time. */
export async function runsOf(mlflow: Mlflow, serverExperiment: string, experimentId: string): Promise<Map<string, ServerRun>> {
  const runs = new Map<string, ServerRun>();
  let token: string | undefined;
  do {
    const page: { runs?: RunJson[]; next_page_token?: string } = await mlflow.post('runs/search', {
      experiment_ids: [serverExperiment],
      // An id of ours has neither quotes nor anything else that the filter could read.
      filter: `tags."${experimentTag}" = '${experimentId}'`,
      ...{ run_view_type: 'ACTIVE_ONLY', max_results: 1000 },
      ...(token === undefined ? {} : { page_token: token }),
    });
    for (const json of page.runs ?? []) {
      const run = runOf(json);
      const key = run.tags.get(keyTag);
      const other = key === undefined ? undefined : runs.get(key);
      if (key !== undefined && (other === undefined || run.id < other.id)) runs.set(key, run);
    }
    token = page.next_page_token || undefined;
  } while (token !== undefined);
  return runs;
}

interface NewRun {
  key: string;
  experimentId: string;
  name: string;
  /** Milliseconds. */
  startTime: number;
  tags: Tag[];
}

export async function createRun(
  mlflow: Mlflow,
  serverExperiment: string,
  { key, experimentId, name, startTime, tags }: NewRun,
): Promise<ServerRun> {
  const { run } = await mlflow.post<{ run: RunJson }>('runs/create', {
    ...{ experiment_id: serverExperiment, run_name: name, start_time: startTime },
    tags: [{ key: keyTag, value: key }, { key: experimentTag, value: experimentId }, ...tags],
  });
  return runOf(run);
}

function runOf({ info, data }: RunJson): ServerRun {
  return {
    id: info.run_id,
    artifactUri: info.artifact_uri ?? '',
    tags: new Map((data?.tags ?? []).map(({ key, value }) => [key, value])),
    params: new Set((data?.params ?? []).map(({ key }) => key)),
  };
}

const [mostMetrics, mostOthers, mostBytes] = [1000, 100, 400_000];

/** Parameters that the run lacks, tags, then metrics: in as few requests as MLflow's limits allow. Metrics that are there stay single. */
export async function logAll(
  mlflow: Mlflow,
  run: ServerRun,
  { params = [], tags = [], metrics = [] }: { params?: Tag[]; tags?: Tag[]; metrics?: Metric[] },
  sent: () => void = () => undefined,
): Promise<void> {
  const missing = params.filter(({ key }) => !run.params.has(key));
  for (const [what, items, most] of [
    ['params', missing, mostOthers],
    ['tags', tags, mostOthers],
    ['metrics', metrics, mostMetrics],
  ] as const)
    for (const batch of batches<Tag | Metric>(items, most)) {
      await mlflow.post('runs/log-batch', { run_id: run.id, [what]: batch });
      sent();
    }
  for (const { key, value } of tags) run.tags.set(key, value);
}

/** At most so many, and not more bytes than a request may have (MLflow: 1 MB). */
function* batches<T>(items: readonly T[], most: number): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item));
    if (batch.length === most || (batch.length > 0 && bytes + size > mostBytes)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(item);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

export async function endRun(mlflow: Mlflow, run: ServerRun, status: 'FINISHED' | 'FAILED', endTime: number): Promise<void> {
  await mlflow.post('runs/update', { run_id: run.id, status, end_time: endTime });
}
