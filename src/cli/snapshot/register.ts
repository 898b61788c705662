import { type Command, Option } from 'commander';
import { exit } from '../exit';
import { json } from '../options';

/** `assay snapshot`: takes, looks at and checks snapshots of data. */
export function registerSnapshot(program: Command): void {
  const snapshot = program.command('snapshot').description('snapshots of data: exact, shared, verifiable');
  snapshot
    .command('create <source>')
    .description('take a snapshot of a file, a folder, s3://…, dvc:… or builtin:digits')
    .option('--name <name>', 'a name that moves to this snapshot')
    .option('--fresh', 'read and store every file, also what looks unchanged: after an object was lost')
    .addOption(json)
    .action(async (source: string, options) => (await import('./snapshot.js')).create(source, options));
  snapshot
    .command('ls')
    .description('snapshots, newest first')
    .addOption(json)
    .action(async (options) => (await import('./snapshot.js')).list(options));
  snapshot
    .command('show <snapshot>')
    .description('files, columns and origin; by digest, its beginning, or name')
    .addOption(new Option('--format <format>', 'text, openlineage or mlflow').choices(['text', 'openlineage', 'mlflow']).default('text'))
    .addOption(json)
    .action(async (which: string, options) => (await import('./snapshot.js')).show(which, options));
  snapshot
    .command('verify <snapshot>')
    .description('hash each of its files again, in every replica; exit 3 where one is damaged')
    .addOption(json)
    .action(async (which: string, options) => exit(await (await import('./snapshot.js')).verify(which, options)));
  snapshot
    .command('diff <from> <to>')
    .description('files, rows and columns added, removed, changed')
    .option('--id <column>', 'column that identifies a row; without it rows are compared by content')
    .addOption(json)
    .action(async (from: string, to: string, options) => (await import('./snapshot.js')).diff(from, to, options));
  snapshot
    .command('get <snapshot>')
    .description('its files as a new folder')
    .requiredOption('-o, --output <dir>', 'a folder that is not there yet')
    .action(async (which: string, options: { output: string }) => (await import('./snapshot.js')).get(which, options));
  snapshot
    .command('rm <snapshot>')
    .description('take its name away, or all its names; `store gc` then frees the space')
    .action(async (which: string) => (await import('./snapshot.js')).remove(which));
}
