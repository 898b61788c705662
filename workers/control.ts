import {
  createControlActivities,
  createNotifyActivities,
  createPoolActivities,
  createPublishActivities,
  createReplayControlActivities,
  createSeriesActivities,
  createTriggersActivities,
} from '../src/activities';
import {
  createAssayService,
  ensureNexusEndpoint,
  openTriggered,
  pauseEnded,
  registerSearchAttributes,
  tellSeries,
  triggeredOutcome,
} from '../src/client';
import { ids, poolNames, queues } from '../src/contract';
import { webhookSettings } from '../src/publish';
import { log } from '../src/observability';
import { openStore } from '../src/store';
import { connectedClient, openWorkflows, placeInLine } from './client';
import { admission } from './nexus';
import { main, runPool } from './pool';
import { alive, handBack, replaceable } from './replaceable';
import { countFromZero } from './observe';
import { serveServerMetrics } from './serverMetrics';
import { settings } from './settings';
import { workflowCode } from './workflowCode';

main('control', () =>
  runPool('control', async () => {
    const client = await connectedClient();
    countFromZero();
    serveServerMetrics(client);
    const known = settings();
    const { storeUrl, home, uiUrl, publicUrl, nexusRoot, nexusEndpoint, controlSlots, cachedWorkflows } = known;
    // First: a workflow that sets one which the server does not know fails its tasks.
    await registerSearchAttributes(client, { onStep: (line) => log.info(line) });
    if (nexusEndpoint !== null) await ensureNexusEndpoint(client, nexusEndpoint);
    // The reports of hosts start it as well; here it is made for a stack whose hosts come later.
    await client.workflow.start(poolNames.workflow, {
      workflowId: ids.gpuPool,
      taskQueue: queues.control,
      args: [{}],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: 'hosts, devices, leases, and who waits',
    });
    const store = openStore(storeUrl);
    const webhooks = webhookSettings();
    const activities = {
      ...createControlActivities({ store, webhooks, at: { uiUrl, publicUrl, namespace: client.options.namespace } }),
      ...createReplayControlActivities({ store }),
      ...createSeriesActivities({
        store,
        tell: ({ summary }) => tellSeries(client, summary),
        pause: ({ series, note }) => pauseEnded(client, series, note),
      }),
      ...createTriggersActivities({
        open: ({ name, next }) => openTriggered(store, name, next),
        ended: (experimentId) => triggeredOutcome({ client, store }, experimentId),
      }),
      ...createNotifyActivities({ webhooks, uiUrl, publicUrl }),
      ...createPublishActivities({ store }),
      ...createPoolActivities({ isOpen: openWorkflows(client), placeInLine: placeInLine(client) }),
    };
    const nexusServices = [createAssayService({ store, admit: admission({ store, home, root: nexusRoot }) })];
    return [
      {
        ...{ taskQueue: queues.control, activities, nexusServices, maxCachedWorkflows: cachedWorkflows },
        ...{ maxConcurrentWorkflowTaskExecutions: controlSlots, maxConcurrentActivityTaskExecutions: controlSlots },
        ...{ beyond: [handBack, alive], ...replaceable(known), ...(await workflowCode(known)) },
      },
    ];
  }),
);
