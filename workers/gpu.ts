import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { createGpuActivities, createHostActivities, Slots, takeStock } from '../src/activities';
import { queues } from '../src/contract';
import { openStore } from '../src/store';
import { main, runPool } from './pool';
import { settings } from './settings';

main('gpu', () =>
  runPool('gpu', async () => {
    const { storeUrl, home, host, slots, python, runtimeDir } = settings();
    const deps = { store: openStore(storeUrl), slots: new Slots(host, slots), host, home, python, runtimeDir };
    const { kept, reaped } = await takeStock(deps, await openWorkflows());
    for (const run of kept) process.stdout.write(`gpu: ${run} is still running here and will be adopted\n`);
    for (const run of reaped) process.stdout.write(`gpu: stopped a trainer left by ${run}, which has ended\n`);
    const { claimHost, ...training } = createGpuActivities(deps);
    return [
      // One claim at a time waits, so that places are given in the order of asking.
      { taskQueue: queues.claims, activities: { claimHost }, maxConcurrentActivityTaskExecutions: 1 },
      // Claims bound the trainers; these slots only must not.
      { taskQueue: queues.gpu(host), activities: training, maxConcurrentActivityTaskExecutions: slots * 4 + 8 },
      { taskQueue: queues.host(host), activities: createHostActivities(deps) },
    ];
  }),
);

async function openWorkflows(): Promise<(workflowId: string) => Promise<boolean>> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const client = new Client({ connection: await Connection.connect(connectionOptions), namespace: namespace ?? 'default' });
  return async (workflowId) => {
    try {
      return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
}
