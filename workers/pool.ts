import { loadClientConnectConfig } from '@temporalio/envconfig';
import { type ActivityInterceptorsFactory, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { activityInterceptors } from '../src/activities';
import { log, logOpen } from '../src/observability';
import { workflowSinks } from './observe';
import { type PoolName, openTelemetry } from './telemetry';

/** Runs workers of one process until it is told to stop (SIGTERM, SIGINT), or one of them fails. */
export async function runPool(name: PoolName, workers: (connection: NativeConnection) => Promise<PoolWorker[]>): Promise<void> {
  const closeTelemetry = await openTelemetry(name);
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const { address, tls, apiKey, metadata } = connectionOptions;
  const connection = await NativeConnection.connect({
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey: apiKey as string }),
    ...(metadata === undefined ? {} : { metadata: metadata as Record<string, string> }),
  });
  try {
    const running = await Promise.all(
      (await workers(connection)).map(({ beyond = [], interceptors = activityInterceptors, ...options }) =>
        Worker.create({
          connection,
          namespace: namespace ?? 'default',
          // Bounds both the progress lost to a killed worker and the time until a cancel is heard.
          maxHeartbeatThrottleInterval: '2s',
          defaultHeartbeatThrottleInterval: '2s',
          shutdownGraceTime: '2s',
          shutdownForceTime: '30s',
          sinks: workflowSinks,
          ...options,
          interceptors: { ...interceptors, activity: [...beyond, ...(interceptors.activity ?? [])] },
        }),
      ),
    );
    log.info('polling', { queues: running.map((worker) => worker.options.taskQueue) });
    await Promise.all(running.map((worker) => worker.run()));
  } finally {
    await closeTelemetry();
    await connection.close();
  }
}

export interface PoolWorker extends Omit<WorkerOptions, 'connection' | 'namespace'> {
  /** Interceptors around those that every pool has. */
  beyond?: ActivityInterceptorsFactory[];
}

/** A pool that fails says why and ends, so that whoever started it starts it again. */
export function main(pool: string, start: () => Promise<void>): void {
  start().then(
    () => process.exit(0),
    (error: unknown) => {
      // Before its log is open it has none: the environment is wrong.
      if (!logOpen()) process.stderr.write(`${pool}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      log.fatal('the pool ends', { error });
      process.exit(1);
    },
  );
}
