import { join } from 'node:path';
import { type BootstrapMetric, Generator, pairedBootstrap } from '../../src/stats';
import { pairedBootstrapOnThreads } from '../../src/threads';

const workerFile = join(__dirname, 'worker.cjs');
const n = 3000;
const generator = new Generator(5);
const labels = Int32Array.from({ length: n }, () => generator.below(4));
const arm = (skill: number) => labels.map((label) => (generator.uniform() < skill ? label : generator.below(4)));
const scores = (skill: number) =>
  Float64Array.from({ length: 4 * n }, (_, k) => 0.1 + 0.2 * generator.uniform() + (k % 4 === labels[Math.floor(k / 4)] ? skill : 0));
const input = {
  labels,
  predictions: [[arm(0.6), arm(0.6)], arm(0.7), arm(0.65)],
  scores: [[scores(0.1), scores(0.1)], scores(0.2), scores(0.15)],
  units: labels.map((_, i) => Math.floor(i / 3)),
};

test.each(['f1_macro', 'log_loss', 'auc_ovr'] as BootstrapMetric[])('threads change no bit of %s', (metric) => {
  const options = { resamples: 2100, seed: 7 };
  const alone = pairedBootstrap(input, metric, options);
  expect(pairedBootstrapOnThreads(input, metric, { ...options, threads: 3, worthwhile: 0, workerFile })).toEqual(alone);
});

test('threads change no bit of the studentised interval', () => {
  const options = { resamples: 1000, method: 'studentised' } as const;
  const alone = pairedBootstrap(input, 'f1_macro', options);
  expect(pairedBootstrapOnThreads(input, 'f1_macro', { ...options, threads: 2, worthwhile: 0, workerFile })).toEqual(alone);
});

test('threads that claim work and fail cost time and no number', () => {
  const options = { resamples: 2500 };
  const alone = pairedBootstrap(input, 'f1_macro', options);
  const failing = join(__dirname, 'failing.cjs');
  expect(pairedBootstrapOnThreads(input, 'f1_macro', { ...options, threads: 3, worthwhile: 0, workerFile: failing })).toEqual(alone);
});

test('work too small for a start, one thread, or no file to run is done here', () => {
  const alone = pairedBootstrap(input, 'accuracy', { resamples: 600 });
  expect(pairedBootstrapOnThreads(input, 'accuracy', { resamples: 600, workerFile })).toEqual(alone);
  expect(pairedBootstrapOnThreads(input, 'accuracy', { resamples: 600, threads: 1, worthwhile: 0, workerFile })).toEqual(alone);
  expect(pairedBootstrapOnThreads(input, 'accuracy', { resamples: 600, worthwhile: 0, workerFile: join(__dirname, 'absent.js') })).toEqual(
    alone,
  );
});

test('a bad number of threads is refused by name', () => {
  expect(() => pairedBootstrapOnThreads(input, 'accuracy', { threads: 0 })).toThrow('threads must be a whole number of at least 1, got 0');
});
