import type { Command } from 'commander';
import { exit } from '../exit';
import { json, list, whole } from '../options';

/** `assay serve` and `assay token`. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('pages and the HTTP API: start, watch, steer and read experiments')
    .option('--host <address>', 'where it listens; beyond loopback never without tokens (default 127.0.0.1)')
    .option('--port <n>', 'default 8080; 0 for a free one', whole)
    .option('--config <file>', 'default assay.config.yaml here or in ASSAY_HOME, where there is one')
    .option('--tokens <file>', 'file of the tokens; default ASSAY_HOME/tokens.json')
    .option('--tls-cert <file>', 'certificate, PEM; a renewed one is taken without a restart')
    .option('--tls-key <file>', 'its key')
    .addHelpText(
      'after',
      `
Examples:
  assay serve                                     for programs of this host, without tokens
  assay token create ci --scope read,run --expires 90d
  assay serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem

What an experiment may use (executors, images, data, webhooks) stands in assay.config.yaml under serve.allow; see docs/api.md.`,
    )
    .action(async (options) => exit(await (await import('./serve.js')).serve(options)));

  const token = program.command('token').description('tokens of the HTTP API');
  token
    .command('create <name>')
    .description('a new token, printed once')
    .requiredOption('--scope <scopes>', 'read, run, admin; each includes those before it', list)
    .option('--expires <duration>', 'e.g. 90d; default never')
    .option('--owner <team>', 'experiments that it starts belong to this owner, and to no other')
    .option('--tokens <file>', 'default ASSAY_HOME/tokens.json')
    .addOption(json)
    .action(async (name: string, options) => (await import('./tokens.js')).create(name, options));
  token
    .command('ls')
    .description('tokens, without their text')
    .option('--tokens <file>', 'default ASSAY_HOME/tokens.json')
    .addOption(json)
    .action(async (options) => (await import('./tokens.js')).ls(options));
  token
    .command('revoke <name>')
    .description('a running server refuses it from now on')
    .option('--tokens <file>', 'default ASSAY_HOME/tokens.json')
    .action(async (name: string, options) => (await import('./tokens.js')).revoke(name, options));
}
