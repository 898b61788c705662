import { setTimeout as pause } from 'node:timers/promises';
import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { arrayFromPayloads, defaultPayloadConverter } from '@temporalio/common';
import { type ExperimentInput, type ExperimentOutput, type Progress, type TrainProgress, ids, names, queues } from '../contract';
import { type Summary, statics } from './about';

/** Starts the experiment; starting the same id twice joins the first. */
export async function startExperiment(client: Client, input: ExperimentInput, summary: Summary) {
  return client.workflow.start('experiment', { ...experimentWorkflow(input, summary), workflowIdConflictPolicy: 'USE_EXISTING' });
}

/** How the workflow of an experiment is started, whoever does. */
export function experimentWorkflow(input: ExperimentInput, summary: Summary) {
  return {
    workflowId: ids.experimentWorkflow(input.experimentId),
    taskQueue: queues.control,
    args: [input] as [ExperimentInput],
    ...statics(input.experimentId, summary),
  };
}

export async function experimentProgress(client: Client, experimentId: string): Promise<Progress> {
  return client.workflow.getHandle(ids.experimentWorkflow(experimentId)).query<Progress>(names.progress);
}

/** Waits for its end, however long that takes; a server that is away is waited for as well. */
export async function experimentResult(client: Client, experimentId: string): Promise<ExperimentOutput> {
  const handle = client.workflow.getHandle(ids.experimentWorkflow(experimentId));
  for (;;) {
    try {
      return (await handle.result()) as ExperimentOutput;
    } catch (error) {
      if (!isAway(error)) throw error;
      await pause(awayMs);
    }
  }
}

const awayMs = 1000;
/** `grpc.status.UNAVAILABLE` */
const unavailable = 14;

/** The client of Temporal itself gives up after about 20 s. */
const isAway = (error: unknown): boolean =>
  [error, (error as Error).cause].some((each) => isGrpcServiceError(each) && Number(each.code) === unavailable);

export async function cancelExperiment(client: Client, experimentId: string): Promise<void> {
  await client.workflow.getHandle(ids.experimentWorkflow(experimentId)).cancel();
}

/** What a running trainer last said of itself, from its heartbeat; null between attempts. */
export async function runProgress(client: Client, experimentId: string, variant: string, seed: number): Promise<TrainProgress | null> {
  try {
    const description = await client.workflow.getHandle(ids.variantRunWorkflow(experimentId, variant, seed)).describe();
    for (const activity of description.raw.pendingActivities ?? []) {
      if (activity.activityType?.name !== 'trainVariant') continue;
      const [details] = arrayFromPayloads(defaultPayloadConverter, activity.heartbeatDetails?.payloads);
      if (details) return details as TrainProgress;
    }
    return null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
