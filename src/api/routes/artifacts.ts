import { pipeline, Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AssayError, type Manifest, mediaTypes, type Ref } from '../../contract';
import { type ArtifactName, artifactNames, artifactsOf } from '../artifactList';
import { type App, type Context } from '../context';
import { HttpProblem } from '../problems';
import { findExperiment, resultOf } from '../records';
import { lastLines } from '../runLog';
import { FolderListing, nothing, problems, Runs } from '../schemas';

const id = z.string().max(200);
const run = {
  id,
  variant: z.string().max(63),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1),
};
const bytes = { schema: z.string().meta({ format: 'binary' }) };
const file = (description: string) => ({
  description,
  content: { [mediaTypes.bytes]: bytes, [mediaTypes.jsonLines]: bytes, [mediaTypes.npy]: bytes },
});

/** Files of an ended experiment's runs, and the logs of running ones. */
export async function artifactRoutes(app: App, context: Context): Promise<void> {
  app.get(
    '/v1/experiments/:id/runs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listRuns',
        summary: 'The runs and their files',
        tags: ['artifacts'],
        params: z.object({ id }),
        response: { 200: { description: 'The runs.', content: { 'application/json': { schema: Runs } } }, ...problems(404, 409) },
      },
    },
    async (request) => {
      const { result } = await resultOf(context, request.params.id);
      return {
        runs: result.variants.flatMap((variant) =>
          variant.runs.map((one) => ({
            variant: variant.name,
            seed: one.seed,
            status: one.status,
            artifacts: artifactsOf(request.params.id, variant.name, one),
          })),
        ),
      };
    },
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/experiments/:id/runs/:variant/:seed/:artifact',
    config: { scope: 'read' },
    schema: {
      operationId: 'getArtifact',
      summary: 'A file of a run; of a folder (predictions, model) what is in it',
      description:
        'One `Range` of bytes is answered with 206. The ETag is the digest of the file. `?tail` gives the last lines of `log` as plain text, also while the run goes on, where this server sees the files of its host.',
      tags: ['artifacts'],
      params: z.object({ ...run, artifact: z.enum(artifactNames) }),
      querystring: z.object({ tail: z.coerce.number().int().min(1).max(5000).optional().describe('Of `log`: its last lines.') }),
      response: {
        200: {
          description: 'The file, or the folder’s list.',
          content: { ...file('').content, 'application/json': { schema: FolderListing }, 'text/plain': bytes },
        },
        206: file('A part of it.'),
        304: nothing('It is what `If-None-Match` names.'),
        ...problems(404, 409, 416),
      },
    },
    handler: async (request, reply) => {
      const { artifact, variant, seed } = request.params;
      const { tail } = request.query;
      if (tail !== undefined) {
        if (artifact !== 'log') throw new HttpProblem('invalid-request', `/tail: only a log has last lines, ${artifact} has none`);
        const text = await lastLines(context, await findExperiment(context, request.params.id), { variant, seed, lines: tail });
        return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(text);
      }
      const ref = await find(context, request.params);
      if (ref.mediaType !== mediaTypes.manifest) return sendObject(context, request, reply, ref);
      const { files } = await context.store.getJson<Manifest>(ref);
      const at = `/v1/experiments/${request.params.id}/runs/${variant}/${seed}/${artifact}`;
      void reply.header('etag', `"${ref.digest}"`);
      return {
        digest: ref.digest,
        files: files.map(({ path, size, digest }) => ({ path, size, digest, href: `${at}/${encodePath(path)}` })),
      };
    },
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/experiments/:id/runs/:variant/:seed/:artifact/*',
    config: { scope: 'read' },
    schema: {
      operationId: 'getArtifactFile',
      summary: 'A file of a folder, e.g. `predictions/scores.npy`',
      tags: ['artifacts'],
      params: z.object({ ...run, artifact: z.enum(['predictions', 'model']), '*': z.string().max(1000) }),
      response: {
        200: file('The file.'),
        206: file('A part of it.'),
        304: nothing('It is what `If-None-Match` names.'),
        ...problems(404, 409, 416),
      },
    },
    handler: async (request, reply) => {
      const folder = await find(context, request.params);
      const path = request.params['*'];
      const entry =
        folder.mediaType === mediaTypes.manifest
          ? (await context.store.getJson<Manifest>(folder)).files.find((one) => one.path === path)
          : undefined;
      if (entry === undefined) throw new AssayError('NotFound', `${request.params.artifact} has no file "${path}"`);
      const mediaType = path.endsWith('.npy') ? mediaTypes.npy : mediaTypes.bytes;
      return sendObject(context, request, reply, { digest: entry.digest, size: entry.size, mediaType });
    },
  });
}

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

async function find(context: Context, wanted: { id: string; variant: string; seed: number; artifact: ArtifactName }): Promise<Ref> {
  const { result } = await resultOf(context, wanted.id);
  const one = result.variants.find(({ name }) => name === wanted.variant)?.runs.find(({ seed }) => seed === wanted.seed);
  const ref = one?.artifacts[wanted.artifact];
  if (ref) return ref;
  const why =
    one === undefined
      ? 'no such run'
      : `no ${wanted.artifact}${one.failure === null ? '' : `: ${one.failure.type}: ${one.failure.message.split('\n')[0]}`}`;
  throw new AssayError('NotFound', `run ${wanted.variant}/${wanted.seed} of ${wanted.id}: ${why}`);
}

/** An immutable object: whole, or one range of it (RFC 9110, 14); verified against its digest as it goes out. */
async function sendObject(
  { store }: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { digest, size, mediaType }: Ref,
): Promise<FastifyReply> {
  const etag = `"${digest}"`;
  void reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, max-age=31536000, immutable')
    // Written by a trainer: nothing that a browser should run.
    .header('content-disposition', 'attachment');
  const { 'if-none-match': known, 'if-range': condition, range: asked } = request.headers;
  if (known !== undefined && (known === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)))
    return reply.code(304).send();
  const range = asked === undefined || (condition !== undefined && condition !== etag) ? null : rangeOf(asked, size);
  if (range === 'outside')
    throw new HttpProblem('range-not-satisfiable', `expected a range within ${size} bytes, got ${asked}`, {
      headers: { 'content-range': `bytes */${size}` },
    });
  const { start, end } = range ?? { start: 0, end: size };
  if (range !== null) void reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${size}`);
  void reply.type(mediaType === mediaTypes.text ? 'text/plain; charset=utf-8' : mediaType).header('content-length', end - start);
  if (request.method === 'HEAD') return reply.send();
  // A failure under way breaks the connection: the answer is short, never wrong.
  return reply.send(pipeline(await store.stream({ digest }), part(start, end), () => undefined));
}

/** Null where the header is to be ignored: another unit, several ranges, no range at all. `end` is the byte after the last. */
function rangeOf(header: string, size: number): { start: number; end: number } | 'outside' | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? [];
  if (first === '' && last === '') return null;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'outside' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return null;
  return start >= size ? 'outside' : { start, end };
}

/** Bytes from `start` up to `end` of a stream, which is read to its end, since only then it is verified. */
function part(start: number, end: number): Transform {
  let at = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const from = Math.max(0, start - at);
      const to = Math.min(chunk.length, end - at);
      at += chunk.length;
      done(null, from < to ? chunk.subarray(from, to) : undefined);
    },
  });
}
