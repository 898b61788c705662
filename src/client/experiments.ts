import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  arrayFromPayloads,
  defaultPayloadConverter,
  TypedSearchAttributes,
  defineSearchAttributeKey,
  SearchAttributeType,
} from '@temporalio/common';
import { type ExperimentInput, type ExperimentOutput, type Progress, type TrainProgress, ids, names, queues } from '../contract';

/** Starts the experiment; starting the same id twice joins the first. */
export async function startExperiment(client: Client, input: ExperimentInput, summary: { name: string; hypothesis: string | null }) {
  return client.workflow.start('experiment', {
    workflowId: ids.experimentWorkflow(input.experimentId),
    taskQueue: queues.control,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: summary.hypothesis ?? summary.name,
    typedSearchAttributes: new TypedSearchAttributes([{ key: experimentKey, value: input.experimentId }]),
  });
}

const experimentKey = defineSearchAttributeKey('AssayExperiment', SearchAttributeType.KEYWORD);

export async function experimentProgress(client: Client, experimentId: string): Promise<Progress> {
  return client.workflow.getHandle(ids.experimentWorkflow(experimentId)).query<Progress>(names.progress);
}

export async function experimentResult(client: Client, experimentId: string): Promise<ExperimentOutput> {
  return client.workflow.getHandle(ids.experimentWorkflow(experimentId)).result() as Promise<ExperimentOutput>;
}

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
