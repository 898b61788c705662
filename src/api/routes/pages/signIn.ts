import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { forwardBody, signInBody } from '../../../pages';
import { log } from '../../../observability';
import type { App } from '../../context';
import { HttpProblem } from '../../problems';
import { endSession, isSameOrigin, sealSession, setSession } from '../../session';
import type { TokenBook } from '../../tokens';
import { pageSchema, sendPage } from './reply';

const wanted = z.string().max(2000).default('/');

/** `/sign-in` takes a token and gives a cookie; `/sign-out` takes it back. */
export function signInRoutes(app: App, book: TokenBook): void {
  app.get(
    '/sign-in',
    { config: { scope: 'open' }, schema: { ...pageSchema, querystring: z.object({ to: wanted }) } },
    async (request, reply) => {
      const to = ownAddress(request.query.to);
      // Who has signed in may do so again, with a token of another scope.
      if (!(await book.required())) return reply.redirect(to, 303);
      return askForToken(request, reply, to, null);
    },
  );

  app.post(
    '/sign-in',
    {
      config: { scope: 'open' },
      schema: { ...pageSchema, body: z.object({ token: z.string().max(500).default(''), to: wanted }) },
    },
    async (request, reply) => {
      if (!isSameOrigin(request)) throw new HttpProblem('forbidden', 'a form of another site may not sign in here; open this page itself');
      const to = ownAddress(request.body.to);
      const secret = request.body.token.trim();
      const token = await book.find(secret);
      if (token === null)
        return askForToken(request, reply.code(401), to, secret === '' ? 'Give a token.' : 'This token is unknown, revoked or expired.');
      setSession(request, reply, sealSession(token, secret));
      log.info('signed in', { by: token.name, address: request.ip });
      return reply.redirect(to, 303);
    },
  );

  app.post('/sign-out', { config: { scope: 'open' }, schema: pageSchema }, async (request, reply) => {
    if (!isSameOrigin(request)) throw new HttpProblem('forbidden', 'a form of another site may not sign out here');
    endSession(request, reply);
    return reply.redirect('/sign-in', 303);
  });
}

const askForToken = (request: FastifyRequest, reply: FastifyReply, to: string, problem: string | null): FastifyReply =>
  sendPage(request, reply, { title: 'Sign in', current: null, body: signInBody({ to, problem }) });

/** Asks for a token, and remembers what was wanted. */
export function sendToSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const to = request.method === 'GET' ? request.url : '/';
  const site = request.headers['sec-fetch-site'];
  if (request.method === 'GET' && site !== undefined && site !== 'same-origin' && site !== 'none')
    return sendPage(request, reply, { title: 'Opening', current: null, body: forwardBody(ownAddress(to)) });
  return reply.redirect(`/sign-in?to=${encodeURIComponent(to)}`, 303);
}

/** An address of this server, without its origin; of anything else the first page. */
export function ownAddress(to: string): string {
  const base = 'http://own.invalid';
  if (!to.startsWith('/') || !URL.canParse(to, base)) return '/';
  const url = new URL(to, base);
  // `/..//host` is an address of this server that reads like one of another.
  return url.origin === base && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}${url.hash}` : '/';
}
