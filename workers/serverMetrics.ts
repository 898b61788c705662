import type { Client } from '@temporalio/client';
import { type PoolState, ids, poolNames, queues, stages, isFinal } from '../src/contract';
import { clearGauge, count, countedAs, gauge, metricsOn, onScrape } from '../src/observability';

/**
 * What only the server knows, asked while somebody scrapes: leases, waits, experiments by stage, backlogs, schedules. Asked at most every
 * `everyMs`; a scrape waits `patienceMs` for it and then shows what was known.
 */
export function serveServerMetrics(client: Client, { everyMs = 10_000, patienceMs = 5000 } = {}): void {
  if (!metricsOn()) return;
  let asked = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  onScrape(async () => {
    if (asking === null && performance.now() - asked >= everyMs) {
      asked = performance.now();
      asking = client
        .withDeadline(Date.now() + 2 * patienceMs, () => ask(client))
        .then((answers) =>
          answers.forEach(({ status }) => count('assay_server_polls_total', { result: status === 'fulfilled' ? 'ok' : 'error' })),
        )
        .finally(() => {
          asking = null;
        });
    }
    await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, patienceMs).unref())]);
  });
}

const ask = (client: Client): Promise<PromiseSettledResult<void>[]> =>
  Promise.allSettled([leasesAndBacklogs(client), experiments(client), schedules(client)]);

async function leasesAndBacklogs(client: Client): Promise<void> {
  const state = await client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);
  const now = Date.now();
  setGrouped(
    'assay_queue_waiting_requests',
    state.waiting.map(({ request }) => ({ qos: request.qos, owner: request.owner ?? '' })),
  );
  setGrouped(
    'assay_leases_held',
    state.leases.map(({ qos, owner }) => ({ qos, owner: owner ?? '' })),
  );
  for (const qos of ['guaranteed', 'standard', 'besteffort'] as const) {
    const waits = state.waiting.filter(({ request }) => request.qos === qos).map(({ since }) => (now - Date.parse(since)) / 1000);
    gauge('assay_queue_oldest_wait_seconds', { qos }, Math.max(0, ...waits));
  }
  for (const name of ['assay_host_places', 'assay_host_places_used', 'assay_host_reporting', 'assay_host_drained'] as const)
    clearGauge(name);
  for (const { host, places, used, reporting, drained } of state.hosts) {
    gauge('assay_host_places', { host }, places);
    gauge('assay_host_places_used', { host }, used);
    gauge('assay_host_reporting', { host }, reporting ? 1 : 0);
    gauge('assay_host_drained', { host }, drained ? 1 : 0);
  }
  clearGauge('assay_quota_devices');
  clearGauge('assay_quota_used_devices');
  for (const { owner, limit, used } of state.quotas) {
    gauge('assay_quota_devices', { owner }, limit);
    gauge('assay_quota_used_devices', { owner }, used);
  }
  gauge('assay_runs_open', { state: 'waiting' }, state.waiting.length);
  gauge('assay_runs_open', { state: 'training' }, state.leases.length);
  await backlogs(
    client,
    state.hosts.map(({ host }) => host),
  );
}

/** Sets a gauge to the number of items of each kind; kinds that are gone go. */
function setGrouped(name: 'assay_queue_waiting_requests' | 'assay_leases_held', items: { qos: string; owner: string }[]): void {
  clearGauge(name);
  const numbers = new Map<string, { labels: { qos: string; owner: string }; items: number }>();
  for (const labels of items) {
    const key = JSON.stringify(labels);
    numbers.set(key, { labels, items: (numbers.get(key)?.items ?? 0) + 1 });
  }
  for (const { labels, items: number } of numbers.values()) gauge(name, labels, number);
}

const kinds = { 1: 'workflow', 2: 'activity' } as const;

async function backlogs(client: Client, hosts: string[]): Promise<void> {
  const names = [
    queues.control,
    queues.analysis,
    queues.anyHost,
    ...hosts.slice(0, 100).flatMap((host) => [queues.gpu(host), queues.host(host)]),
  ];
  clearGauge('assay_task_queue_backlog_tasks');
  clearGauge('assay_task_queue_backlog_age_seconds');
  await Promise.all(
    names.flatMap((queue) =>
      ([1, 2] as const)
        // Workflows live on the control queue alone.
        .filter((type) => type === 2 || queue === queues.control)
        .map(async (type) => {
          const { stats } = await client.workflowService.describeTaskQueue({
            namespace: client.options.namespace,
            taskQueue: { name: queue },
            taskQueueType: type,
            reportStats: true,
          });
          const labels = { queue, kind: kinds[type] };
          gauge('assay_task_queue_backlog_tasks', labels, Number(stats?.approximateBacklogCount ?? 0));
          gauge('assay_task_queue_backlog_age_seconds', labels, secondsOf(stats?.approximateBacklogAge));
        }),
    ),
  );
}

const secondsOf = (duration: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  Number(duration?.seconds ?? 0) + (duration?.nanos ?? 0) / 1e9;

async function experiments(client: Client): Promise<void> {
  const open = stages.filter((stage) => !isFinal(stage));
  await Promise.all(
    open.map(async (stage) => {
      // The first stage is told with the first change: until then none is.
      const which = stage === 'registering' ? '(AssayStage = "registering" OR AssayStage IS NULL)' : `AssayStage = "${stage}"`;
      const query = `WorkflowType = "experiment" AND ExecutionStatus = "Running" AND ${which}`;
      gauge('assay_experiments_open', { stage }, Number((await client.workflow.count(query)).count));
    }),
  );
}

/** A schedule's own counters, of the series' schedules alone. */
async function schedules(client: Client): Promise<void> {
  const prefix = ids.series('');
  const states = { active: 0, paused: 0 };
  const names: string[] = [];
  for await (const { scheduleId, state } of client.schedule.list()) {
    if (!scheduleId.startsWith(prefix)) continue;
    states[state.paused ? 'paused' : 'active'] += 1;
    names.push(scheduleId.slice(prefix.length));
  }
  gauge('assay_schedules', { state: 'active' }, states.active);
  gauge('assay_schedules', { state: 'paused' }, states.paused);
  clearGauge('assay_schedule_late_seconds');
  for (const series of names.slice(0, 200)) {
    const { info, state } = await client.schedule.getHandle(ids.series(series)).describe();
    countedAs('assay_schedule_missed_runs_total', { series }, info.numActionsMissedCatchupWindow);
    countedAs('assay_schedule_skipped_runs_total', { series }, info.numActionsSkippedOverlap);
    const next = info.nextActionTimes[0]?.getTime() ?? Number.POSITIVE_INFINITY;
    gauge('assay_schedule_late_seconds', { series }, state.paused ? 0 : Math.max(0, (Date.now() - next) / 1000));
    // So that the first failure shows as an increase.
    for (const status of ['done', 'failed', 'cancelled', 'skipped']) count('assay_series_runs_total', { series, status }, 0);
    count('assay_series_alerts_total', { series }, 0);
  }
}
