import { readFileSync } from 'node:fs';
import { Agent as PlainAgent, type IncomingMessage, request as requestPlain, STATUS_CODES } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isNativeError } from 'node:util/types';
import { AssayError } from '../../contract';
import type { MlflowSettings } from './settings';

/** Why an MLflow server does not have a result. */
export class NotPublished extends Error {
  /** `away`: the same again may succeed; `refused`: not before somebody mends something. */
  readonly kind: 'away' | 'refused';
  /** Of the answer; null where there was none. */
  readonly status: number | null;
  /** MLflow's own, such as `RESOURCE_DOES_NOT_EXIST`. */
  readonly code: string | null;

  constructor(
    kind: NotPublished['kind'],
    message: string,
    { status = null, code = null }: Partial<Pick<NotPublished, 'status' | 'code'>> = {},
  ) {
    super(message);
    this.name = 'NotPublished';
    this.kind = kind;
    this.status = status;
    this.code = code;
  }
}

/** One server, over a few connections that stay open until `close`. */
export interface Mlflow {
  readonly uri: string;
  /** What `/version` says. */
  version(): Promise<string>;
  get<T>(path: string, query: Record<string, string>): Promise<T>;
  post<T>(path: string, body: Record<string, unknown>): Promise<T>;
  /** A file through the server's artifact proxy; `path` from the root of the artifacts. */
  upload(path: string, body: Readable, size: number): Promise<void>;
  close(): void;
}

/** Silence for so long is no answer, milliseconds. */
const patienceMs = 60_000;

export function openMlflow(settings: MlflowSettings, { signal }: { signal?: AbortSignal } = {}): Mlflow {
  const tls = settings.uri.startsWith('https:');
  const pem = (path: string | null): Buffer | undefined => (path === null ? undefined : readFileSync(path));
  const [ca, own] = [pem(settings.ca), pem(settings.certificate)];
  const agent = tls
    ? new TlsAgent({
        ...{ keepAlive: true, maxSockets: 4, rejectUnauthorized: !settings.insecure },
        ...(ca ? { ca } : {}),
        ...(own ? { cert: own, key: own } : {}),
      })
    : new PlainAgent({ keepAlive: true, maxSockets: 4 });
  const { host } = new URL(settings.uri);

  return {
    uri: settings.uri,
    version: () => send('GET', '/version', null),
    get: (path, query) => api('GET', `${path}?${new URLSearchParams(query).toString()}`, null),
    post: (path, body) => api('POST', path, body),
    async upload(path, body, size) {
      const encoded = path.split('/').map(encodeURIComponent).join('/');
      await send('PUT', `/api/2.0/mlflow-artifacts/artifacts/${encoded}`, { stream: body, size, type: 'application/octet-stream' });
    },
    close: () => agent.destroy(),
  };

  async function api<T>(method: string, path: string, body: Record<string, unknown> | null): Promise<T> {
    const bytes = body === null ? null : Buffer.from(JSON.stringify(body));
    const text = await send(
      method,
      `/api/2.0/mlflow/${path}`,
      bytes === null ? null : { bytes, size: bytes.length, type: 'application/json' },
    );
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new NotPublished('refused', `${host} answered ${path.replace(/\?.*/, '')} with no JSON; is it an MLflow server?`);
    }
  }

  async function send(
    method: string,
    path: string,
    body: { size: number; type: string; bytes?: Buffer; stream?: Readable } | null,
  ): Promise<string> {
    signal?.throwIfAborted();
    try {
      const { status, text } = await exchange(method, path, body);
      if (status >= 200 && status < 300) return text;
      throw refusal(status, text, `${method} ${path.replace(/\?.*/, '')}`);
    } catch (error) {
      body?.stream?.destroy();
      if (error instanceof NotPublished || signal?.aborted === true) throw error;
      // Of the store, where a stream of it broke.
      if (error instanceof AssayError) throw error;
      throw new NotPublished('away', `${host} cannot be reached: ${isNativeError(error) ? error.message || error.name : String(error)}`);
    }
  }

  function exchange(method: string, path: string, body: Parameters<typeof send>[2]): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = (tls ? requestTls : requestPlain)(
        `${settings.uri}${path}`,
        {
          ...{ method, agent, timeout: patienceMs },
          ...(signal === undefined ? {} : { signal }),
          headers: {
            'user-agent': 'assay',
            ...(settings.authorization === null ? {} : { authorization: settings.authorization }),
            ...(body === null ? {} : { 'content-type': body.type, 'content-length': body.size }),
          },
        },
        (response) => {
          textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
        },
      );
      request.on('timeout', () => request.destroy(new Error(`nothing came for ${patienceMs / 1000} s`)));
      request.on('error', reject);
      // What breaks is the stream or the request, and both tell the promise.
      if (body?.stream) pipeline(heldBack(body.stream), request).catch(reject);
      else request.end(body?.bytes);
    });
  }

  function refusal(status: number, text: string, where: string): NotPublished {
    const { code, words } = said(text);
    const away = status >= 500 || status === 408 || status === 425 || status === 429;
    const what = `${host} answered ${status} ${code ?? STATUS_CODES[status] ?? ''} to ${where}${words === '' ? '' : `: ${words}`}`;
    return new NotPublished(away ? 'away' : 'refused', `${what}${mendOf(status, text, host)}`, { status, code });
  }
}

/** The server's version, where it answers. */
export async function mlflowVersion(settings: MlflowSettings, signal: AbortSignal): Promise<string> {
  const mlflow = openMlflow(settings, { signal });
  try {
    // The second shows that the credentials are taken.
    const version = await mlflow.version();
    await mlflow.post('experiments/search', { max_results: 1 });
    return version.trim();
  } finally {
    mlflow.close();
  }
}

function mendOf(status: number, text: string, host: string): string {
  if (status === 401) return '; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, where it publishes';
  if (status === 403 && /host header/i.test(text)) return `; start that server with --allowed-hosts ${host}`;
  if (status === 403) return '; give this user the permission to edit there';
  if (status === 404 && !text.startsWith('{')) return '; is MLFLOW_TRACKING_URI the address of an MLflow server?';
  return status >= 300 && status < 400 ? '; redirects are not followed: write the final address' : '';
}

/** MLflow answers JSON; what stands before it may answer a page. */
function said(text: string): { code: string | null; words: string } {
  let code: string | null = null;
  let words = text.replace(/<[^>]*>/g, ' ');
  try {
    const value = JSON.parse(text) as { error_code?: unknown; message?: unknown };
    if (typeof value.error_code === 'string') code = value.error_code;
    if (typeof value.message === 'string') words = value.message;
  } catch {
    // A page.
  }
  words = words.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return { code, words: words.length > 300 ? `${words.slice(0, 300)}…` : words };
}

/** The last piece goes when the stream has ended well: the store says only then that the bytes are right, and a server keeps what came whole. */
async function* heldBack(stream: Readable): AsyncGenerator<Buffer> {
  let held: Buffer | null = null;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (held !== null) yield held;
    held = chunk;
  }
  if (held !== null) yield held;
}

/** Answers are small; a server that sends without end is none of MLflow's. */
const mostAnswer = 64 * 2 ** 20;

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostAnswer) throw new Error(`the answer has more than ${mostAnswer} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
