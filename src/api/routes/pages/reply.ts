import type { FastifyReply, FastifyRequest } from 'fastify';
import { nobody, type Page, pageDocument, pagePolicy, type Viewer } from '../../../pages';
import { sessionOf } from '../../session';
import { type Scope, scopes } from '../../tokens';

/** Pages are no part of the API's description. */
export const pageSchema = { hide: true } as const;

/** Answers with a page; what is offered on it is what the viewer may do. */
export function sendPage(request: FastifyRequest, reply: FastifyReply, page: Omit<Page, 'viewer'>): FastifyReply {
  return asPage(reply).send(pageDocument({ ...page, viewer: viewerOf(request) }));
}

/** Headers of a page. Its address is sent to this server alone; without it a form would have no origin to be judged by. */
export const asPage = (reply: FastifyReply): FastifyReply =>
  reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', pagePolicy)
    .header('referrer-policy', 'same-origin')
    .header('cache-control', 'private, no-cache')
    .header('vary', 'cookie, accept');

export function viewerOf(request: FastifyRequest): Viewer {
  const { caller } = request;
  if (caller === null) return nobody;
  const may = (scope: Scope): boolean => caller.scopes.some((granted) => scopes.indexOf(granted) >= scopes.indexOf(scope));
  return { name: sessionOf(request) === null ? null : caller.name, mayRun: may('run'), mayAdmin: may('admin') };
}
