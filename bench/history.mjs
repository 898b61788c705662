/**
 * Events and bytes of workflow history for short and long trainings: they should be the same.
 *   npm run build && node bench/history.mjs [LONG=10000] [REPEATS=2]
 * Digits, logistic regression and MLP, one seed, a checkpoint a second, so that the long one also stores checkpoints.
 */
import { join } from 'node:path';
import { compiled, root, runExperiment, spread, startStack, table, withHome, writeSpec } from './lib/harness.mjs';

const counts = [10, 1000, Number(process.argv[2] ?? 10_000)];
const repeats = Number(process.argv[3] ?? 2);

await withHome(async (home) => {
  const client = await compiled('client').connectTemporal(await startStack(home));
  const found = new Map(counts.map((steps) => [steps, []]));
  for (let i = 0; i < repeats; i++) {
    for (const steps of counts) found.get(steps).push(await measure(steps));
  }
  await client.connection.close();

  const parts = ['experiment', 'logistic', 'mlp'];
  const rows = parts.flatMap((part) => {
    const of = (steps, key) => found.get(steps).map((run) => run[part][key]);
    const base = (key) => Math.min(...of(counts[0], key));
    return counts.map((steps) => [
      part === 'experiment' ? 'experiment' : `variantRun ${part}`,
      steps,
      ...['steps', 'events', 'bytes'].map((key) => spread(of(steps, key), 0)),
      ...['events', 'bytes'].map((key) => (Math.max(...of(steps, key)) / base(key)).toFixed(3)),
    ]);
  });
  table(['workflow', 'steps asked', 'steps logged', 'events', 'bytes', 'events, largest to short', 'bytes, largest to short'], rows);

  async function measure(steps) {
    const file = writeSpec(home, {
      name: `history-${steps}`,
      training: {
        command: ['python', join(root, 'examples', 'digits', 'train.py')],
        ...{ seeds: [1], batchSize: 128, checkpointEvery: '1s', budget: { steps } },
      },
      variants: [
        { name: 'logistic', control: true, params: { model: 'logistic' } },
        { name: 'mlp', params: { model: 'mlp' } },
      ],
      varies: ['model'],
    });
    const { result, runs } = await runExperiment(home, file);
    const sum = runs.reduce((total, run) => total + run.trainer.steps, 0);
    const sizes = { experiment: { steps: sum, ...(await sizeOf(result.workflow.id)) } };
    for (const run of runs)
      sizes[run.variant] = { steps: run.trainer.steps, ...(await sizeOf(`${result.workflow.id}/${run.variant}/seed-1`)) };
    return sizes;
  }

  async function sizeOf(workflowId) {
    const handle = client.workflow.getHandle(workflowId);
    const [history, description] = [await handle.fetchHistory(), await handle.describe()];
    return { events: history.events.length, bytes: Number(description.raw.workflowExecutionInfo.historySizeBytes) };
  }
});
