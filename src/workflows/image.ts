import { isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import { type AnyHostActivities, type ResolvedImage, queues } from '../contract';
import { causeOf } from './failures';

/** Once, before anything costly; every run gets the same image by its digest, whatever a tag means by then. `waiting`: for what. */
export async function imageByDigest(image: string | null, waiting: (what: string) => void): Promise<ResolvedImage | null> {
  if (image === null) return null;
  waiting(`a host to pull ${image}`);
  const { resolveImage } = proxyActivities<AnyHostActivities>({
    taskQueue: queues.anyHost,
    startToCloseTimeout: '2h',
    heartbeatTimeout: '30s',
    retry: { maximumInterval: '30s', maximumAttempts: 10 },
    summary: 'resolve the image',
  });
  for (let tries = 1; ; tries++) {
    try {
      return await resolveImage({ reference: image });
    } catch (error) {
      // The host that answered may have no engine, or one that is starting again; the next try may meet another.
      if (isCancellation(error) || causeOf(error).type !== 'ExecutorUnavailable' || tries === 5) throw error;
      waiting(`an engine that has ${image}; last: ${causeOf(error).message}`);
      await sleep(3000 * tries, { summary: 'before another host is asked for the image' });
    }
  }
}
