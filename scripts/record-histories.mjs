// Records test/workflows/histories anew from real runs on an embedded stack of its own. Needs `npm run build` before, and is
// run deliberately: after a change of the workflows that old histories need not survive. Names as arguments record those alone.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { compiled, inRoot, root } from './lib/root.mjs';

const require = createRequire(import.meta.url);
const { historyToJSON } = require('@temporalio/common/lib/proto-utils');
const { ensureStack, stopStack, trainerPython } = await compiled('stack/index.js');
const { cancelExperiment, connectTemporal, experimentProgress, experimentResult, maintainOnce, startExperiment } =
  await compiled('client/index.js');
const { ids, refNames } = await compiled('contract/index.js');
const { loadSpec } = await compiled('contract/loadSpec.js');
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

const only = process.argv.slice(2);
const wanted = (...names) => only.length === 0 || names.some((name) => only.includes(name));

const store = openStore(pathToFileURL(join(home, 'store')).href);
const recorded = new Map();
try {
  const stack = await ensureStack({ home, onStep: (line) => console.log(line) });
  const client = await connectTemporal(stack);
  try {
    if (wanted('experiment-done', 'variant-run-done')) {
      const happy = await submit(client, spec('happy', { metrics: 'accuracy, latency_p95', seeds: '1, 2' }));
      await experimentResult(client, happy);
      await record(client, 'experiment-done', ids.experimentWorkflow(happy));
      await record(client, 'variant-run-done', ids.variantRunWorkflow(happy, 'b', 1));
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
  } finally {
    await client.connection.close();
  }
} finally {
  await stopStack(home);
  rmSync(home, { recursive: true, force: true });
}
write();

function spec(name, { source = 'clean.csv', label = 'label', metrics = 'accuracy', seeds = '1', diesAt = 0, pause = 0 }) {
  return `
name: ${name}
data: {source: ${source}, label: ${label}, id: id}
training: {command: [python, train.py], seeds: [${seeds}], batchSize: 32, budget: {steps: 40}, checkpointEvery: 200ms}
variants:
  - {name: a, control: true, params: {rate: 0.1}}
  - {name: b, params: {rate: 0.5, dies_at: ${diesAt}, pause: ${pause}}}
varies: [rate, dies_at, pause]
evaluation: {metrics: [${metrics}], warmupSteps: 2, latency: {blocks: 2}}
analysis: {resamples: 1000}
`;
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

async function record(client, name, workflowId) {
  const json = JSON.stringify(JSON.parse(historyToJSON(await client.workflow.getHandle(workflowId).fetchHistory())));
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
