import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import { searchAttributes } from '../../src/contract';
import { temporalBinary } from '../../src/stack';
import { localServer } from '../temporal';

/** A real server of a test file's own, with the search attributes of assay. */
export async function startServer(extraArgs: string[] = []): Promise<TestWorkflowEnvironment> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]);
  return localServer({
    server: { executable: { type: 'existing-path', path }, extraArgs: [...attributes, ...extraArgs] },
  });
}

export async function stopServer(env: TestWorkflowEnvironment | undefined): Promise<void> {
  await env?.teardown();
  await Runtime.instance().shutdown();
}
