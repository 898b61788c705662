// deploy/compose, read by the loader of `docker compose` itself, with each overlay, and its scripts.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { searchAttributes } from '../../src/contract';
import { readServeConfig } from '../../src/api/config';
import { settings } from '../../workers/settings';
import { check, deploy, root, yamlFile } from './tools';

interface Service {
  image: string;
  restart: string;
  environment?: Record<string, string | null>;
  env_file?: { path: string; required: boolean }[];
  healthcheck?: { test: string[] };
  ports?: { host_ip: string; published: string }[];
  volumes?: { type: string; source: string; target: string }[];
  secrets?: { source: string }[];
  security_opt?: string[];
  stop_grace_period?: string;
  entrypoint?: string[];
  depends_on?: Record<string, { condition: string }>;
  deploy?: { resources: { limits: { memory: string; cpus: number | string }; reservations?: { devices: object[] } } };
}
interface Model {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  volumes: Record<string, unknown>;
}

const folder = mkdtempSync(join(tmpdir(), 'assay-compose-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// The build context and what is mounted beside it are where they are in the repository.
const home = join(folder, 'deploy', 'compose');
cpSync(deploy('compose'), home, { recursive: true });
for (const beside of ['prometheus', 'alertmanager', 'grafana']) cpSync(deploy(beside), join(folder, 'deploy', beside), { recursive: true });
const sh = (...args: string[]) => spawnSync('sh', args, { cwd: home, encoding: 'utf8' });

function load(...overlays: string[]): Model {
  const model = JSON.parse(check('COMPOSE', ['-format', 'json', 'compose.yaml', ...overlays], { cwd: home })) as Model;
  for (const service of Object.values(model.services)) {
    // What an overlay adds to becomes a list of NAME=value.
    if (Array.isArray(service.environment))
      service.environment = Object.fromEntries(service.environment.map((entry: string) => entry.split(/=(.*)/s)));
  }
  return model;
}

test('setup.sh and certs.sh make every secret that is named, once, for their owner alone', () => {
  expect(sh('setup.sh').status).toBe(0);
  expect(sh('certs.sh', 'assay.example').status).toBe(0);
  const { secrets } = load('compose.tls.yaml');
  for (const { file } of Object.values(secrets)) expect([file, existsSync(file)]).toEqual([file, true]);
  expect(statSync(join(home, 'secrets')).mode & 0o777).toBe(0o700);
  const before = readdirSync(join(home, 'secrets')).map((name) => [name, readFileSync(join(home, 'secrets', name), 'utf8')]);
  expect([sh('setup.sh').stdout, sh('certs.sh').stdout]).toEqual(['', '']);
  expect(readdirSync(join(home, 'secrets')).map((name) => [name, readFileSync(join(home, 'secrets', name), 'utf8')])).toEqual(before);
  const verified = spawnSync(
    'openssl',
    ['verify', '-CAfile', 'ca.pem', '-verify_hostname', 'assay.example', 'api.pem', 'temporal.pem', 's3.pem', 'client.pem'],
    { cwd: join(home, 'secrets'), encoding: 'utf8' },
  );
  expect(verified.stdout.split('\n').filter((line) => line.endsWith(': OK'))).toHaveLength(4);
});

test.each([
  [[]],
  [['compose.gpu.yaml']],
  [['compose.engine.yaml']],
  [['compose.tls.yaml']],
  [['compose.tls.yaml', 'compose.gpu.yaml', 'compose.engine.yaml']],
])('the loader takes compose.yaml with %j', (overlays) => {
  expect(Object.keys(load(...overlays).services)).toHaveLength(13);
});

test('every service is bounded, comes back, takes no new privileges, and is watched where it stays', () => {
  for (const [name, service] of Object.entries(load().services)) {
    const limits = service.deploy?.resources.limits;
    expect([name, limits?.memory, Number(limits?.cpus) > 0]).toEqual([name, expect.stringMatching(/^\d+[mg]$/), true]);
    expect([name, service.security_opt]).toEqual([name, ['no-new-privileges:true']]);
    const once = service.restart === 'on-failure';
    expect([name, once || service.restart === 'unless-stopped']).toEqual([name, true]);
    // Its image has nothing to ask it with.
    if (!once && name !== 'temporal-ui') expect([name, service.healthcheck?.test[0]]).toEqual([name, 'CMD']);
  }
});

test('nothing listens beyond the loopback by default', () => {
  const published = Object.values(load().services).flatMap(({ ports = [] }) => ports);
  expect(published.length).toBeGreaterThan(5);
  expect(new Set(published.map(({ host_ip }) => host_ip))).toEqual(new Set(['127.0.0.1']));
});

test('images are exact, and each can be given by digest', () => {
  const source = readFileSync(deploy('compose', 'compose.yaml'), 'utf8');
  for (const [, line = ''] of source.matchAll(/^ +image: (.*)$/gm)) {
    const [, variable, image] = /^\$\{(\w+_IMAGE):-([^}]+)\}$/.exec(line) ?? [];
    expect(variable).toMatch(/_IMAGE$/);
    expect(image).toMatch(/:v?\d+\.\d+/);
  }
});

test('no secret stands in an environment', () => {
  for (const { environment = {} } of Object.values(load('compose.tls.yaml').services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET|_KEY$|TOKEN/.test(name)) expect([name, value]).toEqual([name, expect.stringMatching(/^\/run\/secrets\//)]);
    }
  }
});

test('a pool takes the environment that it is given, and knows each variable', () => {
  const documented =
    readFileSync(join(root, 'docs', 'configuration.md'), 'utf8') +
    readFileSync(join(root, 'workers', 'settings.ts'), 'utf8') +
    readFileSync(join(root, 'docs', 'observability.md'), 'utf8');
  for (const name of ['control', 'analysis', 'gpu', 'api']) {
    const environment = load('compose.tls.yaml').services[name]?.environment ?? {};
    const known = settings(Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, value ?? ''])));
    expect([known.home, known.storeUrl, known.publicUrl]).toEqual(['/var/lib/assay', 's3://assay/store', 'http://127.0.0.1:8080']);
    for (const variable of Object.keys(environment).filter((key) => key.startsWith('ASSAY_'))) expect(documented).toContain(variable);
  }
});

test('the control pool alone learns from mlflow.env where results are published, and needs no such file', () => {
  const files = Object.entries(load().services).flatMap(([name, service]) => (service.env_file ?? []).map((file) => ({ name, ...file })));
  expect(files).toEqual([{ name: 'control', path: join(home, 'mlflow.env'), required: false }]);
});

test('with an engine the pool has the same folder inside and outside', () => {
  const gpu = load('compose.engine.yaml').services.gpu;
  const mount = gpu?.volumes?.find(({ type, target }) => type === 'bind' && target === gpu.environment?.ASSAY_HOME);
  expect(mount?.source).toBe(mount?.target);
  expect(mount?.target).toBe('/var/lib/assay');
});

test('the overlay for devices reserves them all', () => {
  const { deploy: asked } = load('compose.gpu.yaml').services.gpu ?? {};
  expect(asked?.resources.reservations?.devices).toEqual([{ driver: 'nvidia', count: 'all', capabilities: ['gpu'] }]);
});

test('Prometheus asks services that there are, at ports that they have', () => {
  const { services } = load();
  const jobs = yamlFile(deploy('prometheus', 'prometheus.yml')).scrape_configs as {
    dns_sd_configs?: { names: string[]; port: number }[];
    static_configs?: { targets: string[] }[];
  }[];
  const asked = jobs.flatMap(({ dns_sd_configs = [], static_configs = [] }) => [
    ...dns_sd_configs.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
    ...static_configs.flatMap(({ targets }) => targets),
  ]);
  for (const target of asked.filter((address) => !address.startsWith('localhost')))
    expect(Object.keys(services)).toContain(target.split(':')[0]);
  expect(services.control?.environment?.ASSAY_METRICS_ADDRESS).toBe(':9464');
  expect(services.temporal?.environment?.PROMETHEUS_ENDPOINT).toBe('0.0.0.0:9090');
});

test.each([
  'compose/assay.config.yaml',
  'compose/assay.config.tls.yaml',
  'kubernetes/base/assay.config.yaml',
  'kubernetes/components/tls/assay.config.yaml',
])('the API reads %s', async (file) => {
  const { tokens, tls, allow } = await readServeConfig(deploy(file));
  expect(tokens).toMatch(/tokens\.json$/);
  expect(tls !== undefined).toBe(file.includes('tls'));
  // A container of compose may have an engine; a pod has none.
  expect(allow.executors).toEqual([file.startsWith('compose') ? 'docker' : 'process']);
});

test('the script of the namespace makes every search attribute of the contract', () => {
  const script = readFileSync(deploy('compose', 'temporal', 'namespace.sh'), 'utf8');
  const named = /for attribute in (.*); do/.exec(script)?.[1]?.split(' ');
  expect(named?.sort()).toEqual(Object.keys(searchAttributes).sort());
  expect(readFileSync(deploy('kubernetes', 'base', 'namespace.sh'), 'utf8')).toBe(script);
});

test('the Dockerfile runs as nobody in particular, with what production needs', () => {
  const stages = readFileSync(deploy('Dockerfile'), 'utf8')
    .split(/^FROM /m)
    .slice(1);
  expect(stages).toHaveLength(3);
  expect(stages[0]).toContain('npm prune --omit=dev');
  for (const stage of stages.slice(1)) {
    expect(stage).toContain('USER 10001:10001');
    expect(stage).not.toMatch(/npm (?:ci|install)|docker-cli/);
  }
  expect(stages[2]).toContain('/usr/bin/tini');
});
