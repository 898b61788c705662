import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { activityInterceptors, createControlActivities, createPoolActivities, createSeriesActivities } from '../src/activities';
import { pauseEnded, tellSeries } from '../src/client';
import { ids, poolNames, queues } from '../src/contract';
import { openStore } from '../src/store';
import { connectedClient, openWorkflows } from './client';
import { main, type PoolWorker, runPool } from './pool';
import { packageRoot, settings } from './settings';

main('control', () =>
  runPool('control', async () => {
    const client = await connectedClient();
    // The reports of hosts start it as well; here it is made for a stack whose hosts come later.
    await client.workflow.start(poolNames.workflow, {
      workflowId: ids.gpuPool,
      taskQueue: queues.control,
      args: [{}],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: 'hosts, devices, leases, and who waits',
    });
    const store = openStore(settings().storeUrl);
    const activities = {
      ...createControlActivities({ store }),
      ...createSeriesActivities({
        store,
        tell: ({ summary }) => tellSeries(client, summary),
        pause: ({ series, note }) => pauseEnded(client, series, note),
      }),
      ...createPoolActivities({ isOpen: openWorkflows(client) }),
    };
    return [{ taskQueue: queues.control, activities, ...workflowCode() }];
  }),
);

/** The bundle that `npm run build` made; without one the SDK bundles now, which takes two seconds. */
function workflowCode(): Partial<PoolWorker> {
  const codePath = join(packageRoot(), 'dist', 'workflows.bundle.js');
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  return {
    workflowsPath: require.resolve('../src/workflows'),
    interceptors: { ...activityInterceptors, workflowModules: [require.resolve('../src/workflows/interceptors')] },
  };
}
