import { loadSpec } from '../../src/contract/loadSpec';
import { experimentPlan, registeredPlan } from '../../src/contract/plan';
import { changed, valid } from './fixtures';

const load = (text: string) => loadSpec(text, { file: 'experiment.yaml', root: '/work' });
const add = (text: string) => load(changed(['varies: [h]\n', `varies: [h]\n${text}\n`]));
const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };

test('the registered plan holds the question and the rule', () => {
  const spec = add(
    'analysis: {primary: f1_macro, test: non-inferiority, margin: 2%, confidence: 0.9, resamples: 5000, correction: none, guardrails: [{metric: latency_p95, maxIncrease: 20%}, {metric: accuracy, maxDecrease: 0.01}]}',
  );
  expect(registeredPlan({ ...spec, data: { ...spec.data, unit: 'user' } })).toEqual({
    primary: 'f1_macro',
    question: 'algorithm',
    test: 'non-inferiority',
    margin: 0.02,
    marginRelative: true,
    confidence: 0.9,
    resamples: 5000,
    correction: 'none',
    metrics: ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss', 'latency_p95'],
    guardrails: [
      { metric: 'latency_p95', limit: 0.2, relative: true },
      { metric: 'accuracy', limit: 0.01, relative: false },
    ],
    seeds: [1, 2, 3, 4, 5],
    unit: 'user',
    slices: [],
  });
});

test('the question is the algorithm with five seeds, the artifacts with fewer, with a trained model, or where asked', () => {
  expect(registeredPlan(load(valid)).question).toBe('algorithm');
  expect(registeredPlan(load(changed(['budget:', 'seeds: [1, 2, 3, 4]\n  budget:']))).question).toBe('artifact');
  expect(registeredPlan(load(changed(['{name: b,', '{name: b, model: b.bin,']))).question).toBe('artifact');
  expect(registeredPlan(add('analysis: {question: artifact}')).question).toBe('artifact');
});

test('the experiment plan says what runs, and for how long at most', () => {
  const plan = experimentPlan(
    load(changed(['{epochs: 5}', '{epochs: 5, wallClock: 30m}\n  attempts: 3'], ['{name: b,', '{name: b, model: b.bin,'])),
    'digits-1',
    ref,
  );
  expect(plan).toMatchObject({
    experimentId: 'digits-1',
    name: 'digits',
    spec: ref,
    control: 'a',
    variants: [
      { name: 'a', control: true, pretrained: false },
      { name: 'b', control: false, pretrained: true },
    ],
    seeds: [1, 2, 3, 4, 5],
    attempts: 3,
    runTimeoutSeconds: (1800 + 600) * 3,
    latency: true,
  });
  expect(plan.plan.question).toBe('artifact');
});

test('without a wall-clock budget a run may take a day', () => {
  expect(experimentPlan(load(valid), 'digits-1', ref).runTimeoutSeconds).toBe(86_400);
});

test('the latency phase comes with a latency metric only', () => {
  expect(experimentPlan(add('evaluation: {metrics: [accuracy, peak_memory]}'), 'digits-1', ref).latency).toBe(false);
  expect(experimentPlan(add('evaluation: {metrics: [accuracy, throughput]}'), 'digits-1', ref).latency).toBe(true);
});

test('where every variant is already trained there is one seed', () => {
  const text =
    'name: old\ndata: {source: d}\ntraining: {command: [python, p.py]}\nvariants: [{name: a, control: true, model: a}, {name: b, model: b}]\n';
  expect(registeredPlan(load(text)).seeds).toEqual([1]);
});
