import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problems';
import { isSameOrigin, openSession, sessionOf } from './session';
import { type Scope, scopes, type TokenBook } from './tokens';

/** Who asks. */
export interface Caller {
  /** Name of the token; `loopback` where none is needed. */
  name: string;
  scopes: readonly Scope[];
  owner: string | null;
  /** Whether it still may what it may; asked again while a stream is open. */
  stillThere: () => Promise<boolean>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null without a valid token where one is needed. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** `open` needs no token. */
    scope?: Scope | 'open';
  }
}

/** Finds out who asks, before anything else; `enforceScopes` judges it. */
export function identifyCallers(app: FastifyInstance, book: TokenBook): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    request.caller = await callerOf(request, book);
  });
}

/** Refuses before the body is read. */
export function enforceScopes(app: FastifyInstance, book: TokenBook): void {
  app.addHook('preParsing', async (request) => {
    const scope = request.routeOptions.config.scope ?? 'admin';
    if (scope === 'open' || request.is404) return;
    const { caller } = request;
    if (caller === null) {
      if (await book.required()) throw unauthenticated(request);
      throw new HttpProblem(
        'forbidden',
        'without tokens only programs of this host are served, by its loopback name and not from another page',
      );
    }
    if (scopes.indexOf(scope) > highest(caller.scopes))
      throw new HttpProblem('forbidden', `the token "${caller.name}" has the scope ${caller.scopes.join(', ')}; this needs ${scope}`);
  });
}

const highest = (granted: readonly Scope[]): number => Math.max(...granted.map((scope) => scopes.indexOf(scope)));

async function callerOf(request: FastifyRequest, book: TokenBook): Promise<Caller | null> {
  if (!(await book.required())) return isLocal(request) ? loopback : null;
  const secret = await secretOf(request, book);
  const token = secret === null ? null : await book.find(secret);
  if (secret === null || token === null) return null;
  return { name: token.name, scopes: token.scopes, owner: token.owner, stillThere: async () => (await book.find(secret)) !== null };
}

const loopback: Caller = { name: 'loopback', scopes: ['admin'], owner: null, stillThere: () => Promise.resolve(true) };

/**
 * A bearer token; for a person with a browser also the cookie of a page, or the password of Basic. A browser sends these two by itself, so
 * Basic is to look only, and by its cookie only a page of this server changes something.
 */
async function secretOf(request: FastifyRequest, book: TokenBook): Promise<string | null> {
  const { headers, method } = request;
  const looks = method === 'GET' || method === 'HEAD';
  const session = sessionOf(request);
  if (headers.authorization === undefined && session !== null) return looks || isSameOrigin(request) ? openSession(book, session) : null;
  const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic' || !looks) return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

/** Not a page of another site in a browser of this host, which can reach loopback under a name of its own. */
function isLocal({ headers }: FastifyRequest): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!['localhost', '127.0.0.1', '[::1]'].includes(host)) return false;
  return headers.origin === undefined || headers.origin.replace(/^https?:\/\//, '') === headers.host;
}

function unauthenticated({ headers }: FastifyRequest): HttpProblem {
  const given = headers.authorization !== undefined;
  const detail = given ? 'the token is unknown, revoked or expired' : 'a token is needed; send it as "Authorization: Bearer …"';
  const challenge = `Bearer realm="assay"${given ? ', error="invalid_token"' : ''}, Basic realm="assay", charset="UTF-8"`;
  return new HttpProblem('unauthenticated', detail, { headers: { 'www-authenticate': challenge } });
}
