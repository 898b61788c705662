import { Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import {
  flushTraces,
  freePort,
  hostAndPort,
  log,
  metricsOn,
  openLog,
  openMetrics,
  serveMetrics,
  startTracing,
  tracingWanted,
} from '../src/observability';
import { buildId, packageVersion } from '../src/stack/paths';
import { temporalLogger } from './observe';

export type PoolName = 'control' | 'gpu' | 'analysis';

/** Opens log, spans and metrics of a pool, as its environment asks; before anything of Temporal's is made. Returns what ends them. */
export async function openTelemetry(pool: PoolName): Promise<() => Promise<void>> {
  openLog({ pool });
  const address = process.env.ASSAY_METRICS_ADDRESS || null;
  if (address !== null) {
    hostAndPort(address);
    openMetrics({ pool, version: packageVersion(), build: buildId() });
  }
  const core = address === null ? null : `127.0.0.1:${await freePort()}`;
  Runtime.install({
    logger: temporalLogger,
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(core === null
        ? {}
        : {
            metrics: {
              attachServiceName: false,
              prometheus: { bindAddress: core, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
            },
          }),
    },
  });
  const traced = await startTracing(`assay-${pool}`);
  if (traced) log.info('spans are sent', { endpoint: tracingWanted()?.endpoint });
  const close = metricsOn() ? await serve(address as string, core as string) : () => undefined;
  return async () => {
    close();
    await flushTraces();
  };
}

/** Work goes on without metrics where the port is taken, e.g. by another pool that was given the same. */
async function serve(address: string, core: string): Promise<() => void> {
  try {
    const server = await serveMetrics(address, [core]);
    log.info('metrics are served', { address: `http://${server.address}/metrics` });
    return () => server.close();
  } catch (error) {
    log.error(`no metrics at ASSAY_METRICS_ADDRESS ${address}: each pool of a host needs a port of its own`, { error });
    return () => undefined;
  }
}
