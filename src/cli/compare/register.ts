import { type Command, Option } from 'commander';
import { exit } from '../exit';
import { collect, failOn, json, list, listed, summary, whole } from '../options';

/** `assay compare`: predictions in files, without a server. */
export function registerCompare(program: Command): void {
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
      const [{ compare }, { withSummary }] = await Promise.all([import('./command.js'), import('../summary.js')]);
      exit(
        await withSummary(
          options,
          () => 'compare',
          () => compare(inputs, options),
        ),
      );
    });
}
