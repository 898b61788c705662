/**
 * CPU seconds and peak memory of comparing 1,000,000 rows x 50 columns with a reference of the same size, beside scipy and Evidently.
 *   npm run build && ASSAY_PYTHON=python3 node bench/drift.mjs
 * ASSAY_PYTHON needs numpy, scipy and pyarrow, and evidently for its line (0.7 needs pandas below 3); a peer that cannot be imported is
 * left out. Ours is a whole process: start, reading the current Parquet file, its profile, and the comparison with the stored profile of
 * the reference. Peers read both files, since they keep nothing; their comparison alone, without reading and imports, stands beside.
 * Three runs each in turn, of Evidently one; ASSAY_BENCH_ROWS and ASSAY_BENCH_RUNS change the size and the number.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, spread, table } from './lib/harness.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const rows = Number(process.env.ASSAY_BENCH_ROWS ?? 1_000_000);
const runs = Number(process.env.ASSAY_BENCH_RUNS ?? 3);
const columns = 50;

const [step, folder] = process.argv.slice(2);
if (step === '--profile') await profile(folder);
else if (step === '--compare') await compare(folder);
else await compareAll();

/** Columns of five shapes in turn: normal, skewed, uniform, heavy tails, few values. */
async function makeData(path, seed) {
  const { DuckDBInstance } = require('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`SELECT setseed(${seed})`);
  const normal = 'sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())';
  const shapes = [normal, `exp(${normal})`, 'random()', 'tan(pi() * (random() - 0.5))', 'floor(10 * random())'];
  const cells = Array.from({ length: columns }, (_, i) => `CAST(${shapes[i % shapes.length]} AS DOUBLE) AS x${i}`);
  await connection.run(`COPY (SELECT ${cells.join(', ')} FROM range(${rows})) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

async function profileOf(folder, name) {
  const { profileFile } = require('../dist/src/data/profile/index.js');
  return (await profileFile({ path: join(folder, `${name}.parquet`), format: 'parquet', name, workDir: join(folder, 'work') })).profile;
}

async function profile(folder) {
  writeFileSync(join(folder, 'reference.json'), JSON.stringify(await profileOf(folder, 'reference')));
  spent(0);
}

async function compare(folder) {
  const { driftFindings } = require('../dist/src/checks/index.js');
  const reference = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8'));
  const findings = driftFindings(reference, await profileOf(folder, 'current'), { alpha: 0.01, minEffect: 0.05 });
  spent(findings.filter(({ alarm }) => alarm).length);
}

function spent(alarms) {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ cpu: (user + system) / 1e6, rss: process.resourceUsage().maxRSS * 1024, alarms }));
}

async function compareAll() {
  const folder = mkdtempSync(join(tmpdir(), 'assay-drift-'));
  try {
    await makeData(join(folder, 'reference.parquet'), 0.1);
    await makeData(join(folder, 'current.parquet'), 0.2);
    const own = (name) => () => measure(process.execPath, [fileURLToPath(import.meta.url), name, folder]);
    const python = process.env.ASSAY_PYTHON;
    const peer = (name) => () => (python === undefined ? null : measure(python, [join(here, 'drift_peers.py'), name, folder]));
    const found = takeTurns([
      ['assay, profile of the reference', own('--profile'), runs],
      ['assay, profile of the current data and comparison', own('--compare'), runs],
      ['scipy.stats.ks_2samp', peer('scipy'), runs],
      // Minutes each.
      ['Evidently, DataDriftPreset', peer('evidently'), Math.min(runs, 1)],
    ]);
    const ours = median(found[1].uses.map(({ cpu }) => cpu));
    console.log(`${rows} rows x ${columns} columns`);
    table(
      ['', 'n', 'CPU, s', 'of it comparison, s', 'peak MB', 'CPU / assay', 'comparison / assay'],
      found
        .filter(({ uses }) => uses.length > 0)
        .map(({ name, uses }) => {
          const cpu = uses.map((use) => use.cpu);
          const comparison = uses.flatMap((use) => use.comparison ?? []);
          const isPeer = comparison.length > 0;
          return [
            ...[name, uses.length, spread(cpu), isPeer ? spread(comparison) : '', median(uses.map(({ rss }) => rss / 1e6)).toFixed(0)],
            ...[(median(cpu) / ours).toFixed(1), isPeer ? (median(comparison) / ours).toFixed(1) : ''],
          ];
        }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each round begins with another one, the first with the profile that the comparison reads; a peer that is not installed is asked once. */
function takeTurns(tools) {
  const found = tools.map(([name, run, most]) => ({ name, run, most, uses: [] }));
  for (let round = 0; round < runs; round++)
    for (const tool of found.map((_, i) => found[(i + round) % found.length])) {
      if (tool.uses.length >= tool.most) continue;
      const use = tool.run();
      if (use === null || use.missing !== undefined) tool.most = 0;
      if (use?.missing !== undefined) console.error(use.missing);
      if (tool.most > 0) tool.uses.push(use);
    }
  return found;
}

function measure(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args.map(String), { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
