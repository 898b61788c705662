// The rules and configurations of deploy/prometheus and deploy/alertmanager, by promtool, amtool and a real Alertmanager.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { namesIn, servedNames } from './metricNames';
import { alerts, check, deploy, filesIn, root, rules, tool, yamlFile } from './tools';

test.each(['prometheus.yml', 'prometheus.tls.yml'])('promtool accepts %s with every rule', (file) => {
  // Files of a container: whether they are there is not asked.
  const args = file.includes('tls') ? ['check', 'config', '--syntax-only'] : ['check', 'config'];
  expect(check('PROMTOOL', [...args, deploy('prometheus', file)])).toContain('SUCCESS');
});

test('the configuration for TLS is the other one but for how the API is asked', () => {
  const plain = yamlFile(deploy('prometheus', 'prometheus.yml'));
  const tls = yamlFile(deploy('prometheus', 'prometheus.tls.yml'));
  const api = tls.scrape_configs.find((job: { job_name: string }) => job.job_name === 'assay-api');
  expect(api.scheme).toBe('https');
  delete api.scheme;
  delete api.tls_config;
  expect(tls).toEqual(plain);
});

test('every alert fires in its case and stays quiet in the neighbouring one', () => {
  expect(check('PROMTOOL', ['test', 'rules', ...filesIn(deploy('prometheus', 'tests'), '.yml')])).not.toContain('FAILED');
  const tested = filesIn(deploy('prometheus', 'tests'), '.yml').flatMap((file) =>
    (yamlFile(file).tests as { name: string; alert_rule_test: { exp_alerts: unknown[] }[] }[]).map(
      ({ name, alert_rule_test: [first] }) => `${name.split(' ')[0]} ${first?.exp_alerts.length === 0 ? 'quiet' : 'fires'}`,
    ),
  );
  expect(tested.sort()).toEqual(
    [...new Set(alerts().map(({ alert }) => alert))].flatMap((name) => [`${name} fires`, `${name} quiet`]).sort(),
  );
});

test('rules name only what is served', () => {
  const served = servedNames();
  const unknown = rules().flatMap(({ alert, record, expr }) =>
    namesIn(expr)
      .filter((name) => !served.has(name))
      .map((name) => `${alert ?? record}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

test('every alert has a severity, a summary, a description with its value, and a runbook that names it', () => {
  const pages = new Map<string, string>();
  for (const { alert, expr, labels, annotations } of alerts()) {
    const problem = (what: string) => `${alert}: ${what}`;
    expect(['critical', 'warning', 'info']).toContain(labels?.severity);
    expect(labels?.area ?? problem('area')).toMatch(/^[a-z]+$/);
    expect(annotations?.summary ?? problem('summary')).toMatch(/\.$|\)\.?$/);
    // What is absent has no value.
    if (!expr.startsWith('absent(')) expect(annotations?.description ?? '').toContain('{{ $value');
    const [page = '', anchor = ''] = (annotations?.runbook_url ?? '').split('#');
    if (!pages.has(page)) pages.set(page, readFileSync(join(root, page), 'utf8'));
    const section = (pages.get(page) ?? '').split(/^(?=#{2,4} )/m).find((part) => anchorOf(part.split('\n', 1)[0] ?? '') === anchor);
    expect(section ?? problem(`no section ${page}#${anchor}`)).toContain(`\`${alert}\``);
  }
});

const anchorOf = (heading: string): string =>
  heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const alertmanager = deploy('alertmanager', 'alertmanager.yml');

test('amtool accepts the routes', () => {
  expect(check('AMTOOL', ['check-config', alertmanager])).toContain('SUCCESS');
});

test.each([
  ['oncall', ['severity=critical', 'area=gpus']],
  ['oncall', ['severity=critical', 'owner=vision']],
  ['owner', ['severity=warning', 'owner=vision']],
  ['digest', ['severity=info', 'area=runs']],
  ['experimenters', ['severity=warning', 'area=data']],
  ['platform', ['severity=warning', 'area=store']],
])('%s is told of %j', (receiver, labels) => {
  check('AMTOOL', ['config', 'routes', 'test', `--config.file=${alertmanager}`, `--verify.receivers=${receiver}`, ...labels]);
});

test('inhibitions name alerts that there are', () => {
  const known = new Set(alerts().map(({ alert }) => alert));
  for (const rule of yamlFile(alertmanager).inhibit_rules as Record<'source_matchers' | 'target_matchers', string[]>[]) {
    for (const matcher of [...rule.source_matchers, ...rule.target_matchers]) {
      const [, names = ''] = /^alertname=~?"(.+)"$/.exec(matcher) ?? [];
      for (const name of names.split('|').filter(Boolean)) expect(known).toContain(name);
    }
  }
});

test('a real Alertmanager keeps back what follows from something worse, and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-alertmanager-'));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const options = [
    '--cluster.listen-address=',
    `--web.listen-address=127.0.0.1:${port}`,
    `--storage.path=${folder}`,
    `--config.file=${alertmanager}`,
  ];
  const server = spawn(tool('ALERTMANAGER'), options, { stdio: 'ignore' });
  try {
    await until(async () => (await fetch(`${base}/-/ready`).catch(() => null))?.ok === true);
    const raised = [
      { alertname: 'AssayHostGone', severity: 'critical', area: 'hosts', host: 'gpu-1' },
      { alertname: 'AssayRunStuck', severity: 'warning', area: 'runs', host: 'gpu-1' },
      { alertname: 'AssayRunStuck', severity: 'warning', area: 'runs', host: 'gpu-2' },
      { alertname: 'AssayNoGpuWorker', severity: 'critical', area: 'hosts', job: 'assay-gpu' },
      { alertname: 'AssayPoolDown', severity: 'critical', area: 'hosts', job: 'assay-gpu', instance: 'a' },
      { alertname: 'AssayPoolDown', severity: 'critical', area: 'hosts', job: 'assay-control', instance: 'a' },
    ];
    await fetch(`${base}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(raised.map((labels) => ({ labels }))),
    });
    type Told = { labels: Record<string, string>; status: { inhibitedBy: string[] } };
    const told = async () => (await (await fetch(`${base}/api/v2/alerts`)).json()) as Told[];
    await until(async () => (await told()).filter(({ status }) => status.inhibitedBy.length > 0).length >= 2);
    const kept = (await told())
      .filter(({ status }) => status.inhibitedBy.length > 0)
      .map(({ labels }) => `${labels.alertname} ${labels.host ?? labels.job}`);
    expect(kept.sort()).toEqual(['AssayPoolDown assay-gpu', 'AssayRunStuck gpu-1']);
  } finally {
    server.kill();
    await new Promise((done) => (server.exitCode === null && server.signalCode === null ? server.once('exit', done) : done(null)));
    rmSync(folder, { recursive: true, force: true });
  }
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const begin = performance.now(); !(await holds()); await sleep(50))
    if (performance.now() - begin > 20_000) throw new Error('not within 20 s');
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
