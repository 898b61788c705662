import type { Client } from '@temporalio/client';
import { type DeploymentState, type QueueState, deploymentState, ownerWeights, queueStates } from '../../client';
import { AssayError, deploymentName } from '../../contract';
import type { Store } from '../../store';
import { pc } from '../colours';
import { columns, count, poolState } from '../gpus/gpus';
import { homeDir } from '../home';
import { joinSession, type Session } from '../session';

interface PoolsView {
  queues: QueueState[];
  /** Null where no worker was ever versioned. */
  deployment: DeploymentState | null;
  /** Of owners whose weight is not 1. */
  weights: Record<string, number>;
}

/** Who works on which queue, what waits there, and which builds there are. Starts nothing. */
export async function pools(options: { json?: boolean }): Promise<void> {
  await withServer(async ({ client, store }) => {
    const view = await viewOf(client, store);
    process.stdout.write(options.json ? `${JSON.stringify(view, null, 2)}\n` : `${poolsText(view)}\n`);
  });
}

/** The name that workers started with the same ASSAY_DEPLOYMENT have. */
export function chosenDeployment(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.ASSAY_DEPLOYMENT ?? '';
  return given === '' || given === '0' || given === '1' ? deploymentName : given;
}

export async function withServer<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const session = await joinSession();
  if (session === null) {
    throw new AssayError(
      'NotFound',
      `no pools: no server is configured and no embedded stack runs for ${homeDir()}; \`assay dev\` starts one`,
    );
  }
  try {
    return await work(session);
  } finally {
    await session.client.connection.close();
  }
}

async function viewOf(client: Client, store: Store): Promise<PoolsView> {
  // A control worker that is away must not hide that it is.
  const known = await poolState(client).catch(() => null);
  const queues = await queueStates(client, known?.hosts.map(({ host }) => host) ?? []);
  const [deployment, weights] = await Promise.all([deploymentState(client, chosenDeployment(), queues), ownerWeights(store)]);
  return { queues, deployment, weights };
}

export function poolsText({ queues, deployment, weights }: PoolsView): string {
  return [queueLines(queues), deployment === null ? [] : versionLines(deployment), weightLines(weights)]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function queueLines(queues: QueueState[]): string[] {
  const rows = queues.map(({ queue, kind, workers, waiting, oldestSeconds }) => {
    const builds = [...new Set(workers.map(({ build }) => build))].filter((build) => build !== null);
    return [
      queue,
      kind === 'workflow' ? 'workflows' : 'activities',
      workers.length === 0 ? pc.red('no worker') : count(workers.length, 'worker'),
      waiting === 0 ? 'none waits' : `${waiting} wait${waiting === 1 ? 's' : ''}, the oldest for ${Math.round(oldestSeconds)} s`,
      builds.join(', '),
    ];
  });
  return [pc.bold('queues'), ...columns(rows).map((line) => `  ${line}`)];
}

function versionLines({ name, current, versions }: DeploymentState): string[] {
  const rows = versions.map(({ build, state, since, workers, workflows }) => [
    build,
    (state === 'current' ? pc.green : state === 'gone' ? pc.red : pc.dim)(words[state]),
    since === null ? '' : `since ${since.slice(0, 19)}Z`,
    count(workers, 'worker'),
    `${count(workflows, 'workflow')} running`,
  ]);
  const none =
    current === null ? [pc.yellow('  no build is current: new workflows wait for workers without a version; see assay pools promote')] : [];
  return [`${pc.bold('builds')} of deployment ${name}`, ...columns(rows).map((line) => `  ${line}`), ...none];
}

const words: Record<DeploymentState['versions'][number]['state'], string> = {
  current: 'current',
  draining: 'draining: its workflows end on it',
  drained: 'drained: its workers can be stopped',
  idle: 'never current: see assay pools promote',
  gone: 'has workflows and no worker: start its workers again',
};

function weightLines(weights: Record<string, number>): string[] {
  const rows = Object.entries(weights).map(([owner, weight]) => [owner, String(weight)]);
  return rows.length === 0 ? [] : [pc.bold('weights'), ...columns(rows).map((line) => `  ${line}`)];
}
