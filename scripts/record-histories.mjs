// Records test/workflows/histories anew from real runs on an embedded stack of its own. Needs `npm run build` before, and is
// run deliberately: after a change of the workflows that old histories need not survive. Names as arguments record those alone.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { compiled, inRoot, root } from './lib/root.mjs';

const require = createRequire(import.meta.url);
const { historyToJSON } = require('@temporalio/common/lib/proto-utils');
const { ensureStack, stopStack, trainerPython } = await compiled('stack/index.js');
const {
  cancelExperiment,
  configureTriggers,
  connectTemporal,
  experimentProgress,
  experimentResult,
  maintainOnce,
  planReplay,
  signalTrigger,
  startExperiment,
  startReplay,
  steer,
  submitTrigger,
  triggersState,
} = await compiled('client/index.js');
const { ids, poolNames, queues, refNames } = await compiled('contract/index.js');
const { loadSpec } = await compiled('contract/loadSpec.js');
const { newSecret } = await compiled('publish/index.js');
const { openStore } = await compiled('store/index.js');

const target = inRoot('test', 'workflows', 'histories');
const largestTotal = 400 * 1024;
const home = mkdtempSync(join(tmpdir(), 'assay-'));
process.env.ASSAY_HOST = 'host-a';
process.env.ASSAY_SLOTS = '2';
process.env.ASSAY_PYTHON = await trainerPython();

const folder = join(home, 'experiment');
mkdirSync(folder);
copyFileSync(inRoot('test', 'workflows', 'trainer', 'train.py'), join(folder, 'train.py'));
writeFileSync(
  join(folder, 'clean.csv'),
  table((i) => i),
);
// Every example twice, so that the splits share rows.
writeFileSync(
  join(folder, 'copies.csv'),
  table((i) => i % 100),
);

const unreadAnywhere = ['identity', 'workerVersion'];
const unreadInCommands = [
  ...['input', 'header', 'searchAttributes', 'memo', 'requestId', 'historySizeBytes', 'meteringMetadata', 'retryPolicy', 'priority'],
  ...['startToCloseTimeout', 'scheduleToCloseTimeout', 'scheduleToStartTimeout', 'heartbeatTimeout', 'useWorkflowBuildId', 'namespaceId'],
  ...['workflowTaskTimeout', 'workflowRunTimeout', 'workflowExecutionTimeout', 'parentClosePolicy', 'workflowIdReusePolicy', 'namespace'],
];

const receiver = await listening();
process.env.ASSAY_WEBHOOK_HOSTS = new URL(receiver.url).host;
process.env.ASSAY_WEBHOOK_SECRET = newSecret();
process.env.MLFLOW_TRACKING_URI = new URL(receiver.url).origin;

const only = process.argv.slice(2);
const wanted = (...names) => only.length === 0 || names.some((name) => only.includes(name));

const store = openStore(pathToFileURL(join(home, 'store')).href);
const recorded = new Map();
try {
  const stack = await ensureStack({ home, onStep: (line) => console.log(line) });
  const client = await connectTemporal(stack);
  try {
    if (wanted('gpu-pool')) {
      // Begun anew with a short history: one run of it that gives and takes leases, to its end, in which it continues as new.
      const pool = client.workflow.getHandle(ids.gpuPool);
      await until(async () => (await pool.describe()).status.name === 'RUNNING');
      await pool.terminate('recorded anew');
      const { firstExecutionRunId } = await client.workflow.start(poolNames.workflow, {
        ...{ workflowId: ids.gpuPool, taskQueue: queues.control },
        args: [{ historyEvents: 24 }],
      });
      await pool.signal(poolNames.weight, { owner: 'team', weight: 2 });
      await pool.signal(poolNames.quota, { owner: 'team', limit: 8 });
      await experimentResult(client, await submit(client, spec('leased', {})));
      await until(async () => (await pool.describe()).runId !== firstExecutionRunId);
      await record(client, 'gpu-pool', ids.gpuPool, firstExecutionRunId);
    }
    if (wanted('experiment-done', 'variant-run-done')) {
      const happy = await submit(client, spec('happy', { metrics: 'accuracy, latency_p95', seeds: '1, 2' }));
      await experimentResult(client, happy);
      await record(client, 'experiment-done', ids.experimentWorkflow(happy));
      await record(client, 'variant-run-done', ids.variantRunWorkflow(happy, 'b', 1));
    }
    if (wanted('replay')) {
      const first = await submit(client, spec('repeated', {}));
      await experimentResult(client, first);
      const { value } = await store.refs.get(refNames.experiment(first));
      const planned = await planReplay(store, value, { home, version: 'recording', command: [] }, { variants: ['a'] });
      const { spec: _spec, source: _source, ...by } = planned.original;
      const { experimentId } = await startReplay({ client, store }, planned, by);
      await client.workflow.getHandle(ids.experimentWorkflow(experimentId)).result();
      await record(client, 'replay', ids.experimentWorkflow(experimentId));
    }
    if (wanted('variant-run-crashed')) {
      const crashed = await submit(client, spec('crashed', { diesAt: 20, pause: 0.05 }));
      await experimentResult(client, crashed);
      await record(client, 'variant-run-crashed', ids.variantRunWorkflow(crashed, 'b', 1));
    }
    if (wanted('experiment-cancelled', 'variant-run-cancelled')) {
      const cancelled = await submit(client, spec('cancelled', { pause: 1.5 }));
      await training(client, cancelled);
      await cancelExperiment(client, cancelled);
      await ended(client, cancelled);
      await record(client, 'experiment-cancelled', ids.experimentWorkflow(cancelled));
      await record(client, 'variant-run-cancelled', ids.variantRunWorkflow(cancelled, 'b', 1));
    }
    if (wanted('experiment-gate-failed')) {
      const invalid = await submit(client, spec('copies', { source: 'copies.csv' }));
      await experimentResult(client, invalid);
      await record(client, 'experiment-gate-failed', ids.experimentWorkflow(invalid));
    }
    if (wanted('experiment-failed')) {
      const failed = await submit(client, spec('failed', { label: 'absent' }));
      await ended(client, failed);
      await record(client, 'experiment-failed', ids.experimentWorkflow(failed));
    }
    if (wanted('experiment-steered', 'variant-run-paused')) {
      const steered = await submit(client, spec('steered', { pause: 0.2, candidates: 'bc', approval: true }));
      const ask = (action, more = {}) => steer(client, steered, { action, by: 'ada@lab', reason: 'to record it', ...more });
      const run = async (variant) => (await experimentProgress(client, steered)).runs.find((one) => one.variant === variant);
      await until(async () => (await run('b'))?.state === 'training');
      await delay(2000);
      await ask('pause');
      await until(async () => (await run('b')).message === 'paused');
      await ask('stopVariant', { variant: 'c' });
      await ask('changePriority', { qos: 'guaranteed' });
      await ask('resume');
      await ask('addSeeds', { seeds: [2] });
      await until(async () => (await experimentProgress(client, steered)).stage === 'approval');
      await ask('approve');
      await experimentResult(client, steered);
      await record(client, 'experiment-steered', ids.experimentWorkflow(steered));
      await record(client, 'variant-run-paused', ids.variantRunWorkflow(steered, 'b', 1));
    }
    if (wanted('experiment-told', 'notification')) {
      const told = await submit(client, spec('told', { label: 'absent', notify: receiver.url }));
      await ended(client, told);
      const message = ids.notification(told, 'experiment.failed-1');
      await client.workflow.getHandle(message).result();
      await record(client, 'experiment-told', ids.experimentWorkflow(told));
      await record(client, 'notification', message);
    }
    if (wanted('publishing')) {
      // Invalid, which is done soon; the server is away at the first try, and then refuses.
      const published = await submit(client, spec('published', { source: 'copies.csv', publish: '{mlflow: {}}' }));
      await experimentResult(client, published);
      const handle = client.workflow.getHandle(ids.publishing(published));
      await handle.result().catch(() => undefined);
      await record(client, 'publishing', ids.publishing(published));
    }
    if (wanted('maintain')) {
      await maintainOnce(client, { graceSeconds: 3600 });
      await record(client, 'maintain', ids.maintain);
    }
    if (wanted('series', 'series-run-done')) {
      const [run] = await scheduled('nightly', spec('nightly', {}), ['--max-runs', '1']);
      await record(client, 'series-run-done', run.workflow);
      await record(client, 'series', ids.series('nightly'));
    }
    if (wanted('series-run-failed')) {
      const [run] = await scheduled('broken', spec('broken', { label: 'absent' }), []);
      await record(client, 'series-run-failed', run.workflow);
    }
    if (wanted('triggers')) {
      const source = spec('triggered', { label: 'absent' });
      const known = { assay: 'recording', git: { commit: null, dirty: false, remote: null, diff: null }, dvc: null };
      const provenance = { ...known, host: 'host-a', user: null, command: [], environment: {} };
      const submission = { spec: loadSpec(source, { file: 'experiment.yaml', root: folder }), source, provenance };
      const at = { client, store };
      const of = (reason, more = {}) => ({ by: 'ada@lab', reason, ...more });
      const queue = client.workflow.getHandle(ids.triggers('models'));
      await configureTriggers(at, 'models', submission, { policy: 'latest', quietSeconds: 2 });
      await submitTrigger(at, 'models', of('model 1', { key: '1' }));
      await signalTrigger(at, 'models', of('model 2', { set: { 'training.attempts': 2 } }));
      await queue.signal('trigger', of('', { key: '' }));
      await until(async () => (await triggersState(client, 'models')).last.length === 1);
      await configureTriggers(at, 'models', submission, { policy: 'each' });
      await submitTrigger(at, 'models', of('model 1 again', { key: '1' }));
      await queue.signal('trigger', of('cannot be made', { set: { 'training.attempts': 'many' } }));
      await until(async () => (await triggersState(client, 'models')).last.length === 2);
      await queue.cancel();
      await queue.result().catch(() => undefined);
      await record(client, 'triggers', ids.triggers('models'));
    }
  } finally {
    await client.connection.close();
  }
} finally {
  receiver.close();
  await stopStack(home);
  rmSync(home, { recursive: true, force: true });
}
write();

function spec(
  name,
  {
    source = 'clean.csv',
    label = 'label',
    metrics = 'accuracy',
    seeds = '1',
    diesAt = 0,
    pause = 0,
    candidates = 'b',
    approval = false,
    notify = '',
    publish = '',
  },
) {
  return `
name: ${name}
data: {source: ${source}, label: ${label}, id: id}
training: {command: [python, train.py], seeds: [${seeds}], batchSize: 32, budget: {steps: 40}, checkpointEvery: 200ms}
variants:
  - {name: a, control: true, params: {rate: 0.1}}
${[...candidates].map((name) => `  - {name: ${name}, params: {rate: 0.5, dies_at: ${diesAt}, pause: ${pause}}}`).join('\n')}
varies: [rate, dies_at, pause]
evaluation: {metrics: [${metrics}], warmupSteps: 2, latency: {blocks: 2}}
analysis: {resamples: 1000}
${approval ? 'decision: {approval: true}' : ''}
${notify === '' ? '' : `notify: [{webhook: "${notify}"}]`}
${publish === '' ? '' : `publish: ${publish}`}
`;
}

/** A receiver of webhooks that is away at the first try, and is no MLflow server. */
async function listening() {
  let tries = 0;
  const server = createServer((request, response) =>
    request.resume().on('end', () => response.writeHead(++tries === 1 ? 503 : request.url.startsWith('/api/') ? 403 : 204).end()),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() };
}

function table(featureOf) {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const j = featureOf(i);
    return `${i},${Math.sin(j).toFixed(6)},${Math.cos(1.7 * j).toFixed(6)},${Math.sin(j) + Math.cos(3 * j) > 0 ? 'up' : 'down'}`;
  });
  return `id,x,y,label\n${rows.join('\n')}\n`;
}

async function submit(client, text) {
  const resolved = loadSpec(text, { file: 'experiment.yaml', root: folder });
  const experimentId = ids.experiment(resolved.name, new Date(), randomBytes(2).toString('hex'));
  const ref = await store.putJson(resolved);
  const provenance = { assay: 'recording', git: { commit: null, dirty: false, remote: null }, dvc: null, spec: ref.digest };
  const whence = { host: 'host-a', user: null, command: [], environment: {}, source: text };
  const input = { experimentId, spec: ref, provenance: await store.putJson({ ...provenance, ...whence }), code: null };
  await startExperiment(client, input, { name: resolved.name, hypothesis: null });
  console.log(`experiment ${experimentId}`);
  return experimentId;
}

/** A series with one run, through the command; what the server says of its runs, once the record and the series' workflow have it. */
async function scheduled(name, text, flags) {
  writeFileSync(join(folder, `${name}.yaml`), text);
  const assay = (...args) =>
    execFileSync(process.execPath, [inRoot('bin', 'assay'), 'schedule', ...args], {
      ...{ cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
      env: { ...process.env, ASSAY_HOME: home },
    });
  assay('create', name, `${name}.yaml`, '--every', '24h', ...flags);
  assay('trigger', name);
  for (;;) {
    const found = await store.refs.get(refNames.series(name));
    const { schedule } = JSON.parse(assay('show', name, '--json'));
    if (found.value.runs === 1 && (flags.length === 0 || schedule.paused)) {
      await delay(1000);
      return schedule.recent;
    }
    await delay(500);
  }
}

async function until(condition) {
  while (!(await condition().catch(() => false))) await delay(200);
}

/** Waits until trainers of the experiment run. */
async function training(client, experimentId) {
  for (;;) {
    const progress = await experimentProgress(client, experimentId).catch(() => null);
    if (progress?.runs.length > 0 && progress.runs.every((run) => run.state === 'training')) return delay(3000);
    await delay(200);
  }
}

async function ended(client, experimentId) {
  await experimentResult(client, experimentId).then(
    () => {
      throw new Error(`${experimentId} was expected not to succeed`);
    },
    () => undefined,
  );
}

async function record(client, name, workflowId, runId) {
  const json = JSON.stringify(lean(JSON.parse(historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory()))));
  // Replay does not look at who polled, nor at stack traces; node_modules may be a link.
  const text = json
    .replaceAll(hostname(), 'host-a')
    .replaceAll(`${root}/`, '')
    .replaceAll(`${dirname(realpathSync(join(root, 'node_modules')))}/`, '');
  const readable = text.replace(/"data":"([A-Za-z0-9+/=]+)"/g, (_, data) => Buffer.from(data, 'base64').toString('utf8'));
  for (const secret of [root, home, hostname(), userInfo().homedir]) {
    const at = readable.indexOf(secret);
    if (at >= 0)
      throw new Error(`${name} would hold ${secret}, a name of this machine: ${readable.slice(Math.max(0, at - 200), at + 200)}`);
  }
  recorded.set(name, text);
  console.log(`${name}: ${text.length} bytes`);
}

/** Replay compares which commands a workflow gives, not with what, nor who took them: that and the words for people are most of the bytes. */
function lean(history) {
  for (const event of history.events) {
    for (const unread of ['taskId', 'userMetadata', 'links', 'workerMayIgnore']) delete event[unread];
    for (const [name, attributes] of Object.entries(event)) {
      if (attributes === null || typeof attributes !== 'object') continue;
      if (attributes.failure) delete attributes.failure.stackTrace;
      const told = /^(workflowTask|activityTask|startChild|childWorkflow|signalExternal|externalWorkflow)/.test(name);
      for (const unread of told ? [...unreadAnywhere, ...unreadInCommands] : unreadAnywhere) delete attributes[unread];
    }
  }
  return history;
}

/** All or none: a recording that failed leaves the old histories. */
function write() {
  const kept = only.length === 0 ? [] : readdirSync(target).filter((file) => !recorded.has(file.replace('.json', '')));
  const total =
    [...recorded.values()].reduce((sum, text) => sum + text.length, 0) +
    kept.reduce((sum, file) => sum + statSync(join(target, file)).size, 0);
  if (total > largestTotal) throw new Error(`the histories have ${total} bytes together, more than ${largestTotal}`);
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(target)) if (!kept.includes(file)) rmSync(join(target, file));
  for (const [name, text] of recorded) writeFileSync(join(target, `${name}.json`), `${text}\n`);
  console.log(`${recorded.size} histories, ${total} bytes, in ${target}`);
}
