import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { defaultConfig, type RunningApi, type Scope, type ServeConfig, createToken, startApi } from '../../src/api';
import { openMetrics } from '../../src/observability';
import { openStore, type Store } from '../../src/store';

/** Parts of the configuration that a test sets, the rest is the default. */
export interface Settings {
  allow?: Partial<ServeConfig['allow']>;
  limits?: Partial<ServeConfig['limits']>;
  tls?: ServeConfig['tls'];
  host?: string;
  port?: number;
  openMetrics?: boolean;
  client?: Client;
  store?: Store;
  uiUrl?: string;
  heartbeatMs?: number;
}

export interface Home {
  dir: string;
  tokens: string;
  token: (name: string, scopes: Scope[], more?: { owner?: string; expiresAt?: Date }) => Promise<string>;
  start: (settings?: Settings) => Promise<RunningApi>;
  stop: () => Promise<void>;
}

/** A home with servers in it, all in this process; without a client they have a Temporal server that never answers. */
export function apiHome(): Home {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'assay-api-')));
  const tokens = join(dir, 'tokens.json');
  const running: RunningApi[] = [];
  const ownClients: Client[] = [];
  openMetrics({ pool: 'api', version: 'test', build: 'test' });
  return {
    dir,
    tokens,
    token: (name, scopes, { owner, expiresAt } = {}) =>
      createToken(tokens, { name, scopes, owner: owner ?? null, expiresAt: expiresAt ?? null }),
    start: async ({ allow, limits, tls, client, store, uiUrl, heartbeatMs, ...plain } = {}) => {
      const config = defaultConfig();
      const asked = client ?? nobody();
      if (client === undefined) ownClients.push(asked);
      const api = await startApi({
        client: asked,
        store: store ?? openStore(pathToFileURL(join(dir, 'store')).href),
        config: {
          ...config,
          port: 0,
          ...plain,
          ...(tls ? { tls } : {}),
          allow: { ...config.allow, ...allow },
          limits: { ...config.limits, requestsPerMinute: 100_000, ...limits },
        },
        home: dir,
        tokens,
        uiUrl: uiUrl ?? null,
        version: '0.0.0-test',
        ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
      });
      running.push(api);
      return api;
    },
    stop: async () => {
      await Promise.all(running.map((api) => api.close()));
      await Promise.all(ownClients.map(({ connection }) => connection.close()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Tries nothing again: a timer for the next try would outlive the test, and fire into a connection that is closed. */
const nobody = (): Client => new Client({ connection: Connection.lazy({ address: '127.0.0.1:1', interceptors: [] }) });

export interface Answer {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line no-explicit-any -- what a test reads of an answer, it expects of it
  body: any;
}

/** A request, its answer read as its type says. */
export async function ask(url: string, { token, headers, ...init }: RequestInit & { token?: string } = {}): Promise<Answer> {
  const sent = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(headers as Record<string, string>) };
  const answer = await fetch(url, { ...init, headers: sent });
  const type = answer.headers.get('content-type') ?? '';
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: /json/.test(type) && text !== '' ? JSON.parse(text) : text };
}

export const post = (url: string, body: unknown, more: RequestInit & { token?: string } = {}): Promise<Answer> =>
  ask(url, {
    method: 'POST',
    ...more,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(more.headers as object) },
  });

export const postYaml = (url: string, body: string, more: RequestInit & { token?: string } = {}): Promise<Answer> =>
  ask(url, { method: 'POST', ...more, body, headers: { 'content-type': 'application/yaml', ...(more.headers as object) } });

/** Holds that an answer is a problem document of that status. */
export function expectProblem(answer: Answer, status: number, kind?: string): void {
  expect({ status: answer.status, type: answer.headers.get('content-type'), body: answer.body }).toEqual({
    status,
    type: 'application/problem+json',
    body: expect.objectContaining({
      type: kind === undefined ? expect.stringMatching(/^urn:assay:problem:[a-z-]+$/) : `urn:assay:problem:${kind}`,
      title: expect.stringMatching(/./),
      status,
      detail: expect.stringMatching(/./),
      instance: expect.any(String),
    }),
  });
}

export interface ServerEvent {
  id: string | null;
  event: string;
  data: Record<string, unknown>;
}

/** Reads server-sent events as they come, until the stream ends, `enough` says so, or it is aborted. */
export async function readEvents(
  url: string,
  {
    token,
    lastId,
    enough = () => false,
    signal,
  }: { token?: string; lastId?: string; enough?: (events: ServerEvent[]) => boolean; signal?: AbortSignal } = {},
): Promise<{ status: number; events: ServerEvent[]; comments: number }> {
  const stop = new AbortController();
  signal?.addEventListener('abort', () => stop.abort());
  const headers = {
    accept: 'text/event-stream',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  };
  const events: ServerEvent[] = [];
  let comments = 0;
  const answer = await fetch(url, { headers, signal: stop.signal });
  if (answer.body === null || answer.status !== 200) return { status: answer.status, events, comments };
  let rest = '';
  try {
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      const blocks = (rest + Buffer.from(chunk).toString('utf8')).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith(':')) comments++;
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
        if (fields['event']) events.push({ id: fields['id'] ?? null, event: fields['event'], data: JSON.parse(fields['data'] ?? '{}') });
      }
      if (enough(events)) break;
    }
  } catch (error) {
    if (!stop.signal.aborted && (error as Error).message !== 'terminated') throw error;
  }
  stop.abort();
  return { status: 200, events, comments };
}

/** A spec that this server takes, if it allows the image. */
export const dockerSpec = (more: Record<string, unknown> = {}) => ({
  name: 'api-test',
  data: { source: 'builtin:digits' },
  runtime: { executor: 'docker', image: `registry.example/team/trainer@sha256:${'a'.repeat(64)}` },
  training: { command: ['python', '/app/train.py'], seeds: [1], budget: { epochs: 1 } },
  variants: [
    { name: 'a', control: true, params: { model: 'x' } },
    { name: 'b', params: { model: 'y' } },
  ],
  varies: ['model'],
  ...more,
});
