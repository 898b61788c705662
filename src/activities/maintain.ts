import { Context } from '@temporalio/activity';
import { type MaintainActivities, ids, refNames } from '../contract';
import { gcSentence, scrubSentence } from '../report';
import { collectGarbage, scrub, type Store } from '../store';
import { whileHeartbeating } from './heartbeat';
import { countCollection, countScrub } from './storeMetrics';
import { unpin } from './pins';

/** `hasEnded` asks the server: true only of a workflow that it knows and that is over. */
export function createMaintainActivities({
  store,
  hasEnded,
}: {
  store: Store;
  hasEnded: (workflowId: string) => Promise<boolean>;
}): MaintainActivities {
  return {
    scrubStore() {
      const { heartbeatDetails } = Context.current().info;
      const signal = Context.current().cancellationSignal;
      // A worker that died has told how far it came.
      let progress = heartbeatDetails as { next: string } | undefined;
      const from = progress?.next;
      return whileHeartbeating(
        async () => {
          const report = await scrub(store, { signal, ...(from === undefined ? {} : { from }), onProgress: (done) => (progress = done) });
          countScrub(report);
          return {
            ...report.checked,
            repaired: report.repaired.length + report.names.repaired.length,
            lost: [...report.damaged, ...report.missing].map(({ digest }) => digest).slice(0, 20),
            sentence: scrubSentence(report),
          };
        },
        () => progress,
      );
    },

    collectGarbage({ graceSeconds }) {
      const signal = Context.current().cancellationSignal;
      return whileHeartbeating(async () => {
        await unpinEnded(store, hasEnded);
        const report = await collectGarbage(store, { graceMilliseconds: graceSeconds * 1000, signal });
        countCollection(report);
        return {
          scanned: report.scanned.objects,
          reachable: report.reachable.objects,
          marked: report.marked.objects,
          deleted: report.deleted.objects,
          deletedBytes: report.deleted.bytes,
          sentence: gcSentence(report),
        };
      });
    },
  };
}

/**
 * Pins of experiments whose workflow was terminated, so that nothing of theirs took them away. One that this server does not know may run
 * on another server with the same store.
 */
async function unpinEnded(store: Store, hasEnded: (workflowId: string) => Promise<boolean>): Promise<void> {
  const prefix = refNames.pins('');
  for (const name of await store.refs.list(prefix)) {
    const experimentId = name.slice(prefix.length);
    if (await hasEnded(ids.experimentWorkflow(experimentId))) await unpin(store, experimentId);
  }
}
