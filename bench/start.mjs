/**
 * Seconds from the command to the first training step, and from the last step to the report.
 *   npm run build && node bench/start.mjs [REPEATS=5]
 * The base is the same trainer started by hand on data that lie there already. Digits, logistic regression and MLP, 50 steps, one seed.
 */
import { join } from 'node:path';
import { directRun, median, root, runExperiment, spread, stackUsage, startStack, table, withHome, writeSpec } from './lib/harness.mjs';

const repeats = Number(process.argv[2] ?? 5);
const spec = {
  name: 'start',
  training: { command: ['python', join(root, 'examples', 'digits', 'train.py')], seeds: [1], batchSize: 128, budget: { steps: 50 } },
  variants: [
    { name: 'logistic', control: true, params: { model: 'logistic' } },
    { name: 'mlp', params: { model: 'mlp' } },
  ],
  varies: ['model'],
};
const example = join(root, 'examples', 'digits', 'experiment.yaml');

const cold = [];
for (let i = 0; i < Math.max(1, repeats >> 1); i++) cold.push(await withHome((home) => runExperiment(home, writeSpec(home, spec))));

await withHome(async (home) => {
  await startStack(home);
  const file = writeSpec(home, spec);
  const [firstOfStack, warm, direct, example3, cpu] = [await runExperiment(home, file), [], [], [], []];
  for (let i = 0; i < repeats; i++) {
    const before = await stackUsage(home);
    warm.push(await runExperiment(home, file));
    const after = await stackUsage(home);
    cpu.push(sum(after, 'cpu') - sum(before, 'cpu'));
    direct.push(await directRun(home, file, 'logistic', i));
  }
  for (let i = 0; i < Math.max(1, repeats >> 1); i++) example3.push(await runExperiment(home, example, ['--seeds', '1']));

  const base = median(direct.map(toFirst));
  const row = (name, runs) => [
    name,
    runs.length,
    runs[0].result === undefined ? '' : spread(runs.map((run) => (Date.parse(run.result.startedAt) - run.begun) / 1000)),
    spread(runs.map(toFirst)),
    (median(runs.map(toFirst)) / base).toFixed(1),
    runs[0].report === undefined ? '' : spread(runs.map((run) => (run.report - run.last) / 1000)),
    runs[0].ended === undefined ? '' : spread(runs.map((run) => (run.ended - run.begun) / 1000)),
  ];
  table(
    [
      'start',
      'n',
      'command to workflow, s',
      'command to first step, s',
      'times the trainer by hand',
      'last step to report, s',
      'whole command, s',
    ],
    [
      row('trainer by hand', direct),
      row('warm stack', warm),
      row('first experiment of a running stack', [firstOfStack]),
      row('cold: empty home, server and database made', cold),
      row('warm, examples/digits, one seed, with the latency phase', example3),
    ],
  );
  const used = await stackUsage(home);
  console.log(
    `\nCPU of the stack for one warm experiment: ${spread(cpu)} s. Peak memory, MB: ${Object.entries(used)
      .map(([name, { peak }]) => `${name} ${(peak / 1e6).toFixed(0)}`)
      .join(', ')}.`,
  );
});

function toFirst(run) {
  return (run.first - run.begun) / 1000;
}

function sum(usage, key) {
  return Object.values(usage).reduce((total, process) => total + process[key], 0);
}
