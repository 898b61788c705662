// The dashboards of deploy/grafana: what Grafana needs to load them, and that no panel asks for what nobody serves.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { namesIn, servedNames } from './metricNames';
import { check, deploy, filesIn, root, yamlFile } from './tools';

interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: { expr: string; datasource: { uid: string } }[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  annotations: { list: { expr: string }[] };
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
}

const dashboards = filesIn(deploy('grafana', 'dashboards'), '.json').map((file) => JSON.parse(readFileSync(file, 'utf8')) as Dashboard);
const charts = dashboards.flatMap(({ uid, panels }) =>
  panels.filter(({ type }) => type !== 'row').map((panel) => ({ ...panel, at: `${uid}: ${panel.title}` })),
);

test('the files are what deploy/grafana/build.mjs makes', () => {
  const { status, stderr } = spawnSync(process.execPath, [deploy('grafana', 'build.mjs'), '--check'], { cwd: root, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test('every dashboard and every panel of one is named once', () => {
  for (const key of ['uid', 'title'] as const) expect(new Set(dashboards.map((dashboard) => dashboard[key])).size).toBe(4);
  for (const { panels } of dashboards) expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
});

test('every panel has a title, a unit, and the data source that the reader chose', () => {
  expect(charts.length).toBeGreaterThan(60);
  for (const { at, title, datasource, fieldConfig, targets } of charts) {
    expect(title).not.toBe('');
    expect([at, fieldConfig?.defaults.unit]).toEqual([at, expect.stringMatching(/^\w+$/)]);
    for (const { uid } of [datasource ?? { uid: '' }, ...(targets ?? []).map((target) => target.datasource)])
      expect([at, uid]).toEqual([at, '${datasource}']);
  }
  for (const { templating } of dashboards) expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
});

test('no panel lies on another or beyond the page', () => {
  for (const { panels } of dashboards) {
    const cells = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`)).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  }
});

test('promtool accepts every expression, and each names only what is served', () => {
  const variables = dashboards.flatMap(({ templating }) =>
    templating.list.flatMap(({ query }) =>
      typeof query === 'string' ? [] : [/^label_values\((\w+), \w+\)$/.exec(query.query)?.[1] ?? query.query],
    ),
  );
  const expressions = [
    ...charts.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr)),
    ...dashboards.flatMap(({ annotations }) => annotations.list.map(({ expr }) => expr)),
    ...variables,
  ].map((expr) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$host', '.*'));
  const served = servedNames();
  expect(expressions.flatMap((expr) => namesIn(expr).filter((name) => !served.has(name)))).toEqual([]);
  const folder = mkdtempSync(join(tmpdir(), 'assay-dashboards-'));
  try {
    const file = join(folder, 'expressions.yml');
    writeFileSync(
      file,
      stringify({ groups: [{ name: 'dashboards', rules: expressions.map((expr, index) => ({ record: `panel:${index}`, expr })) }] }),
    );
    expect(check('PROMTOOL', ['check', 'rules', file])).toContain(`${expressions.length} rules found`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the provisioned data source and folder are those that compose mounts', () => {
  const { volumes } = yamlFile(deploy('compose', 'compose.yaml')).services.grafana as { volumes: string[] };
  const { providers } = yamlFile(deploy('grafana', 'provisioning', 'dashboards', 'assay.yml')) as {
    providers: { options: { path: string } }[];
  };
  expect(volumes.some((volume) => volume.startsWith(`../grafana/dashboards:${providers[0]?.options.path}:`))).toBe(true);
  const { datasources } = yamlFile(deploy('grafana', 'provisioning', 'datasources', 'prometheus.yml')) as {
    datasources: { type: string; url: string }[];
  };
  expect(datasources.map(({ type, url }) => [type, url])).toEqual([
    ['prometheus', 'http://prometheus:9090'],
    ['alertmanager', 'http://alertmanager:9093'],
  ]);
});
