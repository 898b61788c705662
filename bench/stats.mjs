/**
 * CPU seconds and peak memory of 10,000 paired resamples of a difference, beside the Python libraries that do the same.
 *   npm run build && python3 -m venv /tmp/peers && /tmp/peers/bin/pip install numpy scipy scikit-learn arch
 *   ASSAY_PYTHON=/tmp/peers/bin/python node bench/stats.mjs
 * --metric accuracy,f1_macro,auc_ovr   --rows 10000,100000,1000000   --classes 2,10,100   --arms 2,4   which cases
 * --peers scipy,sklearn,arch,multinomial   which peers; without ASSAY_PYTHON none
 * --resamples-of-peers 20   a fixed number for the peers; by default as many as 1.5 CPU seconds hold, scaled to 10,000
 * --rounds 3   our runs, of which the median is printed; one where a run takes over 5 s
 * Both sides read the same files. Ours is BCa and counts the whole process: start, library, reading, bounds. A peer's imports, its reading and
 * its interval are not counted where it lets us (percentile, no jackknife): that favours the peer.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const library = join(here, '../dist/src/stats/index.js');
const resamples = 10_000;

if (process.argv[2] === '--ours')
  ours(process.argv[3], Number(process.argv[4]), Number(process.argv[5]), process.argv[6], Number(process.argv[7]));
else table();

/** One comparison in a process of its own. */
function ours(metric, classes, arms, folder, count) {
  const labels = readNpy(join(folder, 'labels.npy'));
  const columns = Array.from({ length: arms }, (_, j) => readNpy(join(folder, `arm${j}.npy`)));
  const { pairedBootstrap } = createRequire(import.meta.url)(library);
  const before = process.cpuUsage();
  const input = metric === 'auc_ovr' ? { labels, scores: columns } : { labels, predictions: columns, classes };
  pairedBootstrap(input, metric, { resamples: count });
  const call = seconds(process.cpuUsage(before));
  console.log(JSON.stringify({ cpu: seconds(process.cpuUsage()), call, rss: process.resourceUsage().maxRSS * 1024 }));
}

function table() {
  const { values } = parseArgs({
    options: {
      metric: { type: 'string', default: 'accuracy,f1_macro,auc_ovr' },
      rows: { type: 'string', default: '10000,100000,1000000' },
      classes: { type: 'string', default: '2,10,100' },
      arms: { type: 'string', default: '2,4' },
      peers: { type: 'string', default: 'scipy,sklearn,arch,multinomial' },
      'resamples-of-peers': { type: 'string', default: '0' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const list = (text) => text.split(',').filter((word) => word !== '');
  const python = process.env.ASSAY_PYTHON;
  const peers = python === undefined ? [] : list(values.peers);
  const cases = casesOf(
    list(values.metric),
    list(values.rows).map(Number),
    list(values.classes).map(Number),
    list(values.arms).map(Number),
  );
  console.log(
    `| metric | arms | classes | rows | assay, whole process, s | the call, s | peak MB | ${peers.map((peer) => `${peer}, s (× whole process)`).join(' | ')} |`,
  );
  console.log(`| --- | --- | --- | --- | --- | --- | --- |${' --- |'.repeat(peers.length)}`);
  for (const { metric, rows, classes, arms } of cases) {
    const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
    try {
      writeCase(folder, metric, rows, classes, arms);
      const own = oursOf(metric, rows, classes, arms, folder, Number(values.rounds));
      const columns = peers.map((peer) => {
        const found = measure(python, [join(here, 'stats_peers.py'), peer, metric, classes, arms, folder, values['resamples-of-peers']]);
        if (found.cpu === null) return '';
        const scaled = (found.cpu * resamples) / found.resamples;
        return `${digits(scaled)} (${digits(scaled / own.cpu)}; of ${found.resamples})`;
      });
      console.log(
        `| ${[metric, arms, classes, rows, digits(own.cpu), digits(own.call), (own.rss / 1e6).toFixed(0), ...columns].join(' | ')} |`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

/** Accuracy and AUC of two classes; macro F1 of each number of classes; several arms at 10 classes. */
function casesOf(metrics, rows, classes, arms) {
  const cases = [];
  for (const metric of metrics) {
    for (const k of metric === 'f1_macro' ? classes : classes.slice(0, 1)) {
      for (const a of arms) {
        if (a > 2 && !(metric === 'f1_macro' && k === 10)) continue;
        for (const n of rows) cases.push({ metric, rows: n, classes: k, arms: a });
      }
    }
  }
  return cases;
}

/** Our runs: the AUC of a million rows draws a tenth of the resamples and is scaled, less what does not grow with them. */
function oursOf(metric, rows, classes, arms, folder, rounds) {
  const run = (count) => measure(process.execPath, [fileURLToPath(import.meta.url), '--ours', metric, classes, arms, folder, count]);
  if (metric === 'auc_ovr' && rows >= 1_000_000) {
    const [few, more] = [run(250), run(1250)];
    const each = (more.cpu - few.cpu) / 1000;
    return { cpu: few.cpu + each * (resamples - 250), call: few.call + each * (resamples - 250), rss: more.rss };
  }
  const first = run(resamples);
  const all = [first];
  while (first.cpu < 5 && all.length < rounds) all.push(run(resamples));
  return all.sort((x, y) => x.cpu - y.cpu)[all.length >> 1];
}

function measure(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args.map(String), {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Arms right on 85 % of the rows, 87 %, ..., the rest at random; for AUC scores of overlapping classes, kept as 53 bits. */
function writeCase(folder, metric, rows, classes, arms) {
  const { Generator } = createRequire(import.meta.url)(library);
  const generator = new Generator(1);
  const labels = new Int32Array(rows);
  for (let i = 0; i < rows; i++) labels[i] = generator.below(classes);
  writeNpy(join(folder, 'labels.npy'), labels, '<i4');
  for (let j = 0; j < arms; j++) {
    const column = metric === 'auc_ovr' ? new Float64Array(rows) : new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      if (metric === 'auc_ovr') column[i] = (generator.uniform() + (0.3 + 0.05 * j) * labels[i]) / 1.5;
      else column[i] = generator.uniform() < 0.85 + 0.02 * j ? labels[i] : generator.below(classes);
    }
    writeNpy(join(folder, `arm${j}.npy`), column, metric === 'auc_ovr' ? '<f8' : '<i4');
  }
}

function writeNpy(path, values, type) {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${values.length},), }`;
  const padded = `${header.padEnd(117)}\n`;
  writeFileSync(
    path,
    Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([118, 0]), Buffer.from(padded), Buffer.from(values.buffer)]),
  );
}

function readNpy(path) {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const buffer = bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length);
  return bytes.toString('latin1', 10, start).includes('<f8') ? new Float64Array(buffer) : new Int32Array(buffer);
}

function seconds({ user, system }) {
  return (user + system) / 1e6;
}

function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2);
}
