import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AssayError } from '../../../contract';
import { pageAssets } from '../../../pages';
import type { App } from '../../context';
import { pageSchema } from './reply';

/** `/assets/<name>`: kept for ever under the address that names its digest, asked for again under any other. */
export function assetRoutes(app: App): void {
  app.get(
    '/assets/:name',
    {
      config: { scope: 'open', rateLimit: false },
      schema: {
        ...pageSchema,
        params: z.object({ name: z.string().max(100) }),
        querystring: z.object({ v: z.string().max(64).optional() }),
      },
    },
    async (request, reply) => sendAsset(request, reply, request.params.name, request.query.v),
  );

  // What browsers ask for beside a page that names no icon, such as a report.
  app.get('/favicon.ico', { config: { scope: 'open', rateLimit: false }, schema: pageSchema }, async (request, reply) =>
    sendAsset(request, reply, 'icon.svg'),
  );
}

function sendAsset({ headers }: FastifyRequest, reply: FastifyReply, name: string, version?: string): FastifyReply {
  const asset = pageAssets().get(name);
  if (asset === undefined) throw new AssayError('NotFound', `there is no file "${name}" for pages`);
  const etag = `"${asset.digest}"`;
  void reply.header('etag', etag).header('cache-control', version === asset.digest ? 'public, max-age=31536000, immutable' : 'no-cache');
  const known = headers['if-none-match'] ?? '';
  if (known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) return reply.code(304).send();
  return reply.type(asset.type).send(asset.body);
}
