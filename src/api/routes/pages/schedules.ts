import type { ScheduleDescription } from '@temporalio/client';
import { z } from 'zod';
import { timingWords } from '../../../cli/schedule/times';
import { describeSchedule, pauseSchedule, resumeSchedule, triggerSchedule } from '../../../client';
import { AssayError, ids, type SeriesRecord } from '../../../contract';
import { log } from '../../../observability';
import { type ScheduleRow, schedulesBody } from '../../../pages';
import { type App, ask, callerOf, type Context } from '../../context';
import { pageSchema, sendPage, viewerOf } from './reply';
import { allSeries, seriesOf } from '../series';

const params = z.object({ name: z.string().max(63) });
const actions = ['trigger', 'pause', 'resume'] as const;
type Action = (typeof actions)[number];

/** `/schedules`, and what its buttons do. */
export function schedulePageRoutes(pages: App, context: Context): void {
  pages.get(
    '/schedules',
    {
      config: { scope: 'read' },
      schema: {
        ...pageSchema,
        querystring: z.object({ done: z.enum(actions).optional().catch(undefined), name: z.string().max(63).optional().catch(undefined) }),
      },
    },
    async (request, reply) => {
      const records = await allSeries(context);
      const rows = await Promise.all(records.map((record) => rowOf(context, record)));
      const { done, name } = request.query;
      const said = done !== undefined && records.some((record) => record.name === name) ? doneWords[done](name ?? '') : null;
      return sendPage(request, reply, {
        title: 'Schedules',
        current: 'schedules',
        body: schedulesBody({ rows, viewer: viewerOf(request), done: said }),
        scripts: ['refresh.js'],
        live: true,
      });
    },
  );

  const route = (action: Action, act: (record: SeriesRecord, by: string, note: string) => Promise<void>): void => {
    pages.post(
      `/schedules/:name/${action}`,
      { config: { scope: 'run' }, schema: { ...pageSchema, params, body: z.object({ note: z.string().trim().max(200).default('') }) } },
      async (request, reply) => {
        const record = await seriesOf(context, request.params.name);
        const by = callerOf(request).name;
        await act(record, by, request.body.note);
        log.info(action, { schedule: record.name, by });
        return reply.redirect(
          `/schedules?done=${action}&name=${encodeURIComponent(record.name)}#schedule-${encodeURIComponent(record.name)}`,
          303,
        );
      },
    );
  };
  const { client } = context;
  route('trigger', ({ name }) => ask(context, () => triggerSchedule(client, name)));
  route('pause', ({ name }, by, note) =>
    ask(context, () => pauseSchedule(client, name, note === '' ? `paused by ${by}` : `${note} (${by})`)),
  );
  route('resume', async ({ name, state }, by) => {
    if (state !== 'running')
      throw new AssayError('Conflict', `${name} has ended (${state}): it runs no more; ask the next question under another name`);
    await ask(context, () => resumeSchedule(client, name, `resumed by ${by}`));
  });
}

const doneWords: Record<Action, (name: string) => string> = {
  trigger: (name) => `${name} was asked to run now.`,
  pause: (name) => `${name} is paused; a run that is under way goes on.`,
  resume: (name) => `${name} goes on.`,
};

async function rowOf(context: Context, record: SeriesRecord): Promise<ScheduleRow> {
  const { client, uiUrl } = context;
  const { name, timing } = record;
  const found = await ask(context, () => describeSchedule(client, name), 3000).catch((): 'unknown' => 'unknown');
  const ui =
    uiUrl === null
      ? null
      : `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(client.options.namespace)}/schedules/${encodeURIComponent(ids.series(name))}`;
  return { record, timing: timingWords(timing), schedule: found === null || found === 'unknown' ? found : viewOf(found), ui };
}

const viewOf = ({ state, info }: ScheduleDescription) => ({
  paused: state.paused,
  note: state.note ?? null,
  next: info.nextActionTimes.map((at) => at.toISOString()),
  running: info.runningActions.flatMap((action) => (action.type === 'startWorkflow' ? [action.workflow.workflowId] : [])),
  missed: info.numActionsMissedCatchupWindow,
  skipped: info.numActionsSkippedOverlap,
});
