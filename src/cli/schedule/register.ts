import { type Command, Option } from 'commander';
import { collect, json, share, whole, wholes } from '../options';

const overlaps = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'];

/** `assay schedule`: experiments that run again and again. */
export function registerSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('experiments that run again and again; their runs are one series with one ledger of alpha')
    .addHelpText(
      'after',
      `
The embedded server fires schedules only while it runs (any command that needs it starts it, \`assay down\` stops it). A run that it missed is
made up for when it is back within the catch-up window, one hour unless --catchup says otherwise. Times are UTC unless --timezone says otherwise.

Examples:
  assay schedule create nightly experiment.yaml --cron "0 2 * * *" --timezone Europe/Berlin
  assay schedule create weekdays experiment.yaml --calendar weekday=mon-fri,hour=2 --max-runs 60
  assay schedule apply nightly experiment.yaml --every 12h
  assay show series/nightly`,
    );
  for (const [name, description] of [
    ['create', 'a new schedule that runs the experiment file'],
    ['apply', 'create it, or change it from the file; its looks stay, its question must'],
  ] as const)
    schedule
      .command(`${name} <name> <file>`)
      .description(description)
      .option('--cron <expression>', 'minute hour day month weekday, e.g. "0 2 * * *" (repeatable)', collect, [])
      .option('--every <duration>', 'e.g. 24h')
      .option('--offset <duration>', 'moves the times of --every')
      .option('--calendar <fields>', 'e.g. weekday=mon-fri,hour=2, or JSON (repeatable)', collect, [])
      .option('--timezone <name>', 'of --cron and --calendar, e.g. Europe/Berlin')
      .option('--jitter <duration>', 'each run starts up to so much later, by chance')
      .addOption(new Option('--overlap <policy>', 'where the run before still runs; default skip').choices(overlaps))
      .option('--catchup <duration>', 'how late a run is still made up for after the server was away; default 1h')
      .option('--pause-on-failure', 'pause after a run without a result')
      .option('--no-pause-on-failure', 'go on after one')
      .option('--note <text>', 'shown beside the schedule')
      .option('--paused', 'do not fire before `resume`')
      .option('--start-at <time>', 'no run before')
      .option('--end-at <time>', 'no run after')
      .addOption(new Option('--ledger <scheme>', 'how looks pay; default overlapping').choices(['overlapping', 'new-units']))
      .option('--alpha <p>', 'chance of a wrong decision over all looks; default what analysis.confidence leaves', share)
      .option('--max-runs <n>', 'end after so many runs', whole)
      .option('--budget-gpu-hours <h>', 'end when so much is used', Number)
      .option('--seeds <list>', 'seeds instead of the file’s, e.g. 1,2,3', wholes)
      .option('--set <key=value>', 'change one key (repeatable)', collect, [])
      .addOption(json)
      .action(async (name_: string, file: string, options) => (await import('./schedule.js')).put(name_, file, options, name === 'apply'));
  schedule
    .command('ls')
    .description('schedules, with their next and last runs')
    .addOption(json)
    .action(async (options) => (await import('./schedule.js')).list(options));
  schedule
    .command('show <name>')
    .description('when it fires and what it ran')
    .addOption(json)
    .action(async (name: string, options) => (await import('./schedule.js')).show(name, options));
  schedule
    .command('pause <name>')
    .description('fire no more; a run that is under way goes on')
    .option('--note <text>', 'why')
    .action(async (name: string, options) => (await import('./schedule.js')).pause(name, options));
  schedule
    .command('resume <name>')
    .description('fire again')
    .option('--note <text>', 'why')
    .action(async (name: string, options) => (await import('./schedule.js')).resume(name, options));
  schedule
    .command('trigger <name>')
    .description('one run now')
    .addOption(new Option('--overlap <policy>', 'other than the schedule’s').choices(overlaps))
    .action(async (name: string, options) => (await import('./schedule.js')).trigger(name, options));
  schedule
    .command('backfill <name>')
    .description('the runs it would have made between two times')
    .requiredOption('--from <time>', 'e.g. 2026-11-01')
    .requiredOption('--to <time>', 'e.g. 2026-11-08')
    .addOption(new Option('--overlap <policy>', 'default buffer-all: one after the other').choices(overlaps))
    .action(async (name: string, options) => (await import('./schedule.js')).backfill(name, options));
  schedule
    .command('delete <name>')
    .description('fire no more, for good; its looks can still be shown')
    .option('--forget', 'their record as well')
    .action(async (name: string, options) => (await import('./schedule.js')).remove(name, options));
}
