// Proves, on a real server with its real schedules: each run of a schedule is an experiment and a look, whatever overlaps, fails, is missed,
// made up for or asked for by hand; a series that has ended pauses its schedule. Only what an experiment computes is made up.
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Webhook } from 'standardwebhooks';
import {
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
  bundleWorkflowCode,
  makeTelemetryFilterString,
} from '@temporalio/worker';
import { activityInterceptors, createNotifyActivities } from '../../src/activities';
import { createControlActivities } from '../../src/activities/control';
import { createLookActivities } from '../../src/activities/recordLook';
import { createSeriesActivities } from '../../src/activities/series';
import { seriesSummary } from '../../src/analysis/series';
import {
  applySchedule,
  backfillSchedule,
  cancelExperiment,
  createSchedule,
  deleteSchedule,
  describeSchedule,
  pauseEnded,
  pauseSchedule,
  resumeSchedule,
  tellSeries,
  triggerSchedule,
} from '../../src/client';
import {
  type AnalysisActivities,
  type Check,
  type ExperimentRecord,
  ids,
  type NotifyTarget,
  queues,
  type Ref,
  refNames,
  searchAttributes,
  type ScheduleTiming,
  seriesNames,
  type SeriesPlan,
  type SeriesRecord,
  type SeriesSummary,
} from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { webhookSettings } from '../../src/publish';
import { temporalBinary } from '../../src/stack';
import { measured, opened, seriesOf } from '../activities/seriesFixture';
import { valid } from '../contract/fixtures';
import { until } from '../e2e/cluster';
import { type Received, Receiver, secret, targetOf } from '../publish/receiver';
import { freshStore, removeTemporaryFolders } from '../store/helpers';
import { workflowSinks } from '../../workers/observe';
import { localServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let workers: { worker: Worker; done: Promise<void> }[] = [];
let spec: Ref;
const { store } = freshStore();
/** Where messages may go: receivers come with the tests. */
const allowed: ReturnType<typeof webhookSettings>['hosts'] = [];
const made: string[] = [];

/** What the next experiments are to do, by the name of their series' spec. */
const conduct = new Map<string, { hold?: Promise<void>; failure?: ApplicationFailure; difference?: number }>();

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const workflows = join(__dirname, '..', '..', 'src', 'workflows');
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]);
  [bundle, env] = await Promise.all([
    bundleWorkflowCode({
      workflowsPath: join(workflows, 'index.ts'),
      workflowInterceptorModules: [join(workflows, 'interceptors.ts')],
      logger: new DefaultLogger('ERROR'),
    }),
    localServer({ server: { executable: { type: 'existing-path', path }, extraArgs: attributes } }),
  ]);
  spec = await store.putJson(loadSpec(valid, { file: 'experiment.yaml', root: '/experiment' }));
  await startWorkers();
}, 60_000);

afterEach(async () => {
  for (const name of made.splice(0)) await deleteSchedule(env.client, name);
});

afterAll(async () => {
  await stopWorkers();
  await env?.teardown();
  await Runtime.instance().shutdown();
  removeTemporaryFolders();
});

test('a schedule that fires every second fills its series with looks, each an experiment named by its time, until its budget is used', async () => {
  await create('budget', { timing: { every: [{ every: 1, offset: 0 }] }, plan: { maxRuns: 3 } });
  await until(async () => (await describeSchedule(env.client, 'budget'))?.state.paused === true, 40_000);
  const record = await recordOf('budget');
  expect(record).toMatchObject({ state: 'budget-used', runs: 3, failures: [] });
  expect(record.looks.map(({ look, verdict }) => [look, verdict])).toEqual([1, 2, 3].map((look) => [look, 'inconclusive']));
  for (const { experimentId, when } of record.looks) {
    expect(experimentId.slice(0, -5)).toBe(`digits-${when.replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}`);
    expect((await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId)))?.value.status).toBe('done');
  }
  expect((await describeSchedule(env.client, 'budget'))?.state.note).toBe(
    'the series has ended: budget used without a decision: 3 of 3 runs',
  );
  expect(await summaryOf('budget')).toMatchObject({ state: 'budget-used', looks: 3, runs: 3 });
  const found: string[] = [];
  await until(async () => {
    found.length = 0;
    for await (const { type } of env.client.workflow.list({ query: 'AssaySeries = "budget"' })) found.push(type);
    return found.filter((type) => type === 'experiment').length === 3;
  }, 20_000);
  expect(new Set(found)).toEqual(new Set(['experiment', seriesNames.run, seriesNames.workflow]));
}, 60_000);

test('a run that would overlap the one before is skipped, and counted', async () => {
  const gate = held('overlap');
  await create('overlap', { timing: { every: [{ every: 1, offset: 0 }] } });
  await until(async () => ((await describeSchedule(env.client, 'overlap'))?.info.numActionsSkippedOverlap ?? 0) >= 3, 30_000);
  await pauseSchedule(env.client, 'overlap', 'enough');
  expect((await describeSchedule(env.client, 'overlap'))?.info.numActionsTaken).toBe(1);
  gate();
  await until(async () => (await recordOf('overlap')).runs === 1, 20_000);
}, 60_000);

test('a failed run pauses a schedule that pauses on failure, stands in the record with its reason, and is no look', async () => {
  conduct.set('failing', { failure: ApplicationFailure.nonRetryable('data.csv: 3 columns, expected 4', 'DataInvalid') });
  await create('failing', { timing: { every: [{ every: 1, offset: 0 }], pauseOnFailure: true } });
  await until(async () => (await describeSchedule(env.client, 'failing'))?.state.paused === true, 30_000);
  const { looks, failures, ledger, runs } = await recordOf('failing');
  expect([looks, ledger.looks]).toEqual([[], []]);
  expect(failures[0]).toMatchObject({ status: 'failed', message: expect.stringMatching(/^DataInvalid: data\.csv: 3 columns/) });
  expect(runs).toBe(failures.length);
  // The next run, asked for by hand, is a look again.
  conduct.delete('failing');
  await triggerSchedule(env.client, 'failing');
  await until(async () => (await recordOf('failing')).looks.length === 1, 20_000);
}, 60_000);

test('a cancelled experiment is recorded as one, and pauses nothing', async () => {
  const gate = held('cancelled');
  await create('cancelled', { timing: { pauseOnFailure: true } });
  await triggerSchedule(env.client, 'cancelled');
  const experiment = await experimentOf('cancelled');
  gate();
  await cancelExperiment(env.client, experiment);
  await until(async () => (await recordOf('cancelled')).runs === 1, 20_000);
  expect((await recordOf('cancelled')).failures).toMatchObject([{ experimentId: experiment, status: 'cancelled' }]);
  expect((await describeSchedule(env.client, 'cancelled'))?.state.paused).toBe(false);
}, 60_000);

test('a backfill makes the runs of a past month, one after the other, each named by its own night: thirty looks that share one alpha', async () => {
  await create('month', { timing: { cron: ['0 2 * * *'] }, plan: { maxRuns: 30 } });
  await backfillSchedule(env.client, 'month', { from: new Date('2026-09-01T00:00:00Z'), to: new Date('2026-10-01T00:00:00Z') });
  await until(async () => (await describeSchedule(env.client, 'month'))?.state.paused === true, 100_000);
  const { looks, ledger, failures, runs, state } = await recordOf('month');
  expect({ state, runs, failures, looks: looks.length, paid: ledger.looks.length }).toEqual({
    ...{ state: 'budget-used', runs: 30, failures: [], looks: 30, paid: 30 },
  });
  const nights = Array.from({ length: 30 }, (_, i) => `2026-09-${String(i + 1).padStart(2, '0')}T02:00:00.000Z`);
  expect(looks.map(({ when }) => when)).toEqual(nights);
  expect(new Set(looks.map(({ experimentId }) => experimentId)).size).toBe(30);
  // Look k spends 6 alpha / (pi^2 k^2): what all nights could ever spend together stays below alpha.
  looks.forEach(({ look, alphaSpent }, i) => {
    expect(look).toBe(i + 1);
    expect(alphaSpent).toBeCloseTo((6 * 0.05) / (Math.PI * look) ** 2, 12);
  });
  expect(ledger.looks.at(-1)?.cumulativeAlpha).toBeLessThan(0.05);
  expect(await summaryOf('month')).toMatchObject({ state: 'budget-used', looks: 30, runs: 30 });
}, 120_000);

test('a calendar fires in its time zone on its days, and a time that the server does not understand is refused in its words', async () => {
  const weekdays = {
    dayOfWeek: [{ start: 1, end: 5, step: 1 }],
    hour: [{ start: 2, end: 2, step: 1 }],
    month: [{ start: 1, end: 12, step: 1 }],
  };
  await create('weekdays', { timing: { every: [], calendars: [weekdays], timezone: 'Asia/Tokyo' } });
  const next = (await describeSchedule(env.client, 'weekdays'))?.info.nextActionTimes ?? [];
  expect(next.length).toBeGreaterThan(5);
  // Two in the morning there is five in the afternoon of the day before in UTC.
  for (const time of next) expect([time.getUTCHours(), [0, 1, 2, 3, 4].includes(time.getUTCDay())]).toEqual([17, true]);
  await expect(create('wrong', { timing: { cron: ['99 99 * * *'] } })).rejects.toMatchObject({
    type: 'SpecInvalid',
    message: expect.stringMatching(/^the server refuses the schedule: Minute is not in range \[0-59\]/),
  });
}, 60_000);

test('a decided series pauses its schedule, and runs no further experiment', async () => {
  conduct.set('decided', { difference: 0.09 });
  await create('decided', {});
  await triggerSchedule(env.client, 'decided');
  await until(async () => (await describeSchedule(env.client, 'decided'))?.state.paused === true, 20_000);
  expect(await recordOf('decided')).toMatchObject({ state: 'decided', looks: [{ decision: 'adopt' }] });
  await resumeSchedule(env.client, 'decided', '');
  await triggerSchedule(env.client, 'decided');
  await until(async () => ((await describeSchedule(env.client, 'decided'))?.info.recentActions.length ?? 0) === 2, 20_000);
  const last = (await describeSchedule(env.client, 'decided'))?.info.recentActions.at(-1)?.action.workflow.workflowId ?? '';
  expect(await env.client.workflow.getHandle(last).result()).toEqual({
    experimentId: null,
    skipped: expect.stringMatching(/^adopt mlp, decided at look 1/),
    look: null,
  });
  expect((await recordOf('decided')).runs).toBe(1);
}, 60_000);

test('a raised budget takes the series up again, and its end pauses the schedule once more', async () => {
  await create('raised', { plan: { maxRuns: 1 } });
  await triggerSchedule(env.client, 'raised');
  await until(async () => (await describeSchedule(env.client, 'raised'))?.state.paused === true, 20_000);
  const record = await store.refs.update<SeriesRecord>(refNames.series('raised'), (old) => {
    if (old === null) throw new Error('no record');
    return { ...old, plan: { ...old.plan, maxRuns: 2 }, state: 'running' };
  });
  await applySchedule(env.client, {
    name: 'raised',
    timing: record.timing,
    about: 'raised',
    series: seriesSummary(record),
    state: { paused: false },
  });
  await triggerSchedule(env.client, 'raised');
  await until(async () => (await describeSchedule(env.client, 'raised'))?.state.paused === true, 20_000);
  expect(await recordOf('raised')).toMatchObject({ state: 'budget-used', runs: 2 });
}, 60_000);

test('a verdict that turns and the end of a series are told to the receivers of its file', async () => {
  const receiver = await Receiver.start();
  allowed.push(...webhookSettings({ ASSAY_WEBHOOK_HOSTS: `127.0.0.1:${receiver.port}` }).hosts);
  const notify = [targetOf(receiver.url, { on: ['series.alert'] })];
  await create('told', { notify });
  await triggerSchedule(env.client, 'told');
  await until(async () => (await recordOf('told')).looks.length === 1, 20_000);
  expect(receiver.received).toEqual([]);
  conduct.set('told', { difference: 0.09 });
  await triggerSchedule(env.client, 'told');
  await until(async () => receiver.received.length === 1, 20_000);
  const [{ headers, body }] = receiver.received as [Received];
  const { looks } = await recordOf('told');
  expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
    ...{ type: 'series.alert', series: 'told', owner: 'told', outcome: 'adopt', effect: 0.09, experiment: looks[1]?.experimentId },
    sentence: expect.stringMatching(
      /^The verdict turned from inconclusive \(look 1, .*\) to adopt: .* Series told has ended and its schedule is paused: adopt mlp, decided at look 2/,
    ),
  });
  await receiver.close();
}, 60_000);

test('workers that are away for a while lose no run, and record none twice', async () => {
  await create('away', {});
  await stopWorkers();
  await triggerSchedule(env.client, 'away');
  await until(async () => ((await describeSchedule(env.client, 'away'))?.info.recentActions.length ?? 0) === 1, 20_000);
  await startWorkers();
  await until(async () => (await recordOf('away')).looks.length === 1, 40_000);
  expect(await recordOf('away')).toMatchObject({ runs: 1, failures: [] });
}, 60_000);

test('the view of a series goes on over the end of its history', async () => {
  await create('long', {});
  const summary = seriesSummary(await recordOf('long'));
  for (let runs = 1; runs <= 201; runs++) await tellSeries(env.client, { ...summary, runs });
  const handle = env.client.workflow.getHandle(ids.series('long'));
  const { runId: first } = await handle.describe();
  await until(async () => (await handle.describe()).runId !== first || (await handle.describe()).historyLength < 100, 20_000);
  await tellSeries(env.client, { ...summary, runs: 202 });
  await until(async () => (await summaryOf('long'))?.runs === 202, 20_000);
  // What is told late changes nothing.
  await tellSeries(env.client, { ...summary, runs: 7 });
  await tellSeries(env.client, { ...summary, runs: 203 });
  await until(async () => (await summaryOf('long'))?.runs === 203, 20_000);
}, 60_000);

const daily: ScheduleTiming = {
  ...{ cron: [], every: [{ every: 86_400, offset: 0 }], calendars: [], timezone: null, jitter: 0, startAt: null, endAt: null },
  ...{ overlap: 'skip', catchup: 3600, pauseOnFailure: false },
};

async function create(
  name: string,
  { timing = {}, plan = {}, notify = [] }: { timing?: Partial<ScheduleTiming>; plan?: Partial<SeriesPlan>; notify?: NotifyTarget[] },
): Promise<void> {
  made.push(name);
  const times = timing.cron ? { every: [] } : {};
  const own = await store.putJson({ ...(await store.getJson<object>(spec)), owner: name, notify });
  const record: SeriesRecord = {
    ...seriesOf(plan),
    name,
    timing: { ...daily, ...times, ...timing },
    spec: own,
    provenance: await store.putJson({}),
  };
  await opened(store, record);
  await createSchedule(env.client, { name, timing: record.timing, about: name, series: seriesSummary(record) });
}

/** Experiments of this series wait until the answer is called. */
function held(name: string): () => void {
  let release: () => void = () => undefined;
  conduct.set(name, { hold: new Promise((resolve) => (release = resolve)) });
  return () => {
    release();
    conduct.delete(name);
  };
}

/** The id of the first experiment of a series, as soon as it runs. */
async function experimentOf(series: string): Promise<string> {
  let found: string | undefined;
  await until(async () => {
    for await (const { workflowId } of env.client.workflow.list({ query: `AssaySeries = "${series}" AND WorkflowType = "experiment"` }))
      found = workflowId;
    return found !== undefined;
  }, 20_000);
  return (found as string).slice('assay/'.length);
}

async function recordOf(name: string): Promise<SeriesRecord> {
  const found = await store.refs.get<SeriesRecord>(refNames.series(name));
  if (found === null) throw new Error(`no record of ${name}`);
  return found.value;
}

const summaryOf = (name: string): Promise<SeriesSummary | null> =>
  env.client.workflow.getHandle(ids.series(name)).query<SeriesSummary | null>(seriesNames.state);

async function startWorkers(): Promise<void> {
  const connection = env.nativeConnection;
  const control = {
    ...createControlActivities({ store }),
    ...createSeriesActivities({
      store,
      tell: ({ summary }) => tellSeries(env.client, summary),
      pause: ({ series, note }) => pauseEnded(env.client, series, note),
    }),
  };
  const webhooks = { hosts: allowed, secret: () => secret };
  Object.assign(control, createNotifyActivities({ webhooks, publicUrl: null, uiUrl: null }));
  const analysis = { ...experimentsThatTrainNothing(), ...createLookActivities({ store }) };
  const common = { connection, interceptors: activityInterceptors, shutdownForceTime: '10s' as const };
  for (const worker of [
    await Worker.create({ ...common, taskQueue: queues.control, workflowBundle: bundle, sinks: workflowSinks, activities: control }),
    await Worker.create({ ...common, taskQueue: queues.analysis, activities: analysis }),
  ])
    workers.push({ worker, done: worker.run() });
}

async function stopWorkers(): Promise<void> {
  for (const { worker } of workers) worker.shutdown();
  for (const { done } of workers) await done;
  workers = [];
}

/** A check that fails keeps the experiment from training; its result is made up. */
function experimentsThatTrainNothing(): AnalysisActivities {
  const gate: Check = { name: 'made-up', status: 'fail', gate: true, statistic: null, pValue: null, detail: 'nothing is trained here' };
  const seriesOfSpec = async (ref: Ref): Promise<string> => (await store.getJson<{ owner: string }>(ref)).owner;
  let night = 0;
  return {
    async snapshotData({ spec: ref }) {
      const { hold, failure } = conduct.get(await seriesOfSpec(ref)) ?? {};
      if (failure) throw failure;
      await hold;
      return { ref, rows: 10, splits: { train: 5, validation: 0, test: 5 } };
    },
    checkData: async () => ({ checks: [gate] }),
    verifySource: async () => ({ changed: null }),
    async analyseExperiment({ plan }) {
      night += 1;
      const { difference = 0.001 } = conduct.get(await seriesOfSpec(plan.spec)) ?? {};
      const result = measured({ difference, standardError: 0.01, snapshot: `sha256:${night}` });
      return { result: await store.putJson(result), verdict: result.verdict, effect: difference };
    },
    renderReport: async () => ({ report: await store.put('a report', 'text/html') }),
    recordDecision: () => Promise.reject(new Error('nobody asks for an approval here')),
  };
}
