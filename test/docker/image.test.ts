// The image that scripts/image.mjs builds is what docs/containers.md says, and trains by the run contract where nothing can be written or reached.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerPaths, type RunFile, TrainerResult } from '../../src/contract';
import { packageRoot } from '../../src/stack/paths';
import { command } from './command';
import { type DockerForTests, dockerForTests } from './engine';
import { withTestLock } from './made';

const root = packageRoot();
const hardened = [
  '--rm',
  '--network',
  'none',
  '--read-only',
  '--tmpfs',
  '/tmp',
  '--cap-drop',
  'ALL',
  '--security-opt',
  'no-new-privileges',
];
const tag = 'assay-test/runtime:plain';
let engine: DockerForTests;
let image: string;

const docker = (...args: string[]): Promise<string> => command('docker', ['-H', engine.host, ...args]);
const inImage = (name: string, ...args: string[]): Promise<string> => docker('run', ...hardened, name, ...args);
const script = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> =>
  command(process.execPath, [join(root, 'scripts', 'image.mjs'), ...args], { env: { ...process.env, ...env } });
const build = async (name: string, ...args: string[]): Promise<string> =>
  (await script({ DOCKER_HOST: engine.host }, '--base', engine.base, '--network', 'host', '--tag', name, '--quiet', ...args)).trim();

beforeAll(async () => {
  engine = await dockerForTests();
  image = await withTestLock('runtime-plain', () => build(tag));
}, 600_000);

test('the script prints the id to write into runtime.image, the same when nothing has changed', async () => {
  expect(image).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await build(tag)).toBe(image);
});

test('an image built without the cache has the same files, byte for byte and with the same times', async () => {
  const fresh = await build('assay-test/runtime:fresh', '--fresh');
  try {
    expect(await inImage(fresh, 'python', '-c', listing)).toBe(await inImage(image, 'python', '-c', listing));
  } finally {
    await docker('rmi', 'assay-test/runtime:fresh');
  }
}, 300_000);

test('it runs as user 10001, without an entry point, and has no GPU that the run was not given', async () => {
  const [found] = JSON.parse(await docker('inspect', image));
  expect(found.Config).toMatchObject({
    User: '10001:10001',
    Entrypoint: null,
    Env: expect.arrayContaining(['NVIDIA_VISIBLE_DEVICES=void']),
  });
  expect((await inImage(image, 'id', '-u')).trim()).toBe('10001');
});

test('its labels are the versions of the package and of the run contract', async () => {
  const [found] = JSON.parse(await docker('inspect', image));
  const version = /^version = "(.*)"$/m.exec(readFileSync(join(root, 'runtime', 'pyproject.toml'), 'utf8'))?.[1];
  const contract: RunFile['contract'] = 1;
  expect(found.Config.Labels).toMatchObject({
    'org.opencontainers.image.version': version,
    'assay.runtime': version,
    'assay.contract': String(contract),
  });
  const installed = await inImage(image, 'python', '-c', 'from importlib.metadata import version; print(version("assay-runtime"))');
  expect(installed.trim()).toBe(version);
});

test('nothing of how the building machine reaches its package index is left in it', async () => {
  expect((await inImage(image, 'sh', '-c', 'ls /opt')).trim()).toBe('assay');
  const secret = 'https://user:hunter2@127.0.0.1:9/simple';
  // The index of this environment is used, since this one does not answer; and what docker keeps of an image does not name it.
  const elsewhere = { DOCKER_HOST: engine.host, PIP_INDEX_URL: secret };
  const args = ['--base', engine.base, '--network', 'host', '--tag', 'assay-test/runtime:none'];
  await expect(script(elsewhere, ...args)).rejects.toThrow(/127\.0\.0\.1/);
  expect(await docker('history', '--no-trunc', image)).not.toMatch(/pip\.conf|index-url|https?:/);
}, 120_000);

test('packages import at once under a user id that the image does not know', async () => {
  const torch = await engine.torch();
  const user = ['--user', '4242:4242'];
  const program = 'import assay_runtime.with_torch, getpass, sys, torch; print(getpass.getuser(), torch.__version__.split("+")[0])';
  const pinned = /^torch==(\S+)/m.exec(readFileSync(join(root, 'runtime', 'requirements-torch.txt'), 'utf8'))?.[1];
  expect((await docker('run', ...hardened, ...user, torch, 'python', '-c', program)).trim()).toBe(`assay ${pinned}`);
}, 600_000);

test('it trains examples/digits-torch by the run contract', async () => {
  const torch = await engine.torch();
  const folder = mkdtempSync(join(tmpdir(), 'assay-image-test-'));
  try {
    const run = await prepareRun(folder, torch);
    const mounts = [
      ...[`${folder}/run:/assay/run:ro`, `${folder}/data:${containerPaths.data}:ro`],
      ...[`${root}/examples/digits-torch:${containerPaths.code}:ro`, `${folder}/out:${containerPaths.out}`],
      `${folder}/checkpoints:${containerPaths.checkpoints}`,
    ].flatMap((mount) => ['-v', mount]);
    const at = ['-w', containerPaths.code, '-e', `ASSAY_RUN=${containerPaths.run}`];
    await docker('run', ...hardened, ...mounts, ...at, torch, 'python', 'train.py');
    const result = TrainerResult.parse(JSON.parse(readFileSync(join(folder, 'out', 'result.json'), 'utf8')));
    expect(result.steps).toBe(run.budget.steps);
    expect(result.metrics.accuracy).toBeGreaterThan(0.6);
    expect(readdirSync(join(folder, 'out', 'predictions')).sort()).toEqual(['ids.npy', 'labels.npy', 'scores.npy']);
    expect(readdirSync(join(folder, 'out', 'model'))).toEqual(['model.pt']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);

test.each([
  ['requirements-image.txt', ['requirements.txt']],
  ['requirements-image-torch.txt', ['requirements.txt', 'requirements-torch.txt']],
])('%s has a hash for every package, at the version that is pinned', (locked, pinned) => {
  const hashed = pins(locked);
  for (const name of pinned) {
    for (const [distribution, { version }] of pins(name)) {
      expect({ distribution, version: hashed.get(distribution)?.version }).toEqual({ distribution, version });
    }
  }
  for (const [distribution, { hashes }] of hashed) expect({ distribution, hashed: hashes > 0 }).toEqual({ distribution, hashed: true });
});

test('an unknown extra, a base that is nowhere and an engine that is away each end with their own sentence', async () => {
  const here = { DOCKER_HOST: engine.host };
  await expect(script(here, '--extras', 'jax')).rejects.toThrow('✗ --extras jax: expected torch');
  await expect(script(here, '--base', 'assay-test/nowhere@sha256:0')).rejects.toThrow(/invalid reference format/);
  await expect(script({ DOCKER_HOST: 'unix:///nowhere.sock' })).rejects.toThrow('✗ the Docker engine does not answer: ');
}, 60_000);

/** Path, time, mode and hash of every file of the environment; of its root folder only that it is there, since the engine made it. */
const listing = `
import hashlib, os
for folder, folders, files in os.walk("/opt/assay"):
    folders.sort()
    for name in sorted(files) + folders:
        path = os.path.join(folder, name)
        found = os.lstat(path)
        content = os.readlink(path) if os.path.islink(path) else open(path, "rb").read() if os.path.isfile(path) else b""
        print(path, int(found.st_mtime), found.st_mode, hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest())
`;

/** A short training on the digits, in folders as the executor mounts them. */
async function prepareRun(folder: string, torch: string): Promise<RunFile> {
  for (const name of ['run', 'data', 'data/table', 'out', 'checkpoints']) mkdirSync(join(folder, name), { mode: 0o777 });
  await command('chmod', ['-R', 'a+rwX', folder]);
  await docker(
    'run',
    ...hardened,
    '-v',
    `${folder}/data/table:/made`,
    torch,
    'python',
    '-m',
    'assay_runtime.builtin',
    'digits',
    '/made/digits.csv',
  );
  const rows = readFileSync(join(folder, 'data', 'table', 'digits.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  const splits: Record<'train' | 'validation' | 'test', string[]> = { train: [], validation: [], test: [] };
  for (const [row, line] of rows.entries()) {
    const [id, label] = line.split(',');
    splits[row % 5 === 0 ? 'test' : row % 5 === 1 ? 'validation' : 'train'].push(JSON.stringify({ id, label, row }));
  }
  for (const [name, lines] of Object.entries(splits)) writeFileSync(join(folder, 'data', `${name}.jsonl`), `${lines.join('\n')}\n`);
  const run: RunFile = {
    ...{ contract: 1, mode: 'train', experiment: 'image', variant: 'cnn', seed: 1, epoch: 1 },
    ...{ params: { model: 'cnn', channels: 16, lr: 0.002 }, model: null },
    budget: { epochs: null, steps: 60, wallClockSeconds: null, usedSeconds: 0 },
    ...{ batchSize: 64, microBatchSize: 64, evaluationBatchSize: 32, precision: 'fp32', gradientCheckpointing: false },
    ...{ device: 'cpu', devices: [], worldSize: 1, deterministic: true },
    data: {
      ...{ dir: `${containerPaths.data}/table`, label: 'label', id: 'id', unit: null, classes: [...'0123456789'] },
      splits: {
        train: `${containerPaths.data}/train.jsonl`,
        validation: `${containerPaths.data}/validation.jsonl`,
        test: `${containerPaths.data}/test.jsonl`,
      },
    },
    ...{ resume: null, warmStart: null, checkpoints: containerPaths.checkpoints, out: containerPaths.out },
    ...{ checkpointEverySeconds: 30, graceSeconds: 20, warmupSteps: 100, latencyBlocks: 10 },
  };
  writeFileSync(join(folder, 'run', 'run.json'), JSON.stringify(run));
  return run;
}

/** Distribution, as pip compares names -> version and number of hashes. */
function pins(file: string): Map<string, { version: string; hashes: number }> {
  const text = readFileSync(join(root, 'runtime', file), 'utf8');
  const entries = text.matchAll(/^([A-Za-z0-9._-]+)==([^\s;]+)([^]*?)(?=^\S|$(?![^]))/gm);
  const normal = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-');
  return new Map(
    [...entries].map(([, name = '', version = '', rest = '']) => [
      normal(name),
      { version, hashes: rest.match(/--hash=sha256:[0-9a-f]{64}/g)?.length ?? 0 },
    ]),
  );
}
