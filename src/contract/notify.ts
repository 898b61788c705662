/** What a webhook can be told. */
export const eventTypes = ['experiment.done', 'experiment.failed', 'experiment.cancelled', 'approval.waiting', 'series.alert'] as const;
export type EventType = (typeof eventTypes)[number];

/** A receiver, as the spec names it; its secret stays in the environment of the control pool. */
export interface NotifyTarget {
  webhook: string;
  format: 'standard' | 'slack';
  /** Events that are sent. */
  on: EventType[];
  /** `NAME` of `ASSAY_WEBHOOK_SECRET_NAME`; null for `ASSAY_WEBHOOK_SECRET`. */
  secret: string | null;
}

/** What a receiver gets as the body (`format: standard`); small, with addresses of the rest. */
export interface NotifyEvent {
  schema: 'assay.event/1';
  type: EventType;
  /** ISO 8601. */
  at: string;
  experiment: string;
  name: string;
  owner: string | null;
  series: string | null;
  /** One sentence a person would say. */
  sentence: string;
  outcome: string | null;
  harm: boolean;
  /** Of the primary metric, variant minus control; null where undefined. */
  effect: number | null;
  /** Of the report and the workflow; the workflow that tells leaves them null, who sends fills in what the control pool knows of. */
  links: { report: string | null; workflow: string | null };
}

/** Input of the workflow `notification`, one for each event and receiver: it lives until the receiver has taken it. */
export interface NotificationInput {
  /** Of the message: the same however often it is tried (`webhook-id`). */
  id: string;
  target: NotifyTarget;
  event: NotifyEvent;
}

export const notificationWorkflow = 'notification';

export interface NotifyActivities {
  /** One try; rejects with `NotDelivered`, which says when to try again, where the receiver did not take it. */
  deliver(input: NotificationInput): Promise<Delivered>;
}

/** What `notification` returns. */
export interface Delivered {
  /** The receiver's answer, 200 to 299. */
  status: number;
  tries: number;
}
