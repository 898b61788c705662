import { mkdir } from 'node:fs/promises';
import type { Server, ServerOptions } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { Client } from '@temporalio/client';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { AssayError } from '../contract';
import { count, log, observe } from '../observability';
import type { Store } from '../store';
import { enforceScopes, identifyCallers } from './access';
import { limitsOf, type ServeConfig } from './config';
import type { App, Context } from './context';
import { Feeds } from './events/feed';
import { ExperimentRecords } from './experimentRecords';
import { describeApi, serveDescription } from './openapi';
import { HttpProblem, pathOf, type ProblemKind, problemType, sendProblem } from './problems';
import { artifactRoutes } from './routes/artifacts';
import { curveRoutes } from './routes/curves';
import { eventRoutes } from './routes/events';
import { experimentRoutes } from './routes/experiments';
import { pageRoutes } from './routes/pages';
import { sendProblemPage, wantsPage } from './routes/pages/problems';
import { seriesRoutes } from './routes/series';
import { serviceRoutes } from './routes/service';
import { steeringRoutes } from './routes/steering';
import { submitRoute } from './routes/submit';
import { SharedAnswers } from './sharedAnswers';
import { readTls, reloadTls } from './tls';
import { TokenBook } from './tokens';
import { traceRequests } from './tracing';

export interface ApiOptions {
  client: Client;
  store: Store;
  config: ServeConfig;
  /** ASSAY_HOME. */
  home: string;
  /** File of tokens; need not be there on loopback. */
  tokens: string;
  uiUrl: string | null;
  version: string;
  /** Between the signs of life of a stream of events. */
  heartbeatMs?: number;
}

export interface RunningApi {
  /** `http://127.0.0.1:8080` */
  url: string;
  /** Takes no new request, ends streams, lets the others finish; within 9 seconds. */
  close: () => Promise<void>;
}

const closeMs = 8000;

/** Starts the HTTP API. Throws where it would listen beyond loopback without tokens. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { config, home } = options;
  const { host, port, tls } = config;
  const book = new TokenBook(options.tokens);
  if (!isLoopback(host) && !(await book.required()))
    throw new AssayError(
      'Forbidden',
      `listening on ${host} needs tokens, and there are none in ${options.tokens}: make one with \`assay token create NAME --scope read,run\`, or listen on 127.0.0.1`,
    );
  const nowhere = join(home, 'serve', 'nowhere');
  await mkdir(nowhere, { recursive: true });
  const context: Context = {
    ...options,
    limits: limitsOf(config),
    feeds: new Feeds(options.client),
    answers: new SharedAnswers(),
    records: new ExperimentRecords(options.store),
    nowhere,
    heartbeatMs: options.heartbeatMs ?? 15_000,
  };
  const { app, closeStreams } = await buildApp(context, book);
  await app.listen({ host, port, backlog: 2048 }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EADDRINUSE') throw cause;
    throw new AssayError('Conflict', `${host}:${port} is taken: another process listens there; name another with --port`, { cause });
  });
  const server = app.server as Server;
  const stopReloading = tls === undefined ? () => undefined : reloadTls(server as unknown as HttpsServer, tls);
  return {
    url: addressOf(server.address() as AddressInfo, tls !== undefined),
    close: async () => {
      stopReloading();
      closeStreams();
      const hurry = setTimeout(() => server.closeAllConnections(), closeMs);
      await app.close();
      clearTimeout(hurry);
    },
  };
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);

const addressOf = ({ address, family, port }: AddressInfo, secure: boolean): string =>
  `${secure ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;

async function buildApp(context: Context, book: TokenBook): Promise<{ app: App; closeStreams: () => void }> {
  const { limits, config } = context;
  const http: ServerOptions = {
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    connectionsCheckingInterval: 1000,
  };
  const app = Fastify({
    logger: false,
    bodyLimit: limits.body,
    requestTimeout: limits.requestTimeout,
    // Longer than proxies keep a connection: whoever closes it first must not be the one that is asked.
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    // Its own answer is no problem document; connections are closed by then.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1000 },
    clientErrorHandler,
    frameworkErrors: (error, request, reply) => void sendProblem(request as FastifyRequest, reply as FastifyReply, error),
    ...(config.tls === undefined ? { http } : { https: { ...http, ...(await readTls(config.tls)) } }),
  }).withTypeProvider<ZodTypeProvider>() as unknown as App;

  app.setValidatorCompiler(validatorCompiler);
  // What is sent is built here; its forms are held by the tests, and a mistake in one must not turn an answer into a failure.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => (wantsPage(request) ? sendProblemPage : sendProblem)(request, reply, error));
  readJson(app);

  await app.register(cookie);
  identifyCallers(app as never, book);
  enforceScopes(app as never, book);
  measure(app);
  traceRequests(app);
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] }, useDefaults: false },
    hsts: config.tls !== undefined,
    // A report has no origin, which browsers warn of where one was asked for.
    originAgentCluster: false,
  });
  await app.register(rateLimit, {
    max: limits.requestsPerMinute,
    timeWindow: 60_000,
    // Many addresses may ask without a token: what is kept of them is bounded.
    cache: 10_000,
    keyGenerator: ({ caller, ip }) => (caller === null ? `address ${ip}` : `token ${caller.name}`),
    errorResponseBuilder: (_request, { after, max }) =>
      new HttpProblem('too-many-requests', `more than ${max} requests a minute; ask again in ${after}`),
  });
  await describeApi(app, context.version);
  answerUnknown(app);
  await app.register((scope: App) => submitRoute(scope, context));
  const { closeAll } = await eventRoutes(app, context);
  for (const routes of [experimentRoutes, curveRoutes, artifactRoutes, steeringRoutes, seriesRoutes, serviceRoutes])
    await routes(app, context);
  await pageRoutes(app, context, book);
  serveDescription(app);
  await app.ready();
  return { app, closeStreams: closeAll };
}

/** An empty body, and none, are those of a request that says nothing more. */
function readJson(app: App): void {
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined) request.body = {};
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    try {
      done(null, JSON.parse(String(body)));
    } catch (error) {
      done(new HttpProblem('malformed', `expected JSON: ${(error as Error).message}`) as unknown as Error, undefined);
    }
  });
}

/** 404, or 405 where the address takes other methods. */
function answerUnknown(app: App): void {
  const known: { form: RegExp; methods: Set<string> }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const form = new RegExp(
      `^${url
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replaceAll('.', '\\.')))
        .join('/')}$`,
    );
    const methods = typeof method === 'string' ? [method] : method;
    const entry = known.find((one) => one.form.source === form.source);
    if (entry === undefined) known.push({ form, methods: new Set(methods) });
    else for (const one of methods) entry.methods.add(one);
  });
  // Before anything of a body is looked at.
  app.addHook('onRequest', async (request) => {
    if (!request.is404) return;
    const path = pathOf(request.url);
    const methods = [...new Set(known.filter(({ form }) => form.test(path)).flatMap((entry) => [...entry.methods]))];
    if (methods.length === 0 || methods.includes(request.method))
      throw new HttpProblem('not-found', `there is nothing at ${request.method} ${path}; /openapi.json lists what there is`);
    const allowed = methods.sort().join(', ');
    throw new HttpProblem('method-not-allowed', `${path} takes ${allowed}, not ${request.method}`, { headers: { allow: allowed } });
  });
}

/** One line and one count an answer; streams of events end with their connection, and are counted apart. */
function measure(app: App): void {
  app.addHook('onResponse', async (request: FastifyRequest, reply: FastifyReply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const seconds = reply.elapsedTime / 1000;
    count('assay_api_requests_total', { route, method: request.method, status: String(reply.statusCode) });
    if (!route.endsWith('/events')) observe('assay_api_request_duration_seconds', { route, method: request.method }, seconds);
    const { method, url, caller, ip } = request;
    const fields = { method, path: pathOf(url), status: reply.statusCode, seconds, by: caller?.name ?? null, address: ip };
    log[quiet.has(route) ? 'debug' : 'info']('request', fields);
  });
}

/** What is asked every few seconds. */
const quiet = new Set(['/healthz', '/readyz', '/metrics']);

/** What Node refuses before there is a request. */
const clientErrors: Record<string, ProblemKind> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
};

function clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const kind = clientErrors[error.code ?? ''] ?? 'malformed';
  const detail =
    kind === 'timeout'
      ? 'the request did not come in time'
      : kind === 'malformed'
        ? 'expected a request of HTTP/1.1'
        : 'the headers are too large';
  const problem = new HttpProblem(kind, detail);
  const body = JSON.stringify(problem.body(''));
  const head = [
    `HTTP/1.1 ${problem.status} ${kind}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
