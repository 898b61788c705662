// Proves: the table of metrics keeps Prometheus' rules (as promtool reads them), the endpoint serves it, and docs/observability.md shows it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  clearGauge,
  count,
  countedAs,
  gauge,
  hostAndPort,
  metricTable,
  metricsText,
  observe,
  onScrape,
  openMetrics,
  serveMetrics,
} from '../../src/observability';
import { createPrometheus } from '../../src/observability/prometheus';
import { metricsAddress } from '../../src/stack/metricsAddress';
import { samplesOf, valueOf } from './samples';

beforeAll(() => openMetrics({ pool: 'control', version: '1.2.3', build: 'abc' }));

test('names are in base units, counters end in _total and nothing else does', () => {
  for (const { name, type, labels, help, from } of metricTable) {
    expect(name).toMatch(/^assay_[a-z][a-z0-9_]*$/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect([name, /_(ms|milliseconds|minutes|hours|kb|mb|gb|percent)(_|$)/.test(name)]).toEqual([name, false]);
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    expect(labels.filter((label) => /^(experiment|workflow|run|seed|variant|epoch|le|quantile)$/.test(label))).toEqual([]);
    expect(help).toMatch(/^[A-Z1].*[.)]$/);
    expect(from.length).toBeGreaterThan(0);
  }
  expect(new Set(metricTable.map(({ name }) => name)).size).toBe(metricTable.length);
});

test('promtool finds nothing to say about any pool with a value in every metric', async () => {
  const promtool = process.env.ASSAY_TEST_PROMTOOL;
  if (promtool === undefined) throw new Error(process.env.ASSAY_TEST_PROMTOOL_ERROR ?? 'set ASSAY_TEST_PROMTOOL, as npm test does');
  for (const pool of ['control', 'gpu', 'analysis', 'api'] as const) {
    const prometheus = createPrometheus(pool);
    for (const { name, type, labels, from } of metricTable) {
      if (!(from as readonly string[]).includes(pool)) continue;
      const values = Object.fromEntries(labels.map((label) => [label, 'x']));
      if (type === 'counter') prometheus.count(name, values, 1);
      else if (type === 'gauge') prometheus.gauge(name, values, 1);
      else prometheus.observe(name, values, 1);
    }
    const text = await prometheus.text();
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([pool, status, stdout + stderr]).toEqual([pool, 0, '']);
    expect(new Set(samplesOf(text).map(({ name }) => name)).size).toBeGreaterThan(20);
  }
});

test('counters add up, gauges can be cleared, and what another keeps is shown by its value', async () => {
  count('assay_verdicts_total', { outcome: 'adopt' }, 0);
  expect(valueOf(await metricsText(), 'assay_verdicts_total', { outcome: 'adopt' })).toBe(0);
  count('assay_verdicts_total', { outcome: 'adopt' });
  count('assay_verdicts_total', { outcome: 'adopt' }, 2);
  for (const value of [7, 9]) countedAs('assay_schedule_missed_runs_total', { series: 'nightly' }, value);
  gauge('assay_host_places', { host: 'gone' }, 4);
  clearGauge('assay_host_places');
  observe('assay_queue_wait_seconds', { qos: 'standard', owner: '' }, 0.7);
  const text = await metricsText();
  expect(valueOf(text, 'assay_verdicts_total', { outcome: 'adopt' })).toBe(3);
  expect(valueOf(text, 'assay_schedule_missed_runs_total', { series: 'nightly' })).toBe(9);
  expect(valueOf(text, 'assay_host_places', { host: 'gone' })).toBeUndefined();
  expect(valueOf(text, 'assay_queue_wait_seconds_bucket', { qos: 'standard', owner: '', le: '1' })).toBe(1);
  expect(valueOf(text, 'assay_queue_wait_seconds_bucket', { qos: 'standard', owner: '', le: '0.5' })).toBe(0);
  expect(valueOf(text, 'assay_build_info', { version: '1.2.3', build: 'abc', pool: 'control' })).toBe(1);
});

test('what another pool serves is counted nowhere', async () => {
  count('assay_train_steps_total', { host: 'a' }, 5);
  expect(await metricsText()).not.toContain('assay_train_steps_total');
});

test('names that people give without end count together beyond 200', async () => {
  for (let i = 0; i < 300; i++) count('assay_series_alerts_total', { series: `s${i}` });
  const series = samplesOf(await metricsText()).filter(({ name }) => name === 'assay_series_alerts_total');
  expect(series).toHaveLength(201);
  expect(series.find(({ labels }) => labels.series === 'other')?.value).toBe(100);
});

test('the endpoint serves ours and what others serve, and is asked before each answer', async () => {
  const other = createServer((_, response) => response.end('# TYPE temporal_request_total counter\ntemporal_request_total 3\n')).listen(
    0,
    '127.0.0.1',
  );
  await once(other, 'listening');
  const away = '127.0.0.1:9';
  let asked = 0;
  const stop = onScrape(() => gauge('assay_runs_open', { state: 'waiting' }, ++asked));
  const failing = onScrape(() => Promise.reject(new Error('no server')));
  const server = await serveMetrics('127.0.0.1:0', [`127.0.0.1:${(other.address() as AddressInfo).port}`, away]);
  try {
    const answer = await fetch(`http://${server.address}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await answer.text();
    expect(valueOf(text, 'temporal_request_total', {})).toBe(3);
    expect(valueOf(text, 'assay_runs_open', { state: 'waiting' })).toBe(1);
    expect((await fetch(`http://${server.address}/healthz`)).status).toBe(200);
    expect((await fetch(`http://${server.address}/`)).status).toBe(404);
    await expect(serveMetrics(server.address)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  } finally {
    stop();
    failing();
    server.close();
    other.close();
  }
});

test('an address is host:port, and another is refused with an example', () => {
  expect(hostAndPort('127.0.0.1:9464')).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(hostAndPort('[::1]:9464')).toEqual({ host: '::1', port: 9464 });
  expect(hostAndPort(':9464')).toEqual({ host: '0.0.0.0', port: 9464 });
  for (const wrong of ['9464', '127.0.0.1', '127.0.0.1:99999', 'http://127.0.0.1:9464'])
    expect(() => hostAndPort(wrong)).toThrow('expected host:port, e.g. 127.0.0.1:9464');
});

test('the pools of the embedded stack have a port each, from the one that was named', () => {
  const ports = [0, 1, 2].map((place) => metricsAddress({ ASSAY_METRICS_ADDRESS: '127.0.0.1:9464' }, place).ASSAY_METRICS_ADDRESS);
  expect(ports).toEqual(['127.0.0.1:9464', '127.0.0.1:9465', '127.0.0.1:9466']);
  expect(metricsAddress({}, 1)).toEqual({});
});

test('docs/observability.md shows every metric as the table has it', () => {
  const doc = readFileSync(join(__dirname, '..', '..', 'docs', 'observability.md'), 'utf8');
  const shown = doc.split('\n').filter((line) => line.startsWith('| `assay_'));
  expect(shown).toEqual(
    metricTable.map(
      ({ name, type, labels, from, help }) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${from.join(', ')} | ${help} |`,
    ),
  );
});
