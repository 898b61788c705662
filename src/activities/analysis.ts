import { Context } from '@temporalio/activity';
import { join } from 'node:path';
import {
  type AnalysisActivities,
  AssayError,
  type Check,
  type DriftFinding,
  type ResolvedSpec,
  type Result,
  type Snapshot,
  type SplitProfile,
  type TableProfile,
  type Ref,
  mediaTypes,
  refNames,
  splitNames,
} from '../contract';
import { classifierDrift, columnsToLocate, locate, mmdDrift, runDataChecks } from '../checks';
import { createSnapshot, findSnapshot, readStored, verifySource } from '../data';
import type { Store } from '../store';
import { buildResult } from './buildResult';
import { withDecision } from './deviations';
import { whileHeartbeating } from './heartbeat';
import { reportOf } from './reportOf';
import { countChecks } from './storeMetrics';

export interface AnalysisDeps {
  store: Store;
  home: string;
  python: string | null;
  runtimeDir: string;
  /** Base address of the Temporal UI, for links in results. */
  uiUrl: string | null;
}

export function createAnalysisActivities(deps: AnalysisDeps): AnalysisActivities {
  const { store, home, python, runtimeDir } = deps;
  const sources = {
    store,
    indexDir: join(home, 'cache', 'index'),
    workDir: join(home, 'cache', 'sources'),
    runtimeDir,
    ...(python === null ? {} : { python }),
  };

  return {
    snapshotData: ({ spec }) =>
      whileHeartbeating(async () => {
        const { ref, snapshot } = await createSnapshot({ spec: await store.getJson<ResolvedSpec>(spec), ...sources });
        const { train, validation, test } = snapshot.splits;
        return {
          ref,
          digest: snapshot.data.digest,
          rows: snapshot.rows,
          splits: { train: train.rows, validation: validation.rows, test: test.rows },
        };
      }),

    verifySource: ({ spec, snapshot }) =>
      whileHeartbeating(async () =>
        verifySource({
          spec: await store.getJson<ResolvedSpec>(spec),
          snapshot: await store.getJson<Snapshot>(snapshot),
          ...sources,
        }),
      ),

    checkData: ({ spec, snapshot }) =>
      whileHeartbeating(async () => {
        const checks = await dataChecks(sources, await store.getJson<ResolvedSpec>(spec), await store.getJson<Snapshot>(snapshot));
        countChecks(checks);
        // Findings with their pictures would fill the history; the checks themselves are small.
        const found = Object.fromEntries(checks.flatMap(({ name, findings }) => (findings?.length ? [[name, findings]] : [])));
        return {
          checks: checks.map(({ findings: _, ...check }) => check),
          findings: Object.keys(found).length > 0 ? await store.putJson(found) : null,
        };
      }),

    analyseExperiment: (input) =>
      whileHeartbeating(async () => {
        const { result, predictions } = await buildResult(deps, input, Context.current().info.namespace);
        // Those of predictions: the data's were counted when they were made.
        countChecks(result.checks.filter(({ name }) => !input.checks.some((check) => check.name === name)));
        const primary = result.comparisons.find(
          (c) => c.role === 'primary' && (result.verdict.variant === null || c.variant === result.verdict.variant),
        );
        return { result: await store.putJson(result), verdict: result.verdict, effect: primary?.difference ?? null, predictions };
      }),

    recordDecision: async ({ result, approval, audit }) => {
      const decided = withDecision(await store.getJson<Result>(result), approval, audit);
      return { result: await store.putJson(decided), verdict: decided.verdict };
    },

    renderReport: ({ result, latency }) =>
      whileHeartbeating(async () => ({
        report: await store.put(await reportOf(store, await store.getJson<Result>(result), latency), mediaTypes.html),
      })),
  };
}

/** Every check that needs no runs, with its findings. */
export async function dataChecks(sources: { store: Store; workDir: string }, spec: ResolvedSpec, snapshot: Snapshot): Promise<Check[]> {
  const { store } = sources;
  const reference = await driftReference(store, spec);
  const checks = runDataChecks({
    spec,
    snapshot,
    profiles: await profiles(store, snapshot),
    reference,
    multivariate: reference === null ? [] : await together(sources, spec, reference.data, snapshot),
  });
  if (reference === null) return checks;
  const told: Check[] = [];
  for (const check of checks) told.push(check.name === 'drift' ? await placed(sources, spec, reference, snapshot, check) : check);
  return told;
}

/** Rows that are looked at to say where and since when. */
const looked = 200_000;

/** The drift check with rows that show what moved, and since when where the split names a column of time. */
async function placed(
  { store, workDir }: { store: Store; workDir: string },
  { data: { split } }: ResolvedSpec,
  reference: DriftReference,
  { data, format, id }: Snapshot,
  check: Check,
): Promise<Check> {
  const columns = columnsToLocate(check.findings ?? []);
  if (columns.length === 0) return check;
  const order = 'time' in split ? split.time : undefined;
  const options = { workDir, columns, sample: looked, order };
  const current = await readStored(
    store,
    { manifest: data, format, name: 'this snapshot' },
    { ...options, ...(id === null ? {} : { id }) },
  );
  if (current === null) return check;
  const before = order === undefined ? null : await readStored(store, reference.data, options).catch(withoutColumn);
  return { ...check, findings: locate(check.findings ?? [], { current, ...(before === null ? {} : { reference: before }) }).findings };
}

/** A reference from before there was a column of time cannot say since when. */
function withoutColumn(error: unknown): null {
  if (error instanceof AssayError && error.type === 'DataInvalid') return null;
  throw error;
}

/** What `checks.drift.against` names: the newest snapshot of finished experiments of this name, or one by digest or name. */
async function driftReference(store: Store, spec: ResolvedSpec): Promise<DriftReference | null> {
  const { against } = spec.checks.drift;
  if (against === 'none') return null;
  if (against === 'previous') {
    const before = await store.refs.get<Ref>(refNames.latestSnapshot(spec.name));
    if (before === null) return null;
    const snapshot = await store.getJson<Snapshot>(before.value);
    return {
      name: 'the previous snapshot',
      profiles: await profiles(store, snapshot),
      data: { ...snapshot, manifest: snapshot.data, name: 'the previous snapshot' },
    };
  }
  const { digest, record } = await findSnapshot(store, against.slice('snapshot:'.length));
  if (record.profile === null)
    throw new AssayError(
      'DataInvalid',
      `checks.drift.against: ${digest} holds no table, so that there is nothing to compare columns with.`,
    );
  return { name: against, profiles: await store.getJson<TableProfile>(record.profile), data: { ...record, name: against } };
}

type DriftReference = NonNullable<Parameters<typeof runDataChecks>[0]['reference']> & { data: Parameters<typeof readStored>[1] };

/** Rows a side that all columns are tested together on. */
const sampled = 10_000;

async function together(
  { store, workDir }: { store: Store; workDir: string },
  { checks: { drift } }: ResolvedSpec,
  reference: DriftReference['data'],
  { data, format, label, id, unit }: Snapshot,
): Promise<DriftFinding[]> {
  if (drift.multivariate === 'none') return [];
  const options = { workDir, sample: sampled, leave: [label, id, unit].filter((column) => column !== null) };
  const before = await readStored(store, reference, options);
  const now = await readStored(store, { manifest: data, format, name: 'this snapshot' }, options);
  if (before === null || now === null)
    throw new AssayError(
      'DataInvalid',
      'checks.drift.multivariate looks at columns, and these data are files of no table. Set it to none.',
    );
  return [(drift.multivariate === 'mmd' ? mmdDrift : classifierDrift)(before, now, drift)];
}

async function profiles(store: Store, snapshot: Snapshot): Promise<Record<(typeof splitNames)[number], SplitProfile>> {
  const [train, validation, test] = await Promise.all(splitNames.map((split) => store.getJson<SplitProfile>(snapshot.profiles[split])));
  return { train, validation, test } as Record<(typeof splitNames)[number], SplitProfile>;
}
