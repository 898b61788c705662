import type { Client } from '@temporalio/client';
import { deploymentState, probeOrder, queueStates } from '../client';
import { queues } from '../contract';
import type { Finding } from './doctor';
import { chosenDeployment } from './pools/pools';
import { joinSession } from './session';

/** Whether somebody works on each queue that an experiment needs. */
export function pools(): Promise<Finding> {
  return onServer('Pools', async (client) => {
    const states = await queueStates(client, []);
    const idle = states
      .filter(({ workers }) => workers.length === 0)
      .map(({ queue, kind }) => (kind === 'workflow' ? `${queue} (workflows)` : queue));
    const counts = [queues.control, queues.analysis, queues.anyHost].map((queue) => {
      const workers = new Set(
        states.filter((state) => state.queue === queue).flatMap((state) => state.workers.map(({ identity }) => identity)),
      );
      return `${queue}: ${workers.size}`;
    });
    if (idle.length === 0) return { ok: true, detail: `workers by queue: ${counts.join(', ')}`, mend: null };
    return { ok: false, detail: `no worker polls ${idle.join(', ')}`, mend: 'start that pool (docs/pools.md), or see its log' };
  });
}

/** Whether workers are of one build, or of several that a deployment keeps apart. */
export function builds(): Promise<Finding> {
  return onServer('Builds', async (client) => {
    const states = await queueStates(client, []);
    const deployment = await deploymentState(client, chosenDeployment(), states);
    const bound = states.filter(({ queue }) => queue !== queues.anyHost);
    const seen = new Set(bound.flatMap(({ workers }) => workers.map(({ build }) => build)));
    if (deployment === null || !deployment.versions.some(({ workers }) => workers > 0)) {
      if (deployment?.current) {
        const detail = `build ${deployment.current} is current and has no worker`;
        return { ok: false, detail, mend: 'start its workers, or those of another build and `assay pools promote`' };
      }
      return { ok: true, detail: 'workers have no versions: all must be of one build (ASSAY_DEPLOYMENT=1 keeps builds apart)', mend: null };
    }
    if (seen.has(null)) {
      const detail = `workers with and without a version poll beside each other; current is ${deployment.current ?? 'none'}`;
      return { ok: false, detail, mend: 'start every control and analysis worker with ASSAY_DEPLOYMENT=1, or none' };
    }
    if (deployment.current === null)
      return { ok: false, detail: `deployment ${deployment.name} has workers and no current build`, mend: '`assay pools promote`' };
    const gone = deployment.versions.filter(({ state, workflows }) => state === 'gone' && workflows > 0);
    if (gone.length > 0) {
      const detail = gone.map(({ build, workflows }) => `${workflows} workflows wait for build ${build}, which has no worker`).join('; ');
      return { ok: false, detail, mend: 'start workers of that build again until it is drained' };
    }
    const parts = deployment.versions.map(({ build, state }) => `${build} ${state}`);
    return { ok: true, detail: `deployment ${deployment.name}: ${parts.join(', ')}`, mend: null };
  });
}

/** By trying: flags that a server does not know are taken without a word. */
export function order(): Promise<Finding> {
  return onServer('Queue order', async (client) => {
    const { priority, fairness } = await probeOrder(client);
    const detail = `priority ${words[priority]}, turns between teams ${words[fairness]} (tried on a queue of its own)`;
    if (priority === 'exact' && fairness === 'exact') return { ok: true, detail, mend: null };
    return { ok: false, optional: true, detail, mend: `start the server with ${flags.join(', ')} (docs/pools.md)` };
  });
}

const words = { exact: 'exact', rough: 'in about that order', off: 'not kept' } as const;

const flags = [
  'matching.useNewMatcher=true',
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

async function onServer(name: string, look: (client: Client) => Promise<Omit<Finding, 'name'>>): Promise<Finding> {
  try {
    const session = await joinSession();
    if (session === null) return { name, ok: true, detail: 'not looked at: no server runs', mend: null };
    try {
      return { name, ...(await look(session.client)) };
    } finally {
      await session.client.connection.close();
    }
  } catch (error) {
    // That the server does not answer is said in its own line.
    const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
    return { name, ok: false, optional: true, detail: `not looked at: ${reason}`, mend: null };
  }
}
