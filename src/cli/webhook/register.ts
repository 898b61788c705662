import { type Command, Option } from 'commander';
import { exit } from '../exit';
import { json } from '../options';

/** `assay webhook`: receivers of verdicts and alerts. */
export function registerWebhook(program: Command): void {
  const webhook = program
    .command('webhook')
    .description('receivers of verdicts and alerts: make a secret, try a receiver')
    .addHelpText(
      'after',
      `
Receivers stand in the experiment file (notify: [{webhook: "https://…"}]); their secrets and ASSAY_WEBHOOK_HOSTS in the environment of
the control pool.

Examples:
  export ASSAY_WEBHOOK_SECRET=$(assay webhook secret)
  assay webhook test https://hooks.example.org/assay
  ASSAY_WEBHOOK_HOSTS=localhost:8080 assay webhook test http://localhost:8080/hook`,
    );
  webhook
    .command('secret')
    .description('a new secret, for ASSAY_WEBHOOK_SECRET and for the receiver')
    .action(async () => (await import('./webhook.js')).secret());
  webhook
    .command('test <url>')
    .description('send an example event now, once, and say what the receiver answered; exit 3 where it was not taken')
    .option('--secret-env <name>', 'variable that holds the secret; default ASSAY_WEBHOOK_SECRET')
    .addOption(new Option('--format <format>', 'what is sent').choices(['standard', 'slack']).default('standard'))
    .addOption(json)
    .action(async (url: string, options) => exit(await (await import('./webhook.js')).test(url, options)));
}
