// Bundles the workflows once, so that a control worker starts in a moment. Runs after tsc.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { bundleWorkflowCode, DefaultLogger } = require('@temporalio/worker');
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: `${dist}src/workflows/index.js`,
  workflowInterceptorModules: [`${dist}src/workflows/interceptors.js`],
  logger: new DefaultLogger('WARN'),
});
writeFileSync(`${dist}workflows.bundle.js`, code);
