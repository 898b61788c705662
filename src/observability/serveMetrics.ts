import type * as Http from 'node:http';
import { once } from 'node:events';
import { metricsContentType, metricsText } from './metrics';

export interface MetricsServer {
  /** host:port under which it listens. */
  address: string;
  close(): void;
}

/**
 * Answers GET /metrics at `address` (host:port; port 0 takes a free one), with the text of `others` behind our own: Temporal's core serves
 * its metrics at an address of its own. Also GET /healthz, for whoever watches the process.
 * @throws with the code EADDRINUSE where another process has the port.
 */
export async function serveMetrics(address: string, others: readonly string[] = []): Promise<MetricsServer> {
  const { host, port } = hostAndPort(address);
  const server = http().createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (request.method !== 'GET' || (path !== '/metrics' && path !== '/healthz')) {
      response.writeHead(404).end();
      return;
    }
    if (path === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
      return;
    }
    Promise.all([metricsText(), ...others.map(textAt)]).then(
      (texts) => response.writeHead(200, { 'content-type': metricsContentType }).end(texts.join('\n').replaceAll(/\n{2,}/g, '\n')),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  // A scrape keeps no worker from its end.
  server.unref();
  return { address: `${host}:${portOf(server)}`, close: () => server.close() };
}

/** `127.0.0.1:9464`, `:9464` for every address of the host, `[::1]:9464`. */
export function hostAndPort(address: string): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]*):(\d{1,5})$/.exec(address.trim());
  if (match === null || Number(match[2]) > 65_535)
    throw new Error(`ASSAY_METRICS_ADDRESS is "${address}"; expected host:port, e.g. 127.0.0.1:9464`);
  return { host: (match[1] || '0.0.0.0').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

/** A free port of the loopback, for a server that cannot say which it took. */
export async function freePort(): Promise<number> {
  const server = http().createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Loaded at need: most processes serve nothing. */
const http = (): typeof Http => require('node:http') as typeof Http;

function portOf(server: Http.Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? bound.port : 0;
}

/** Ours are worth more than none: what does not answer is left out. */
async function textAt(address: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
