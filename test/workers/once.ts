import { proxyActivities } from '@temporalio/workflow';

/** One activity, as the control queue has them. */
export async function once({ heartbeatTimeout }: { heartbeatTimeout: '1s' }): Promise<unknown> {
  const { work } = proxyActivities<{ work(): Promise<unknown> }>({
    startToCloseTimeout: '2m',
    heartbeatTimeout,
    retry: { initialInterval: '100ms' },
  });
  return work();
}
