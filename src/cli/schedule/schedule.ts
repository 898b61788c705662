import type { Client, ScheduleDescription } from '@temporalio/client';
import { budgetUsed, meanMetrics, seriesQuestion, seriesSummary } from '../../analysis/series';
import {
  applySchedule,
  backfillSchedule,
  configuredServer,
  createSchedule,
  deleteSchedule,
  describeSchedule,
  pauseSchedule,
  resumeSchedule,
  snapshotCode,
  tellSeries,
  triggerSchedule,
} from '../../client';
import {
  AssayError,
  type OverlapPolicy,
  type ProvenanceObject,
  refNames,
  type ResolvedSpec,
  type SeriesPlan,
  type SeriesRecord,
  type SeriesScheme,
  nameForm,
} from '../../contract';
import { registeredPlan } from '../../contract/plan';
import type { Store } from '../../store';
import { pc } from '../colours';
import { sessionStore } from '../home';
import { provenance } from '../provenance';
import { readSpec } from '../run';
import { moment, timingOf, type TimingOptions, timingWords } from './times';
import { findSeries, verdictWords } from './seriesView';
import { joinSession, openSession } from '../session';

interface Output {
  json?: boolean;
}

export interface ScheduleOptions extends TimingOptions, Output {
  note?: string;
  paused?: boolean;
  ledger?: SeriesScheme;
  alpha?: number;
  maxRuns?: number;
  budgetGpuHours?: number;
  set?: string[];
  seeds?: number[];
}

/** A new series, or with `apply` a changed one: its looks stay, and so does its question. */
export async function put(name: string, file: string, options: ScheduleOptions, apply: boolean): Promise<void> {
  if (!nameForm.test(name))
    throw new AssayError('SpecInvalid', `${name}: expected a name of lower-case letters, digits, ".", "_", "-", at most 63`);
  const { spec, text } = await readSpec(file, options);
  const before = await sessionStore().refs.get<SeriesRecord>(refNames.series(name));
  if (before !== null && !apply)
    throw new AssayError(
      'SpecInvalid',
      `there is a series "${name}" already; \`assay schedule apply ${name} ${file}\` changes it, another name begins anew`,
    );
  const asked = askedOf(name, spec, before?.value ?? null, options);

  const { client, store } = await openSession(say);
  try {
    const record = await stored(store, { name, spec, text, asked, before: before?.value ?? null });
    const state = { ...(options.paused ? { paused: true } : {}), ...(options.note === undefined ? {} : { note: options.note }) };
    const about = spec.hypothesis ?? spec.name;
    const wanted = (series: SeriesRecord) => ({ name, timing: asked.timing, about, state, series: seriesSummary(series) });
    if (before !== null) {
      // The server first: what it refuses is not kept.
      await applySchedule(client, wanted(record));
      await tellSeries(client, seriesSummary(await saved(store, record)));
    } else {
      // Named before it fires, so that a run finds it and gc keeps what it names.
      const version = await store.refs.set(refNames.series(name), record, null);
      const make = apply ? applySchedule : createSchedule;
      await make(client, wanted(record)).catch(async (error: unknown) => {
        await store.refs.remove(refNames.series(name), version);
        throw error;
      });
    }
    const schedule = await describeSchedule(client, name);
    if (options.json) return print({ series: record, schedule: schedule && plain(schedule) });
    process.stdout.write(`${name}: ${timingWords(asked.timing)}\n`);
    process.stdout.write(`next ${nextWords(schedule)}\n`);
    if (configuredServer() === null) say('the embedded server fires it while it runs: it goes on after this command, until `assay down`');
  } finally {
    await client.connection.close();
  }
}

export async function list(options: Output): Promise<void> {
  const store = sessionStore();
  const names = await store.refs.list(refNames.series(''));
  const found = await Promise.all(names.map((each) => store.refs.get<SeriesRecord>(each)));
  const records = found.flatMap((entry) => (entry ? [entry.value] : []));
  const session = records.length > 0 ? await joinSession() : null;
  const rows = await Promise.all(
    records.map(async (record) => ({ record, schedule: session && (await describeSchedule(session.client, record.name)) })),
  );
  await session?.client.connection.close();
  if (options.json)
    return print(rows.map(({ record, schedule }) => ({ series: withoutLooks(record), schedule: schedule && plain(schedule) })));
  if (rows.length === 0)
    process.stdout.write(`no series in ${store.url} yet; start one with \`assay schedule create NAME FILE --cron "0 2 * * *"\`\n`);
  const width = Math.max(4, ...rows.map(({ record }) => record.name.length));
  for (const { record, schedule } of rows) {
    const last = record.looks.at(-1);
    const state = schedule?.state.paused && record.state === 'running' ? 'paused' : record.state;
    process.stdout.write(
      `${record.name.padEnd(width)}  ${state.padEnd(11)}  next ${nextWords(schedule)}  last ${last === undefined ? '-' : verdictWords(last)}\n`,
    );
  }
}

/** The schedule: when it fires, what it fired; `assay show series/NAME` shows the effect. */
export async function show(name: string, options: Output): Promise<void> {
  const record = await findSeries(sessionStore(), name);
  const session = await joinSession();
  const schedule = session && (await describeSchedule(session.client, record.name));
  await session?.client.connection.close();
  if (options.json) return print({ series: withoutLooks(record), schedule: schedule && plain(schedule) });
  const { runs, failures, gpuHours, timing, looks } = record;
  const lines = [
    `${pc.bold(record.name)}  ${record.state}${schedule?.state.paused ? ', paused' : ''}`,
    ...(schedule?.state.note ? [`note    ${schedule.state.note}`] : []),
    `fires   ${timingWords(timing)}`,
    `next    ${schedule === null ? 'no server runs' : nextWords(schedule, 3)}`,
    `runs    ${runs}, ${failures.length} without a result, ${Number(gpuHours.toPrecision(3))} GPU-hours`,
    ...(schedule
      ? [
          `missed  ${schedule.info.numActionsMissedCatchupWindow} beyond the catch-up, ${schedule.info.numActionsSkippedOverlap} skipped for overlap`,
        ]
      : []),
    ...looks.slice(-5).map((look) => `last    ${look.when.slice(0, 16).replace('T', ' ')}  ${look.experimentId}  ${verdictWords(look)}`),
    ...failures
      .slice(-3)
      .map(
        ({ when, experimentId, status, message }) =>
          `${status.padEnd(7)} ${when.slice(0, 16).replace('T', ' ')}  ${experimentId}  ${message}`,
      ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

export async function pause(name: string, options: { note?: string }): Promise<void> {
  await onServer(name, (client) => pauseSchedule(client, name, options.note ?? `paused by ${process.env.USER ?? 'a person'}`));
  process.stdout.write(`${name} is paused; a run that is under way goes on\n`);
}

export async function resume(name: string, options: { note?: string }): Promise<void> {
  const { state, question } = await findSeries(sessionStore(), name);
  if (state !== 'running') {
    const mend =
      state === 'budget-used'
        ? `raise its bound with \`assay schedule apply ${name} FILE --max-runs N\` or --budget-gpu-hours`
        : `what it asked of ${question.primary} is settled; ask the next question under another name`;
    throw new AssayError('SpecInvalid', `${name} has ended (${state}): ${mend}`);
  }
  await onServer(name, (client) => resumeSchedule(client, name, options.note ?? ''));
  process.stdout.write(`${name} goes on\n`);
}

export async function trigger(name: string, options: { overlap?: OverlapPolicy }): Promise<void> {
  await onServer(name, (client) => triggerSchedule(client, name, options.overlap));
  process.stdout.write(`${name} runs now; follow it with \`assay list\` and \`assay show series/${name}\`\n`);
}

export async function backfill(name: string, options: { from: string; to: string; overlap?: OverlapPolicy }): Promise<void> {
  const [from, to] = [moment('--from', options.from), moment('--to', options.to)];
  if (to <= from) throw new AssayError('SpecInvalid', `--to ${options.to}: expected a time after --from ${options.from}`);
  await onServer(name, (client) => backfillSchedule(client, name, { from, to, overlap: options.overlap }));
  process.stdout.write(`${name}: the runs from ${from.toISOString()} to ${to.toISOString()} are made up for\n`);
}

/** The schedule goes; the record of its looks stays unless `forget` says otherwise. */
export async function remove(name: string, options: { forget?: boolean }): Promise<void> {
  const store = sessionStore();
  const ref = refNames.series(name);
  const record = await store.refs.get<SeriesRecord>(ref);
  const known = await onServer(record === null ? null : name, (client) => deleteSchedule(client, name));
  if (record === null && !known) throw new AssayError('NotFound', `no schedule "${name}"; \`assay schedule ls\` lists them`);
  if (options.forget && record !== null) await store.refs.remove(ref, record.version);
  process.stdout.write(
    options.forget || record === null
      ? `${name} is gone\n`
      : `${name} fires no more; \`assay show series/${name}\` still shows its looks\n`,
  );
}

interface Asked {
  question: SeriesRecord['question'];
  plan: SeriesPlan;
  timing: SeriesRecord['timing'];
}

/** What is fixed before the first look is refused where it differs from before. */
function askedOf(name: string, spec: ResolvedSpec, before: SeriesRecord | null, options: ScheduleOptions): Asked {
  const registered = registeredPlan(spec);
  const question = seriesQuestion(registered, spec.variants);
  const scheme = options.ledger ?? before?.plan.scheme ?? 'overlapping';
  // 1 - 0.95 is 0.050000000000000044.
  const ownAlpha = Number((1 - registered.confidence).toPrecision(12));
  const alpha = options.alpha ?? before?.plan.alpha ?? ownAlpha;
  if (!(alpha > 0 && alpha <= ownAlpha))
    throw new AssayError(
      'SpecInvalid',
      `--alpha ${alpha}: expected above 0 and at most ${ownAlpha}, which analysis.confidence ${registered.confidence} leaves`,
    );
  const plan: SeriesPlan = {
    ...{ scheme, alpha },
    maxRuns: options.maxRuns ?? before?.plan.maxRuns ?? null,
    gpuHours: options.budgetGpuHours ?? before?.plan.gpuHours ?? null,
  };
  if (plan.maxRuns !== null && plan.maxRuns < 1) throw new AssayError('SpecInvalid', `--max-runs ${plan.maxRuns}: expected at least 1`);
  if (plan.gpuHours !== null && !(plan.gpuHours > 0))
    throw new AssayError('SpecInvalid', `--budget-gpu-hours ${plan.gpuHours}: expected above 0`);
  if (scheme === 'new-units') refuseNewUnits(question);
  if (before !== null) {
    const changed = changes({ ...before.question }, { ...question });
    if (changed.length > 0)
      throw new AssayError(
        'SpecInvalid',
        `${name} asks another question (${changed.join('; ')}): a series answers one, and its ledger counts the looks at it. Give the new one a name of its own`,
      );
    const fixed = changes({ ledger: before.plan.scheme, alpha: before.plan.alpha }, { ledger: scheme, alpha });
    if (fixed.length > 0 && before.runs > 0)
      throw new AssayError(
        'SpecInvalid',
        `${name} has run ${before.runs} times, and its rule is fixed before the first look (${fixed.join('; ')})`,
      );
  }
  return { question, plan, timing: timingOf(options, before?.timing) };
}

/** Units add up only where the metric is a mean over them, and one candidate is asked about. */
function refuseNewUnits({ primary, candidates, marginRelative, margin, question }: SeriesRecord['question']): void {
  const refuse = (why: string): never => {
    throw new AssayError('SpecInvalid', `--ledger new-units: ${why}; use --ledger overlapping`);
  };
  if (!(meanMetrics as readonly string[]).includes(primary))
    refuse(`${primary} is no mean over rows (${meanMetrics.join(', ')} are), so that units of several looks do not add up`);
  if (candidates.length !== 1) refuse(`it follows one candidate, not ${candidates.length}`);
  if (marginRelative && margin > 0) refuse('a margin relative to the control is no bound of a mean difference');
  if (question === 'algorithm') refuse('it answers for trained models; write analysis.question: artifact');
}

const changes = (before: Record<string, unknown>, now: Record<string, unknown>): string[] =>
  Object.keys(now)
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]))
    .map((key) => `${key}: ${JSON.stringify(before[key])} before, ${JSON.stringify(now[key])} now`);

interface Given {
  name: string;
  spec: ResolvedSpec;
  text: string;
  asked: Asked;
  before: SeriesRecord | null;
}

async function stored(store: Store, { name, spec, text, asked, before }: Given): Promise<SeriesRecord> {
  const ref = await store.putJson(spec);
  const whence: ProvenanceObject = {
    ...(await provenance({ store, root: spec.root, spec: ref.digest, source: spec.data.source })),
    source: text,
  };
  const runs = {
    experiment: spec.name,
    hypothesis: spec.hypothesis ?? null,
    spec: ref,
    provenance: await store.putJson(whence),
    code: await snapshotCode(store, spec),
    ...asked,
  };
  if (before !== null) return { ...before, ...runs, ...(before.runs === 0 ? { ledger: opened(asked.plan) } : {}) };
  return {
    schema: 'assay.series/1',
    name,
    createdAt: new Date().toISOString(),
    ...runs,
    state: 'running',
    looks: [],
    ledger: opened(asked.plan),
    units: null,
    failures: [],
    runs: 0,
    gpuHours: 0,
    alerts: [],
  };
}

const opened = ({ scheme, alpha }: SeriesPlan): SeriesRecord['ledger'] => ({
  plan: { scheme: scheme === 'new-units' ? 'always-valid' : 'overlapping', alpha },
  looks: [],
});

/** A run may record its look meanwhile: only what the file says is changed. */
async function saved(store: Store, record: SeriesRecord): Promise<SeriesRecord> {
  const { experiment, hypothesis, spec, provenance: whence, code, plan, timing, question } = record;
  return store.refs.update<SeriesRecord>(refNames.series(record.name), (now) => {
    if (now === null) return record;
    const said = { experiment, hypothesis, spec, provenance: whence, code, plan, timing, question };
    const raised = now.state === 'budget-used' && !budgetUsed(plan, now);
    return { ...now, ...said, ledger: now.runs === 0 ? record.ledger : now.ledger, state: raised ? 'running' : now.state };
  });
}

/** With the server's client; the record is looked for first, which starts nothing. */
async function onServer<T>(name: string | null, act: (client: Client) => Promise<T>): Promise<T> {
  if (name !== null) await findSeries(sessionStore(), name);
  const { client } = await openSession(say);
  try {
    return await act(client);
  } finally {
    await client.connection.close();
  }
}

function nextWords(schedule: ScheduleDescription | null, count = 1): string {
  if (schedule === null) return '-';
  const times = schedule.info.nextActionTimes.slice(0, count).map((time) => time.toISOString().slice(0, 19).replace('T', ' '));
  return schedule.state.paused ? 'paused' : times.length === 0 ? 'never' : times.join(', ');
}

/** What the server says of a schedule, without its wire form. */
function plain({ scheduleId, policies, state, info }: ScheduleDescription) {
  const { nextActionTimes, recentActions, numActionsTaken, numActionsMissedCatchupWindow, numActionsSkippedOverlap } = info;
  return {
    id: scheduleId,
    ...{ paused: state.paused, note: state.note ?? null, policies },
    next: nextActionTimes,
    recent: recentActions.map(({ scheduledAt, takenAt, action }) => ({ scheduledAt, takenAt, workflow: action.workflow.workflowId })),
    taken: numActionsTaken,
    missed: numActionsMissedCatchupWindow,
    skipped: numActionsSkippedOverlap,
  };
}

const withoutLooks = ({ looks, ledger: _, ...record }: SeriesRecord) => ({ ...record, looks: looks.slice(-10) });

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
