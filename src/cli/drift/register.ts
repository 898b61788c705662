import { type Command, Option } from 'commander';
import { AssayError } from '../../contract';
import { exit } from '../exit';
import { json, list, share, whole } from '../options';

/** `assay drift`: two data sets, a stream, weights, and what a served model says. */
export function registerDrift(program: Command): void {
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
}
