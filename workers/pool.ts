import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { activityInterceptors } from '../src/activities';

/** Runs workers of one process until it is told to stop (SIGTERM, SIGINT), or one of them fails. */
export async function runPool(name: string, workers: (connection: NativeConnection) => Promise<PoolWorker[]>): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
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
      (await workers(connection)).map((options) =>
        Worker.create({
          connection,
          namespace: namespace ?? 'default',
          interceptors: activityInterceptors,
          // Bounds both the progress lost to a killed worker and the time until a cancel is heard.
          maxHeartbeatThrottleInterval: '2s',
          defaultHeartbeatThrottleInterval: '2s',
          shutdownGraceTime: '2s',
          shutdownForceTime: '30s',
          ...options,
        }),
      ),
    );
    process.stdout.write(`${name}: polling ${running.map((worker) => worker.options.taskQueue).join(', ')}\n`);
    await Promise.all(running.map((worker) => worker.run()));
  } finally {
    await connection.close();
  }
}

export type PoolWorker = Omit<WorkerOptions, 'connection' | 'namespace'>;

/** A pool that fails says why and ends, so that whoever started it starts it again. */
export function main(name: string, start: () => Promise<void>): void {
  start().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
}
