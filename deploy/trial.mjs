// node deploy/trial.mjs [--tls] [--no-api]: what compose.yaml describes, as processes of this machine, since no image is needed for that:
// PostgreSQL, the Temporal server of the same version from its source with the configuration of its image, schema.sh, namespace.sh, the
// S3 server, pools and API with the environment of compose.yaml, Prometheus with the shipped configuration and rules. It runs one
// experiment, restores everything from a backup, and runs another. Needs Go, PostgreSQL 15 or newer, `npm start` once; minutes. Not in CI.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { provideDeployTools } from '../scripts/lib/deployTools.mjs';
import { provideGoTool, provideStoreServers } from '../scripts/lib/goTools.mjs';
import { installPython } from '../scripts/lib/python.mjs';
import { inRoot } from '../scripts/lib/root.mjs';
import { main, run, say, step, StepFailed } from '../scripts/lib/steps.mjs';
import { provideServer } from '../scripts/lib/temporal.mjs';

const version = 'v1.29.1';
const flags = process.argv.slice(2);
const tls = flags.includes('--tls');
const withApi = !flags.includes('--no-api');
const folder = mkdtempSync(join(tmpdir(), 'assay-trial-'));
const at = (...parts) => join(folder, ...parts);
const secrets = at('compose', 'secrets');
const children = new Map();
const ports = {};
const members = ['FRONTEND', 'MATCHING', 'HISTORY', 'WORKER']
  .flatMap((name) => [`${name}_GRPC_PORT`, `${name}_MEMBERSHIP_PORT`])
  .concat('FRONTEND_HTTP_PORT');

await main(async () => {
  const tools = await provideAll();
  for (const name of ['postgres', 'temporal', 'temporalMetrics', 's3', 'control', 'analysis', 'gpu', 'api', 'prometheus', ...members])
    ports[name] = await freePort();
  cpSync(inRoot('deploy', 'compose'), at('compose'), { recursive: true });
  cpSync(inRoot('deploy', 'prometheus'), at('prometheus'), { recursive: true });
  await run('sh', [at('compose', 'setup.sh')]);
  await run('sh', [at('compose', 'certs.sh')]);
  const services = await composed(tools);

  await step('PostgreSQL', () => startPostgres(tools));
  await step('schema, twice', async () => {
    for (const _ of [1, 2])
      await run('sh', [at('compose', 'temporal', 'schema.sh')], {
        env: {
          ...process.env,
          ...tools.schema,
          SQL_HOST: '127.0.0.1',
          SQL_PORT: String(ports.postgres),
          SQL_USER: 'temporal',
          SQL_PASSWORD_FILE: join(secrets, 'postgres_password'),
        },
      });
  });
  await step('Temporal server on PostgreSQL', () => startTemporal(tools, services.temporal));
  await step('namespace and search attributes, twice', async () => {
    for (const _ of [1, 2])
      say(
        (await run('sh', [at('compose', 'temporal', 'namespace.sh')], { env: { ...withTools(tools), ...services.namespace } }))
          .trim()
          .split('\n')
          .at(-1),
      );
  });
  await step('S3 server', () => startStore(tools, services.s3));
  await step('pools and API', () => startAssay(tools, services));
  await step('Prometheus', () => startPrometheus(tools));
  await step('an experiment', () => experiment(tools, services));
  await step('what Prometheus sees', look);
  await step('backup, loss and restore', () => drill(tools, services));
  await step('an experiment after the restore', () => experiment(tools, services));
}).finally(async () => {
  for (const name of [...children.keys()].reverse()) await stop(name);
  if (process.exitCode === 0) rmSync(folder, { recursive: true, force: true });
  else console.error(`logs are in ${folder}`);
});

async function provideAll() {
  const { env } = await provideDeployTools();
  const stores = (await provideStoreServers()).env;
  const need = 'this trial needs';
  const goTool = (name, module, binary) =>
    provideGoTool({ name, module: `go.temporal.io/server/${module}`, version, binary, need, variable: 'PATH' });
  const server = (await goTool('temporal-server', 'cmd/server', 'server')).path;
  const sql = (await goTool('temporal-sql-tool', 'cmd/tools/sql', 'sql')).path;
  const source = JSON.parse(await run('go', ['mod', 'download', '-json', `go.temporal.io/server@${version}`])).Dir;
  const { binary } = await provideServer();
  const python = await installPython([]);
  return {
    env,
    s3: stores.ASSAY_TEST_S3,
    server,
    sql,
    source,
    temporal: binary,
    python,
    schema: { SQL_TOOL: sql, SCHEMA: join(source, 'schema', 'postgresql', 'v12') },
  };
}

/** Environment of each service as compose.yaml (and compose.tls.yaml) has it, with this machine's addresses and folders. */
async function composed({ env }) {
  const files = ['compose.yaml', ...(tls ? ['compose.tls.yaml'] : [])].map((file) => at('compose', file));
  const model = JSON.parse(await run(env.ASSAY_TEST_COMPOSE, ['-format', 'json', ...files], { cwd: at('compose') }));
  return Object.fromEntries(
    Object.entries(model.services).map(([service, { environment = {} }]) => {
      const here = (text) =>
        String(text)
          .replaceAll('temporal:7233', `127.0.0.1:${ports.temporal}`)
          .replaceAll('s3:7070', `127.0.0.1:${ports.s3}`)
          .replaceAll('/run/secrets', secrets)
          .replaceAll('/var/lib/assay', at('home', service))
          .replace(/^:9464$/, `127.0.0.1:${ports[service]}`);
      // With an overlay the loader makes a list of it.
      const pairs = Array.isArray(environment) ? environment.map((entry) => entry.split(/=(.*)/s)) : Object.entries(environment);
      return [service, Object.fromEntries(pairs.map(([name, value]) => [name, here(value ?? '')]))];
    }),
  );
}

async function startPostgres() {
  const data = at('postgres');
  const password = join(secrets, 'postgres_password');
  mkdirSync(data);
  chmodSync(folder, 0o711);
  const root = userInfo().uid === 0;
  // It refuses to run as root.
  const id = (option) => Number(spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout);
  const identity = root ? { uid: id('-u'), gid: id('-g') } : {};
  const copy = at('password');
  writeFileSync(copy, readFileSync(password));
  if (root) for (const path of [data, copy]) chownSync(path, identity.uid, identity.gid);
  const bin = postgresBin();
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'temporal', '--auth=scram-sha-256', `--pwfile=${copy}`, '-E', 'UTF8'], {
    ...identity,
    cwd: data,
  });
  start('postgres', join(bin, 'postgres'), ['-D', data, '-p', String(ports.postgres), '-h', '127.0.0.1', '-k', ''], {
    ...identity,
    cwd: data,
  });
  await until(
    'PostgreSQL answers',
    () => spawnSync(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(ports.postgres)]).status === 0,
  );
}

function postgresBin() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((name) => join(debian, name, 'bin')) : [];
  const found = [...versions.sort().reverse(), ...(process.env.PATH ?? '').split(delimiter)].find((path) =>
    existsSync(join(path, 'initdb')),
  );
  if (found === undefined) throw new StepFailed('this trial needs PostgreSQL: apt-get install postgresql');
  return found;
}

async function startTemporal(tools, environment) {
  const config = at('temporal', 'config');
  mkdirSync(config, { recursive: true });
  // The image fills in the same template with dockerize, whose language differs from that of the server's own templates.
  const template = readFileSync(join(tools.source, 'docker', 'config_template.yaml'), 'utf8')
    .replaceAll(/default (\.Env\.\w+) ("[^"]*"|\$\w+)/g, 'default $2 $1')
    .replaceAll(/\.Env\.(\w+)/g, '(env "$1")');
  writeFileSync(join(config, 'docker.yaml'), `# enable-template\n${template}`);
  const env = {
    ...process.env,
    ...environment,
    ...Object.fromEntries(members.map((name) => [name, String(ports[name])])),
    FRONTEND_GRPC_PORT: String(ports.temporal),
    BIND_ON_IP: '127.0.0.1',
    POSTGRES_SEEDS: '127.0.0.1',
    DB_PORT: String(ports.postgres),
    POSTGRES_PWD: readFileSync(join(secrets, 'postgres_password'), 'utf8'),
    PROMETHEUS_ENDPOINT: `127.0.0.1:${ports.temporalMetrics}`,
    DYNAMIC_CONFIG_FILE_PATH: at('compose', 'temporal', 'dynamicconfig.yaml'),
    LOG_LEVEL: 'warn',
  };
  start('temporal', tools.server, ['--root', at('temporal'), '--env', 'docker', '--allow-no-auth', 'start'], { env });
  await until(
    'the Temporal server answers',
    () =>
      fetch(`http://127.0.0.1:${ports.temporalMetrics}/metrics`).then(
        (answer) => answer.ok,
        () => false,
      ),
    'temporal',
  );
}

async function startStore({ s3 }, environment) {
  const credentials = parseCredentials();
  mkdirSync(at('s3', 'assay'), { recursive: true });
  const env = {
    ...process.env,
    ...environment,
    ROOT_ACCESS_KEY_ID: credentials.aws_access_key_id,
    ROOT_SECRET_ACCESS_KEY: credentials.aws_secret_access_key,
  };
  start('s3', s3, ['--port', `127.0.0.1:${ports.s3}`, '--health', '/health', '--quiet', 'posix', at('s3')], { env });
  await until(
    'the S3 server answers',
    () => spawnSync('sh', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${ports.s3}`], { shell: '/bin/bash' }).status === 0,
  );
}

function parseCredentials() {
  const lines = readFileSync(join(secrets, 's3_credentials'), 'utf8').split('\n');
  return Object.fromEntries(lines.filter((line) => line.includes('=')).map((line) => line.split(/ *= */)));
}

async function startAssay(tools, services) {
  const node = (name, args, environment) =>
    start(name, process.execPath, args, {
      env: { ...process.env, ...environment, ASSAY_PYTHON: tools.python, HOME: at('home') },
      cwd: folder,
    });
  for (const pool of ['control', 'analysis', 'gpu']) {
    mkdirSync(at('home', pool), { recursive: true });
    node(pool, [inRoot('dist', 'workers', `${pool}.js`)], services[pool]);
  }
  for (const pool of ['control', 'analysis', 'gpu'])
    await until(
      `${pool} answers`,
      () =>
        fetch(`http://127.0.0.1:${ports[pool]}/healthz`).then(
          (answer) => answer.ok,
          () => false,
        ),
      pool,
    );
  if (!withApi) return;
  mkdirSync(at('home', 'api'), { recursive: true });
  const file = at('compose', tls ? 'assay.config.tls.yaml' : 'assay.config.yaml');
  const config = parse(readFileSync(file, 'utf8').replaceAll('/run/secrets', secrets));
  config.serve.tokens = join(secrets, 'tokens.json');
  writeFileSync(file, stringify(config));
  node('api', [inRoot('bin', 'assay'), 'serve', '--host', '127.0.0.1', '--port', String(ports.api), '--config', file], services.api);
  // Of the trial's own authority, which this process does not know.
  const scheme = tls ? 'https' : 'http';
  await until(
    'the API answers',
    () =>
      spawnSync(
        process.execPath,
        ['-e', `fetch('${scheme}://127.0.0.1:${ports.api}/readyz').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))`],
        { env: { ...process.env, ...services.api } },
      ).status === 0,
    'api',
  );
}

async function startPrometheus(tools) {
  const file = at('prometheus', tls ? 'prometheus.tls.yml' : 'prometheus.yml');
  const config = parse(readFileSync(file, 'utf8'));
  const places = {
    'assay-control': 'control',
    'assay-analysis': 'analysis',
    'assay-gpu': 'gpu',
    'assay-api': 'api',
    temporal: 'temporalMetrics',
    prometheus: 'prometheus',
  };
  config.global.scrape_interval = '1s';
  config.scrape_configs = config.scrape_configs.filter(({ job_name }) => job_name in places && (withApi || job_name !== 'assay-api'));
  for (const job of config.scrape_configs) {
    delete job.dns_sd_configs;
    delete job.file_sd_configs;
    if (job.tls_config) job.tls_config.ca_file = join(secrets, 'ca.pem');
    job.static_configs = [{ targets: [`127.0.0.1:${ports[places[job.job_name]]}`] }];
  }
  delete config.alerting;
  writeFileSync(file, stringify(config));
  start('prometheus', tools.env.ASSAY_TEST_PROMETHEUS, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${at('tsdb')}`,
    `--web.listen-address=127.0.0.1:${ports.prometheus}`,
    '--log.level=warn',
  ]);
  await until('Prometheus is ready', () =>
    fetch(`http://127.0.0.1:${ports.prometheus}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    ),
  );
}

async function experiment(tools, services) {
  const env = { ...withTools(tools), ...services.api, ASSAY_HOME: at('home', 'cli'), ASSAY_PYTHON: tools.python, NO_COLOR: '1' };
  const before = performance.now();
  const told = await run(
    process.execPath,
    [inRoot('bin', 'assay'), 'run', inRoot('examples', 'digits', 'experiment.yaml'), '--seeds', '1,2'],
    { env },
  );
  say(
    `verdict after ${((performance.now() - before) / 1000).toFixed(1)} s: ${told
      .split('\n')
      .find((line) => /adopt|keep|equivalent|inconclusive|invalid/i.test(line))
      ?.trim()}`,
  );
}

async function look() {
  const ask = async (query) =>
    (await (await fetch(`http://127.0.0.1:${ports.prometheus}/api/v1/query?query=${encodeURIComponent(query)}`)).json()).data.result;
  await until('every job is scraped', async () => (await ask('count(up == 1)'))[0]?.value[1] === String(withApi ? 6 : 5));
  const families = await ask('count by (job) (count by (job, __name__) ({__name__=~".+"}))');
  for (const { metric, value } of families) say(`${metric.job}: ${value[1]} series names`);
  const finished = await ask('sum by (status) (assay_experiments_finished_total)');
  for (const { metric, value } of finished) say(`assay_experiments_finished_total{status="${metric.status}"} ${value[1]}`);
  const { data } = await (await fetch(`http://127.0.0.1:${ports.prometheus}/api/v1/rules`)).json();
  const rules = data.groups.flatMap((group) => group.rules);
  const unwell = rules.filter(({ health }) => health === 'err');
  if (unwell.length > 0)
    throw new StepFailed(`rules that fail: ${unwell.map(({ name, lastError }) => `${name}: ${lastError}`).join('\n')}`);
  say(
    `${rules.length} rules loaded, firing: ${
      rules
        .filter(({ state }) => state === 'firing')
        .map(({ name }) => name)
        .join(', ') || 'none'
    }`,
  );
  const names = (await ask('count by (job, __name__) ({__name__=~".+"})')).map(({ metric }) => `${metric.job} ${metric.__name__}`).sort();
  if (process.env.TRIAL_NAMES) writeFileSync(process.env.TRIAL_NAMES, `${names.join('\n')}\n`);
}

/** As docs/deploy.md says: both databases and the bucket are copied while all runs; then they are lost. */
async function drill(tools, services) {
  const bin = postgresBin();
  const env = { ...process.env, PGPASSWORD: readFileSync(join(secrets, 'postgres_password'), 'utf8') };
  const where = ['-h', '127.0.0.1', '-p', String(ports.postgres), '-U', 'temporal'];
  for (const database of ['temporal', 'temporal_visibility'])
    await run(join(bin, 'pg_dump'), [...where, '-Fc', '-f', at(`${database}.dump`), database], { env });
  cpSync(at('s3'), at('s3-backup'), { recursive: true });
  for (const name of ['api', 'gpu', 'analysis', 'control', 's3', 'temporal']) await stop(name);
  for (const database of ['temporal', 'temporal_visibility']) {
    await run(join(bin, 'dropdb'), [...where, database], { env });
    await run(join(bin, 'createdb'), [...where, database], { env });
    await run(join(bin, 'pg_restore'), [...where, '-d', database, at(`${database}.dump`)], { env });
  }
  rmSync(at('s3'), { recursive: true });
  cpSync(at('s3-backup'), at('s3'), { recursive: true });
  await startTemporal(tools, services.temporal);
  await startStore(tools, services.s3);
  await startAssay(tools, services);
  const cli = { ...withTools(tools), ...services.api, ASSAY_HOME: at('home', 'cli'), NO_COLOR: '1' };
  say((await run(process.execPath, [inRoot('bin', 'assay'), 'list'], { env: cli })).trim().split('\n').at(-1));
}

function withTools(tools) {
  return { ...process.env, PATH: `${dirname(tools.temporal)}${delimiter}${process.env.PATH}` };
}

function start(name, command, args, options = {}) {
  const log = openSync(at(`${name}.log`), 'a');
  const child = spawn(command, args, { stdio: ['ignore', log, log], ...options });
  children.set(name, child);
  child.on('exit', (code, signal) => {
    if (children.get(name) === child) say(`${name} ended (${code ?? signal}): ${at(`${name}.log`)}`);
  });
}

async function stop(name) {
  const child = children.get(name);
  children.delete(name);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  if ((await Promise.race([ended.then(() => true), sleep(40_000, false, { ref: false })])) === false) child.kill('SIGKILL');
  await ended;
}

async function until(what, holds, name) {
  for (const begin = performance.now(); !(await holds()); await sleep(200)) {
    const child = name === undefined ? undefined : children.get(name);
    if (performance.now() - begin > 60_000 || (child && child.exitCode !== null)) throw new StepFailed(`not within a minute: ${what}`);
  }
}

/** Below 32768: in PostgreSQL Temporal keeps the port of a member as a smallint. */
async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise((done) => server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true)));
    if (!free) continue;
    await new Promise((done) => server.close(done));
    if (!Object.values(ports).includes(port)) return port;
  }
}
