import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { activityInterceptors, createControlActivities } from '../src/activities';
import { queues } from '../src/contract';
import { openStore } from '../src/store';
import { main, type PoolWorker, runPool } from './pool';
import { packageRoot, settings } from './settings';

main('control', () =>
  runPool('control', async () => [
    { taskQueue: queues.control, activities: createControlActivities({ store: openStore(settings().storeUrl) }), ...workflowCode() },
  ]),
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
