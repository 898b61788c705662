import { colourful, pc } from './colours';
import { cancelExperiment, experimentProgress } from '../client';
import { AssayError, type ExperimentRecord, ids, type Publishing, refNames } from '../contract';
import { terminalSummary } from '../report';
import { readResult } from './reportFile';
import { homeDir, sessionStore } from './home';
import { findRecord, joinSession, openSession, workflowUrl } from './session';
import { type WatchOptions, conclude, watchExperiment } from './watch';

interface Output {
  json?: boolean;
}

export async function list(options: Output): Promise<void> {
  const store = sessionStore();
  const found = await Promise.all((await store.refs.list(refNames.experiment(''))).map((name) => store.refs.get<ExperimentRecord>(name)));
  const records = found.flatMap((entry) => (entry ? [entry.value] : [])).sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  if (options.json) {
    process.stdout.write(`${JSON.stringify(records, null, 2)}\n`);
    return;
  }
  if (records.length === 0) process.stdout.write(`no experiments in ${store.url} yet; start one with \`assay run FILE\`\n`);
  const width = Math.max(10, ...records.map((record) => record.experimentId.length));
  for (const record of records) {
    const { verdict, approval } = record;
    const pending = approval?.state === 'waiting' ? 'waits for approval: ' : '';
    const end = verdict && record.message === null ? `${verdict.outcome.padEnd(12)} ${pending}${verdict.sentence}` : (record.message ?? '');
    process.stdout.write(
      `${record.experimentId.padEnd(width)}  ${record.startedAt.slice(0, 16).replace('T', ' ')}  ${record.status.padEnd(9)}  ${end}\n`,
    );
  }
}

export async function show(id: string, options: Output & { waiting?: boolean }): Promise<void> {
  if (id.startsWith('triggers/')) return (await import('./trigger/trigger.js')).showTriggers(id.slice('triggers/'.length), options);
  if (id.startsWith('series/')) return (await import('./schedule/seriesView.js')).showSeries(id.slice('series/'.length), options);
  const store = sessionStore();
  const record = await findRecord(store, id);
  const result = record.result ? await readResult(store, record) : null;
  // A verdict that waits for a person has a result, and goes on.
  const session = result && record.status !== 'running' ? null : await joinSession();
  const again = record.replay ? await import('./replay/conclude.js') : null;
  const replayed = (await again?.readReplay(store, record)) ?? null;
  const progress = session ? await experimentProgress(session.client, record.experimentId).catch(() => null) : null;
  const told = options.waiting && session ? await (await import('./waiting.js')).waiting(session.client, record.experimentId) : null;
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ ...record, progress, result, ...(replayed ? { replayed } : {}), ...(told ? { waits: told.waits } : {}) }, null, 2)}\n`,
    );
    return;
  }
  process.stdout.write(`${pc.bold(record.experimentId)}  ${record.status}  started ${record.startedAt}\n`);
  const url = session
    ? workflowUrl(session.uiUrl, session.client.options.namespace, ids.experimentWorkflow(record.experimentId))
    : (result?.workflow.url ?? null);
  if (url) process.stdout.write(`${url}\n`);
  if (record.replay && !replayed && record.status !== 'running') process.stdout.write(`replay of ${record.replay.of}\n`);
  if (again && replayed) process.stdout.write(again.replayText(replayed));
  else if (record.message) process.stdout.write(`${record.message}\n`);
  if (result) process.stdout.write(`${terminalSummary(result, { colour: colourful(process.stdout), columns: process.stdout.columns })}\n`);
  if (record.mlflow) process.stdout.write(`MLflow: ${mlflowLine(record.mlflow)}\n`);
  if (told) process.stdout.write(`${told.text}\n`);
  else if (progress) {
    process.stdout.write(`stage ${progress.stage}${progress.waitingFor ? `: ${progress.waitingFor}` : ''}\n`);
    for (const run of progress.runs) {
      process.stdout.write(
        `  ${run.variant} seed ${run.seed}  ${run.state}${run.host ? ` on ${run.host}` : ''}${run.message ? `  ${run.message}` : ''}\n`,
      );
    }
  }
}

function mlflowLine({ state, message, at }: Publishing): string {
  const what = { 'under way': 'publishing', waiting: 'not yet published, tried again', published: 'published', failed: 'not published' }[
    state
  ];
  return `${what} (${at}): ${message}`;
}

export async function watch(id: string, options: WatchOptions): Promise<number> {
  const store = sessionStore();
  const record = await findRecord(store, id);
  if (record.status !== 'running' || record.approval?.state === 'waiting') return conclude(store, record.experimentId, options);
  const session = await openSession((line) => void process.stderr.write(`${line}\n`));
  return watchExperiment(session.client, store, record.experimentId, options);
}

export async function cancel(id: string): Promise<void> {
  const record = await findRecord(sessionStore(), id);
  if (record.status !== 'running')
    throw new AssayError('Conflict', `experiment ${record.experimentId} has ended already: it is ${record.status}`);
  const { client } = await openSession((line) => void process.stderr.write(`${line}\n`));
  await cancelExperiment(client, record.experimentId);
  process.stdout.write(`cancelling ${record.experimentId}: trainers write a last checkpoint and stop\n`);
}

export { homeDir };
