import { Command, Option } from 'commander';
import { AssayError } from '../contract';
import { exit } from './exit';
import { registerExport } from './export/register';
import { registerNexus } from './nexus/register';
import { collect, failOn, json, list, listed, share, summary, whole, wholes } from './options';
import type { RunOptions } from './run';
import { registerTrigger } from './trigger/register';
import { version } from './version';
import { registerPools } from './pools/register';
import { registerReplay } from './replay/register';
import { registerPublish } from './publish/register';
import { registerReport } from './report/register';
import { registerServe } from './serve/register';
import { registerVerify } from './verify/register';
import { registerSteer } from './steer/register';
import { registerWebhook } from './webhook/register';

// Commands are loaded when they are used: `assay list` need not wait for the analysis engine.
export const program = new Command('assay')
  .description('Whether classifier B is really better than A, with evidence that survives crashes and reviewers.')
  .version(version)
  .option('--no-color', 'no colours, as NO_COLOR=1; --color forces them, as FORCE_COLOR=1')
  .showHelpAfterError('(see assay --help)')
  .configureHelp({ showGlobalOptions: true, visibleGlobalOptions: optionsOfAll })
  // A flag belongs to the command that it stands after: `drift` and `drift stream` both have --time.
  .enablePositionalOptions()
  .exitOverride();

const overlaps = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'];

function runCommand(command: Command): Command {
  return command
    .option('--gpus <n>', 'devices the experiment may hold at once', whole)
    .option('--seeds <list>', 'seeds instead of the file’s, e.g. 1,2,3', wholes)
    .option('--set <key=value>', 'change one key, e.g. training.batchSize=32 (repeatable)', collect, [])
    .option('--detach', 'start it and return')
    .addOption(json)
    .addOption(failOn)
    .addOption(summary);
}

async function runWith(file: string, options: RunOptions): Promise<void> {
  const [{ runExperiment }, { nameIn, withSummary }] = await Promise.all([import('./run.js'), import('./summary.js')]);
  exit(
    await withSummary(
      options,
      () => nameIn(file, options.set),
      () => runExperiment(file, options),
    ),
  );
}

runCommand(program.command('run <file>')).description('run one experiment and follow it to its verdict').action(runWith);

runCommand(
  program.command('ab-test').description('the same as run').argument('[run]').requiredOption('--config <file>', 'the experiment file'),
).action((_run: string | undefined, options: RunOptions & { config: string }) => runWith(options.config, options));

program
  .command('init [dir]')
  .description('write a commented experiment.yaml')
  .action(async (dir: string | undefined) => (await import('./init.js')).init(dir ?? '.'));

program
  .command('validate <file>')
  .description('check an experiment file and print it with every default filled in')
  .option('--set <key=value>', 'change one key (repeatable)', collect, [])
  .addOption(json)
  .action(async (file: string, options) => (await import('./validate.js')).validate(file, options));

program
  .command('plan <file>')
  .description('what an experiment would see, and what it takes to see more, before it is run')
  .option(
    '--pilot <experiment>',
    'noise of an experiment, its export, or of predictions: --pilot A --pilot B, the control first',
    collect,
    [],
  )
  .option('--difference <d>', 'true difference to see, e.g. 0.01, 1pp, or 5% of the control’s value')
  .option('--power <p>', 'wanted chance to see it', Number, 0.8)
  .option('--rows <n>', 'test rows, instead of those of the data', whole)
  .option('--seeds <list>', 'seeds instead of the file’s, e.g. 1,2,3', wholes)
  .option('--seed-count <n>', 'how many seeds, instead of which', whole)
  .option('--set <key=value>', 'change one key (repeatable)', collect, [])
  .addOption(json)
  .addHelpText(
    'after',
    `
Examples:
  assay plan experiment.yaml                                  with assumed noise
  assay plan experiment.yaml --pilot digits --difference 1pp  with the noise of the last experiment of that name
  assay plan experiment.yaml --pilot runs/mlp --pilot runs/cnn --seed-count 10
  assay plan experiment.yaml --rows 20000 --set analysis.test=non-inferiority --set analysis.margin=0.01`,
  )
  .action(async (file: string, options) => (await import('./plan/plan.js')).plan(file, options));

program
  .command('doctor')
  .description('what is installed, what is missing, and the mend')
  .option('--reap', 'remove containers of this home whose experiment is over')
  .option('--fix', 'add search attributes that your server lacks')
  .addOption(json)
  .action(async (options) => exit(await (await import('./doctor.js')).doctor(options)));

const pool = program
  .command('gpus')
  .description('hosts, devices, leases, and who waits and why')
  .addOption(json)
  .action(async (options) => (await import('./gpus.js')).gpus(options));
pool
  .command('drain <host>')
  .description('no new lease goes there')
  .action(async (host: string) => (await import('./gpus.js')).drainHost(host, true));
pool
  .command('undrain <host>')
  .description('take it back')
  .action(async (host: string) => (await import('./gpus.js')).drainHost(host, false));
pool
  .command('quota <owner> <limit>')
  .description('devices an owner may hold at once; none lifts it')
  .action(async (owner: string, limit: string) => (await import('./gpus.js')).setQuota(owner, limit));

program
  .command('dev')
  .description('the embedded stack in the foreground')
  .action(async () => (await import('./stackCommands.js')).dev());

program
  .command('down')
  .description('stop the embedded stack')
  .action(async () => (await import('./stackCommands.js')).down());

program
  .command('list')
  .description('experiments, newest first')
  .addOption(json)
  .action(async (options) => (await import('./look.js')).list(options));

program
  .command('show <id>')
  .description('one experiment: stage, runs, verdict; or series/NAME: the effect over time, triggers/NAME: a queue')
  .option('--waiting', 'what each run waits for, and why')
  .addOption(json)
  .action(async (id: string, options) => (await import('./look.js')).show(id, options));

program
  .command('watch <id>')
  .description('follow a running experiment to its verdict')
  .addOption(json)
  .addOption(failOn)
  .addOption(summary)
  .action(async (id: string, options) => {
    const [{ watch }, { nameOf, withSummary }] = await Promise.all([import('./look.js'), import('./summary.js')]);
    exit(
      await withSummary(
        options,
        () => nameOf(id),
        () => watch(id, options),
      ),
    );
  });

program
  .command('logs <id> [run]')
  .description('log of a run, named VARIANT/SEED')
  .option('-f, --follow', 'go on as it grows')
  .action(async (id: string, run: string | undefined, options) => (await import('./logs.js')).logs(id, run, options));

program
  .command('cancel <id>')
  .description('stop an experiment; its trainers write a last checkpoint')
  .action(async (id: string) => (await import('./look.js')).cancel(id));

registerReport(program);
registerExport(program);
registerVerify(program);

program
  .command('compare <inputs...>')
  .description('compare predictions in files or folders, the control first; needs no server')
  .option('--labels <file>', 'true labels, where the inputs have none')
  .option('--id <column>', 'column that names the rows; default id')
  .option('--ids <file>', 'ids of the rows, where the inputs have none; without any, rows are paired by order')
  .option('--classes <names>', 'classes in the order of unnamed score columns, comma separated', list)
  .option('--unit <file|column>', 'what each row belongs to, where rows are not independent')
  .option('--features <file>', 'table with columns of the rows: where do the two differ?')
  .option('--slice <name: condition>', 'part of the rows, by a condition on --features (repeatable)', collect, [])
  .option('--metric <names>', 'metrics, comma separated or repeated; the first is the primary', listed, [])
  .option('--guardrail <metric:limit>', 'what may not get worse by more, e.g. log_loss:5% (repeatable)', collect, [])
  .addOption(new Option('--test <kind>', 'the rule').choices(['superiority', 'non-inferiority', 'equivalence']).default('superiority'))
  .option('--margin <m>', 'margin, in units of the metric or as a share such as 20%', '0')
  .addOption(
    new Option('--question <kind>', 'these models, or training them again').choices(['auto', 'artifact', 'algorithm']).default('auto'),
  )
  .option('--confidence <p>', 'confidence of the intervals', Number, 0.95)
  .addOption(new Option('--correction <kind>', 'where there are several candidates').choices(['holm', 'none']).default('holm'))
  .option('--resamples <n>', 'bootstrap resamples', whole, 20_000)
  .option('--seed <n>', 'seed of the resampling', whole)
  .option('--ledger <file>', 'looks at this question so far: it may be asked again and again, e.g. each night')
  .addOption(json)
  .addOption(failOn)
  .addOption(summary)
  .action(async (inputs: string[], options) => {
    const [{ compare }, { withSummary }] = await Promise.all([import('./compare/command.js'), import('./summary.js')]);
    exit(
      await withSummary(
        options,
        () => 'compare',
        () => compare(inputs, options),
      ),
    );
  });

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

const drift = program
  .command('drift')
  .enablePositionalOptions()
  .description('whether two data sets are the same kind of thing; needs no server')
  .argument('[reference]', 'file, folder, snapshot:NAME, or predictions')
  .argument('[current]', 'what is compared with it')
  .option('--label <column>', 'the class; judged apart from the features')
  .option('--ignore <columns>', 'columns left out, comma separated, e.g. ids', list, [])
  .option('--unit <column>', 'what was sampled independently; thresholds then fit its noise')
  .option('--time <column>', 'order of the rows: also says since when')
  .option('--alpha <p>', 'share of false alarms that is borne', share, 0.01)
  .option('--min-effect <d>', 'smaller changes are no alarm', share, 0.05)
  .addOption(new Option('--multivariate <test>', 'of all columns together').choices(['classifier', 'mmd', 'none']).default('none'))
  .option('--fail-on-drift', 'exit 4 where there is an alarm')
  .addOption(json)
  .action(async (reference: string | undefined, current: string | undefined, options) => {
    if (reference === undefined || current === undefined)
      throw new AssayError('SpecInvalid', 'assay drift needs two data sets: assay drift REFERENCE CURRENT (see assay drift --help)');
    exit(await (await import('./drift.js')).compareData(reference, current, options));
  });
// What stands before `stream` would go to `drift`, and be forgotten.
drift.hook('preSubcommand', (_, below) => {
  const stray = drift.options.find((option) => drift.getOptionValueSource(option.attributeName()) === 'cli');
  if (stray !== undefined)
    throw new AssayError(
      'SpecInvalid',
      `${stray.long} stands before ${below.name()}; write it after: assay drift ${below.name()} … ${stray.long}`,
    );
});
drift
  .command('stream <file>')
  .description('since when a column moves in time-ordered rows (ADWIN, Page-Hinkley, DDM)')
  .requiredOption('--column <column>', 'numbers, or 0 and 1 for errors')
  .option('--time <column>', 'when each row was; rows are in its order')
  .option('--reference <rows>', 'rows at the beginning that are known to be sound', whole)
  .option('--run-length <rows>', 'rows between false alarms that are borne', whole, 100_000)
  .addOption(new Option('--detector <name>', 'how').choices(['adwin', 'page-hinkley', 'ddm']).default('adwin'))
  .option('--fail-on-drift', 'exit 4 where there is an alarm')
  .addOption(json)
  .action(async (file: string, options) => exit(await (await import('./drift.js')).streamFile(file, options)));
drift
  .command('weights <source> <target>')
  .description('weights that make the source look like the target, with the effective sample size')
  .requiredOption('-o, --output <file>', 'CSV with the columns row and weight')
  .option('--columns <columns>', 'columns to balance, comma separated; default all that both have', list)
  .addOption(new Option('--method <method>', 'how').choices(['bins', 'density-ratio']).default('density-ratio'))
  .addOption(json)
  .action(async (source: string, target: string, options) => (await import('./drift.js')).writeWeights(source, target, options));
drift
  .command('serving <offline> <served>')
  .description('predictions of a served model against offline predictions, row by row; exit 4 where labels differ')
  .option('--tolerance <d>', 'largest difference of a score that does not count', share, 1e-5)
  .addOption(json)
  .action(async (offline: string, served: string, options) => exit(await (await import('./drift.js')).serving(offline, served, options)));

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
    .action(async (name_: string, file: string, options) =>
      (await import('./schedule/schedule.js')).put(name_, file, options, name === 'apply'),
    );
schedule
  .command('ls')
  .description('schedules, with their next and last runs')
  .addOption(json)
  .action(async (options) => (await import('./schedule/schedule.js')).list(options));
schedule
  .command('show <name>')
  .description('when it fires and what it ran')
  .addOption(json)
  .action(async (name: string, options) => (await import('./schedule/schedule.js')).show(name, options));
schedule
  .command('pause <name>')
  .description('fire no more; a run that is under way goes on')
  .option('--note <text>', 'why')
  .action(async (name: string, options) => (await import('./schedule/schedule.js')).pause(name, options));
schedule
  .command('resume <name>')
  .description('fire again')
  .option('--note <text>', 'why')
  .action(async (name: string, options) => (await import('./schedule/schedule.js')).resume(name, options));
schedule
  .command('trigger <name>')
  .description('one run now')
  .addOption(new Option('--overlap <policy>', 'other than the schedule’s').choices(overlaps))
  .action(async (name: string, options) => (await import('./schedule/schedule.js')).trigger(name, options));
schedule
  .command('backfill <name>')
  .description('the runs it would have made between two times')
  .requiredOption('--from <time>', 'e.g. 2026-11-01')
  .requiredOption('--to <time>', 'e.g. 2026-11-08')
  .addOption(new Option('--overlap <policy>', 'default buffer-all: one after the other').choices(overlaps))
  .action(async (name: string, options) => (await import('./schedule/schedule.js')).backfill(name, options));
schedule
  .command('delete <name>')
  .description('fire no more, for good; its looks can still be shown')
  .option('--forget', 'their record as well')
  .action(async (name: string, options) => (await import('./schedule/schedule.js')).remove(name, options));

registerPools(program);
registerReplay(program);
registerPublish(program);
registerServe(program);
registerSteer(program);
registerWebhook(program);

registerNexus(program);
registerTrigger(program);

program
  .command('completion <shell>')
  .description('shell completion: bash, zsh or fish')
  .action(async (shell: string) => (await import('./completion.js')).completion(program, shell));

/** Of `assay` itself: what `drift` takes is nothing for `drift stream`. */
function optionsOfAll(command: Command): Option[] {
  let root = command;
  while (root.parent !== null) root = root.parent;
  return root === command ? [] : [...root.options];
}
