import { loadSpec } from '../../src/contract/loadSpec';
import { experimentPlan, ladderOf, registeredPlan } from '../../src/contract/plan';
import { changed, valid } from './fixtures';

const load = (text: string) => loadSpec(text, { file: 'experiment.yaml', root: '/experiment' });
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

test('the plan says where runs go and what devices they need', () => {
  expect(experimentPlan(load(valid), 'digits-1', ref)).toMatchObject({
    owner: null,
    executor: 'process',
    image: null,
    resources: { gpus: 0, gpuMemoryBytes: null, qos: 'standard', experimentGpus: null },
    unequalRemedies: false,
  });
  const image = `sha256:${'a'.repeat(64)}`;
  const spec = add(
    `owner: vision\nruntime: {executor: docker, image: "${image}", gpus: 2, gpuMemory: 8GiB, maxGpus: 4, qos: besteffort}\nanalysis: {}`,
  );
  expect(experimentPlan(spec, 'digits-1', ref)).toMatchObject({
    owner: 'vision',
    executor: 'docker',
    image,
    resources: { gpus: 2, gpuMemoryBytes: 8 * 2 ** 30, qos: 'besteffort', experimentGpus: 4 },
  });
});

describe('the out-of-memory ladder', () => {
  const ladder = (training: string, rest = '') =>
    ladderOf(load(changed(['budget:', `${training}\n  budget:`], ['varies: [h]\n', `varies: [h]\n${rest}\n`]))).map((remedy) => [
      remedy.level,
      remedy.microBatchDivisor,
      remedy.gradientCheckpointing,
      remedy.precision,
    ]);

  test('halves the micro-batch, quarters it, then recomputes, then takes half precision, each on top of the last', () => {
    expect(ladder('batchSize: 64')).toEqual([
      [1, 2, false, null],
      [2, 4, false, null],
      [3, 4, true, null],
      [4, 4, true, 'bf16'],
    ]);
  });

  test('never divides a batch unevenly: not over micro-batches, and not over ranks', () => {
    expect(ladder('batchSize: 6').map(([, divisor]) => divisor)).toEqual([2, 2, 2]);
    expect(ladder('batchSize: 1').map(([, divisor]) => divisor)).toEqual([1, 1]);
    expect(ladder('batchSize: 8', 'runtime: {processes: 4}').map(([, divisor]) => divisor)).toEqual([2, 2, 2]);
  });

  test('has no level of precision where the spec asks for half precision already', () => {
    expect(ladder('precision: bf16').map(([, , , precision]) => precision)).toEqual([null, null, null]);
    expect(ladder('precision: tf32', 'runtime: {gpus: 1}').at(-1)).toEqual([4, 4, true, 'bf16']);
  });

  test('is what the spec lists, in its order', () => {
    expect(ladder('outOfMemory: {ladder: []}')).toEqual([]);
    expect(ladder('outOfMemory: {ladder: [precision, microBatch]}')).toEqual([
      [1, 1, false, 'bf16'],
      [2, 2, false, 'bf16'],
      [3, 4, false, 'bf16'],
    ]);
  });
});
