// Proves docs/api.md: its commands run as they stand, but for the port and the folder, against `assay serve` itself.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { readServeConfig } from '../../src/api';
import { Cluster, until } from '../e2e/cluster';
import { writeTable } from '../e2e/table';
import { choosePorts } from '../../src/stack/ports';

const root = join(__dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'api.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, text]) => text as string);

let cluster: Cluster;
let folder: string;
let port: number;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2 });
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-docs-')));
  const digits = join(folder, 'experiments', 'digits');
  mkdirSync(digits, { recursive: true });
  writeTable(join(digits, 'data.csv'));
  copyFileSync(join(root, 'test', 'e2e', 'trainers', 'trainer.py'), join(digits, 'trainer.py'));
  writeFileSync(
    join(digits, 'experiment.yaml'),
    `name: digits
data: {source: data.csv, label: label, id: id}
training: {command: [python, trainer.py], seeds: [1], budget: {steps: 20}}
variants: [{name: control, control: true, params: {noise: 1.5}}, {name: candidate, params: {noise: 0}}]
varies: [noise]
evaluation: {metrics: [accuracy]}
`,
  );
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(root, 'bin', 'assay'), join(folder, 'bin', 'assay'));
  port = (await choosePorts(null)).api;
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

const here = (text: string): string => text.replaceAll('8080', String(port)).replaceAll('/srv/experiments', join(folder, 'experiments'));

const environment = (): NodeJS.ProcessEnv => ({
  PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
  HOME: folder,
  ASSAY_HOME: join(folder, '.assay'),
  ASSAY_STORE: cluster.store.url,
  TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`,
  TEMPORAL_NAMESPACE: 'default',
});

test('the examples run', async () => {
  const [start = ''] = blocks('');
  const [create = '', serve = ''] = here(start).trim().split('\n');
  writeFileSync(join(folder, 'assay.config.yaml'), here(blocks('yaml').at(-1) ?? ''));
  expect(await bash(create)).toMatchObject({ code: 0 });
  const server = spawn('bash', ['-c', `exec ${serve}`], { cwd: folder, env: environment(), stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  try {
    await until(async () => said.includes('experiments may use'), 30_000);
    expect(said).toContain(`assay serves http://127.0.0.1:${port} (tokens of ${join(folder, '.assay', 'tokens.json')})`);
    expect(said).toContain(
      `executors process; images none; data builtin:, snapshot:; folders ${join(folder, 'experiments')}; webhooks none`,
    );
    const script = blocks('sh').map(here).join('\n');
    expect(script.match(/curl/g)?.length).toBeGreaterThan(10);
    const ended = await bash(`set -euo pipefail\n${script}`);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toMatch(/event: end\ndata: \{"at":"[^"]+","status":"done"/);
    expect(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'))).toMatchObject({ schema: 'assay.result/1' });
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    expect(readFileSync(join(folder, 'scores.npy')).subarray(1, 6).toString()).toBe('NUMPY');
    expect(await ends(server)).toBe(0);
  } finally {
    server.kill('SIGKILL');
  }
}, 120_000);

test('the configuration that is shown is one, and names every key with its default', async () => {
  const [full = ''] = blocks('yaml');
  const file = join(folder, 'shown.yaml');
  writeFileSync(file, full);
  const config = await readServeConfig(file);
  writeFileSync(file, 'serve: {}\n');
  const defaults = await readServeConfig(file);
  for (const section of ['allow', 'limits'] as const)
    expect(Object.keys(config[section]).sort()).toEqual(Object.keys(defaults[section]).sort());
  for (const key of Object.keys(defaults.limits)) expect(full).toMatch(new RegExp(`\\b${key}: \\S`));
  expect(config.limits).toEqual(defaults.limits);
});

test('a wrong configuration is told at its place, and keeps the server from starting', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'serve:\n  prot: 1\n  allow:\n    images: x\n    webhooks: [https://a.example/path]\n  limits: {body: 1}\n');
  await expect(readServeConfig(file)).rejects.toMatchObject({
    type: 'SpecInvalid',
    message: expect.stringMatching(
      /4 problems in .*\n.*wrong\.yaml:2:3: serve\.prot: unknown key; did you mean "port"\?\n.*:4:13: serve\.allow\.images: .*\n.*:5:16: serve\.allow\.webhooks\[0\]: expected a host.*\n.*:6:18: serve\.limits\.body: /,
    ),
  });
  const served = await bash('assay serve --config wrong.yaml');
  expect(served).toMatchObject({ code: 2, err: expect.stringContaining('serve.prot') });
  const open = await bash('rm -f .assay/tokens.json; assay serve --host 0.0.0.0 --port 0');
  expect(open.code).not.toBe(0);
  expect(open.err).toMatch(/needs tokens.*assay token create/);
}, 60_000);

test('tokens are made, listed and revoked by the command', async () => {
  const made = await bash('assay token create ci --scope run --expires 90d --owner vision');
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^assay_[\w-]{43}\n$/) });
  expect((await bash('assay token ls')).out).toMatch(/ci +run +until \d{4}-\d\d-\d\d \d\d:\d\d {2}owner vision/);
  expect(await bash('assay token revoke nobody')).toMatchObject({ err: expect.stringContaining('known: ') });
  expect((await bash('assay token revoke ci')).out).toBe('ci is revoked\n');
  expect(await bash('assay token create x --scope everything')).toMatchObject({
    code: 2,
    err: expect.stringContaining('expected read, run, admin'),
  });
}, 60_000);

async function ends(server: ChildProcess): Promise<number | null> {
  const gone = once(server, 'exit') as Promise<[number | null]>;
  server.kill('SIGTERM');
  return (await gone)[0];
}

function bash(script: string): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { cwd: folder, env: environment(), timeout: 100_000, maxBuffer: 2 ** 24 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
  });
}
