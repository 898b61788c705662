import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findSubmitted, provenanceOf, type Submission, submitExperiment } from '../../client';
import type { ResolvedSpec, StartedExperiment } from '../../contract';
import { ExperimentSpec } from '../../contract/spec';
import { type App, ask, callerOf, type Context } from '../context';
import { HttpProblem } from '../problems';
import { experimentView } from '../records';
import { Experiment, json, problems } from '../schemas';
import { readSubmission } from '../submission';

const yamlTypes = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'];
const jsonType = 'application/json';

/** `POST /v1/experiments`. */
export async function submitRoute(app: App, context: Context): Promise<void> {
  const flights = new Flights();
  // The text as it came: places are those of the file, and the record keeps it.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([jsonType, ...yamlTypes], { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.route({
    method: 'POST',
    url: '/v1/experiments',
    config: { scope: 'run' },
    // The contract reads the spec, and says more than a schema can.
    validatorCompiler: ({ schema, httpPart }) =>
      httpPart === 'body' ? (value) => ({ value }) : (value) => parsed((schema as unknown as z.ZodType).safeParse(value)),
    schema: {
      operationId: 'startExperiment',
      summary: 'Start an experiment',
      description:
        'The body is an experiment file, as JSON or as YAML. The same `Idempotency-Key` gives the same experiment, also after it has ended; with another spec it is a conflict.',
      tags: ['experiments'],
      consumes: [jsonType, 'application/yaml'],
      headers: z.looseObject({ 'idempotency-key': z.string().min(1).max(255).optional() }),
      querystring: z.strictObject({
        root: z
          .string()
          .startsWith('/')
          .max(4096)
          .optional()
          .describe('Folder of the server that relative paths start from; within `serve.allow.roots`.'),
      }),
      body: ExperimentSpec,
      response: {
        200: json('The experiment that this key started before.', Experiment),
        201: json('A new experiment; `Location` names it.', Experiment),
        ...problems(409, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const root = request.query.root ?? null;
      const { allow } = context.config;
      const form = request.headers['content-type']?.startsWith(jsonType) ? 'json' : 'yaml';
      const submitted = { body: textOf(request), form, root, caller } as const;
      const { spec, source } = readSubmission(submitted, { allow, runs: context.limits.runs, nowhere: context.nowhere });
      const idempotencyKey = request.headers['idempotency-key'];
      const submission = { spec, source, idempotencyKey, by: caller.name };
      const started = await flights.join(idempotencyKey === undefined ? null : JSON.stringify([idempotencyKey, spec]), async () => {
        const known = await findSubmitted(context.store, submission);
        // Where the code comes from is costly to find out, and of no use to a retry.
        return known ?? startOnce(context, { ...submission, provenance: await whence(context, spec, root) });
      });
      const { experimentId: id, created } = started;
      const view = experimentView(context, { id, record: null }, null);
      return reply
        .code(created ? 201 : 200)
        .header('location', `/v1/experiments/${id}`)
        .send({ ...view, name: spec.name, owner: spec.owner ?? null });
    },
  });
}

const startOnce = (context: Context, submission: Submission): Promise<StartedExperiment> =>
  ask(context, () => submitExperiment(context, submission), context.limits.requestTimeout);

/** Retries that come while the first is under way wait for its answer: a storm of them costs one start. Who comes later asks the store. */
class Flights {
  readonly #open = new Map<string, Promise<StartedExperiment>>();

  async join(key: string | null, start: () => Promise<StartedExperiment>): Promise<StartedExperiment> {
    if (key === null) return start();
    const open = this.#open.get(key);
    if (open !== undefined) return { ...(await open), created: false };
    const flight = start().finally(() => this.#open.delete(key));
    this.#open.set(key, flight);
    return flight;
  }
}

const parsed = ({ error, data }: z.ZodSafeParseResult<unknown>) =>
  error === undefined
    ? { value: data }
    : {
        error: Object.assign(new Error(error.message), {
          validation: error.issues.map(({ path, message }) => ({ instancePath: `/${path.join('/')}`, message })),
        }),
      };

function textOf({ body }: FastifyRequest): string {
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw new HttpProblem('malformed', 'expected an experiment as JSON or YAML, got an empty body');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new HttpProblem('malformed', 'expected UTF-8 text, got bytes that are none', { cause });
  }
}

/** The code of a spec without a folder lies in its image; this server's own checkout would be a false witness. */
async function whence({ store, home, version }: Context, spec: ResolvedSpec, root: string | null) {
  const command = ['assay', 'serve', 'POST', '/v1/experiments'];
  if (root !== null) return provenanceOf({ store, root, source: spec.data.source, home, version, command });
  return {
    assay: version,
    git: { commit: null, dirty: false, remote: null, diff: null },
    dvc: null,
    host: hostname(),
    user: null,
    command,
    environment: { node: process.version, platform: `${process.platform} ${process.arch}` },
  };
}
