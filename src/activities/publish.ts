import { activityInfo, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { AssayError, type PublishActivities, type PublishProgress } from '../contract';
import { count } from '../observability';
import { type MlflowEnvironment, NotPublished, notePublishing, publishOnce } from '../publish';
import { renderMarkdown } from '../report';
import type { Store } from '../store';
import { whileHeartbeating } from './heartbeat';

export interface PublishDeps {
  store: Store;
  env?: MlflowEnvironment;
}

/** A server that is away for longer is given up, milliseconds. */
const patience = 7 * 86_400_000;

/** One try a call: Temporal's retries carry it over restarts of the pool and the server. */
export function createPublishActivities({ store, env = process.env }: PublishDeps): PublishActivities {
  return {
    async publishToMlflow(input) {
      const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = activityInfo();
      const progress: PublishProgress = { doing: '', done: 0, of: 0 };
      const signal = Context.current().cancellationSignal;
      const onProgress = (now: PublishProgress): void => void Object.assign(progress, now);
      try {
        const published = await whileHeartbeating(
          () => publishOnce(store, input, { env, signal, onProgress, note: renderMarkdown }),
          () => progress,
        );
        count('assay_mlflow_publications_total', { result: 'published' });
        return published;
      } catch (error) {
        if (signal.aborted) throw signal.reason instanceof Error ? signal.reason : error;
        // By the server's clock, on which the retries run.
        const over = currentAttemptScheduledTimestampMs - scheduledTimestampMs >= patience;
        const { final, message } = judged(error);
        count('assay_mlflow_publications_total', { result: final ? 'refused' : 'failed' });
        const nonRetryable = final || over;
        // What cannot be noted now stands with the workflow in any case.
        const state = nonRetryable ? 'failed' : 'waiting';
        await notePublishing(store, input.experimentId, { state, message, server: null, published: null }).catch(() => undefined);
        throw ApplicationFailure.create({ type: 'NotPublished', message, nonRetryable });
      }
    },
  };
}

/** What the same again may get over, and what waits for a person. */
function judged(error: unknown): { final: boolean; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof NotPublished) return { final: error.kind === 'refused', message };
  if (error instanceof AssayError) return { final: error.type !== 'Conflict' && !error.retryable, message };
  return { final: false, message };
}
