import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, type WorkerOptions, bundleWorkflowCode } from '@temporalio/worker';
import { packageRoot, type Settings } from './settings';

/** The bundle that `npm run build` made; without one it is made now, which takes two seconds. */
export async function workflowCode({ deployment }: Pick<Settings, 'deployment'>): Promise<Pick<WorkerOptions, 'workflowBundle'>> {
  const codePath = join(packageRoot(), 'dist', 'workflows.bundle.js');
  if (existsSync(codePath) && deployment === null) return { workflowBundle: { codePath } };
  const code = existsSync(codePath) ? await readFile(codePath, 'utf8') : await bundled();
  return { workflowBundle: { code: deployment === null ? code : code.replace(...withVersions) } };
}

/** What src/workflows/versions.ts reads. */
const withVersions = ['assay-versions:off', 'assay-versions:on'] as const;

async function bundled(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../src/workflows'),
    workflowInterceptorModules: [require.resolve('../src/workflows/interceptors')],
    logger: new DefaultLogger('WARN'),
  });
  return code;
}
