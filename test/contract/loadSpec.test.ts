import { AssayError, effectiveParams, ExperimentSpec, relativeOrAbsolute, seconds } from '../../src/contract';
import { type LoadOptions, loadSpec } from '../../src/contract/loadSpec';
import { template } from '../../src/contract/specTemplate';
import { changed, valid } from './fixtures';

const load = (text: string, options: Partial<LoadOptions> = {}) =>
  loadSpec(text, { file: 'experiment.yaml', root: '/project', ...options });

function messageOf(text: string, options: Partial<LoadOptions> = {}): string {
  try {
    load(text, options);
  } catch (error) {
    if (error instanceof AssayError && error.type === 'SpecInvalid') return error.message;
    throw error;
  }
  throw new Error('expected SpecInvalid, and the spec was accepted');
}

test('every default is filled in', () => {
  expect(load(valid)).toEqual({
    name: 'digits',
    data: { source: './data', label: 'label', split: { test: 0.2, validation: 0.1, seed: 0, stratify: false }, slices: [] },
    report: { rows: 20, content: true },
    publish: {},
    runtime: { executor: 'process', gpus: 0, processes: 1, cpus: 1, qos: 'standard' },
    training: {
      command: ['python', 'train.py'],
      seeds: [1, 2, 3, 4, 5],
      batchSize: 64,
      precision: 'fp32',
      budget: { epochs: 5 },
      checkpointEvery: '30s',
      keepCheckpoints: 3,
      attempts: 5,
      outOfMemory: { ladder: ['microBatch', 'gradientCheckpointing', 'precision'], unequal: false },
      params: {},
    },
    variants: [
      { name: 'a', control: true, params: { h: 1 } },
      { name: 'b', control: false, params: { h: 2 } },
    ],
    varies: ['h'],
    evaluation: {
      testRatio: 1,
      metrics: ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss', 'latency_p95'],
      batchSize: 32,
      warmupSteps: 100,
      latency: { blocks: 10, interleave: true },
    },
    checks: {
      srm: { alpha: 0.001 },
      covariates: { alpha: 0.01, minEffect: 0.1 },
      leaks: { nearDuplicates: 0.95, labelAuc: 0.995 },
      drift: { against: 'previous', alpha: 0.01, minEffect: 0.05, multivariate: 'none' },
    },
    analysis: {
      primary: 'accuracy',
      question: 'auto',
      test: 'superiority',
      margin: 0,
      confidence: 0.95,
      resamples: 20_000,
      correction: 'holm',
      guardrails: [],
    },
    decision: { approval: false },
    notify: [],
    root: '/project',
  });
});

test('a resolved spec is a valid spec that resolves to itself', () => {
  const { root, ...spec } = load(valid);
  expect(ExperimentSpec.parse(spec)).toEqual(spec);
  expect(load(JSON.stringify(spec), { root })).toEqual({ ...spec, root });
});

test('the template of `assay init` is valid', () => {
  expect(load(template()).variants.map(({ name }) => name)).toEqual(['small', 'large']);
});

test('trained models need neither a budget nor a training command', () => {
  const spec = load(
    'name: old\ndata: {source: d}\nevaluation: {command: [python, predict.py]}\nvariants: [{name: a, control: true, model: a.bin}, {name: b, model: b.bin}]\n',
  );
  expect(spec.training.command).toEqual([]);
  expect(spec.evaluation.command).toEqual(['python', 'predict.py']);
});

test('a parameter may differ once it is declared, and equal values written differently do not differ', () => {
  expect(load(valid).varies).toEqual(['h']);
  const spec = load(changed(['{h: 1}', '{h: 1, opt: {a: 1, b: 2}}'], ['{h: 2}', '{h: 2, opt: {b: 2, a: 1.0}}']));
  expect(spec.variants).toHaveLength(2);
});

test('all problems are told at once, in the order of the file', () => {
  const text = changed(
    ['name: digits', 'name: Digits'],
    ['budget: {epochs: 5}', 'budget: {epochs: 0}'],
    ['{name: b, params', '{name: b, control: true, colour: red, params'],
    ['varies: [h]', 'varies: [h, width]\nruntime: {gpus: few}\nanalysis: {primary: acuracy, guardrails: [{metric: log_loss}]}'],
  );
  const places = messageOf(text)
    .split('\n')
    .flatMap((line) => /^experiment\.yaml:(\d+:\d+): ([^:]+):/.exec(line)?.slice(1).join(' ') ?? []);
  expect(places).toEqual([
    '1:7 name',
    '5:20 training.budget.epochs',
    '8:15 variants[1].control',
    '8:30 variants[1].colour',
    '9:13 varies[1]',
    '10:17 runtime.gpus',
    '11:21 analysis.primary',
    '11:43 analysis.guardrails[0]',
  ]);
});

test('a parameter beside params is told once, not again as one that is declared and missing', () => {
  expect(messageOf(changed(['{name: b, params: {h: 2}}', '{name: b, width: 2}'], ['varies: [h]', 'varies: [h, width]']))).toMatch(
    /^1 problem in experiment\.yaml\n.*variants\[1\]\.width: unknown key/,
  );
});

test('the problems are in the details of the error, for programs', () => {
  let details: unknown;
  try {
    load(changed(['name: digits', 'name: Digits']));
  } catch (error) {
    details = (error as AssayError).details;
  }
  expect(details).toEqual({
    problems: [{ line: 1, column: 7, path: ['name'], message: expect.stringMatching(/^name: expected a name of/) }],
  });
});

test('a value given by a flag wins over the file', () => {
  const spec = load(valid, {
    overrides: [
      { path: 'training.budget.epochs', value: '7' },
      { path: 'training.params.lr', value: '1e-3' },
      { path: 'variants.b.params.h', value: '[1, 2]' },
      { path: 'variants[0].params.h', value: 'text' },
      { path: 'evaluation.metrics', value: '[accuracy]' },
    ],
    seeds: [4, 2],
  });
  expect(spec.training.budget).toEqual({ epochs: 7 });
  expect(spec.training.params).toEqual({ lr: 0.001 });
  expect(spec.variants.map(({ params }) => params['h'])).toEqual(['text', [1, 2]]);
  expect(spec.evaluation.metrics).toEqual(['accuracy']);
  expect(spec.training.seeds).toEqual([4, 2]);
});

test('a wrong value given by a flag is told with the flag', () => {
  const message = messageOf(valid, {
    overrides: [
      { path: 'training.attempts', value: 'many' },
      { path: 'trainig.params', value: '{}' },
      { path: 'variants.c.params.h', value: '3' },
      { path: 'name.first', value: 'x' },
      { path: 'owner', value: '[x' },
      { path: '__proto__.x', value: '1' },
    ],
    seeds: [1, 1],
  });
  expect(message.split('\n')).toEqual([
    '7 problems in experiment.yaml',
    "--set variants.c.params.h=3: variants.c: expected an item of variants, which has 2: 0 to 1, or a variant's name",
    '--set name.first=x: name: expected a mapping to set first in, got "digits"',
    '--set owner=[x: owner: not valid YAML: Flow sequence must end with a ]',
    '--set __proto__.x=1: __proto__.x: expected a path such as training.budget.epochs',
    '--set training.attempts=many: training.attempts: expected a whole number above 0 and at most 100, got "many"',
    '--set trainig.params={}: trainig: unknown key; did you mean "training"?',
    '--seeds 1,1: training.seeds[1]: 1 is listed twice; keep one',
  ]);
});

test('a contradiction that a flag makes is told, though the file alone is right', () => {
  expect(messageOf(changed(['varies: [h]\n', 'varies: [h]\nanalysis: {question: algorithm}\n']), { seeds: [1] })).toContain(
    'analysis.question: algorithm needs at least 5 seeds, got 1',
  );
});

test('files that are not there are told with their place', () => {
  const text = changed(
    ['{source: ./data}', '{source: ./data, split: {train: train.csv, test: /abs/test.csv}}'],
    ['{h: 2}}', '{h: 2}, model: models/b.bin}'],
  );
  const asked: string[] = [];
  const message = messageOf(text, {
    exists: (path) => {
      asked.push(path);
      return path === '/project/data';
    },
  });
  expect(asked).toEqual(['/project/data', '/project/train.csv', '/abs/test.csv', '/project/models/b.bin']);
  expect(message.split('\n').filter((line) => line.startsWith('experiment.yaml'))).toEqual([
    'experiment.yaml:2:39: data.split.train: expected a file or folder, got nothing at /project/train.csv',
    'experiment.yaml:2:56: data.split.test: expected a file or folder, got nothing at /abs/test.csv',
    'experiment.yaml:8:38: variants[1].model: expected a file or folder, got nothing at /project/models/b.bin',
  ]);
});

test('the built-in data need no file', () => {
  expect(load(changed(['./data', 'builtin:digits']), { exists: () => false }).data.source).toBe('builtin:digits');
});

test('Windows line ends and a byte order mark change neither the spec nor the places', () => {
  expect(load(`\uFEFF${valid.replaceAll('\n', '\r\n')}`)).toEqual(load(valid));
  const wrong = changed(['name: digits', 'name: Digits']);
  expect(messageOf(`\uFEFF${wrong.replaceAll('\n', '\r\n')}`)).toBe(messageOf(wrong));
});

test('anchors and merge keys are resolved', () => {
  const text = changed(['{h: 1}', '&own {h: 1}'], ['{h: 2}', '{<<: *own, h: 2}']);
  expect(load(text).variants[1]?.params).toEqual({ h: 2 });
});

test.each([
  ['brackets', `name: ${'['.repeat(50_000)}`],
  ['dashes', '- '.repeat(50_000)],
  ['indentation', Array.from({ length: 1300 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
])('a file nested without end by %s is refused, not recursed into', (_, text) => {
  expect(messageOf(text)).toContain('expected at most 100 lists or mappings inside each other');
});

test('a file of thousands of problems tells the first fifty and how many more there are', () => {
  const lines = messageOf('%a\n'.repeat(2000)).split('\n');
  expect(lines).toHaveLength(1 + 50 * 3 + 1);
  expect(lines.at(-1)).toBe('and 1951 more');
});

test("a variant's parameters replace the shared ones key by key", () => {
  const spec = load(changed(['budget:', 'params: {lr: 0.1, h: 9}\n  budget:'], ['params: {h: 2}', 'params: {}']));
  expect(effectiveParams(spec, 'a')).toEqual({ lr: 0.1, h: 1 });
  expect(effectiveParams(spec, 'b')).toEqual({ lr: 0.1, h: 9 });
  expect(() => effectiveParams(spec, 'c')).toThrow('expected one of a, b, got c');
});

test('durations are read in seconds, limits as numbers or shares', () => {
  expect(['250ms', '30s', '1.5m', '2 h', '1d'].map(seconds)).toEqual([0.25, 30, 90, 7200, 86_400]);
  expect(() => seconds('30')).toThrow(RangeError);
  expect(relativeOrAbsolute(0.01)).toEqual({ value: 0.01, relative: false });
  expect(relativeOrAbsolute('20%')).toEqual({ value: 0.2, relative: true });
  expect(() => relativeOrAbsolute('20')).toThrow(RangeError);
});
