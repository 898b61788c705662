import { activityInfo, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { ids, type NotifyActivities, type NotifyEvent } from '../contract';
import { linksOf } from '../contract/links';
import { count, observe } from '../observability';
import { delayAfter, deliverOnce, NotTaken, patience, type WebhookSettings } from '../publish';

export interface NotifyDeps {
  webhooks: WebhookSettings;
  /** Base addresses of our API and of the Temporal UI, where they are known. */
  publicUrl: string | null;
  uiUrl: string | null;
}

/** One try a call: Temporal's retries carry a message over restarts of the pool, the receiver and the server. */
export function createNotifyActivities({ webhooks, ...base }: NotifyDeps): NotifyActivities {
  return {
    async deliver(input) {
      const { attempt, scheduledTimestampMs, currentAttemptScheduledTimestampMs, namespace } = activityInfo();
      const event = withLinks(input.event, { ...base, namespace });
      const tried = triedFrom(event.type);
      try {
        const { status } = await deliverOnce({ ...input, event }, webhooks, { signal: Context.current().cancellationSignal });
        tried('delivered');
        return { status, tries: attempt };
      } catch (error) {
        if (!(error instanceof NotTaken)) throw error;
        tried(error.kind === 'away' ? 'failed' : 'refused');
        // By the server's clock, on which the retries run.
        const age = currentAttemptScheduledTimestampMs - scheduledTimestampMs;
        throw ApplicationFailure.create({
          type: 'NotDelivered',
          message: error.message,
          nonRetryable: age >= patience[error.kind],
          nextRetryDelay: delayAfter(attempt, error.retryAfter, Math.random()),
          details: [{ tries: attempt }],
        });
      }
    },
  };
}

function triedFrom(event: string): (result: string) => void {
  const began = performance.now();
  return (result) => {
    count('assay_webhook_deliveries_total', { event, result });
    observe('assay_webhook_delivery_duration_seconds', { result }, (performance.now() - began) / 1000);
  };
}

function withLinks(event: NotifyEvent, at: Parameters<typeof linksOf>[0]): NotifyEvent {
  const links = linksOf(at, ids.experimentWorkflow(event.experiment), event.experiment);
  // Only a verdict has a report.
  return { ...event, links: event.outcome === null ? { ...links, report: null } : links };
}
