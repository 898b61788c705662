import { Command, type Option } from 'commander';
import { registerCompare } from './compare/register';
import { registerDrift } from './drift/register';
import { exit } from './exit';
import { registerExport } from './export/register';
import { registerGpus } from './gpus/register';
import { registerNexus } from './nexus/register';
import { collect, failOn, json, summary, whole, wholes } from './options';
import { registerPools } from './pools/register';
import { registerPublish } from './publish/register';
import { registerReplay } from './replay/register';
import { registerReport } from './report/register';
import type { RunOptions } from './run';
import { registerSchedule } from './schedule/register';
import { registerServe } from './serve/register';
import { registerSnapshot } from './snapshot/register';
import { registerSteer } from './steer/register';
import { registerStore } from './store/register';
import { registerTrigger } from './trigger/register';
import { registerVerify } from './verify/register';
import { version } from './version';
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

registerGpus(program);

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
registerCompare(program);
registerSnapshot(program);
registerStore(program);
registerDrift(program);
registerSchedule(program);
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
