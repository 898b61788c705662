import { type Client, isGrpcServiceError } from '@temporalio/client';
import { AssayError, queues } from '../contract';

export interface QueueState {
  queue: string;
  kind: 'workflow' | 'activity';
  workers: { identity: string; build: string | null }[];
  /** Tasks that no worker has taken; of all builds, where workers are versioned. */
  waiting: number;
  /** Age of the oldest of them, seconds. */
  oldestSeconds: number;
}

export interface VersionState {
  build: string;
  /** `draining`: workflows that began on it still run; `idle`: never current; `gone`: its workflows run, and none of its workers. */
  state: 'current' | 'draining' | 'drained' | 'idle' | 'gone';
  /** When it became so; null where the server does not say. */
  since: string | null;
  workers: number;
  /** Workflows that run on it and end there. */
  workflows: number;
  /** When it last stopped being current, or null. */
  replaced: string | null;
}

export interface DeploymentState {
  name: string;
  /** Null: work goes to workers without a version. */
  current: string | null;
  /** Newest first. */
  versions: VersionState[];
}

/** Who polls each queue, and what waits there; of every gpu host that the pool knows as well. */
export async function queueStates(client: Client, hosts: readonly string[]): Promise<QueueState[]> {
  const asked: [string, QueueState['kind']][] = [
    [queues.control, 'workflow'],
    [queues.control, 'activity'],
    [queues.analysis, 'activity'],
    [queues.anyHost, 'activity'],
    ...hosts.flatMap((host): [string, 'activity'][] => [
      [queues.gpu(host), 'activity'],
      [queues.host(host), 'activity'],
    ]),
  ];
  return Promise.all(asked.map(([queue, kind]) => queueState(client, queue, kind)));
}

async function queueState(client: Client, queue: string, kind: QueueState['kind']): Promise<QueueState> {
  const { namespace } = client.options;
  const { pollers, stats } = await client.workflowService.describeTaskQueue({
    ...{ namespace, taskQueue: { name: queue }, taskQueueType: taskQueueTypes[kind], reportStats: true },
  });
  const oldest = stats?.approximateBacklogAge;
  return {
    queue,
    kind,
    workers: (pollers ?? [])
      .filter(({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < silentMs)
      .map(({ identity, deploymentOptions }) => ({ identity: identity ?? '', build: versionOf(deploymentOptions) })),
    waiting: Number(stats?.approximateBacklogCount ?? 0),
    oldestSeconds: Number(oldest?.seconds ?? 0) + (oldest?.nanos ?? 0) / 1e9,
  };
}

/** Null where no worker ever was of that deployment. */
export async function deploymentState(client: Client, name: string, workers: readonly QueueState[]): Promise<DeploymentState | null> {
  const info = await describe(client, name);
  if (info === null) return null;
  const { versionSummaries, routingConfig } = info;
  const current = routingConfig?.currentDeploymentVersion?.buildId || null;
  const versions = await Promise.all(
    (versionSummaries ?? []).map(async (summary): Promise<VersionState & { made: number }> => {
      const build = summary.deploymentVersion?.buildId ?? '';
      const polling = new Set(
        workers.flatMap((queue) => queue.workers.filter((worker) => worker.build === build)).map(({ identity }) => identity),
      );
      const { count } = await client.workflow.count(`TemporalWorkerDeploymentVersion = '${name}:${build}' AND ExecutionStatus = 'Running'`);
      const drained = summary.drainageStatus === versionDrained;
      const never = !summary.firstActivationTime;
      const state = build === current ? 'current' : never ? 'idle' : drained ? 'drained' : polling.size === 0 ? 'gone' : 'draining';
      return {
        ...{ build, state, workers: polling.size, workflows: count },
        since: timeOf(build === current ? summary.currentSinceTime : (summary.drainageInfo?.lastChangedTime ?? summary.createTime)),
        replaced: timeOf(summary.lastDeactivationTime),
        made: Date.parse(timeOf(summary.createTime) ?? '') || 0,
      };
    }),
  );
  const newestFirst = versions.sort((a, b) => b.made - a.made).map(({ made: _, ...version }) => version);
  return { name, current, versions: newestFirst };
}

/**
 * New workflows begin on this build from now on, and those that live as long as the service go over to it; others end where they began.
 * Throws `NotFound` for a build without workers, `Conflict` where it lacks workers for a queue that the current one serves.
 */
export async function setCurrentBuild(client: Client, deployment: DeploymentState, build: string): Promise<void> {
  const { name } = deployment;
  const wanted = deployment.versions.find((version) => version.build === build);
  if (wanted === undefined || wanted.workers === 0) {
    const known = deployment.versions.filter(({ workers }) => workers > 0).map((version) => version.build);
    throw new AssayError(
      'NotFound',
      `no worker of build "${build}" polls in deployment ${name}; builds with workers: ${known.join(', ') || 'none'}`,
    );
  }
  const { namespace, identity } = client.options;
  try {
    await client.workflowService.setWorkerDeploymentCurrentVersion({ namespace, identity, deploymentName: name, buildId: build });
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === failedPrecondition)
      throw new AssayError('Conflict', `the server does not make ${build} current: ${error.details}`, { cause: error });
    throw error;
  }
}

async function describe(client: Client, deploymentName: string) {
  const { namespace } = client.options;
  try {
    const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({ namespace, deploymentName });
    return workerDeploymentInfo ?? null;
  } catch (error) {
    // Unimplemented: a server before 1.28.
    if (isGrpcServiceError(error) && (error.code === notFound || error.code === unimplemented)) return null;
    throw error;
  }
}

const versionOf = (options: { buildId?: string | null } | null | undefined): string | null => options?.buildId || null;

const timeOf = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): string | null =>
  time ? new Date(Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1e6).toISOString() : null;

/** `temporal.api.enums.v1.TaskQueueType`, `VersionDrainageStatus`, and codes of gRPC. */
const taskQueueTypes = { workflow: 1, activity: 2 } as const;
const versionDrained = 2;
const notFound = 5;
const failedPrecondition = 9;
const unimplemented = 12;

/** A long poll takes a minute; the server forgets a poller after five. */
const silentMs = 90_000;
