import { z } from 'zod';
import { type ExperimentRecord, refNames } from '../../contract';
import { gauge } from '../../observability';
import { type App, callerOf, type Context } from '../context';
import type { Happening } from '../events/history';
import { pastOf } from '../events/past';
import { EventStream } from '../events/stream';
import { unavailable } from '../problems';
import { type Found, findExperiment } from '../records';
import { nothing, problems, text } from '../schemas';

/** The last event has an id of its own, so that it is the same when the server has forgotten the history. */
const endId = 'end';

/** `GET /v1/experiments/{id}/events`. */
export async function eventRoutes(app: App, context: Context): Promise<{ closeAll: () => void }> {
  const open = new Map<EventStream, string>();
  const changed = (): void => gauge('assay_api_event_streams', {}, open.size);

  app.route({
    method: 'GET',
    url: '/v1/experiments/:id/events',
    exposeHeadRoute: false,
    config: { scope: 'read' },
    schema: {
      operationId: 'watchExperiment',
      summary: 'What happens to an experiment, as server-sent events',
      description:
        'Events `stage`, `run`, `steering` and, as the last, `end` have ids: `Last-Event-ID` gives exactly what came after, also from another server. `progress` and `curve` have none: they say where the runs stand and how their loss went, and the newest replaces those before. 204 where the end was seen.',
      tags: ['experiments'],
      params: z.object({ id: z.string().max(200) }),
      querystring: z.object({
        after: z.string().max(200).optional().describe('As `Last-Event-ID`, for a browser that begins a new stream.'),
      }),
      headers: z.looseObject({ 'last-event-id': z.string().max(200).optional() }),
      response: { 200: text('Events.', 'text/event-stream'), 204: nothing('The end was seen before.'), ...problems(404) },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const found = await findExperiment(context, request.params.id);
      // Who left meanwhile tells nobody any more.
      if (reply.raw.destroyed) return reply.hijack();
      const last = request.headers['last-event-id'] ?? request.query.after;
      if (last === endId) return reply.code(204).send(null);
      const { eventStreams, eventStreamsPerCaller, eventBacklog } = context.limits;
      const own = [...open.values()].filter((name) => name === caller.name).length;
      if (open.size >= eventStreams || own >= eventStreamsPerCaller)
        throw unavailable(
          `${open.size} streams of events are open (${own} of "${caller.name}"); the most are ${eventStreams} (${eventStreamsPerCaller})`,
        );

      let leave = (): void => undefined;
      const stream = new EventStream(reply, {
        backlog: eventBacklog,
        heartbeatMs: context.heartbeatMs,
        stillAllowed: caller.stillThere,
        onClose: () => {
          open.delete(stream);
          changed();
          leave();
        },
      });
      open.set(stream, caller.name);
      changed();
      const after = numberAfter(found, last);
      const tell = ({ event, number, data }: Happening): void => stream.send(event, `${runOf(found)}.${number}`, data);
      if (found.record !== null && found.record.status !== 'running') {
        for (const happening of await pastOf(context, found)) if (happening.event !== 'end' && happening.number > after) tell(happening);
        stream.send('end', endId, endOf(found.record));
        stream.end();
        return reply;
      }
      leave = context.feeds.watch(found.id, found.runId, after, {
        happened: (happening) => {
          if (happening.event !== 'end') return tell(happening);
          void recordedEnd(context, found.id, happening).then((end) => {
            stream.send('end', endId, end);
            stream.end();
          });
        },
        progress: (now) => stream.send('progress', null, now),
        curve: (curve) => stream.send('curve', null, curve),
      });
      return reply;
    },
  });

  return {
    closeAll: () => {
      for (const stream of open.keys()) stream.end();
    },
  };
}

/** An id names the run as well: a workflow that was reset has another history. */
const runOf = ({ runId }: Found): string => runId.slice(0, 8);

function numberAfter(found: Found, last: string | undefined): number {
  const [run, number = ''] = (last ?? '').split('.');
  return run === runOf(found) && /^\d{1,9}$/.test(number) ? Number(number) : 0;
}

const endOf = ({ status, verdict, message, finishedAt }: ExperimentRecord) => ({ at: finishedAt, status, verdict, message });

/** As its record says, which outlives the history; where the workflow was ended from outside, as the history says. */
async function recordedEnd({ store }: Context, id: string, { data }: Happening): Promise<unknown> {
  const found = await store.refs.get<ExperimentRecord>(refNames.experiment(id)).catch(() => null);
  return found !== null && found.value.status !== 'running' ? endOf(found.value) : data;
}
