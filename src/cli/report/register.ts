import { type Command, Option } from 'commander';
import { formats, type ReportOptions } from './formats';

export function registerReport(program: Command): void {
  program
    .command('report <id>')
    .description('the report of a finished experiment; or series/NAME: the effect over time')
    .option('--against <id>', 'what is different from another experiment, and what that did; of series/NAME: its newest experiment')
    .addOption(
      new Option('--format <format>', 'html, md, json, or pdf, which Chromium prints (ASSAY_CHROMIUM, else the one on PATH)')
        .choices(formats)
        .default('html'),
    )
    .option('-o, --output <path>', 'write to this file; default: a page goes to reports/ of ASSAY_HOME, text to standard output')
    .option('--open', 'open the page')
    .action(async (id: string, options: ReportOptions) => (await import('./command.js')).report(id, options));
}
