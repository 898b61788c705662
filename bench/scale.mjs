/**
 * What an experiment costs the control plane: many of them, of 2 variants x 3 seeds with a trainer of one step, through one embedded server
 * and one worker of each pool.
 *   npm run build && node bench/scale.mjs [--experiments 1000] [--rate 0] [--slots CORES] [--reads 0] [--alone 3]
 * --rate: starts a second; 0 starts all at once, 20 calls at a time. --reads: GETs a second to the API meanwhile, 0 for no API.
 * --alone: experiments started one after the other before, for the time from the call to the first step.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  compiled,
  median,
  root,
  spread,
  stackStatus,
  stackUsage,
  startStack,
  stepTimes,
  storeOf,
  table,
  withHome,
  writeSpec,
} from './lib/harness.mjs';

const { values } = parseArgs({
  options: {
    experiments: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '0' },
    slots: { type: 'string', default: String(availableParallelism()) },
    reads: { type: 'string', default: '0' },
    alone: { type: 'string', default: '3' },
  },
});
const [experiments, rate, reads, alone] = [values.experiments, values.rate, values.reads, values.alone].map(Number);
process.env.ASSAY_SLOTS = values.slots;
const { connectTemporal, provenanceOf, submitExperiment } = compiled('client');
const { ids, refNames } = compiled('contract');

await withHome(async (home) => {
  const file = writeTrivial(home);
  const info = await startStack(home);
  const client = await connectTemporal(info);
  const store = storeOf(home);
  const { spec, text } = await compiled('cli/run').readSpec(file, {});
  const provenance = await provenanceOf({ store, root: spec.root, source: spec.data.source, home, version: 'bench', command: [] });
  const submit = async () => {
    const begun = Date.now();
    const { experimentId } = await submitExperiment({ client, store }, { spec, source: text, provenance });
    return { experimentId, begun, called: Date.now() - begun };
  };

  const single = [];
  for (let i = 0; i < alone; i++) single.push(await oneAlone(submit, client, store));
  const before = { usage: await stackUsage(home), objects: filesBelow(join(home, 'store', 'objects')), asked: await requests(home) };

  const api = reads > 0 ? await startApi(home, info) : null;
  const watched = watch(home, client, experiments);
  const reading = api && readAlways(api.url, client, watched);
  const begun = Date.now();
  const started = await startAll(submit);
  const startedBy = Date.now();
  await watched.done;
  const ended = Date.now();
  const after = await stackUsage(home);
  const asked = await requests(home);
  const answers = await reading?.stop();
  api?.stop();

  const starts = await startLatencies(client, started);
  const sizes = await historySizes(client, started);
  report({
    single,
    before,
    after,
    asked,
    begun,
    startedBy,
    ended,
    watched,
    starts,
    sizes,
    answers,
    pool: await poolCost(client),
    objects: filesBelow(join(home, 'store', 'objects')),
  });
  await client.connection.close();
});

function writeTrivial(home) {
  mkdirSync(join(home, 'specs'), { recursive: true });
  const rows = Array.from({ length: 200 }, (_, i) => `r${i},${Math.sin(i * i).toFixed(6)},${Math.cos(i * 3.7) > 0 ? 'yes' : 'no'}`);
  writeFileSync(join(home, 'specs', 'table.csv'), `id,x,label\n${rows.join('\n')}\n`);
  return writeSpec(home, {
    name: 'scale',
    data: { source: './table.csv', label: 'label', id: 'id', split: { test: 0.3, validation: 0.1, seed: 7 } },
    training: { command: ['python', join(root, 'bench', 'trivial.py')], seeds: [1, 2, 3], batchSize: 16, budget: { steps: 1 } },
    variants: [
      { name: 'a', control: true, params: { smoothing: 1 } },
      { name: 'b', params: { smoothing: 5 } },
    ],
    varies: ['smoothing'],
    evaluation: { metrics: ['accuracy'] },
    analysis: { primary: 'accuracy', question: 'artifact', resamples: 1000 },
  });
}

/** On an idle stack: from the call to the first step of any run, and to the end. */
async function oneAlone(submit, client, store) {
  const { experimentId, begun, called } = await submit();
  await client.workflow.getHandle(ids.experimentWorkflow(experimentId)).result();
  const { value } = await store.refs.get(refNames.experiment(experimentId));
  const result = await store.getJson(value.result);
  const events = await Promise.all(result.variants.flatMap(({ runs }) => runs).map(({ artifacts }) => store.get(artifacts.events)));
  const first = Math.min(...events.map((text) => stepTimes(text.toString('utf8'))[0]));
  return { called, first: (first - begun) / 1000, whole: (Date.parse(value.finishedAt) - begun) / 1000 };
}

async function startAll(submit) {
  const started = [];
  if (rate > 0) {
    const begun = performance.now();
    const calls = [];
    for (let i = 0; i < experiments; i++) {
      await sleep(Math.max(0, begun + (i * 1000) / rate - performance.now()));
      calls.push(submit());
    }
    return Promise.all(calls);
  }
  await Promise.all(
    Array.from({ length: Math.min(20, experiments) }, async () => {
      while (started.length < experiments) {
        const slot = started.push(null) - 1;
        started[slot] = await submit();
      }
    }),
  );
  return started;
}

/** Memory every five seconds, until nothing is open any more. */
function watch(home, client, total) {
  const samples = [];
  const watched = { samples, over: false };
  watched.done = (async () => {
    for (;;) {
      const { count: open } = await client.workflow.count("WorkflowType = 'experiment' AND ExecutionStatus = 'Running'");
      const { count: closed } = await client.workflow.count("WorkflowType = 'experiment' AND ExecutionStatus != 'Running'");
      const { children } = await stackStatus(home);
      samples.push({
        at: Date.now(),
        open,
        closed: closed - alone,
        memory: Object.fromEntries(children.map(({ name, pid }) => [name, residentOf(pid)])),
      });
      if (closed - alone >= total) break;
      await sleep(5000);
    }
    watched.over = true;
  })();
  return watched;
}

function residentOf(pid) {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

/** From the call to the server's record of it, the first workflow task, and the end of `registerExperiment`, ms; every tenth of the starts apart. */
async function startLatencies(client, started) {
  const found = [];
  const step = Math.max(1, Math.floor(started.length / 300));
  for (let i = 0; i < started.length; i += step) {
    const { experimentId, begun, called } = started[i];
    const { events } = await client.workflow.getHandle(ids.experimentWorkflow(experimentId)).fetchHistory();
    const at = (type) => timeOf(events.find((event) => event.eventType === type)?.eventTime);
    // temporal.api.enums.v1.EventType: workflow task completed 7, activity task completed 12.
    found.push({ part: i / started.length, called, task: at(7) - begun, registered: at(12) - begun });
  }
  return found;
}

function timeOf(time) {
  return Number(time.seconds) * 1000 + Number(time.nanos) / 1e6;
}

async function historySizes(client, started) {
  const wanted = new Set(started.map(({ experimentId }) => experimentId));
  const sizes = { experiment: [], variantRun: [] };
  for await (const { type, raw, workflowId } of client.workflow.list({
    query: "WorkflowType = 'experiment' OR WorkflowType = 'variantRun'",
    pageSize: 1000,
  })) {
    if (!wanted.has(workflowId.split('/')[1])) continue;
    sizes[type].push({ events: Number(raw.historyLength), bytes: Number(raw.historySizeBytes) });
  }
  return sizes;
}

/** Requests to the server's front end so far, by operation, as the server counts them. */
async function requests(home) {
  const [, url] = /^Metrics:\s+(\S+)/m.exec(readFileSync(join(home, 'stack', 'temporal.log'), 'utf8'));
  const counts = new Map();
  for (const line of (await (await fetch(url)).text()).split('\n')) {
    const [, operation, count] = /^service_requests\{.*operation="(\w+)",service_name="frontend"\} (\S+)$/.exec(line) ?? [];
    if (operation) counts.set(operation, (counts.get(operation) ?? 0) + Number(count));
  }
  return counts;
}

/** Of the one workflow that gives out places, over all runs of it that the server still knows. */
async function poolCost(client) {
  const runs = [];
  for await (const { raw } of client.workflow.list({ query: `WorkflowId = '${ids.gpuPool}'` })) {
    runs.push({ events: Number(raw.historyLength), bytes: Number(raw.historySizeBytes) });
  }
  // One that is open has no length in the list.
  const last = await client.workflow.getHandle(ids.gpuPool).describe();
  const open = {
    events: Number(last.raw.workflowExecutionInfo.historyLength),
    bytes: Number(last.raw.workflowExecutionInfo.historySizeBytes),
  };
  return { runs: runs.length, events: sum(runs.slice(1), 'events') + open.events, bytes: sum(runs.slice(1), 'bytes') + open.bytes };
}

/** `assay serve` on a free port, as a process of its own. */
async function startApi(home, { address, namespace }) {
  const port = await freePort();
  // One address reads for all, which the limit of an address is not made for.
  const config = join(home, 'assay.config.yaml');
  writeFileSync(config, 'serve: {limits: {requestsPerMinute: 1000000}}\n');
  const child = spawn(process.execPath, [join(root, 'bin', 'assay'), 'serve', '--port', String(port), '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ASSAY_LOG_LEVEL: 'warn', ASSAY_HOME: home, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) break;
    if (tries > 150) throw new Error('the API did not get ready');
    await sleep(200);
  }
  return { url, pid: child.pid, stop: () => child.kill() };
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Reads at a fixed rate whatever the answers take: one list in ten, else the newest experiments in turn. */
function readAlways(url, client, watched) {
  const answers = [];
  let known = [];
  let stopped = false;
  const refresh = (async () => {
    while (!stopped) {
      const page = [];
      for await (const { workflowId } of client.workflow.list({ query: "WorkflowType = 'experiment'", pageSize: 100 })) {
        page.push(workflowId.split('/')[1]);
        if (page.length === 100) break;
      }
      known = page;
      await sleep(2000);
    }
  })();
  const reader = (async () => {
    const begun = performance.now();
    const open = new Set();
    for (let i = 0; !stopped && !watched.over; i++) {
      await sleep(Math.max(0, begun + (i * 1000) / reads - performance.now()));
      const path = i % 10 === 0 || known.length === 0 ? '/v1/experiments?limit=20' : `/v1/experiments/${known[i % known.length]}`;
      const from = performance.now();
      const asked = fetch(url + path, { signal: AbortSignal.timeout(10_000) })
        .then(async (answer) => {
          await answer.arrayBuffer();
          answers.push({ status: answer.status, ms: performance.now() - from });
        })
        .catch((error) => void answers.push({ status: error.name, ms: performance.now() - from }))
        .finally(() => open.delete(asked));
      open.add(asked);
    }
    await Promise.all(open);
    return performance.now() - begun;
  })();
  return {
    stop: async () => {
      stopped = true;
      const ms = await reader;
      await refresh;
      return { answers, rate: (answers.length / ms) * 1000 };
    },
  };
}

function filesBelow(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return {
    count: files.length,
    bytes: files.reduce((total, entry) => total + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0),
  };
}

function report({ single, before, after, asked, begun, startedBy, ended, watched, starts, sizes, answers, pool, objects }) {
  const seconds = (ended - begun) / 1000;
  console.log(
    `${experiments} experiments of 2 variants x 3 seeds, ${values.slots} trainers at once, ${rate > 0 ? `${rate} starts a second` : 'started at once'}:\n`,
  );
  table(
    ['of all', ''],
    [
      ['starts a second', (experiments / ((startedBy - begun) / 1000)).toFixed(1)],
      ['experiments a minute, to the end', ((experiments / seconds) * 60).toFixed(1)],
      ['runs a minute', ((experiments * 6 * 60) / seconds).toFixed(0)],
      ...(single.length > 0
        ? [
            ['alone before: call to first step, s', spread(single.map(({ first }) => first))],
            ['alone before: call to end, s', spread(single.map(({ whole }) => whole))],
          ]
        : []),
      ['objects in the store an experiment', ((objects.count - before.objects.count) / experiments).toFixed(1)],
      ['bytes in the store an experiment', ((objects.bytes - before.objects.bytes) / experiments).toFixed(0)],
      ['pool: events a run of an experiment', (pool.events / (experiments * 6)).toFixed(1)],
      ['pool: bytes a run of an experiment', (pool.bytes / (experiments * 6)).toFixed(0)],
      ...(answers
        ? [
            ['reads a second', answers.rate.toFixed(1)],
            ['reads by status', statuses(answers.answers)],
            ['read, ms', tail(answers.answers.map(({ ms }) => ms))],
          ]
        : []),
    ],
  );
  console.log('');
  const tenths = [...new Set(starts.map(({ part }) => Math.floor(part * 10)))];
  const row = (name, of) => [name, of.length, ...['called', 'task', 'registered'].map((key) => tail(of.map((start) => start[key])))];
  table(
    ['starts, ms: median, 99 %, worst', 'n', 'call', 'call to first workflow task', 'call to registered'],
    [
      row('all', starts),
      ...tenths.map((tenth) =>
        row(
          `${tenth * 10} to ${tenth * 10 + 10} %`,
          starts.filter(({ part }) => Math.floor(part * 10) === tenth),
        ),
      ),
    ],
  );
  console.log('');
  table(
    ['history', 'n', 'events', 'most', 'bytes', 'most'],
    Object.entries(sizes).map(([name, of]) => [
      name,
      of.length,
      ...['events', 'bytes'].flatMap((key) => {
        const all = of.map((size) => size[key]);
        return [median(all), Math.max(...all)];
      }),
    ]),
  );
  console.log('');
  const each = (operation) => ((asked.get(operation) ?? 0) - (before.asked.get(operation) ?? 0)) / experiments;
  const answered = (kind) => ['Completed', 'Failed', 'Canceled'].map((end) => each(`Respond${kind}Task${end}`)).reduce((a, b) => a + b);
  table(
    ['requests to the server an experiment', 'polls', 'that brought work'],
    [
      // A query comes as a workflow task.
      ['workflow tasks', each('PollWorkflowTaskQueue').toFixed(1), (answered('Workflow') + answered('Query')).toFixed(1)],
      ['activity tasks', each('PollActivityTaskQueue').toFixed(1), answered('Activity').toFixed(1)],
      ['Nexus tasks', each('PollNexusTaskQueue').toFixed(1), answered('Nexus').toFixed(1)],
      [
        'all requests',
        [...asked.keys()]
          .map(each)
          .reduce((a, b) => a + b)
          .toFixed(1),
        '',
      ],
    ],
  );
  console.log('');
  const names = Object.keys(after);
  table(
    ['process', ...names],
    [
      ['CPU an experiment, s', ...names.map((name) => ((after[name].cpu - (before.usage[name]?.cpu ?? 0)) / experiments).toFixed(2))],
      ...[0, 0.25, 0.5, 0.75, 1].map((part) => {
        const sample = watched.samples.find(({ closed }) => closed >= part * experiments) ?? watched.samples.at(-1);
        return [`MB when ${part * 100} % had ended`, ...names.map((name) => ((sample.memory[name] ?? 0) / 1e6).toFixed(0))];
      }),
      ['MB, most ever', ...names.map((name) => (after[name].peak / 1e6).toFixed(0))],
    ],
  );
}

function tail(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share) => (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN).toFixed(0);
  return `${at(0.5)}, ${at(0.99)}, ${at(1)}`;
}

function statuses(all) {
  const counts = new Map();
  for (const { status } of all) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${status}: ${count}`).join(', ');
}

function sum(all, key) {
  return all.reduce((total, entry) => total + entry[key], 0);
}
