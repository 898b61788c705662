import { createAnalysisActivities } from '../src/activities';
import { queues } from '../src/contract';
import { openStore } from '../src/store';
import { main, runPool } from './pool';
import { settings } from './settings';

main('analysis', () =>
  runPool('analysis', async () => {
    const { storeUrl, home, python, runtimeDir, uiUrl } = settings();
    const activities = createAnalysisActivities({ store: openStore(storeUrl), home, python, runtimeDir, uiUrl });
    return [{ taskQueue: queues.analysis, activities, maxConcurrentActivityTaskExecutions: 2 }];
  }),
);
