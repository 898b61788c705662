import { z } from 'zod';
import { refNames, type Result as ResultObject, type SeriesRecord, type Stage, stages } from '../../contract';
import { renderMarkdown } from '../../report';
import { type App, ask, type Context } from '../context';
import { HttpProblem } from '../problems';
import { nameOf, sortKey } from '../experimentRecords';
import { endedRecord, experimentView, findExperiment, progressOf } from '../records';
import { ExperimentDetail, ExperimentList, json, problems, Result, text } from '../schemas';
import { preferred, sandboxedReport } from './negotiate';

const params = z.object({ id: z.string().max(200) });

/** Looking at experiments. */
export async function experimentRoutes(app: App, context: Context): Promise<void> {
  app.get(
    '/v1/experiments',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listExperiments',
        summary: 'Experiments, newest first',
        tags: ['experiments'],
        querystring: z.strictObject({
          stage: z.enum(stages).optional(),
          series: z.string().max(200).optional().describe('Runs of this schedule.'),
          name: z.string().max(200).optional().describe('Name in the experiment file.'),
          limit: z.coerce.number().int().min(1).max(200).default(50),
          cursor: z.string().max(300).optional().describe('`next` of the page before.'),
        }),
        response: { 200: json('A page.', ExperimentList), ...problems() },
      },
    },
    (request) => listPage(context, request.query),
  );

  app.get(
    '/v1/experiments/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getExperiment',
        summary: 'One experiment: stage, runs, verdict',
        tags: ['experiments'],
        params,
        response: { 200: json('The experiment.', ExperimentDetail), ...problems(404) },
      },
    },
    async (request) => {
      const found = await findExperiment(context, request.params.id);
      const { record } = found;
      const progress = record === null || record.status === 'running' ? await progressOf(context, found.id) : null;
      const by = record === null ? null : await context.records.user(record);
      return { ...experimentView(context, found, progress?.stage ?? null), by, progress };
    },
  );

  app.get(
    '/v1/experiments/:id/result',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getResult',
        summary: 'The result, `assay.result/1`',
        tags: ['experiments'],
        params,
        response: { 200: json('The result.', Result), ...problems(404, 409) },
      },
    },
    async (request, reply) => {
      const { result } = await endedRecord(context, request.params.id);
      void reply.type('application/json').header('etag', `"${result.digest}"`);
      return reply.send(await context.store.get(result));
    },
  );

  app.get(
    '/v1/experiments/:id/report',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getReport',
        summary: 'The report, as the Accept header asks',
        tags: ['experiments'],
        params,
        response: {
          200: { ...text('HTML, Markdown or JSON.', 'text/html', 'text/markdown'), content: reportForms },
          ...problems(404, 406, 409),
        },
      },
    },
    async (request, reply) => {
      const form = preferred(request.headers.accept, ['text/html', 'text/markdown', 'application/json']);
      if (form === null)
        throw new HttpProblem('not-acceptable', `expected text/html, text/markdown or application/json, got ${request.headers.accept}`);
      void reply.header('vary', 'accept');
      const { result: ref, report } = await endedRecord(context, request.params.id);
      const result = await context.store.getJson<ResultObject>(ref);
      if (form === 'application/json') return reply.type(form).send(JSON.stringify(result, null, 2));
      void reply.type(`${form}; charset=utf-8`);
      if (form === 'text/markdown') return reply.send(renderMarkdown(result));
      void reply.header('content-security-policy', sandboxedReport);
      return reply.send((await context.store.get(report)).toString('utf8'));
    },
  );
}

const reportForms = {
  'text/html': { schema: z.string() },
  'text/markdown': { schema: z.string() },
  'application/json': { schema: Result },
};

interface Query {
  stage?: Stage | undefined;
  series?: string | undefined;
  name?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Names tell time and name: only the records of the page are read. */
async function listPage(context: Context, { stage, series, name, limit, cursor }: Query) {
  const ofSeries = series === undefined ? null : await context.answers.get(`series ${series}`, () => experimentsOf(context, series));
  const ids = (await context.records.ids()).filter(
    (id) =>
      (name === undefined || nameOf(id) === name) &&
      (ofSeries === null || ofSeries.has(id)) &&
      (cursor === undefined || sortKey(id) < cursor),
  );
  const page: ReturnType<typeof experimentView>[] = [];
  let running: Map<string, Stage> | null = null;
  let next: string | null = null;
  for (const id of ids) {
    if (page.length === limit) {
      next = sortKey(page.at(-1)?.id ?? id);
      break;
    }
    const record = await context.records.get(id);
    if (record === null) continue;
    if (record.status === 'running') running ??= await context.answers.get('stages', () => stagesOfRunning(context));
    const view = experimentView(context, { id, record }, running?.get(id) ?? null);
    if (stage === undefined || view.stage === stage) page.push(view);
  }
  return { experiments: page, next };
}

/** One question for all, of what the server last indexed. */
async function stagesOfRunning(context: Context): Promise<Map<string, Stage>> {
  const found = new Map<string, Stage>();
  try {
    await ask(
      context,
      async () => {
        for await (const { workflowId, searchAttributes } of openExperiments(context)) {
          const [stage] = (searchAttributes as Record<string, unknown[] | undefined>)['AssayStage'] ?? [];
          if (typeof stage === 'string') found.set(workflowId.replace(/^assay\//, ''), stage as Stage);
        }
      },
      3000,
    );
  } catch {
    // The list is the store's to give; without a server the stage is unknown.
  }
  return found;
}

const openExperiments = ({ client }: Context) =>
  client.workflow.list({ query: `WorkflowType = 'experiment' AND ExecutionStatus = 'Running'` });

/** The looks of a series, its failures, and what runs now. */
async function experimentsOf(context: Context, series: string): Promise<Set<string>> {
  const record = await context.store.refs.get<SeriesRecord>(refNames.series(series)).catch(() => null);
  const ended = [...(record?.value.looks ?? []), ...(record?.value.failures ?? [])].map(({ experimentId }) => experimentId);
  const running: string[] = [];
  if (record !== null)
    await ask(
      context,
      async () => {
        const query = `AssaySeries = '${record.value.name}' AND WorkflowType = 'experiment' AND ExecutionStatus = 'Running'`;
        for await (const { workflowId } of context.client.workflow.list({ query })) running.push(workflowId.replace(/^assay\//, ''));
      },
      3000,
    ).catch(() => undefined);
  return new Set([...ended, ...running]);
}
