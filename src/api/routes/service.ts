import { z } from 'zod';
import { metricsContentType, metricsText } from '../../observability';
import { type App, ask, type Context } from '../context';
import { HttpProblem } from '../problems';
import { json, problems, text } from '../schemas';

const patience = 3000;

/** What watches over the server asks. */
export async function serviceRoutes(app: App, context: Context): Promise<void> {
  app.get(
    '/healthz',
    {
      config: { scope: 'open', rateLimit: false },
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process lives',
        tags: ['service'],
        security: [],
        response: { 200: json('It does.', z.object({ status: z.literal('ok') })), ...problems() },
      },
    },
    () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      config: { scope: 'open', rateLimit: false },
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the Temporal server and the store answer',
        tags: ['service'],
        security: [],
        response: {
          200: json('Both do.', z.object({ status: z.literal('ready'), checks: z.record(z.string(), z.string()) })),
          ...problems(),
        },
      },
    },
    async () => {
      const checks = await readiness(context);
      const wrong = Object.entries(checks).filter(([, state]) => state !== 'ok');
      if (wrong.length === 0) return { status: 'ready' as const, checks };
      throw new HttpProblem('not-ready', wrong.map(([name, state]) => `${name}: ${state}`).join('; '), {
        checks,
        headers: { 'retry-after': '5' },
      });
    },
  );

  app.get(
    '/metrics',
    {
      config: { scope: context.config.openMetrics ? 'open' : 'read', rateLimit: false },
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics in the text format of Prometheus',
        tags: ['service'],
        response: { 200: text('Metrics.', 'text/plain'), ...problems() },
      },
    },
    async (_request, reply) => reply.type(metricsContentType).send(await metricsText()),
  );
}

/** What each part says: `ok`, or why not. */
export async function readiness(context: Context): Promise<Record<string, string>> {
  const { client, store } = context;
  const { namespace } = client.options;
  const [temporal, storage] = await Promise.all([
    state(
      ask(context, () => client.workflowService.describeNamespace({ namespace }), patience),
      `does not answer for the namespace ${namespace}`,
    ),
    state(inTime(store.refs.get('readyz')), `does not answer at ${store.url}`),
  ]);
  return { temporal, store: storage };
}

const state = (answer: Promise<unknown>, otherwise: string): Promise<string> =>
  answer.then(
    () => 'ok',
    () => otherwise,
  );

async function inTime(answer: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error('late')), patience);
  });
  await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
