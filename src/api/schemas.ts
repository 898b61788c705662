import { z } from 'zod';
import { outcomes, qosClasses, stages, steeringActions } from '../contract';
import { problemType } from './problems';

/** Forms of the answers, for the OpenAPI document. `loose` ones may say more with a later version. */
const loose = z.looseObject;
const time = z.string().describe('ISO 8601, UTC.');
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

export const Problem = loose({
  type: z.string().describe('`urn:assay:problem:<kind>`.'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What happened, where, and the mend.'),
  instance: z.string().describe('Path of the request.'),
  errors: z
    .array(
      z.object({
        pointer: z.string().describe('JSON pointer into what was sent.'),
        detail: z.string(),
        line: z.int().optional().describe('Of a YAML body, from 1.'),
        column: z.int().optional(),
      }),
    )
    .optional(),
  checks: z.record(z.string(), z.string()).optional().describe('Of `/readyz`: what answers, and what does not.'),
}).meta({ id: 'Problem', description: 'RFC 9457.' });

export const Verdict = loose({
  outcome: z.enum(outcomes),
  harm: z.boolean(),
  variant: z.string().nullable(),
  sentence: z.string(),
  reasons: z.array(z.string()),
}).meta({ id: 'Verdict' });

const links = {
  self: z.string(),
  events: z.string(),
  result: z.string().nullable(),
  report: z.string().nullable(),
  runs: z.string().nullable(),
  workflow: z.string().nullable().describe('In the Temporal UI, where its address is known.'),
};

export const Experiment = loose({
  id: z.string(),
  name: z.string().nullable(),
  owner: z.string().nullable(),
  status: z.enum(['running', 'done', 'failed', 'cancelled']),
  stage: z.enum(stages).nullable().describe('Null where the Temporal server does not answer.'),
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  verdict: Verdict.nullable(),
  message: z.string().nullable().describe('Why it failed.'),
  spec: digest.nullable().describe('Of the resolved spec.'),
  links: z.object(links),
}).meta({ id: 'Experiment' });

export const Progress = loose({
  experimentId: z.string(),
  stage: z.enum(stages),
  waitingFor: z.string(),
  runs: z.array(loose({ variant: z.string(), seed: z.int(), state: z.string(), host: z.string().nullable(), epoch: z.int() })),
}).meta({ id: 'Progress' });

export const ExperimentDetail = Experiment.extend({
  by: z.string().nullable().describe('Who started it.'),
  progress: Progress.nullable().describe('Of a running one; null where the pool does not answer.'),
}).meta({ id: 'ExperimentDetail' });

export const ExperimentList = z
  .object({ experiments: z.array(Experiment), next: z.string().nullable().describe('`cursor` of the next page; null on the last.') })
  .meta({ id: 'ExperimentList' });

export const Curves = z
  .object({
    curves: z.array(
      z.object({
        variant: z.string(),
        seed: z.int(),
        points: z.array(z.tuple([z.int(), z.number().nullable()])).describe('Step and loss, thinned to some hundred.'),
      }),
    ),
    leftOut: z.int().describe('Runs beyond the first 200, which are left out.'),
  })
  .meta({ id: 'Curves' });

export const Result = loose({
  schema: z.literal('assay.result/1'),
  experiment: z.string(),
  verdict: Verdict,
  variants: z.array(loose({ name: z.string(), control: z.boolean() })),
  comparisons: z.array(loose({ control: z.string(), variant: z.string(), metric: z.string(), difference: z.number().nullable() })),
}).meta({ id: 'Result' });

export const Runs = z
  .object({
    runs: z.array(
      z.object({
        variant: z.string(),
        seed: z.int(),
        status: z.enum(['done', 'failed']),
        artifacts: z.array(z.object({ name: z.string(), href: z.string(), digest, size: z.int(), mediaType: z.string() })),
      }),
    ),
  })
  .meta({ id: 'Runs' });

export const FolderListing = z
  .object({ digest, files: z.array(z.object({ path: z.string(), size: z.int(), digest, href: z.string() })) })
  .meta({ id: 'Folder' });

export const AuditEntry = loose({
  at: time,
  action: z.enum([...steeringActions, 'cancel']),
  by: z.string(),
  reason: z.string(),
  detail: z.string(),
}).meta({ id: 'AuditEntry' });

/** As the experiment itself takes it. */
const reason = z.string().max(500);

/** Bodies of the steering requests. */
export const steeringBodies = {
  reason: z.strictObject({ reason: reason.default('') }).prefault({}),
  reasonNeeded: z.strictObject({ reason: reason.min(1) }),
  stopVariant: z.strictObject({ variant: z.string().min(1).max(63), reason: reason.min(1) }),
  addSeeds: z.strictObject({
    seeds: z
      .array(
        z
          .int()
          .min(0)
          .max(2 ** 32 - 1),
      )
      .min(1)
      .max(100),
    reason: reason.default(''),
  }),
  priority: z.strictObject({ qos: z.enum(qosClasses), reason: reason.default('') }),
};

export const Series = loose({
  schema: z.literal('assay.series/1'),
  name: z.string(),
  state: z.string(),
  looks: z.array(loose({ look: z.int() })),
}).meta({
  id: 'Series',
});

export const SeriesList = z
  .object({
    series: z.array(
      z.object({ name: z.string(), state: z.string(), sentence: z.string(), looks: z.int(), runs: z.int(), href: z.string() }),
    ),
  })
  .meta({ id: 'SeriesList' });

export const Schedule = z
  .object({
    name: z.string(),
    paused: z.boolean(),
    note: z.string().nullable(),
    next: z.array(time),
    recent: z.array(z.object({ scheduledAt: time, takenAt: time, workflowId: z.string().nullable() })),
    running: z.array(z.string()),
    series: z.string(),
  })
  .meta({ id: 'Schedule' });

export const ScheduleList = z.object({ schedules: z.array(Schedule) }).meta({ id: 'ScheduleList' });

export const Pool = loose({
  hosts: z.array(loose({ host: z.string() })),
  leases: z.array(loose({})),
  waiting: z.array(loose({})),
  quotas: z.array(loose({})),
}).meta({
  id: 'Pool',
});

const told: Record<number, string> = {
  400: 'Malformed, or a parameter is wrong.',
  401: 'No valid token.',
  403: 'Too little scope, or refused by the allow-lists: `errors` names each key.',
  404: 'Nothing of that name.',
  406: 'None of the forms asked for.',
  408: 'The request came too slowly.',
  409: 'It does not fit the present state.',
  413: 'Too large.',
  415: 'Not a form that is read here.',
  416: 'The range lies outside of the file.',
  422: 'Readable, and wrong: `errors` names each place.',
  429: 'Too many requests; `Retry-After` says when.',
  500: 'assay itself is at fault.',
  503: 'The Temporal server or the store does not answer; `Retry-After` says when to ask again.',
};

/** Answers of failure that a route gives beside its own; every route with a scope can be asked without a token, too often, or in an outage. */
export function problems(...statuses: number[]) {
  const all = [...new Set([400, 401, 403, 408, 429, 500, 503, ...statuses])].sort((a, b) => a - b);
  return Object.fromEntries(
    all.map((status) => [status, { description: told[status] ?? '', content: { [problemType]: { schema: Problem } } }]),
  );
}

/** An answer in JSON. */
export const json = (description: string, schema: z.ZodType) => ({ description, content: { 'application/json': { schema } } });

/** An answer in another form. */
export const text = (description: string, ...mediaTypes: string[]) => ({
  description,
  content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: z.string() }])),
});

/** An answer without a body. */
export const nothing = (description: string) => z.null().describe(description);
