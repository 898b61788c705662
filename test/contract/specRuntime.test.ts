import { AssayError } from '../../src/contract';
import { loadSpec, unpinnedImage } from '../../src/contract/loadSpec';
import { bytes, retention } from '../../src/contract/specValues';
import { changed } from './fixtures';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const image = `python@${digest}`;
const file = (runtime: string, training = '') =>
  changed(['budget:', `${training}\n  budget:`], ['varies: [h]\n', `varies: [h]\nruntime: {${runtime}}\n`]);
const docker = (more = '') => `executor: docker, image: "${image}"${more}`;
const load = (runtime: string, training = '', rest = '', more: { exists?: (path: string) => boolean; command?: string } = {}) => {
  const { command = '[python, train.py]', ...exists } = more;
  const text = `${file(runtime, training)}${rest}`.replace('[python, train.py]', command);
  return loadSpec(text, { file: 'experiment.yaml', root: '/experiment', ...exists });
};

function errorOf(...of: Parameters<typeof load>): AssayError {
  try {
    load(...of);
  } catch (error) {
    if (error instanceof AssayError) return error;
    throw error;
  }
  throw new Error('the file is valid');
}

const problems = (...of: Parameters<typeof load>): string[] =>
  ((errorOf(...of).details?.['problems'] ?? []) as { message: string }[]).map(({ message }) => message);

const only = 'write executor: docker, or leave it out;';
const refused: [what: string, file: Parameters<typeof load>, problem: string][] = [
  [
    'docker without an image',
    ['executor: docker'],
    'runtime.image: missing; expected the image of the trainers as name@sha256:…, since the executor is docker',
  ],
  [
    'an image without docker',
    [`image: "${image}"`],
    'runtime.image: the process executor runs training.command on the host; write executor: docker, or leave image out',
  ],
  [
    'a tag',
    ['executor: docker, image: "registry.example:5000/team/trainer:1.2"'],
    "runtime.image: a tag can move; write registry.example:5000/team/trainer@sha256:…; `docker inspect --format '{{index .RepoDigests 0}}' registry.example:5000/team/trainer:1.2` shows it",
  ],
  [
    'a bare name',
    ['executor: docker, image: python'],
    "runtime.image: a tag can move; write python@sha256:…; `docker inspect --format '{{index .RepoDigests 0}}' python` shows it",
  ],
  [
    'a digest cut short',
    ['executor: docker, image: "python@sha256:0123"'],
    'runtime.image: expected 64 digits 0-9, a-f after sha256:, got 4 characters',
  ],
  ['a memory limit of a process', ['memory: 4GiB'], `runtime.memory: ${only} the process executor sets no memory limit`],
  ['shared memory of a process', ['shm: 1GiB'], `runtime.shm: ${only} a process uses the shared memory of its host`],
  ['a process without network', ['network: false'], `runtime.network: ${only} a process has the network of its host`],
  ['code of a process', ['cpus: 1', 'code: [train.py]'], `training.code: ${only} a process sees the whole folder`],
  [
    'less memory than a container has',
    [docker(', memory: 4MiB')],
    'runtime.memory: expected at least 6MiB, which Docker asks for, got 4MiB',
  ],
  ['a size without a unit', [docker(', memory: "512"')], 'runtime.memory: expected a size above 0 such as 512MiB, 8GiB, 1GB, got "512"'],
  [
    'memory of no device',
    ['gpuMemory: 8GiB'],
    'runtime.gpuMemory: expected runtime.gpus of at least 1, since this is about devices, got 0; set gpus, or leave it out',
  ],
  [
    'a cap on no device',
    ['maxGpus: 2'],
    'runtime.maxGpus: expected runtime.gpus of at least 1, since this is about devices, got 0; set gpus, or leave it out',
  ],
  ['a cap below one run', ['gpus: 2, maxGpus: 1'], 'runtime.maxGpus: expected at least 2, which one run holds by runtime.gpus, got 1'],
  [
    'more ranks than devices',
    ['gpus: 1, processes: 2'],
    'runtime.processes: expected at most one a device, which are 1 by runtime.gpus, got 2',
  ],
  [
    'a batch that ranks cannot share',
    ['processes: 2', 'batchSize: 33'],
    'training.batchSize: expected a multiple of 2, the ranks that share a batch evenly, got 33',
  ],
  [
    'a batch that devices cannot share',
    ['gpus: 3'],
    'training.batchSize: expected a multiple of 3, the ranks that share a batch evenly, got 64',
  ],
  [
    'ranks of a program that is not Python',
    ['processes: 2', '', '', { command: '[./train, --fast]' }],
    'training.command: expected python first, which starts the 2 ranks, got ./train; or write runtime.processes: 1, and let the command start its ranks',
  ],
  [
    'an arithmetic of GPUs on the CPU',
    ['cpus: 1', 'precision: tf32'],
    'training.precision: tf32 is an arithmetic of GPUs; set runtime.gpus, or use fp32',
  ],
  ...['gpu_utilization', 'gpu_hours', 'energy'].map((metric): [string, Parameters<typeof load>, string] => [
    `${metric} of the CPU`,
    ['cpus: 1', '', `evaluation: {metrics: [accuracy, ${metric}]}\n`],
    `evaluation.metrics[1]: ${metric} is measured on devices, and runtime.gpus is 0; set gpus: 1, or leave it out`,
  ]),
  [
    'code outside the folder',
    [docker(), 'code: [../other/train.py]'],
    'training.code[0]: expected a path inside the folder of the experiment file, got ../other/train.py; copy the file there',
  ],
  [
    'code by an absolute path',
    [docker(), 'code: [/srv/train.py]'],
    'training.code[0]: expected a path inside the folder of the experiment file, got /srv/train.py; copy the file there',
  ],
  ['code that stands twice', [docker(), 'code: [a.py, a.py]'], 'training.code[1]: "a.py" is listed twice; keep one'],
  [
    'a rung that stands twice',
    ['cpus: 1', 'outOfMemory: {ladder: [precision, precision]}'],
    'training.outOfMemory.ladder[1]: "precision" is listed twice; keep one',
  ],
  [
    'a warm start from no run',
    ['cpus: 1', 'warmStart: digits-1'],
    'training.warmStart: expected a run as EXPERIMENT/VARIANT/seed-N, got "digits-1"',
  ],
  [
    'no checkpoint kept',
    ['cpus: 1', 'keepCheckpoints: 0'],
    'training.keepCheckpoints: expected a whole number of at least 1 and at most 100, got 0',
  ],
];

test.each(refused)('%s is refused with its mend', (_, of, problem) => {
  expect(problems(...of)).toEqual([problem]);
});

test('an image by digest, by tag and digest, or by its id on the host is taken as it is', () => {
  for (const pinned of [image, `registry.example:5000/a/b:1@${digest}`, digest]) {
    expect(load(`executor: docker, image: "${pinned}"`).runtime.image).toBe(pinned);
  }
});

test('what a flag brought in is told of the flag, and what it misses of the file', () => {
  const place = { file: 'experiment.yaml', root: '/experiment' };
  const of = (path: string, value: string) => () => loadSpec(changed(), { ...place, overrides: [{ path, value }] });
  expect(of('runtime.image', 'python:3.12')).toThrow(/^1 problem in experiment\.yaml\n--set runtime\.image=python:3\.12: runtime\.image: /);
  expect(of('runtime.executor', 'docker')).toThrow(/runtime\.image: missing; expected the image of the trainers/);
});

test('a program that knows an engine learns which image has no digest, and of no other error', () => {
  expect(unpinnedImage(errorOf('executor: docker, image: "python:3.12"'))).toBe('python:3.12');
  expect(unpinnedImage(errorOf('executor: docker'))).toBeNull();
  expect(unpinnedImage(errorOf('executor: docker, image: "python@sha256:0"'))).toBeNull();
  expect(unpinnedImage(new AssayError('NotFound', 'no such run'))).toBeNull();
});

test('one misspelt key brings no second problem about what it should have said', () => {
  expect(problems('executer: docker, memory: 4GiB, cpus: 1')).toEqual(['runtime.executer: unknown key; did you mean "executor"?']);
});

test('code that is not there is told with its place', () => {
  const exists = { exists: (path: string) => path !== '/experiment/lib' };
  expect(problems(docker(), 'code: [train.py, lib]', '', exists)).toEqual([
    'training.code[1]: expected a file or folder, got nothing at /experiment/lib',
  ]);
});

test('a trainer has one rank a device, and at least one, unless the spec says otherwise', () => {
  expect([load('gpus: 0'), load('gpus: 2'), load('gpus: 2, processes: 1'), load('processes: 4')].map((s) => s.runtime.processes)).toEqual([
    1, 2, 1, 4,
  ]);
});

test('three checkpoints are kept, for ever, unless the spec says otherwise', () => {
  expect(retention(load('cpus: 1'))).toEqual({ count: 3, seconds: null });
  expect(retention(load('cpus: 1', 'keepCheckpoints: 1\n  keepCheckpointsFor: 2h'))).toEqual({ count: 1, seconds: 7200 });
});

test('a size counts in 1024s with an i and in 1000s without', () => {
  expect(['1KB', '1KiB', '512MiB', '8 GiB', '0.5TB'].map(bytes)).toEqual([1000, 1024, 512 * 2 ** 20, 8 * 2 ** 30, 5e11]);
  expect(() => bytes('12')).toThrow(RangeError);
});

test('a resolved spec of containers resolves to itself', () => {
  const { root, ...spec } = load(docker(', gpus: 2, memory: 4GiB'), 'code: [train.py]');
  expect(loadSpec(JSON.stringify(spec), { file: 'spec.json', root })).toEqual({ root, ...spec });
  const { root: _, ...plain } = load('cpus: 2');
  expect(loadSpec(JSON.stringify(plain), { file: 'spec.json', root })).toEqual({ root, ...plain });
});
