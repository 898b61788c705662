import type { Command } from 'commander';
import { exit } from '../exit';
import { json } from '../options';

/** `assay store`: verifies and repairs the objects, and frees space. */
export function registerStore(program: Command): void {
  const storage = program.command('store').description('the object store: verify, repair, free space');
  storage
    .command('stats')
    .description('objects, bytes and names, by replica')
    .addOption(json)
    .action(async (options) => (await import('./store.js')).stats(options));
  storage
    .command('verify [digest]')
    .description('hash one object, or all, in every replica; repairs nothing; exit 3 where one is damaged')
    .addOption(json)
    .action(async (digest: string | undefined, options) => exit(await (await import('./store.js')).verify(digest, options)));
  storage
    .command('scrub')
    .description('hash everything in every replica and repair from a sound one; exit 3 where something is lost')
    .addOption(json)
    .action(async (options) => exit(await (await import('./store.js')).scrubAll(options)));
  storage
    .command('gc')
    .description('mark what nothing reaches, delete what was marked longer ago than the grace')
    .option('--grace <duration>', 'e.g. 12h, 7d; at least 1h', '7d')
    .option('--dry-run', 'say what would go, change nothing')
    .addOption(json)
    .action(async (options) => (await import('./store.js')).gc(options));
  storage
    .command('maintain')
    .description('scrub and gc as a workflow: now, or on a schedule')
    .option('--every <duration>', 'e.g. 24h; off removes the schedule')
    .option('--grace <duration>', 'of gc, at least 1h', '7d')
    .addOption(json)
    .action(async (options) => (await import('./store.js')).maintain(options));
}
