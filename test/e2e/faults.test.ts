// Proves, on a real PyTorch training of at least 60 seconds and 2,000 steps: a killed worker's trainer is adopted, a killed
// trainer resumes to the same predictions, a killed server loses nothing.
import { join } from 'node:path';
import type { Result } from '../../src/contract';
import { Cluster, predictionsOf, stepsOf, until } from './cluster';

const folder = join(__dirname, '..', '..', 'examples', 'digits-torch');
const steps = 16_000;

/** Both variants are the same training, so that one undisturbed run is the measure of the other. */
const spec = `
name: faults
data: {source: "builtin:digits", label: label, id: id}
training:
  command: [python, train.py]
  seeds: [1]
  budget: {steps: ${steps}}
  checkpointEvery: 5s
  params: {lr: 0.002, model: cnn, channels: 16}
variants:
  - {name: undisturbed, control: true}
  - {name: disturbed}
evaluation: {metrics: [accuracy, training_seconds]}
`;

describe('a training of a minute, killed in its middle', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ hosts: ['host-a', 'host-b'], slots: 1 });
  });

  afterAll(() => cluster.stop());

  it('survives the death of its worker without losing or repeating a step', async () => {
    const id = await cluster.submit(spec, folder);
    const before = await cluster.reaches(id, 'disturbed', 1, 2000);
    await cluster.kill(before.host);
    cluster.startWorker('gpu', before.host, 1);

    const { result } = await cluster.result(id);
    const run = runOf(result, 'disturbed');
    expect(run).toMatchObject({ status: 'done', attempts: 1, resumedFromStep: null, steps, host: before.host });
    expect(run.seconds).toBeGreaterThan(60);
    expect(cluster.log(before.host)).toContain('will be adopted');
    await expectWhole(result);
  }, 400_000);

  it('resumes from its last checkpoint when the trainer is killed', async () => {
    const id = await cluster.submit(spec, folder);
    let trainer = 0;
    await until(async () => {
      const now = await cluster.reaches(id, 'disturbed', 1, 2000);
      trainer = now.pid ?? 0;
      return (now.checkpointStep ?? 0) > 0;
    }, 120_000);
    process.kill(trainer, 'SIGKILL');

    const { result } = await cluster.result(id);
    const run = runOf(result, 'disturbed');
    expect(run).toMatchObject({ status: 'done', attempts: 2, steps });
    expect(run.resumedFromStep).toBeGreaterThan(0);
    await expectWhole(result);
  }, 400_000);

  it('goes on while the server is away', async () => {
    const id = await cluster.submit(spec, folder);
    await cluster.reaches(id, 'disturbed', 1, 2000);
    await cluster.kill('temporal');
    await cluster.startServer();

    const { result } = await cluster.result(id);
    expect(runOf(result, 'disturbed')).toMatchObject({ status: 'done', attempts: 1, resumedFromStep: null, steps });
    await expectWhole(result);
  }, 400_000);

  /** Every step once and in order, and the same predictions as the run that nothing disturbed. */
  async function expectWhole(result: Result): Promise<void> {
    expect(await stepsOf(cluster.store, result, 'disturbed', 1)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    expect(predictionsOf(result, 'disturbed', 1)).toBe(predictionsOf(result, 'undisturbed', 1));
    expect(result.comparisons.find((c) => c.metric === 'accuracy')?.difference).toBe(0);
  }
});

function runOf(result: Result, variant: string) {
  const run = result.variants.find((v) => v.name === variant)?.runs[0];
  if (!run) throw new Error(`no run of ${variant}: ${JSON.stringify(result.verdict)}`);
  return run;
}
