import type { Command } from 'commander';
import { exit } from '../exit';
import { json } from '../options';

/** `assay publish`: results on other servers. */
export function registerPublish(program: Command): void {
  const publish = program.command('publish').description('copy a result to another server: MLflow');
  publish
    .command('mlflow <id>')
    .description('an experiment with its runs, metrics and files, and its model where the file asks for it; again it adds what is missing')
    .option('--uri <address>', 'of the server; default MLFLOW_TRACKING_URI')
    .addOption(json)
    .addHelpText(
      'after',
      `
What is published, and under which names, stands in the experiment's file (publish: {mlflow: …}, decision: {register: mlflow}); without
that it is runs, metrics and files under the experiment's name. Credentials come from the variables that MLflow's own client reads:
MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; MLFLOW_TRACKING_SERVER_CERT_PATH, MLFLOW_TRACKING_INSECURE_TLS.

Examples:
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 assay publish mlflow digits
  assay publish mlflow digits-20261122-025800-a1b2 --uri https://mlflow.example.org --json`,
    )
    .action(async (id: string, options) => exit(await (await import('./mlflow.js')).publishMlflow(id, options)));
}
