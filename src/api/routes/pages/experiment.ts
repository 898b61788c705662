import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { cancelExperiment } from '../../../client';
import { steer } from '../../../client/steering';
import { AssayError, qosClasses, type SteeringCommand } from '../../../contract';
import { log } from '../../../observability';
import { experimentPage, type LogView, type Refused, type SteeringForm, steeringForms, toldOf } from '../../../pages';
import { type App, ask, callerOf, type Context } from '../../context';
import { problemOf } from '../../problems';
import { type Found, findExperiment, progressKey } from '../../records';
import { lastLines } from '../../runLog';
import { standingOf } from '../../standing';
import { pageSchema, sendPage, viewerOf } from './reply';

const params = z.object({ id: z.string().max(200) });
/** Lines of a log on the page. */
const pageLines = 200;

/** `/experiments/{id}`, and the forms that steer it: each is answered with the page, or sent back to it. */
export function experimentPageRoutes(app: App, context: Context): void {
  app.get(
    '/experiments/:id',
    {
      config: { scope: 'read' },
      schema: {
        ...pageSchema,
        params,
        querystring: z.object({ log: z.string().max(100).optional(), done: z.enum(steeringForms).optional().catch(undefined) }),
      },
    },
    async (request, reply) => {
      const found = await findExperiment(context, request.params.id);
      const { log: wanted, done } = request.query;
      const shown = wanted === undefined ? null : await logOf(context, found, wanted);
      return show(request, reply, found, { log: shown, told: done === undefined ? null : toldOf[done], refused: null });
    },
  );

  for (const name of steeringForms)
    app.post(
      `/experiments/:id/${name}`,
      {
        config: { scope: name === 'approve' || name === 'reject' || name === 'priority' ? 'admin' : 'run' },
        schema: { ...pageSchema, params, body: z.record(z.string().max(100), z.string().max(5000)) },
      },
      async (request, reply) => {
        const found = await findExperiment(context, request.params.id);
        try {
          await take(context, found, name, request.body, callerOf(request).name);
        } catch (error) {
          const { kind, status, message } = problemOf(error);
          if (kind !== 'conflict' && kind !== 'invalid') throw error;
          const refused = { action: name, message, fields: request.body };
          return show(request, reply.code(status), found, { log: null, told: null, refused });
        }
        return reply.redirect(`/experiments/${found.id}?done=${name}#steering`, 303);
      },
    );

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    found: Found,
    more: { log: LogView | null; told: string | null; refused: Refused | null },
  ): Promise<FastifyReply> {
    const view = await standingOf(context, found);
    return sendPage(request, reply, experimentPage({ view, viewer: viewerOf(request), ...more }));
  }
}

async function logOf(context: Context, found: Found, wanted: string): Promise<LogView | null> {
  const [, variant = '', digits = ''] = /^(.+)\/(\d{1,10})$/.exec(wanted) ?? [];
  if (variant === '') return null;
  const run = { variant, seed: Number(digits) };
  try {
    const text = await lastLines(context, found, { ...run, lines: pageLines });
    return { ...run, text, problem: text === '' ? 'Nothing has been written yet.' : null };
  } catch (error) {
    const problem = problemOf(error);
    if (problem.kind === 'internal') throw error;
    return { ...run, text: null, problem: problem.message };
  }
}

/** Does what a form asks; throws Conflict or SpecInvalid with a sentence where it cannot be. */
async function take(
  context: Context,
  { id, record }: Found,
  name: SteeringForm,
  fields: Record<string, string>,
  by: string,
): Promise<void> {
  const reason = (fields['reason'] ?? '').trim();
  if ((name === 'cancel' || name === 'stop-variant') && fields['confirm'] !== 'yes')
    throw new AssayError('SpecInvalid', 'Tick the box to say that you mean it: what is ended cannot go on.');
  if (name === 'cancel') {
    if (record !== null && record.status !== 'running') throw new AssayError('Conflict', `${id} has ended: it is ${record.status}`);
    await ask(context, () => cancelExperiment(context.client, id));
    log.info('cancel', { experiment: id, by, reason });
  } else await steer(context.client, id, commandOf(name, fields, { by, reason }));
  context.answers.forget(progressKey(id));
}

function commandOf(
  name: Exclude<SteeringForm, 'cancel'>,
  fields: Record<string, string>,
  asked: { by: string; reason: string },
): SteeringCommand {
  switch (name) {
    case 'stop-variant':
      return { action: 'stopVariant', variant: fields['variant'] ?? '', ...asked };
    case 'add-seeds':
      return { action: 'addSeeds', seeds: seedsOf(fields['seeds'] ?? ''), ...asked };
    case 'priority': {
      const qos = qosClasses.find((one) => one === fields['qos']);
      if (qos === undefined) throw new AssayError('SpecInvalid', `Class: expected ${qosClasses.join(', ')}, got "${fields['qos'] ?? ''}"`);
      return { action: 'changePriority', qos, ...asked };
    }
    default:
      return { action: name, ...asked };
  }
}

function seedsOf(text: string): number[] {
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '');
  const wrong = parts.find((part) => !/^\d{1,10}$/.test(part));
  if (wrong !== undefined) throw new AssayError('SpecInvalid', `Seeds: expected whole numbers such as 6, 7, 8, got "${wrong}"`);
  return parts.map(Number);
}
