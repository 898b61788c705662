import {
  type CalendarSpec,
  type Client,
  DAYS_OF_WEEK,
  MONTHS,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { SearchAttributeType, TypedSearchAttributes, defineSearchAttributeKey } from '@temporalio/common';
import {
  AssayError,
  type Calendar,
  type OverlapPolicy,
  type ScheduleTiming,
  type SeriesInput,
  type SeriesRunInput,
  type SeriesSummary,
  ids,
  queues,
  seriesNames,
} from '../contract';
import { summaryText } from '../contract/describe';

interface Wanted {
  name: string;
  timing: ScheduleTiming;
  /** One line for the Temporal UI. */
  about: string;
  /** Where the series stands, for its workflow. */
  series: SeriesSummary;
  state?: { paused?: boolean; note?: string };
}

export async function createSchedule(client: Client, wanted: Wanted): Promise<void> {
  const { name, state, series } = wanted;
  try {
    await client.schedule.create({ scheduleId: ids.series(name), ...scheduleOf(wanted), ...(state ? { state } : {}) });
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning)
      throw new AssayError('SpecInvalid', `there is a schedule "${name}" on this server; \`assay schedule apply ${name} FILE\` changes it`);
    throw refused(error);
  }
  await tellSeries(client, series);
}

/** Changes when it fires and what it says of itself; its pause, note and past stay. Made where the server has none. */
export async function applySchedule(client: Client, wanted: Wanted): Promise<void> {
  try {
    await handleOf(client, wanted.name).update((before) => ({ ...scheduleOf(wanted), state: { ...before.state, ...wanted.state } }));
  } catch (error) {
    if (isUnknown(error)) return createSchedule(client, wanted);
    throw refused(error);
  }
  await tellSeries(client, wanted.series);
}

/** Null where the server has none of that name. */
export async function describeSchedule(client: Client, name: string): Promise<ScheduleDescription | null> {
  return handleOf(client, name)
    .describe()
    .catch((error: unknown) => {
      if (isUnknown(error)) return null;
      throw error;
    });
}

export const pauseSchedule = (client: Client, name: string, note: string): Promise<void> =>
  onSchedule(client, name, (it) => it.pause(note));
export const resumeSchedule = (client: Client, name: string, note: string): Promise<void> =>
  onSchedule(client, name, (it) => it.unpause(note));

/** One run now, beside the plan of times. */
export const triggerSchedule = (client: Client, name: string, overlap?: OverlapPolicy): Promise<void> =>
  onSchedule(client, name, (it) => it.trigger(overlap && overlaps[overlap]));

/** The runs that the schedule would have made between two times, one after the other unless `overlap` says otherwise. */
export const backfillSchedule = (
  client: Client,
  name: string,
  { from, to, overlap = 'buffer-all' }: { from: Date; to: Date; overlap?: OverlapPolicy | undefined },
): Promise<void> => onSchedule(client, name, (it) => it.backfill({ start: from, end: to, overlap: overlaps[overlap] }));

/** Takes the schedule and the series' workflow away; a run that is under way ends as it would. Says whether there was one. */
export async function deleteSchedule(client: Client, name: string): Promise<boolean> {
  const known = await describeSchedule(client, name);
  if (known !== null) await handleOf(client, name).delete();
  await client.workflow
    .getHandle(ids.series(name))
    .terminate('the schedule was deleted')
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  return known !== null;
}

/** Tells the workflow that shows a series, which is started where there is none. */
export async function tellSeries(client: Client, summary: SeriesSummary): Promise<void> {
  await client.workflow.signalWithStart(seriesNames.workflow, {
    ...seriesWorkflow(summary.name),
    signal: seriesNames.changed,
    signalArgs: [summary],
  });
}

/** A schedule that was deleted meanwhile needs no pause. */
export async function pauseEnded(client: Client, name: string, note: string): Promise<void> {
  await handleOf(client, name)
    .pause(note)
    .catch((error: unknown) => {
      if (!isUnknown(error)) throw error;
    });
}

function seriesWorkflow(name: string) {
  const input: SeriesInput = { name, summary: null, paused: false };
  return {
    workflowId: ids.series(name),
    taskQueue: queues.control,
    args: [input],
    staticSummary: `series ${name}`,
    typedSearchAttributes: ofSeries(name),
  };
}

function scheduleOf({ name, timing, about }: Wanted): Omit<ScheduleOptions, 'scheduleId' | 'state'> {
  const input: SeriesRunInput = { series: name };
  const { overlap, catchup, pauseOnFailure } = timing;
  return {
    spec: timesOf(timing),
    policies: { overlap: overlaps[overlap], catchupWindow: catchup * 1000, pauseOnFailure },
    action: {
      type: 'startWorkflow',
      workflowType: seriesNames.run,
      workflowId: ids.seriesRuns(name),
      taskQueue: queues.control,
      args: [input],
      staticSummary: summaryText(about),
      typedSearchAttributes: ofSeries(name),
    },
    typedSearchAttributes: ofSeries(name),
  };
}

const ofSeries = (name: string): TypedSearchAttributes => new TypedSearchAttributes([{ key: seriesKey, value: name }]);

const seriesKey = defineSearchAttributeKey('AssaySeries', SearchAttributeType.KEYWORD);

function timesOf({ cron, every, calendars, timezone, jitter, startAt, endAt }: ScheduleTiming): ScheduleSpec {
  return {
    cronExpressions: cron,
    intervals: every.map((interval) => ({ every: interval.every * 1000, offset: interval.offset * 1000 })),
    calendars: calendars.map(calendarOf),
    ...(jitter === 0 ? {} : { jitter: jitter * 1000 }),
    ...(timezone === null ? {} : { timezone }),
    ...(startAt === null ? {} : { startAt: new Date(startAt) }),
    ...(endAt === null ? {} : { endAt: new Date(endAt) }),
  };
}

function calendarOf({ month, dayOfWeek, ...times }: Calendar): CalendarSpec {
  const named = <Name>(ranges: { start: number; end: number; step: number }[], names: readonly Name[], first: number) =>
    ranges.map(({ start, end, step }) => ({ start: names[start - first] as Name, end: names[end - first] as Name, step }));
  return {
    ...times,
    ...(month ? { month: named(month, MONTHS, 1) } : {}),
    ...(dayOfWeek ? { dayOfWeek: named(dayOfWeek, DAYS_OF_WEEK, 0) } : {}),
  };
}

const overlaps: Record<OverlapPolicy, ScheduleOverlapPolicy> = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'buffer-all': ScheduleOverlapPolicy.BUFFER_ALL,
  'cancel-other': ScheduleOverlapPolicy.CANCEL_OTHER,
  'terminate-other': ScheduleOverlapPolicy.TERMINATE_OTHER,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
};

const handleOf = (client: Client, name: string): ScheduleHandle => client.schedule.getHandle(ids.series(name));

async function onSchedule(client: Client, name: string, act: (handle: ScheduleHandle) => Promise<void>): Promise<void> {
  try {
    await act(handleOf(client, name));
  } catch (error) {
    throw isUnknown(error) ? unknown(name) : refused(error);
  }
}

const isUnknown = (error: unknown): boolean => error instanceof ScheduleNotFoundError || error instanceof WorkflowNotFoundError;

const unknown = (name: string): AssayError =>
  new AssayError(
    'NotFound',
    `no schedule "${name}" on this server; \`assay schedule ls\` lists them, \`assay schedule apply ${name} FILE\` makes one`,
  );

/** What the server says of a wrong cron expression or time zone is the user's to read; the client hands it on as a TypeError. */
const refused = (error: unknown): unknown =>
  error instanceof TypeError
    ? new AssayError('SpecInvalid', `the server refuses the schedule: ${error.message}; correct its times`, { cause: error })
    : error;
