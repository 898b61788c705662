import {
  createAnalysisActivities,
  createLookActivities,
  createMaintainActivities,
  createReplayAnalysisActivities,
  pinned,
} from '../src/activities';
import { queues } from '../src/contract';
import { openStore } from '../src/store';
import { connectedClient, endedWorkflows } from './client';
import { main, runPool } from './pool';
import { handBack, replaceable } from './replaceable';
import { settings } from './settings';

main('analysis', () =>
  runPool('analysis', async () => {
    const known = settings();
    const { analysisSlots, storeUrl, home, python, runtimeDir, uiUrl } = known;
    const store = openStore(storeUrl);
    const activities = {
      ...pinned(store, createAnalysisActivities({ store, home, python, runtimeDir, uiUrl })),
      ...pinned(store, createReplayAnalysisActivities({ store })),
      ...createLookActivities({ store }),
      ...createMaintainActivities({ store, hasEnded: endedWorkflows(await connectedClient()) }),
    };
    return [
      {
        taskQueue: queues.analysis,
        activities,
        maxConcurrentActivityTaskExecutions: analysisSlots,
        beyond: [handBack],
        ...replaceable(known),
      },
    ];
  }),
);
