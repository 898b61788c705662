import type { FastifyReply, FastifyRequest } from 'fastify';
import { log } from '../../../observability';
import { problemBody } from '../../../pages';
import { pathOf, problemOf } from '../../problems';
import { endSession, sessionOf } from '../../session';
import { preferred } from '../negotiate';
import { sendToSignIn } from './signIn';
import { sendPage } from './reply';

/** A browser at an address beside the API: what goes wrong is told to a person. */
export function wantsPage({ url, headers }: FastifyRequest): boolean {
  if (/^\/(?:v1|assets|metrics|healthz|readyz|openapi\.json)(?:[/?]|$)/.test(url)) return false;
  return preferred(headers.accept, ['application/problem+json', 'text/html']) === 'text/html';
}

/** The problem that an error is, as a page; who is not known is asked for a token. */
export function sendProblemPage(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error);
  if (problem.kind === 'unauthenticated') {
    if (sessionOf(request) !== null) endSession(request, reply);
    return sendToSignIn(request, reply);
  }
  if (problem.kind === 'internal') log.error('a page failed', { method: request.method, path: pathOf(request.url), error });
  for (const [name, value] of Object.entries(problem.more.headers ?? {})) void reply.header(name, value);
  const { status, title, detail } = problem.body('');
  const page = {
    title: title.replace(/\.$/, ''),
    current: null,
    body: problemBody({ status, kind: problem.kind, title: title.replace(/\.$/, ''), detail: detail.replace(listedAt, '') }),
  };
  return sendPage(request, reply.code(status), page);
}

/** Where a program finds the list; the page has links. */
const listedAt = /; (?:GET )?\/\S+ lists (?:them|what there is)$/;
