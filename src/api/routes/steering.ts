import { z } from 'zod';
import { cancelExperiment } from '../../client';
import { steer } from '../../client/steering';
import { AssayError, type SteeringCommand } from '../../contract';
import { log } from '../../observability';
import { type App, ask, callerOf, type Context } from '../context';
import { findExperiment, progressKey } from '../records';
import { AuditEntry, json, problems, steeringBodies } from '../schemas';
import type { Scope } from '../tokens';

const params = z.object({ id: z.string().max(200) });

/** `POST /v1/experiments/{id}/pause` and so on: each answers with its line of the audit trail. */
export async function steeringRoutes(app: App, context: Context): Promise<void> {
  const { reason, reasonNeeded, stopVariant, addSeeds, priority } = steeringBodies;
  route('pause', 'No new run starts; running ones yield at their next checkpoint', 'run', reason, (by, body) => ({
    action: 'pause',
    by,
    ...body,
  }));
  route('resume', 'Go on', 'run', reason, (by, body) => ({ action: 'resume', by, ...body }));
  route('approve', 'Let the verdict stand', 'admin', reason, (by, body) => ({ action: 'approve', by, ...body }));
  route('reject', 'Do not let the verdict stand', 'admin', reasonNeeded, (by, body) => ({ action: 'reject', by, ...body }));
  route('stop-variant', 'End the runs of a candidate', 'run', stopVariant, (by, body) => ({ action: 'stopVariant', by, ...body }));
  route('add-seeds', 'Train every variant under these seeds as well', 'run', addSeeds, (by, body) => ({ action: 'addSeeds', by, ...body }));
  route('priority', 'Who goes first where devices are short', 'admin', priority, (by, body) => ({ action: 'changePriority', by, ...body }));

  function route<Body extends z.ZodType>(
    name: string,
    summary: string,
    scope: Scope,
    body: Body,
    command: (by: string, body: z.output<Body>) => SteeringCommand,
  ): void {
    app.post(
      `/v1/experiments/:id/${name}`,
      {
        config: { scope },
        schema: {
          operationId: `${name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Experiment`,
          summary,
          tags: ['steering'],
          params,
          body,
          response: { 200: json('Its line of the audit trail.', AuditEntry), ...problems(404, 409, 413, 415, 422) },
        },
      },
      async (request) => {
        const { id } = await findExperiment(context, request.params.id);
        const entry = await steer(context.client, id, command(callerOf(request).name, request.body as z.output<Body>));
        context.answers.forget(progressKey(id));
        return entry;
      },
    );
  }

  app.post(
    '/v1/experiments/:id/cancel',
    {
      config: { scope: 'run' },
      schema: {
        operationId: 'cancelExperiment',
        summary: 'Stop it; its trainers write a last checkpoint',
        tags: ['steering'],
        params,
        body: reason,
        response: {
          202: json('It is being cancelled; its events tell when it has ended.', AuditEntry),
          ...problems(404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { id, record } = await findExperiment(context, request.params.id);
      if (record !== null && record.status !== 'running')
        throw new AssayError('Conflict', `experiment ${id} has ended: it is ${record.status}`);
      await ask(context, () => cancelExperiment(context.client, id));
      const by = callerOf(request).name;
      const { reason: why } = request.body;
      log.info('cancel', { experiment: id, by, reason: why });
      return reply
        .code(202)
        .send({ at: new Date().toISOString(), action: 'cancel', by, reason: why, detail: 'its trainers write a last checkpoint and stop' });
    },
  );
}
