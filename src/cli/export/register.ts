import { type Command, Option } from 'commander';
import { json, list } from '../options';

export function registerExport(program: Command): void {
  program
    .command('export <id>')
    .description('predictions and records as plain files: Parquet, JSON, NPY, logs, a model card')
    .requiredOption('-o, --output <dir>', 'a new folder, which is there when it is whole')
    .addOption(
      new Option('--only <parts>', 'parts, comma separated: report, predictions, tables, logs, telemetry, latency, splits, code').argParser(
        list,
      ),
    )
    .option('--models', 'the trained models too')
    .option('--no-models', 'without them, which is the default')
    .addOption(json)
    .addHelpText(
      'after',
      `
What the result says stands in result.json, MODEL_CARD.md and README.md, whatever the parts; manifest.json has the digest of each file.

Examples:
  assay export digits -o digits-export
  assay export digits -o digits-export --models
  assay export digits -o scores --only predictions
  assay verify ./digits-export`,
    )
    .action(async (id: string, options) => (await import('./command.js')).exportCommand(id, options));
}
