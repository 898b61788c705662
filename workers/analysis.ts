import { createAnalysisActivities, createMaintainActivities, pinned } from '../src/activities';
import { queues } from '../src/contract';
import { openStore } from '../src/store';
import { connectedClient, openWorkflows } from './client';
import { main, runPool } from './pool';
import { settings } from './settings';

main('analysis', () =>
  runPool('analysis', async () => {
    const { storeUrl, home, python, runtimeDir, uiUrl } = settings();
    const store = openStore(storeUrl);
    const activities = {
      ...pinned(store, createAnalysisActivities({ store, home, python, runtimeDir, uiUrl })),
      ...createMaintainActivities({ store, isOpen: openWorkflows(await connectedClient()) }),
    };
    return [{ taskQueue: queues.analysis, activities, maxConcurrentActivityTaskExecutions: 2 }];
  }),
);
