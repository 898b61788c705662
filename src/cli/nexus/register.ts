import type { Command } from 'commander';
import { nexusEndpoint } from '../../contract';
import { json } from '../options';

export function registerNexus(program: Command): void {
  program
    .command('nexus')
    .description('the service assay.v1 for workflows of other namespaces')
    .command('endpoint [name]')
    .description(`make the endpoint that leads to this namespace’s control pool where there is none; default name ${nexusEndpoint}`)
    .option('--move', 'take over an endpoint that leads elsewhere')
    .addOption(json)
    .addHelpText(
      'after',
      `
Names of endpoints are shared by all namespaces of a server. Whoever may call it may start experiments: on Temporal Cloud its list of
allowed namespaces says who, on a server of one’s own its authorizer does.`,
    )
    .action(async (name: string | undefined, options) => (await import('./endpoint.js')).endpoint(name ?? nexusEndpoint, options));
}
