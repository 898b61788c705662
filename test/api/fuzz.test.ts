// Proves by schemathesis, which reads the server's own OpenAPI document, that no request makes it fail (no 5xx) and that its answers are those
// that the document promises.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { startServer, stopServer } from '../client/environment';
import { apiHome, ask, type Home } from './support';

let server: TestWorkflowEnvironment;
let home: Home;
let url: string;
let token: string;

beforeAll(async () => {
  server = await startServer();
  home = apiHome();
  token = await home.token('fuzzer', ['admin']);
  ({ url } = await home.start({ client: server.client, allow: { images: ['registry.example/team/*'] } }));
}, 60_000);

afterAll(async () => {
  await home.stop();
  await stopServer(server);
});

interface Schema {
  $ref?: string;
}
interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

test('the document is OpenAPI 3.1, each operation is described with its failures, and every reference leads somewhere', async () => {
  const { body: document } = await ask(`${url}/openapi.json`);
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'assay' },
    components: { securitySchemes: { token: { scheme: 'bearer' } } },
  });
  const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ at: `${method.toUpperCase()} ${path}`, ...operation })),
  );
  expect(operations.map(({ at }) => at).sort()).toMatchInlineSnapshot(`
[
  "GET /healthz",
  "GET /metrics",
  "GET /readyz",
  "GET /v1/experiments",
  "GET /v1/experiments/{id}",
  "GET /v1/experiments/{id}/curves",
  "GET /v1/experiments/{id}/events",
  "GET /v1/experiments/{id}/report",
  "GET /v1/experiments/{id}/result",
  "GET /v1/experiments/{id}/runs",
  "GET /v1/experiments/{id}/runs/{variant}/{seed}/{artifact}",
  "GET /v1/experiments/{id}/runs/{variant}/{seed}/{artifact}/{*}",
  "GET /v1/gpus",
  "GET /v1/schedules",
  "GET /v1/schedules/{name}",
  "GET /v1/series",
  "GET /v1/series/{name}",
  "GET /v1/series/{name}/report",
  "HEAD /v1/experiments/{id}/runs/{variant}/{seed}/{artifact}",
  "HEAD /v1/experiments/{id}/runs/{variant}/{seed}/{artifact}/{*}",
  "POST /v1/experiments",
  "POST /v1/experiments/{id}/add-seeds",
  "POST /v1/experiments/{id}/approve",
  "POST /v1/experiments/{id}/cancel",
  "POST /v1/experiments/{id}/pause",
  "POST /v1/experiments/{id}/priority",
  "POST /v1/experiments/{id}/reject",
  "POST /v1/experiments/{id}/resume",
  "POST /v1/experiments/{id}/stop-variant",
  "POST /v1/schedules/{name}/trigger",
]
`);
  expect(new Set(operations.filter(({ at }) => !at.startsWith('HEAD')).map(({ operationId }) => operationId)).size).toBe(
    operations.filter(({ at }) => !at.startsWith('HEAD')).length,
  );
  for (const { at, responses } of operations) {
    expect([at, Object.keys(responses).filter((status) => status < '400').length]).not.toEqual([at, 0]);
    for (const [status, { content = {} }] of Object.entries(responses))
      if (status >= '400') expect([at, status, Object.keys(content)]).toEqual([at, status, ['application/problem+json']]);
  }
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name as string);
  expect(references.length).toBeGreaterThan(20);
  expect(references.filter((name) => !(name in document.components.schemas))).toEqual([]);
});

test('schemathesis finds no failure', async () => {
  const tool = process.env['ASSAY_TEST_SCHEMATHESIS'];
  if (tool === undefined) throw new Error('ASSAY_TEST_SCHEMATHESIS names no schemathesis: npm test installs one');
  // Parameters that name what there is are found by chance alone; steering is asked of experiments that are not there.
  const checks = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance'];
  const args = [
    'run',
    `${url}/openapi.json`,
    ...[
      '--header',
      `Authorization: Bearer ${token}`,
      '--checks',
      [...checks, 'response_schema_conformance', 'unsupported_method', 'ignored_auth'].join(','),
    ],
    ...['--phases', 'coverage,fuzzing', '--max-examples', '5', '--seed', '7', '--workers', '2', '--continue-on-failure'],
    ...['--exclude-path-regex', '/events$', '--warnings', 'off', '--suppress-health-check', 'all', '--request-timeout', '15'],
  ];
  const ended = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile(
      tool,
      args,
      { cwd: home.dir, timeout: 280_000, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: '1' } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: out + err }),
    );
  });
  if (ended.code !== 0) writeFileSync(join(home.dir, 'fuzz.txt'), ended.output);
  expect(`${ended.code}\n${ended.code === 0 ? '' : readFileSync(join(home.dir, 'fuzz.txt'), 'utf8')}`).toBe('0\n');
}, 300_000);
