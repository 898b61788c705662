// Proves: the compiled activity analyses on a thread, with the numbers and errors of this one, and leaves the event loop free meanwhile.
import { join } from 'node:path';
import { type Analysis, type AnalysisInput, analyse } from '../../src/analysis';
import { experiment } from '../analysis/simulate';

const { analyseApart } = require(join(__dirname, '..', '..', 'dist', 'src', 'activities', 'analyseApart.js')) as {
  analyseApart: (input: AnalysisInput) => Promise<Analysis>;
};

const made = (rows = 400): AnalysisInput =>
  experiment({ seed: 5, rows, seeds: [1, 2], plan: { metrics: ['accuracy', 'f1_macro', 'auc_ovr', 'ece'], resamples: 4000 } });

test('a thread gives the same bytes', async () => {
  expect(await analyseApart(made())).toEqual(analyse(made()));
});

test('timers fire while it computes', async () => {
  let beats = 0;
  const timer = setInterval(() => beats++, 5);
  const before = beats;
  await analyseApart(made(20_000));
  clearInterval(timer);
  expect(beats - before).toBeGreaterThan(5);
});

test('an error of the analysis keeps its type and sentence', async () => {
  const input = made();
  await expect(analyseApart({ ...input, ids: input.ids.map(() => 'same') })).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringContaining('stand twice in the test split'),
  });
});

test('scores move to the thread: a large experiment is not held twice', async () => {
  const input = made();
  const scores = input.variants[0]?.runs[0]?.scores as Float64Array;
  await analyseApart(input);
  expect(scores.length).toBe(0);
});
