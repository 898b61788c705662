import { type Command, InvalidArgumentError } from 'commander';
import { exit } from '../exit';
import { json } from '../options';

export function registerVerify(program: Command): void {
  program
    .command('verify <what>')
    .description('hash everything that an experiment, or an exported folder, is made of; exit 3 where anything is not as it was')
    .option('--expect <digest>', 'digest of the result as it was kept elsewhere', digest)
    .option('--deep', 'also compute every number of the result again from its stored predictions')
    .option('--no-repair', 'leave copies as they are that another replica could mend')
    .addOption(json)
    .addHelpText(
      'after',
      `
An experiment is given by id, by the start of one, or by name; it is read in every replica of the store, and what one replica has damaged is mended from
another and told. A folder is one that \`assay export\` made.

Examples:
  assay verify digits                            the newest experiment of that name
  assay verify digits --expect sha256:15556e1... against a digest that was published
  assay verify ./digits-export                   a folder, without the store`,
    )
    .action(async (what: string, options) => exit(await (await import('./verify.js')).verify(what, options)));
}

function digest(text: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('Expected sha256: and 64 hexadecimal digits.');
  return text;
}
