import { type Command, InvalidArgumentError } from 'commander';
import { AssayError } from '../../contract';
import { exit } from '../exit';
import { json, list, listed, wholes } from '../options';
import type { ReplayCommand } from './replay';

export function registerReplay(program: Command): void {
  program
    .command('replay <id>')
    .description('run an experiment again from its record, and say what differs')
    .option('--variant <names>', 'these variants alone, comma separated or repeated', listed, [])
    .option('--seed <list>', 'these seeds alone, e.g. 1,2', wholes)
    .option('--rtol <r>', 'relative difference of a loss that counts as the same; default 1e-5', size)
    .option('--atol <a>', 'and the absolute one; default 1e-6', size)
    .option('--score-tolerance <d>', 'difference of a predicted score; default 1e-4', size)
    .option('--code <dir>', 'take the code of this folder, whatever the record says')
    .option('--dry-run', 'say what it takes and what is missing, start nothing')
    .option('--detach', 'start it and return')
    .option('--fail-on <classes>', 'exit 4 on these: different, within-tolerance (which takes in different)', classes)
    .addOption(json)
    .addHelpText(
      'after',
      `
What is missing of the spec, the snapshot, the code, the image or the devices is named before anything runs (exit code 2).
Seeds, remedies for memory and warm starts are those of the record; latency is not measured again. docs/reproduction.md has the rest.

Examples:
  assay replay digits                          the last experiment of that name
  assay replay digits --variant mlp --seed 1   one run of it
  assay replay digits --fail-on within-tolerance --json > replay.json`,
    )
    .action(async (id: string, options: ReplayCommand) => exit(await (await import('./replay.js')).replayExperiment(id, options)));
}

function size(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('Expected a number of at least 0.');
  return value;
}

function classes(text: string): string[] {
  const given = list(text);
  const wrong = given.find((name) => name !== 'different' && name !== 'within-tolerance');
  if (wrong !== undefined) throw new AssayError('SpecInvalid', `--fail-on: "${wrong}" is no class; expected different or within-tolerance`);
  return given;
}
