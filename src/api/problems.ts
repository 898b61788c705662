import { isGrpcServiceError, ScheduleNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AssayError, type ErrorType } from '../contract';
import { log } from '../observability';

/** Where in what was sent something is wrong: a JSON pointer, and of YAML the place as well. */
export interface ProblemPlace {
  pointer: string;
  detail: string;
  /** From 1. */
  line?: number;
  column?: number;
}

/** RFC 9457. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: ProblemPlace[];
  /** Of `not-ready`: what answers and what does not. */
  checks?: Record<string, string>;
}

/** What can be wrong with a request, besides the failures of the catalogue. */
const kinds = {
  malformed: { status: 400, title: 'What was sent cannot be read.' },
  'invalid-request': { status: 400, title: 'A parameter is wrong.' },
  unauthenticated: { status: 401, title: 'No valid token was sent.' },
  forbidden: { status: 403, title: 'This caller may not do that.' },
  'not-found': { status: 404, title: 'There is nothing of that name.' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method.' },
  'not-acceptable': { status: 406, title: 'None of the forms asked for is on offer.' },
  timeout: { status: 408, title: 'The request came too slowly.' },
  conflict: { status: 409, title: 'What is asked does not fit the present state.' },
  'too-large': { status: 413, title: 'What was sent is too large.' },
  'unsupported-media-type': { status: 415, title: 'That form of body is not read here.' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside of the file.' },
  invalid: { status: 422, title: 'What was sent can be read, and is wrong.' },
  'too-many-requests': { status: 429, title: 'Too many requests.' },
  'headers-too-large': { status: 431, title: 'The headers are too large.' },
  internal: { status: 500, title: 'assay itself is at fault.' },
  unavailable: { status: 503, title: 'A part that is needed does not answer.' },
  'not-ready': { status: 503, title: 'The server is not ready.' },
} as const;
export type ProblemKind = keyof typeof kinds;

interface More {
  errors?: ProblemPlace[];
  checks?: Record<string, string>;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** A failure of a request; thrown anywhere, told as `application/problem+json`. */
export class HttpProblem extends Error {
  readonly kind: ProblemKind;
  readonly more: More;

  constructor(kind: ProblemKind, detail: string, more: More = {}) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.more = more;
  }

  get status(): number {
    return kinds[this.kind].status;
  }

  body(instance: string): ProblemBody {
    const { status, title } = kinds[this.kind];
    const { errors, checks } = this.more;
    return {
      type: `urn:assay:problem:${this.kind}`,
      title,
      status,
      detail: this.message,
      instance,
      ...(errors === undefined ? {} : { errors }),
      ...(checks === undefined ? {} : { checks }),
    };
  }
}

export const problemType = 'application/problem+json';

/** Answers with the problem that an error is. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const problem = problemOf(error);
  // Causes of 5xx are for the log of the server, never for a caller.
  if (problem.kind === 'internal') log.error('a request failed', { method: request.method, path: pathOf(request.url), error });
  for (const [name, value] of Object.entries(problem.more.headers ?? {})) void reply.header(name, value);
  return reply
    .code(problem.status)
    .type(problemType)
    .send(Buffer.from(JSON.stringify(problem.body(pathOf(request.url)))));
}

/** A query may hold what is nobody's business. */
export const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

/** JSON pointer (RFC 6901) of a path. */
export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof AssayError) return ofAssay(error);
  if (error instanceof WorkflowNotFoundError || error instanceof ScheduleNotFoundError)
    return new HttpProblem('not-found', 'the Temporal server has nothing of that name, or has forgotten it');
  const temporal = ofTemporal(error);
  if (temporal !== null) return temporal;
  return ofFastify(error as Partial<FastifyError>);
}

const kindOf: Partial<Record<ErrorType, ProblemKind>> = {
  SpecInvalid: 'invalid',
  DataInvalid: 'invalid',
  ImageUnpinned: 'invalid',
  Unsupported: 'invalid',
  NotFound: 'not-found',
  Conflict: 'conflict',
  Forbidden: 'forbidden',
  PayloadTooLarge: 'too-large',
};

function ofAssay(error: AssayError): HttpProblem {
  const kind = kindOf[error.type];
  if (kind !== undefined) return new HttpProblem(kind, error.message);
  if (error.retryable) return unavailable(error.message, error);
  return new HttpProblem('internal', `${error.type}: ${error.message}`, { cause: error });
}

export const unavailable = (detail: string, cause?: unknown): HttpProblem =>
  new HttpProblem('unavailable', detail, { headers: { 'retry-after': '5' }, cause });

/** gRPC: CANCELLED 1, DEADLINE_EXCEEDED 4, RESOURCE_EXHAUSTED 8, ABORTED 10, UNAVAILABLE 14. */
const temporary = new Set([1, 4, 8, 10, 14]);

/** The client wraps what gRPC says. */
function ofTemporal(error: unknown): HttpProblem | null {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth++) {
    if (inner.name === 'AbortError') return unavailable('the Temporal server did not answer in time; ask again', error);
    if (!isGrpcServiceError(inner)) continue;
    if (temporary.has(inner.code)) return unavailable('the Temporal server does not answer; ask again', error);
    if (inner.code === 5) return new HttpProblem('not-found', `the Temporal server has nothing of that name (${inner.details})`);
  }
  return null;
}

const ofStatus: Partial<Record<number, ProblemKind>> = {
  400: 'malformed',
  404: 'not-found',
  408: 'timeout',
  413: 'too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
};

/** In place of the framework's own words, which name no mend. */
const told: Partial<Record<ProblemKind, string>> = {
  'too-large': 'the body is larger than this server takes (serve.limits.body)',
  'unsupported-media-type': 'expected Content-Type: application/json, or of an experiment application/yaml too',
};

/** What the framework and its plugins say. */
function ofFastify(error: Partial<FastifyError>): HttpProblem {
  if (error.validation !== undefined) return ofValidation(error);
  const kind = ofStatus[error.statusCode ?? 500];
  if (kind === undefined) return new HttpProblem('internal', 'assay itself is at fault; the log of the server says more', { cause: error });
  return new HttpProblem(kind, told[kind] ?? error.message ?? kinds[kind].title);
}

/** Zod's issues, each at its pointer; a wrong body can be read, a wrong parameter makes the request a wrong one. */
function ofValidation({ validation = [], validationContext }: Partial<FastifyError>): HttpProblem {
  // The validator writes "/" for the whole, which is the pointer of a key without a name.
  const errors = validation.map(({ instancePath, message }) => ({
    pointer: instancePath === '/' ? '' : instancePath,
    detail: message ?? 'is wrong',
  }));
  const where = validationContext === 'body' ? 'the body' : validationContext === 'querystring' ? 'the query' : `the ${validationContext}`;
  const shown = errors.map(({ pointer, detail }) => `${pointer === '' ? where : pointer}: ${detail}`).join('; ');
  return new HttpProblem(validationContext === 'body' ? 'invalid' : 'invalid-request', shown, { errors });
}
