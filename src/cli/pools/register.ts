import type { Command } from 'commander';
import { exit } from '../exit';
import { json, whole } from '../options';

/** `assay pools`: the workers, their builds, and how teams and hosts are served. */
export function registerPools(program: Command): void {
  const pools = program
    .command('pools')
    .description('workers of each queue, what waits there, builds, weights of teams')
    .addOption(json)
    .action(async (options) => (await import('./pools.js')).pools(options))
    .addHelpText(
      'after',
      `
An upgrade without a stop, where the workers run with ASSAY_DEPLOYMENT=1:
  start the workers of the new build beside the old ones
  assay pools promote            what starts from now on runs on the new build, what runs ends on the old one
  assay pools                    once the old build is drained, stop its workers
  assay pools rollback           back to the build before

A GPU host out of service:
  assay pools drain host-a --yield --wait && systemctl stop assay-gpu`,
    );
  pools
    .command('promote [build]')
    .description('new workflows begin on this build; default the newest that has workers')
    .addOption(json)
    .action(async (build: string | undefined, options) => (await import('./builds.js')).promote(build, options));
  pools
    .command('rollback')
    .description('new workflows begin on the build that was current before')
    .addOption(json)
    .action(async (options) => (await import('./builds.js')).rollback(options));
  pools
    .command('drain <host>')
    .description('no new run goes to this GPU host')
    .option('--yield', 'runs there checkpoint and go on elsewhere')
    .option('--wait', 'until the last one has left; exit 3 after --timeout')
    .option('--timeout <seconds>', 'with --wait; default a day', whole, 86_400)
    .addOption(json)
    .action(async (host: string, options) => exit(await (await import('./drain.js')).drain(host, options)));
  pools
    .command('undrain <host>')
    .description('take it back')
    .action(async (host: string) => (await import('../gpus/gpus.js')).drainHost(host, false));
  pools
    .command('weight <owner> <weight>')
    .description('turns of a team for one of another, 0.001 to 1000, default 1; none takes it away')
    .action(async (owner: string, weight: string) => (await import('./weight.js')).setWeight(owner, weight));
}
