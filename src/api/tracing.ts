import type { FastifyRequest } from 'fastify';
import { type TraceCarrier, carrierOf, placeSpan, recordSpan, traceParts, tracingOn, withTrace } from '../observability';
import type { App } from './context';
import { pathOf } from './problems';

interface Traced {
  at: TraceCarrier;
  parent: TraceCarrier | null;
  startMs: number;
}

/** A span around each request that changes something, or that comes with a trace (`traceparent`): what it starts goes on with it. */
export function traceRequests(app: App): void {
  const traced = new WeakMap<FastifyRequest, Traced>();
  // Only now: while a body is read, nothing that was set before is around.
  app.addHook('preHandler', (request: FastifyRequest, _reply, done) => {
    const parent = carrierOf(request.headers.traceparent, request.headers.tracestate);
    const at = tracingOn() && (parent !== null || !reads.has(request.method)) ? placeSpan(parent) : null;
    if (at === null) return done();
    traced.set(request, { at, parent, startMs: Date.now() });
    withTrace(at, done);
  });
  app.addHook('onResponse', async (request: FastifyRequest, reply) => {
    const span = traced.get(request);
    const place = traceParts(span?.at.traceparent ?? '');
    if (span === undefined || place === null || !place.sampled) return;
    const { method, url, routeOptions } = request;
    recordSpan({
      name: `${method} ${routeOptions.url ?? 'unknown'}`,
      kind: 'server',
      ...{ traceId: place.traceId, spanId: place.spanId, parent: span.parent, startMs: span.startMs, endMs: Date.now() },
      attributes: {
        'http.request.method': method,
        'http.route': routeOptions.url,
        'url.path': pathOf(url),
        'http.response.status_code': reply.statusCode,
      },
      error: reply.statusCode >= 500 ? `answered ${reply.statusCode}` : null,
    });
  });
}

const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
