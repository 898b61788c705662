import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  ChildWorkflowCancellationType,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  startChild,
} from '@temporalio/workflow';
import { ids, type PublishActivities, type Published, type PublishingInput, queues } from '../contract';
import { plain } from '../contract/describe';
import { causeOf } from './failures';
import { attributes } from './messages';

/** Copies a result to an MLflow server: lives until the server has all of it, refuses it, or has been away for a week. */
export async function publishing(input: PublishingInput): Promise<Published> {
  const { experimentId } = input;
  const again = `\n\n\`assay publish mlflow ${experimentId}\` does it again from any terminal`;
  setCurrentDetails(`**publishing** ${experimentId} to MLflow; how far it is stands with the pending activity`);
  try {
    const published = await publishToMlflow(input);
    const { url, registered, notes } = published;
    const model = registered === null ? [] : [`${registered.model} version ${registered.version}, ${registered.alias ?? 'no alias'}`];
    const lines = [`**published** [${plain(published.experiment)}](${url})`, ...[...model, ...notes].map((line) => `- ${plain(line)}`)];
    setCurrentDetails(lines.join('\n\n'));
    return published;
  } catch (error) {
    if (isCancellation(error)) {
      setCurrentDetails(`**cancelled**${again}`);
      throw error;
    }
    const message = `${experimentId} was not published to MLflow: ${causeOf(error).message}`;
    setCurrentDetails(`**given up** ${plain(message)}${again}`);
    throw ApplicationFailure.create({ type: 'NotPublished', message, nonRetryable: true });
  }
}

const { publishToMlflow } = proxyActivities<PublishActivities>({
  taskQueue: queues.control,
  startToCloseTimeout: '12h',
  heartbeatTimeout: '8s',
  // The activity gives up by itself after seven.
  scheduleToCloseTimeout: '8d',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '3h' },
  summary: 'publish to MLflow',
});

/** From within the experiment, which it outlives. */
export async function startPublishing(input: PublishingInput): Promise<void> {
  try {
    await startChild(publishing, {
      workflowId: ids.publishing(input.experimentId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: `${input.mlflow.experiment} on MLflow`,
      typedSearchAttributes: [{ key: attributes.experiment, value: input.experimentId }],
    });
  } catch (error) {
    // A workflow that was reset has started it already.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
