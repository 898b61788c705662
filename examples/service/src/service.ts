// Asks assay for experiments in every way that there is for a program: node dist/service.js [FILE]
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { type Assay, AssayError, type ExperimentOutput, type SpecInput, connect } from 'assay';
import { parse } from 'yaml';
import type { Activities, askAssay, releaseGate } from './workflows';

const file = resolve(process.argv[2] ?? '../digits/experiment.yaml');
const endpoint = process.env['ASSAY_NEXUS_ENDPOINT'] ?? 'assay';
/** Of the workflows that ask through Nexus: any of the server's. */
const namespace = process.env['SERVICE_NAMESPACE'] ?? 'default';
const taskQueue = 'example-service';

main().catch((error: unknown) => {
  console.error(error instanceof AssayError ? `${error.type}: ${error.message}` : error);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const assay = await connect();
  const workers = await startWorkers(assay);
  try {
    say('library', await library(assay));
    say('child workflow', await childWorkflow(assay));
    say('nexus', await nexus(assay));
    say('triggers', await triggers(assay));
  } finally {
    await workers.stop();
    await assay.close();
  }
}

/** Started, watched and read by this process. The key makes a restart of the service find the experiment again. */
async function library(assay: Assay): Promise<string> {
  const key = { idempotencyKey: `example/${randomUUID()}`, by: 'example service' };
  const experiment = await assay.startExperiment(file, key);
  for await (const { stage } of experiment.watch()) console.error(`${experiment.id}: ${stage}`);
  const { verdict } = await experiment.result();
  const again = await assay.startExperiment(file, key);
  if (again.id !== experiment.id || again.created) throw new Error('the key gave another experiment');
  const page = await experiment.report('html');
  return `${verdict.outcome}: ${verdict.sentence} (report: ${page.length} characters)`;
}

/** As a child of a workflow of this service, in the namespace of assay. */
const childWorkflow = (assay: Assay): Promise<string> =>
  assay.client.workflow.execute<typeof releaseGate>('releaseGate', {
    workflowId: `example/release/${randomUUID()}`,
    taskQueue,
    args: [file, randomUUID()],
  });

/** From a workflow of another namespace, which sees neither assay's workflows nor its store. */
async function nexus(assay: Assay): Promise<string> {
  const client = new Client({ connection: assay.client.connection, namespace });
  // Relative paths start from ASSAY_NEXUS_ROOT of assay's control pool.
  const spec = parse(await readFile(file, 'utf8')) as SpecInput;
  const answer = await client.workflow.execute<typeof askAssay>('askAssay', {
    workflowId: `example/ask/${randomUUID()}`,
    taskQueue,
    args: [endpoint, spec, randomUUID()],
  });
  return typeof answer === 'string' ? answer : outcome(answer);
}

/** Every new model asks; what comes while an experiment runs is one experiment after it, of the newest model. */
async function triggers(assay: Assay): Promise<string> {
  const models = assay.triggers('example-models');
  await models.configure(file, { policy: 'latest' });
  const first = await models.submit({ by: 'example service', reason: 'model 1', key: 'model-1' });
  await models.trigger({ by: 'example service', reason: 'model 2', set: { 'analysis.resamples': 2000 } });
  const third = await models.submit({ by: 'example service', reason: 'model 3', set: { 'analysis.resamples': 3000 } });
  const { verdict } = await third.result();
  const state = await models.state();
  return `${first.id}, then ${third.id} for ${(state?.accepted ?? 0) - 1} triggers: ${verdict.outcome}`;
}

const outcome = ({ verdict }: ExperimentOutput): string => verdict.outcome;

async function startWorkers(assay: Assay): Promise<{ stop: () => Promise<void> }> {
  const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? 'localhost:7233' });
  const activities: Activities = {
    prepare: (path, idempotencyKey) => assay.prepareExperiment(path, { idempotencyKey, by: 'example service' }),
  };
  const own = assay.client.options.namespace;
  const workers = await Promise.all(
    [...new Set([own, namespace])].map((each) =>
      Worker.create({ connection, namespace: each, taskQueue, activities, workflowsPath: require.resolve('./workflows') }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    stop: async () => {
      for (const worker of workers) worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

const say = (way: string, answer: string): void => console.log(`${way}: ${answer}`);
