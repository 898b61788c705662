import type { Client } from '@temporalio/client';
import { type DeploymentState, deploymentState, queueStates, setCurrentBuild } from '../../client';
import { AssayError } from '../../contract';
import { chosenDeployment, withServer } from './pools';

/** Makes a build current; without a name, the newest that has workers. */
export async function promote(build: string | undefined, options: { json?: boolean }): Promise<void> {
  await change(options, (deployment) => {
    const newest = deployment.versions.find(({ workers }) => workers > 0);
    const wanted = build ?? newest?.build;
    if (wanted !== undefined) return wanted;
    throw new AssayError('NotFound', `no worker of deployment ${deployment.name} polls: start the workers of the build first`);
  });
}

/** Makes the build current that was so before; it needs workers. */
export async function rollback(options: { json?: boolean }): Promise<void> {
  await change(options, ({ name, versions }) => {
    const [before] = versions
      .filter(({ state, replaced }) => state !== 'current' && replaced !== null)
      .sort((a, b) => Date.parse(b.replaced ?? '') - Date.parse(a.replaced ?? ''));
    if (before !== undefined) return before.build;
    throw new AssayError('Conflict', `no build of deployment ${name} was current before this one; \`assay pools\` lists the builds`);
  });
}

async function change(options: { json?: boolean }, choose: (deployment: DeploymentState) => string): Promise<void> {
  await withServer(async ({ client }) => {
    const deployment = await known(client);
    const build = choose(deployment);
    const before = deployment.current;
    if (build !== before) await setCurrentBuild(client, deployment, build);
    if (options.json) process.stdout.write(`${JSON.stringify({ deployment: deployment.name, current: build, before }, null, 2)}\n`);
    else process.stdout.write(`${sentence(build, before)}\n`);
  });
}

async function known(client: Client): Promise<DeploymentState> {
  const name = chosenDeployment();
  const deployment = await deploymentState(client, name, await queueStates(client, []));
  if (deployment !== null) return deployment;
  throw new AssayError(
    'NotFound',
    `no deployment "${name}" in namespace ${client.options.namespace}: start control and analysis workers with ASSAY_DEPLOYMENT=1`,
  );
}

function sentence(build: string, before: string | null): string {
  if (build === before) return `${build} is current already`;
  return `${build} is current: what starts from now on runs on it${before === null ? '' : `; what runs ends on ${before}`}`;
}
