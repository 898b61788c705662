import { type Command, Option } from 'commander';
import { triggerPolicies } from '../../contract';
import { collect, json, whole } from '../options';

export function registerTrigger(program: Command): void {
  program
    .command('trigger <name> [file]')
    .description('ask a queue of triggers for an experiment; FILE says what its experiments are')
    .option('--set <key=value>', 'change one key of the file for this experiment (repeatable)', collect, [])
    .option('--by <who>', 'who asks; default the user and host')
    .option('--reason <text>', 'why', '')
    .option('--key <key>', 'triggers with one key are one, e.g. the digest of a model')
    .addOption(
      new Option('--policy <policy>', 'with FILE: one experiment a trigger, or one for all that come while one waits or runs').choices(
        triggerPolicies,
      ),
    )
    .option('--quiet <seconds>', 'with FILE: seconds without another trigger before an experiment begins', whole)
    .option('--wait', 'wait for the verdict')
    .addOption(json)
    .addHelpText(
      'after',
      `
The queue runs one experiment after the other. It is made by the first trigger, and goes on until it is cancelled.

Examples:
  assay trigger models experiment.yaml --quiet 60                     make or change it, and ask once
  assay trigger models --set variants.cnn.model=s3://models/1207.onnx --key 1207 --reason "nightly build"
  assay show triggers/models                                          what runs, what waits`,
    )
    .action(async (name: string, file: string | undefined, options) => (await import('./trigger.js')).trigger(name, file, options));
}
