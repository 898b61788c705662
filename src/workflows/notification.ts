import { ActivityFailure, ApplicationFailure, isCancellation, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import { type Delivered, type NotificationInput, type NotifyActivities, queues } from '../contract';
import { causeOf } from './failures';

/** One message to one receiver: lives until the receiver has taken it, or has been away for three days. */
export async function notification(input: NotificationInput): Promise<Delivered> {
  const { host } = new URL(input.target.webhook);
  const what = `${input.event.type} of ${input.event.experiment}`;
  setCurrentDetails(
    `**delivering** ${what} to ${host}; tries and their last answer are with the pending activity\n\n${input.event.sentence}`,
  );
  try {
    const delivered = await deliver(input);
    setCurrentDetails(`**delivered** ${what} to ${host}: ${delivered.status} at try ${delivered.tries}\n\n${input.event.sentence}`);
    return delivered;
  } catch (error) {
    if (isCancellation(error)) {
      setCurrentDetails(`**cancelled** ${what} to ${host}\n\n${input.event.sentence}`);
      throw error;
    }
    const message = `${what} was not delivered to ${host} in ${triesOf(error)}; last: ${causeOf(error).message}`;
    setCurrentDetails(`**given up** ${message}\n\n${input.event.sentence}`);
    throw ApplicationFailure.create({ type: 'NotDelivered', message, nonRetryable: true });
  }
}

function triesOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const [details] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  const tries = (details as { tries?: number } | undefined)?.tries;
  return tries === undefined ? 'three days' : tries === 1 ? 'one try' : `${tries} tries`;
}

const { deliver } = proxyActivities<NotifyActivities>({
  taskQueue: queues.control,
  // The try itself ends after ten seconds; a worker that died with it is noticed after thirty.
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '3d',
  // Of failures that say nothing of their own delay.
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1h' },
  summary: 'tell the receiver',
});
