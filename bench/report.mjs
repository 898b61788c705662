/**
 * Time, peak memory and size of a report, from stored predictions to the page, by test rows and variants.
 *   npm run build && node bench/report.mjs
 * --rows 1000,100000,1000000   --variants 2,5,10   --seeds 5   --classes 2   which cases
 * --rounds 3   of which the medians are printed
 * Everything is made up but the way: a store with a table, its snapshot, and of each run predictions, 2,000 steps of events and 20 minutes of
 * telemetry. Each round is a process of its own, whose clock starts after its modules are loaded. "result" is from the references to
 * `assay.result/1`: reading, pairing, 20,000 resamples, checks, breakdowns, rows of disagreement with their content. "page" is from there
 * to the HTML file.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const built = (path) => createRequire(import.meta.url)(join(here, '../dist/src', path));

async function once(folder) {
  const { buildResult } = built('activities/buildResult.js');
  const { renderReport } = built('report/index.js');
  const { openStore } = built('store/index.js');
  const store = openStore(pathToFileURL(join(folder, 'store')).href);
  const input = await store.getJson((await store.refs.get('bench/input')).value);
  const cpu = process.cpuUsage();
  const began = performance.now();
  const { result } = await buildResult({ store, uiUrl: null, home: folder }, input, 'default');
  const analysed = performance.now();
  const page = await renderReport(result);
  const done = performance.now();
  const used = process.cpuUsage(cpu);
  console.log(
    JSON.stringify({
      result: (analysed - began) / 1000,
      page: (done - analysed) / 1000,
      cpu: (used.user + used.system) / 1e6,
      memory: process.resourceUsage().maxRSS * 1024,
      json: Buffer.byteLength(JSON.stringify(result)),
      html: Buffer.byteLength(page),
      disagreements: result.disagreements.reduce((sum, { rows }) => sum + rows.length, 0),
    }),
  );
  process.exit(0);
}

async function table() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '1000,100000,1000000' },
      variants: { type: 'string', default: '2,5,10' },
      seeds: { type: 'string', default: '5' },
      classes: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const numbers = (text) => text.split(',').map(Number);
  console.log('| test rows | variants x seeds | result, s | page, s | CPU, s | peak memory, MB | result.json, kB | report.html, kB |');
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const rows of numbers(values.rows)) {
    for (const variants of numbers(values.variants)) {
      const folder = mkdtempSync(join(tmpdir(), 'assay-bench-report-'));
      try {
        await prepare(folder, { rows, variants, seeds: Number(values.seeds), classes: Number(values.classes) });
        const rounds = Array.from({ length: Number(values.rounds) }, () => measured(folder));
        const of = (key, scale, digits) => {
          const sorted = rounds.map((round) => round[key] / scale).sort((a, b) => a - b);
          const [middle, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((value) => value.toFixed(digits));
          return least === most ? middle : `${middle} (${least} to ${most})`;
        };
        const cells = [
          of('result', 1, 2),
          of('page', 1, 2),
          of('cpu', 1, 2),
          of('memory', 1e6, 0),
          of('json', 1000, 0),
          of('html', 1000, 0),
        ];
        console.log(`| ${rows.toLocaleString('en')} | ${variants} x ${values.seeds} | ${cells.join(' | ')} |`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  }
}

function measured(folder) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--once', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a round ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** A finished experiment as its workflow hands it to the analysis. */
async function prepare(folder, { rows, variants, seeds, classes }) {
  const { loadSpec } = built('contract/loadSpec.js');
  const { experimentPlan } = built('contract/plan.js');
  const { openStore } = built('store/index.js');
  const store = openStore(pathToFileURL(join(folder, 'store')).href);
  const random = generator(7);
  const names = Array.from({ length: variants }, (_, i) => `variant-${i}`);
  const source = [
    ...[
      'name: bench',
      'data: {source: data.csv, id: id}',
      `training: {command: [trainer], budget: {steps: 2000}, seeds: [${seedsOf(seeds)}]}`,
    ],
    ...['variants:', ...names.map((name, i) => `  - {name: ${name}${i === 0 ? ', control: true' : ''}, params: {size: ${i}}}`)],
    ...['varies: [size]', 'runtime: {gpus: 1}', 'evaluation: {metrics: [accuracy, f1_macro, log_loss, gpu_utilization]}'],
  ];
  const spec = loadSpec(`${source.join('\n')}\n`, { file: 'experiment.yaml', root: folder, overrides: [] });
  const plan = experimentPlan(spec, 'bench-1', await store.putJson(spec));
  const labels = Int32Array.from({ length: rows }, () => Math.floor(random() * classes));
  const snapshot = await store.putJson(await snapshotOf(store, folder, labels, classes, random));
  const ids = await put(store, built('contract/npy.js').writeNpy(Int32Array.from({ length: rows }, (_, i) => i)));
  const truth = await put(store, built('contract/npy.js').writeNpy(labels));
  const runs = [];
  for (const [v, variant] of names.entries())
    for (let seed = 1; seed <= seeds; seed++)
      runs.push(
        await runOf(store, { experimentId: 'bench-1', variant, seed }, { ids, truth, labels, classes, skill: 1.5 + 0.1 * v, random }),
      );
  const split = { train: rows, validation: 0, test: rows };
  const input = await store.putJson({
    ...{ plan, snapshot: { ref: snapshot, rows, splits: split }, sourceChanged: null, checks: [], runs, latency: null },
    provenance: await store.putJson({
      ...{ assay: '0.0.0', source: '', git: { commit: null, dirty: false, remote: null, diff: null }, dvc: null },
      ...{ spec: plan.spec.digest, host: 'host-1', user: null, command: ['assay', 'run', 'experiment.yaml'], environment: {} },
    }),
    ...{ workflow: { id: 'w', runId: 'r' }, startedAt: '2026-11-21T14:03:12.000Z' },
  });
  await store.refs.set('bench/input', input, null);
}

const seedsOf = (count) => Array.from({ length: count }, (_, i) => i + 1).join(', ');

/** All rows are test rows, with four columns. */
async function snapshotOf(store, folder, labels, classes, random) {
  const columns = ['a', 'b', 'c', 'd'];
  const lines = ['id,label,a,b,c,d'];
  for (const [i, label] of labels.entries())
    lines.push(`${i},k${label},${random().toFixed(4)},${(label + random()).toFixed(4)},${Math.floor(100 * random())},${'xyz'[i % 3]}`);
  const data = join(folder, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'data.csv'), `${lines.join('\n')}\n`);
  const rows = labels.length;
  const test = Array.from(labels, (label, i) => `{"id":${i},"label":"k${label}","row":${i}}`);
  const split = { rows, ref: await store.put(Buffer.from(`${test.join('\n')}\n`), 'application/jsonl') };
  const none = await store.putJson({});
  return {
    ...{ schema: 'assay.snapshot/2', origin: { kind: 'local' }, source: 'data.csv', kind: 'table', data: await store.putFolder(data) },
    ...{ file: 'data.csv', format: 'csv', rows, label: 'label', id: 'id', unit: null },
    classes: Array.from({ length: classes }, (_, k) => `k${k}`),
    splits: { train: split, validation: split, test: split },
    profiles: {
      train: none,
      validation: none,
      test: await store.putJson({ rows, classes: {}, columns: columns.map((name) => ({ name })) }),
    },
    overlap: { pairs: [] },
    leaks: { nearDuplicates: null, unitsAcross: [], revealing: [] },
    units: { train: rows, validation: 0, test: rows },
    shares: null,
  };
}

async function runOf(store, key, { ids, truth, labels, classes, skill, random }) {
  const { writeNpy } = built('contract/npy.js');
  const scores = new Float32Array(labels.length * classes);
  for (let row = 0; row < labels.length; row++) {
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      const weight = Math.exp((k === labels[row] ? skill : 0) + 2 * random());
      scores[row * classes + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < classes; k++) scores[row * classes + k] /= sum;
  }
  const files = [
    ['ids.npy', ids],
    ['labels.npy', truth],
    ['scores.npy', await put(store, writeNpy(scores, [labels.length, classes]))],
  ].map(([path, { digest, size }]) => ({ path, digest, size }));
  const events = await lines(store, 2000, (i) => ({
    type: 'step',
    step: i + 1,
    loss: 2 * Math.exp(-i / 500) + 0.1 * random(),
    accuracy: 1 - Math.exp(-i / 500),
  }));
  const telemetry = await lines(store, 1200, (i) => ({
    ...{
      timestamp: new Date(Date.UTC(2026, 10, 21, 14, 4, i)).toISOString(),
      uuid: 'GPU-a',
      utilization: random(),
      memoryBytes: 2e10 + 1e9 * random(),
    },
    ...{
      smClockMhz: 1900 + 80 * random(),
      maxSmClockMhz: 1980,
      powerWatts: 400 + 200 * random(),
      temperatureCelsius: 60 + 9 * random(),
      throttled: [],
    },
  }));
  const summary = {
    samples: 1200,
    seconds: 1200,
    utilization: 0.5,
    peakMemoryBytes: 2.1e10,
    smClockMhz: 1940,
    energyJoules: 6e5,
    maxTemperatureCelsius: 69,
  };
  const remedy = { level: 0, microBatchDivisor: 1, gradientCheckpointing: false, precision: null };
  const record = await store.putJson({
    ...{ schema: 'assay.run/1', key, epoch: 2, host: 'host-1', resumedFromStep: 1000, steps: 2000, samples: 128_000, seconds: 1200 },
    ...{ peakMemoryBytes: 5e8, trainerMetrics: {}, environment: {}, warnings: [], remedy, image: null, code: null },
    ...{
      devices: [{ uuid: 'GPU-a', memoryBytes: null, sharing: 'none' }],
      model: 'bench',
      health: [],
      dataStall: 0.01,
      leaks: [],
      warmStart: null,
    },
    telemetry: { ...summary, throttledShare: 0, throttleReasons: {}, gpuHours: 0.33 },
    starts: [
      { epoch: 1, step: 0, seconds: 0, remedy: 0 },
      { epoch: 2, step: 1000, seconds: 600, remedy: 0 },
    ],
    artifacts: { predictions: await store.putJson({ files }), events, model: null, log: events, result: events, telemetry },
  });
  return {
    ...{ key, status: 'done', attempts: 2, trained: { epoch: 2, host: 'host-1', steps: 2000, model: null, record }, findings: [], remedy },
    ...{
      failures: { crash: 1, infrastructure: 0, preemption: 0, outOfMemory: 0 },
      ends: [{ epoch: 1, cause: 'TrainerCrashed: exit code 1' }],
      failure: null,
    },
  };
}

const put = (store, bytes) => store.put(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'application/octet-stream');
const lines = (store, count, of) =>
  store.put(Array.from({ length: count }, (_, i) => `${JSON.stringify(of(i))}\n`).join(''), 'application/jsonl');

/** mulberry32 */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

if (process.argv[2] === '--once') await once(process.argv[3]);
else await table();
