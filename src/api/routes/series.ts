import { z } from 'zod';
import { type ScheduleDescription, WorkflowNotFoundError } from '@temporalio/client';
import { seriesSummary } from '../../analysis/series';
import { describeSchedule, triggerSchedule } from '../../client';
import {
  AssayError,
  type OverlapPolicy,
  overlapPolicies,
  type PoolState,
  poolNames,
  ids,
  refNames,
  type SeriesRecord,
  nameForm,
} from '../../contract';
import { log } from '../../observability';
import { renderSeries } from '../../report';
import { type App, ask, callerOf, type Context } from '../context';
import { HttpProblem, unavailable } from '../problems';
import { json, Pool, problems, Schedule, ScheduleList, Series, SeriesList, text } from '../schemas';
import { preferred, sandboxed } from './negotiate';

const params = z.object({ name: z.string().max(63) });

/** Series and their schedules, and the pool of devices. */
export async function seriesRoutes(app: App, context: Context): Promise<void> {
  app.get(
    '/v1/series',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSeries',
        summary: 'Series, by name',
        tags: ['series'],
        response: { 200: json('All series.', SeriesList), ...problems() },
      },
    },
    async () => ({
      series: (await allSeries(context)).map((record) => {
        const { name, state, sentence, looks, runs } = seriesSummary(record);
        return { name, state, sentence, looks, runs, href: `/v1/series/${name}` };
      }),
    }),
  );

  app.get(
    '/v1/series/:name',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getSeries',
        summary: 'One series with its looks, `assay.series/1`',
        tags: ['series'],
        params,
        response: { 200: json('The record.', Series), ...problems(404) },
      },
    },
    (request) => seriesOf(context, request.params.name),
  );

  app.get(
    '/v1/series/:name/report',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getSeriesReport',
        summary: 'The page of a series: the effect with its bounds over time, alpha spent, every look',
        tags: ['series'],
        params,
        response: {
          200: { ...text('HTML or JSON, as the Accept header asks.', 'text/html'), content: reportForms },
          ...problems(404, 406),
        },
      },
    },
    async (request, reply) => {
      const form = preferred(request.headers.accept, ['text/html', 'application/json']);
      if (form === null) throw new HttpProblem('not-acceptable', `expected text/html or application/json, got ${request.headers.accept}`);
      void reply.header('vary', 'accept');
      const record = await seriesOf(context, request.params.name);
      if (form === 'application/json') return reply.type(form).send(JSON.stringify(record, null, 2));
      void reply.type(`${form}; charset=utf-8`).header('content-security-policy', sandboxed);
      return reply.send(await renderSeries(record, seriesSummary(record).sentence));
    },
  );

  app.get(
    '/v1/schedules',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listSchedules',
        summary: 'When each series runs next, and ran last',
        tags: ['series'],
        response: { 200: json('All schedules.', ScheduleList), ...problems() },
      },
    },
    async () => {
      const names = (await allSeries(context)).map(({ name }) => name);
      const found = await Promise.all(names.map((name) => ask(context, () => describeSchedule(context.client, name))));
      return {
        schedules: found.flatMap((description, index) => (description === null ? [] : [scheduleView(names[index] ?? '', description)])),
      };
    },
  );

  app.get(
    '/v1/schedules/:name',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getSchedule',
        summary: 'One schedule',
        tags: ['series'],
        params,
        response: { 200: json('The schedule.', Schedule), ...problems(404) },
      },
    },
    async (request) => {
      const { name } = await seriesOf(context, request.params.name);
      const found = await ask(context, () => describeSchedule(context.client, name));
      if (found === null)
        throw new AssayError('NotFound', `the Temporal server has no schedule "${name}"; \`assay schedule apply ${name} FILE\` makes it`);
      return scheduleView(name, found);
    },
  );

  app.post(
    '/v1/schedules/:name/trigger',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'triggerSchedule',
        summary: 'One run now, beside the plan of times',
        tags: ['series'],
        params,
        body: z.strictObject({ overlap: z.enum(overlapPolicies).optional().describe('Default: as the schedule says.') }).prefault({}),
        response: {
          202: json('It was asked to run.', z.object({ schedule: z.string(), by: z.string() })),
          ...problems(404, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { name } = await seriesOf(context, request.params.name);
      const { overlap } = request.body;
      await ask(context, () => triggerSchedule(context.client, name, overlap as OverlapPolicy | undefined));
      const by = callerOf(request).name;
      log.info('trigger', { schedule: name, by });
      return reply.code(202).send({ schedule: name, by });
    },
  );

  app.get(
    '/v1/gpus',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getPool',
        summary: 'Hosts, devices, leases, and who waits and why',
        tags: ['pool'],
        response: { 200: json('The pool.', Pool), ...problems() },
      },
    },
    () => poolState(context),
  );
}

const reportForms = { 'text/html': { schema: z.string() }, 'application/json': { schema: Series } };

export async function allSeries({ store }: Context): Promise<SeriesRecord[]> {
  const found = await Promise.all((await store.refs.list(refNames.series(''))).map((name) => store.refs.get<SeriesRecord>(name)));
  return found.flatMap((entry) => (entry === null ? [] : [entry.value]));
}

export async function seriesOf({ store }: Context, name: string): Promise<SeriesRecord> {
  const found = nameForm.test(name) ? await store.refs.get<SeriesRecord>(refNames.series(name)) : null;
  if (found === null) throw new AssayError('NotFound', `no series "${name}"; GET /v1/series lists them`);
  return found.value;
}

function scheduleView(name: string, { state, info }: ScheduleDescription) {
  return {
    name,
    paused: state.paused,
    note: state.note ?? null,
    next: info.nextActionTimes.map((time) => time.toISOString()),
    recent: info.recentActions.map(({ scheduledAt, takenAt, action }) => ({
      scheduledAt: scheduledAt.toISOString(),
      takenAt: takenAt.toISOString(),
      workflowId: action.type === 'startWorkflow' ? action.workflow.workflowId : null,
    })),
    running: info.runningActions.flatMap((action) => (action.type === 'startWorkflow' ? [action.workflow.workflowId] : [])),
    series: `/v1/series/${name}`,
  };
}

/** An empty one where no pool was ever started; `ms`: how long it may take. */
export async function poolState(context: Context, ms?: number): Promise<PoolState> {
  const pool = context.client.workflow.getHandle(ids.gpuPool);
  try {
    return await context.answers.get('pool', () =>
      ask(
        context,
        async () => {
          if ((await pool.describe()).status.name !== 'RUNNING') return emptyPool;
          return pool.query<PoolState>(poolNames.state);
        },
        ms,
      ),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return emptyPool;
    throw unavailable('the pool does not answer: see that a control worker runs (`assay doctor`)', error);
  }
}

const emptyPool: PoolState = { hosts: [], leases: [], waiting: [], quotas: [] };
