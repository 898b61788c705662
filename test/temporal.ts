import { TestWorkflowEnvironment } from '@temporalio/testing';

/** The SDK gives a server 5 s to answer, which a machine under the other suites does not always keep: it is started again then. */
export const localServer = (...options: Parameters<typeof TestWorkflowEnvironment.createLocal>): Promise<TestWorkflowEnvironment> =>
  patiently(() => TestWorkflowEnvironment.createLocal(...options));

/** The same of the server that skips time. */
export const skippingServer = (
  ...options: Parameters<typeof TestWorkflowEnvironment.createTimeSkipping>
): Promise<TestWorkflowEnvironment> => patiently(() => TestWorkflowEnvironment.createTimeSkipping(...options));

async function patiently(start: () => Promise<TestWorkflowEnvironment>): Promise<TestWorkflowEnvironment> {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (tries === 4 || !String(error).includes('did not start within')) throw error;
    }
  }
}
