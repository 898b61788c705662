import { WorkflowNotFoundError } from '@temporalio/client';
import { AssayError, type ExperimentRecord, ids, type Progress, type Result, type Stage } from '../contract';
import { workflowUrl } from '../contract/links';
import { ask, type Context } from './context';
import { HttpProblem } from './problems';

/** `<name>-<yyyymmdd>-<hhmmss>-<random>`: nothing else becomes part of a workflow's id, where it would name another kind of workflow. */
const idForm = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?-\d{8}-\d{6}-[0-9a-f]{4,16}$/;

export interface Found {
  id: string;
  /** Null between the start and the first step of the workflow. */
  record: ExperimentRecord | null;
  runId: string;
}

/** Throws NotFound where neither the store nor the server knows it. */
export async function findExperiment(context: Context, id: string): Promise<Found> {
  if (!idForm.test(id)) throw unknown(id);
  const record = await context.records.get(id);
  if (record !== null) return { id, record, runId: record.workflow.runId };
  try {
    const workflow = context.client.workflow.getHandle(ids.experimentWorkflow(id));
    const { runId } = await context.answers.get(`workflow ${id}`, () => ask(context, () => workflow.describe()));
    return { id, record: null, runId };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw unknown(id);
    throw error;
  }
}

const unknown = (id: string): AssayError => new AssayError('NotFound', `no experiment "${id}"; GET /v1/experiments lists them`);

/** The result of an ended experiment: 409 while it runs, 404 where it left none. */
export async function resultOf(context: Context, id: string): Promise<{ record: ExperimentRecord; result: Result }> {
  const record = await endedRecord(context, id);
  return { record, result: await context.store.getJson<Result>(record.result) };
}

export async function endedRecord(context: Context, id: string) {
  const { record } = await findExperiment(context, id);
  const { result, report } = record ?? {};
  if (record !== null && result && report) return { ...record, result, report };
  if (record === null || record.status === 'running')
    throw new HttpProblem('conflict', `experiment ${id} is running and has no result yet; its events tell when it has`, {
      headers: { 'retry-after': '10' },
    });
  throw new AssayError('NotFound', `experiment ${id} has no result: it is ${record.status}${record.message ? ` (${record.message})` : ''}`);
}

/** Asks the workflow; null where no pool answers in time. */
export async function progressOf(context: Context, id: string): Promise<Progress | null> {
  const handle = context.client.workflow.getHandle(ids.experimentWorkflow(id));
  return context.answers.get(progressKey(id), () => ask(context, () => handle.query<Progress>('progress'), 3000)).catch(() => null);
}

/** Of an experiment's progress among the shared answers. */
export const progressKey = (id: string): string => `progress ${id}`;

/** As the answers tell of it. */
export function experimentView(context: Context, { id, record }: Pick<Found, 'id' | 'record'>, stage: Stage | null) {
  const at = `/v1/experiments/${id}`;
  const status = record?.status ?? 'running';
  const own = status === 'running' ? (stage ?? (record === null ? 'registering' : null)) : status;
  const hasResult = Boolean(record?.result);
  const { uiUrl, client } = context;
  return {
    id,
    name: record?.name ?? null,
    owner: record?.owner ?? null,
    status,
    stage: own,
    startedAt: record?.startedAt ?? null,
    finishedAt: record?.finishedAt ?? null,
    verdict: record?.verdict ?? null,
    message: record?.message ?? null,
    spec: record?.spec.digest ?? null,
    links: {
      self: at,
      events: `${at}/events`,
      result: hasResult ? `${at}/result` : null,
      report: hasResult ? `${at}/report` : null,
      runs: hasResult ? `${at}/runs` : null,
      workflow: workflowUrl(uiUrl, client.options.namespace, ids.experimentWorkflow(id)),
    },
  };
}
