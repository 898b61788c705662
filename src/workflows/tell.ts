import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { ids, type NotifyEvent, type NotifyTarget } from '../contract';
import { attributes } from './messages';
import { notification } from './notification';

/** What an event is about, and who wants to hear of it. */
export interface Subject extends Pick<NotifyEvent, 'experiment' | 'name' | 'owner' | 'series'> {
  targets: readonly NotifyTarget[];
}

export type News = Pick<NotifyEvent, 'type' | 'sentence'> & Partial<Pick<NotifyEvent, 'outcome' | 'harm' | 'effect'>>;

/** Starts one workflow for each receiver that wants this event, which outlives whoever tells; also while that is being cancelled. */
export async function tell({ targets, ...about }: Subject, { type, sentence, ...known }: News): Promise<void> {
  const event: NotifyEvent = {
    ...{ schema: 'assay.event/1', type, at: new Date().toISOString(), ...about },
    sentence: sentence.length > longestSentence ? `${sentence.slice(0, longestSentence)}…` : sentence,
    ...{ outcome: null, harm: false, effect: null, ...known },
    links: { report: null, workflow: null },
  };
  const wanted = targets.flatMap((target, i) => (target.on.includes(type) ? [{ target, key: `${type}-${i + 1}` }] : []));
  await CancellationScope.nonCancellable(() => Promise.all(wanted.map(({ target, key }) => start(event, target, key))));
}

/** A failure may carry the end of a log. */
const longestSentence = 2000;

async function start(event: NotifyEvent, target: NotifyTarget, key: string): Promise<void> {
  try {
    await startChild(notification, {
      workflowId: ids.notification(event.experiment, key),
      // The full stop separates the id from the time in what is signed.
      args: [{ id: `${event.experiment}/${key}`.replaceAll('.', '~'), target, event }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: `${event.type} to ${new URL(target.webhook).host}`,
      typedSearchAttributes: [{ key: attributes.experiment, value: event.experiment }],
    });
  } catch (error) {
    // A workflow that was reset tells what it has told already.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
