// Proves: the details that the Temporal UI shows say the stage, what is waited for, how far each variant is, and what went wrong.
import type { Progress } from '../../src/contract';
import { progressDetails } from '../../src/workflows/details';

const run = (variant: string, seed: number, state: Progress['runs'][number]['state'], more: Partial<Progress['runs'][number]> = {}) => ({
  variant,
  seed,
  state,
  host: null,
  epoch: 1,
  message: null,
  ...more,
});

const progress = (change: Partial<Progress>): Progress => ({
  experimentId: 'digits-1',
  stage: 'training',
  waitingFor: '',
  runs: [],
  verdict: null,
  ...change,
});

test('before there are runs, the stage alone', () => {
  expect(progressDetails(progress({ stage: 'snapshot' }))).toBe('**snapshot**');
});

test('what is waited for stands beside the stage', () => {
  expect(progressDetails(progress({ stage: 'latency', waitingFor: 'a host without other work' }))).toBe(
    '**latency**: a host without other work',
  );
});

test('one row a variant counts its runs by state and names the hosts that train', () => {
  const runs = [
    run('cnn', 1, 'done', { host: 'host-a' }),
    run('cnn', 2, 'training', { host: 'host-a' }),
    run('cnn', 3, 'training', { host: 'host-b' }),
    run('cnn', 4, 'training', { host: 'host-a' }),
    run('mlp', 1, 'failed'),
    run('mlp', 2, 'waiting'),
    run('mlp', 3, 'waiting'),
  ];
  const lines = progressDetails(progress({ runs })).split('\n');
  expect(lines).toEqual([
    '**training**',
    '',
    '| variant | done | training | waiting for a place | failed |',
    '| --- | --- | --- | --- | --- |',
    '| cnn | 1 | 3 (host-a, host-b) | 0 | 0 |',
    '| mlp | 0 | 0 | 2 | 1 |',
  ]);
});

test('what went wrong is told a line a run, at most twenty', () => {
  const runs = Array.from({ length: 30 }, (_, i) => run('cnn', i, 'failed', { message: `out of memory ${i}` }));
  const problems = progressDetails(progress({ runs }))
    .split('\n')
    .filter((line) => line.startsWith('- '));
  expect(problems).toHaveLength(20);
  expect(problems[0]).toBe('- cnn seed 0: out of memory 0');
});

test('the verdict is told as a sentence', () => {
  const verdict = { outcome: 'adopt', harm: false, variant: 'cnn', sentence: 'cnn is better than mlp; adopt', reasons: [] } as const;
  const text = progressDetails(progress({ stage: 'done', verdict: { ...verdict, reasons: [] }, runs: [run('cnn', 1, 'done')] }));
  expect(text.split('\n').slice(0, 3)).toEqual(['**done**', '', 'cnn is better than mlp; adopt']);
});
