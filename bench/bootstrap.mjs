/**
 * CPU seconds and peak memory of 10,000 paired resamples, beside scipy.stats.bootstrap and NumPy's multinomial.
 *   npm run build && ASSAY_PYTHON=python3 node bench/bootstrap.mjs
 * ASSAY_PYTHON needs numpy and scipy; without it only our own numbers are printed. Each number is one process of its own.
 * Peers' long runs are scaled from fewer resamples (column "peer resamples"). Ours is BCa and counts the whole process, start and data included.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const resamples = 10_000;
const cases = [
  ['accuracy', 2],
  ['f1_macro', 2],
  ['f1_macro', 10],
].flatMap(([metric, classes]) => [10_000, 1_000_000].map((rows) => ({ metric, classes, rows })));

if (process.argv[2] === '--case') ours(process.argv[3], Number(process.argv[4]), Number(process.argv[5]));
else table();

function ours(metric, classes, rows) {
  const { Generator, pairedBootstrap } = createRequire(import.meta.url)('../dist/src/stats/index.js');
  const generator = new Generator(1);
  const labels = Int32Array.from({ length: rows }, () => generator.below(classes));
  const arm = (skill) => labels.map((label) => (generator.uniform() < skill ? label : generator.below(classes)));
  const input = { labels, predictionsA: [arm(0.85)], predictionsB: [arm(0.87)], classes };
  const before = process.cpuUsage();
  pairedBootstrap(input, metric, { resamples });
  const used = process.cpuUsage(before);
  const whole = process.cpuUsage();
  const seconds = ({ user, system }) => (user + system) / 1e6;
  console.log(JSON.stringify({ cpu: seconds(whole), call: seconds(used), rss: process.resourceUsage().maxRSS * 1024 }));
}

function table() {
  const python = process.env.ASSAY_PYTHON;
  console.log(
    '| metric | classes | rows | assay, whole process, s | the call alone, s | peak MB | scipy, s | peer resamples | scipy / assay | multinomial, s | multinomial / call |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const { metric, classes, rows } of cases) {
    const own = measure(process.execPath, [fileURLToPath(import.meta.url), '--case', metric, classes, rows]);
    const few = rows > 100_000 ? 50 : 1000;
    const peer = (name, count) =>
      python === undefined ? null : measure(python, [join(here, 'bootstrap_peers.py'), name, metric, classes, rows, count]);
    const scipy = peer('scipy', few);
    const numpy = peer('multinomial', resamples);
    const scaled = scipy === null ? null : (scipy.cpu * resamples) / few;
    const cell = (value, digits) => (value === null ? '' : value.toFixed(digits));
    console.log(
      `| ${[
        metric,
        classes,
        rows,
        cell(own.cpu, 2),
        cell(own.call, 3),
        cell(own.rss / 1e6, 0),
        cell(scaled, 1),
        scipy === null ? '' : few,
        cell(scaled === null ? null : scaled / own.cpu, 0),
        cell(numpy?.cpu ?? null, 3),
        cell(numpy === null ? null : numpy.cpu / own.call, 1),
      ].join(' | ')} |`,
    );
  }
}

function measure(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args.map(String), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
