import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  LeaseBook,
  createAnyHostActivities,
  createGpuActivities,
  createHostActivities,
  homeInstance,
  hostFiles,
  pinned,
  pruneSnapshots,
  reapEnded,
  reportHost,
  serveGpuMetrics,
  serveRunMetrics,
  takeStock,
} from '../src/activities';
import { queues } from '../src/contract';
import { type Executor, createDockerExecutor, createProcessExecutor, resolveImage } from '../src/executor';
import { openGpus } from '../src/gpu';
import { count, log } from '../src/observability';
import { ObjectCache, openStore } from '../src/store';
import { connectedClient, openWorkflows } from './client';
import { main, runPool } from './pool';
import { settings } from './settings';
import { startGuard } from './startGuard';

const stopping = new AbortController();

main('gpu', () =>
  runPool('gpu', async () => {
    const { storeUrl, home, host, slots, sharing, python, runtimeDir, cacheBytes } = settings();
    const client = await connectedClient();
    const gpus = openGpus({ sharing });
    const book = new LeaseBook(home);
    const executors = { process: createProcessExecutor(), docker: createDockerExecutor({ instance: homeInstance(home) }) };
    const store = openStore(storeUrl);
    const cache = new ObjectCache(join(home, 'cache', 'objects'), { maxBytes: cacheBytes });
    const deps = { store, cache, host, home, python, runtimeDir, executors, resolveImage, gpus, book };

    const found = { executors: present(executors), home, isOpen: openWorkflows(client), book };
    serveRunMetrics(host);
    serveGpuMetrics({ host, gpus, signal: stopping.signal });
    const stock = await takeStock(found);
    for (const run of stock.kept) say(`${run} is still running here and will be adopted`);
    for (const run of stock.reaped) say(`stopped what was left of ${run}, which has ended`);
    for (const problem of stock.problems) say(problem);

    // A process apart, so that the host keeps its terms also when this worker is dead or cut off.
    startGuard({ home });
    void reportHost({
      ...{ client, host, places: slots, gpus, book, session: randomUUID(), guardFile: hostFiles(home).guard, signal: stopping.signal },
      onRenewed: () => startGuard({ home }),
      onTrouble: (trouble) => {
        if (trouble !== null) count('assay_host_report_failures_total', { host });
        say(trouble ?? 'the pool takes the reports again');
      },
    });
    const reaping = setInterval(() => {
      // A server that is away is asked again a minute later.
      reapEnded(found).then(
        (reaped) => reaped.forEach((run) => say(`stopped ${run}, which has ended`)),
        () => undefined,
      );
    }, 60_000);
    const pruning = setInterval(() => void pruneSnapshots(home).catch(() => undefined), 3_600_000);
    stopping.signal.addEventListener('abort', () => [reaping, pruning].forEach(clearInterval));
    return [
      { taskQueue: queues.anyHost, activities: createAnyHostActivities(deps) },
      // Leases bound the trainers; these slots only must not.
      {
        taskQueue: queues.gpu(host),
        activities: pinned(store, createGpuActivities(deps)),
        maxConcurrentActivityTaskExecutions: slots * 4 + 8,
      },
      { taskQueue: queues.host(host), activities: createHostActivities(deps) },
    ];
  }).finally(() => stopping.abort()),
);

/** Without an engine here there is nothing of it to find. */
function present({ process: processes, docker }: Record<Executor['kind'], Executor>): Executor[] {
  return process.env.DOCKER_HOST || existsSync('/var/run/docker.sock') ? [processes, docker] : [processes];
}

function say(line: string): void {
  log.info(line);
}
