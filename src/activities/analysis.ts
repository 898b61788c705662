import { Context } from '@temporalio/activity';
import { join } from 'node:path';
import {
  type AnalysisActivities,
  type ResolvedSpec,
  type Result,
  type Snapshot,
  type SplitProfile,
  type Ref,
  mediaTypes,
  refNames,
  splitNames,
} from '../contract';
import { runDataChecks } from '../checks';
import { createSnapshot, verifySource } from '../data';
import { renderReport } from '../report';
import type { Store } from '../store';
import { buildResult, latencyOf } from './buildResult';
import { whileHeartbeating } from './heartbeat';

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
  const sources = { store, workDir: join(home, 'cache', 'sources'), runtimeDir, ...(python === null ? {} : { python }) };

  return {
    snapshotData: ({ spec }) =>
      whileHeartbeating(async () => {
        const { ref, snapshot } = await createSnapshot({ spec: await store.getJson<ResolvedSpec>(spec), ...sources });
        const { train, validation, test } = snapshot.splits;
        return { ref, rows: snapshot.rows, splits: { train: train.rows, validation: validation.rows, test: test.rows } };
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
        const resolved = await store.getJson<ResolvedSpec>(spec);
        const current = await store.getJson<Snapshot>(snapshot);
        const previous = await previousSnapshot(store, resolved);
        return {
          checks: runDataChecks({
            spec: resolved,
            snapshot: current,
            profiles: await profiles(store, current),
            previous: previous && { profiles: await profiles(store, previous.snapshot), digest: previous.digest },
          }),
        };
      }),

    analyseExperiment: (input) =>
      whileHeartbeating(async () => {
        const result = await buildResult(deps, input, Context.current().info.namespace);
        const primary = result.comparisons.find(
          (c) => c.role === 'primary' && (result.verdict.variant === null || c.variant === result.verdict.variant),
        );
        return { result: await store.putJson(result), verdict: result.verdict, effect: primary?.difference ?? null };
      }),

    renderReport: ({ result, latency }) =>
      whileHeartbeating(async () => {
        const measured = (await latencyOf(store, latency)) ?? [];
        const milliseconds = Object.fromEntries(measured.map(({ variant, blocks }) => [variant, blocks.flatMap((block) => [...block])]));
        return {
          report: await store.put(await renderReport(await store.getJson<Result>(result), { latency: milliseconds }), mediaTypes.html),
        };
      }),
  };
}

/** What `checks.drift.against` names: the newest snapshot of finished experiments of this name. */
export async function previousSnapshot(store: Store, spec: ResolvedSpec): Promise<{ snapshot: Snapshot; digest: string } | null> {
  if (spec.checks.drift.against === 'none') return null;
  const before = await store.refs.get<Ref>(refNames.latestSnapshot(spec.name));
  return before && { snapshot: await store.getJson<Snapshot>(before.value), digest: before.value.digest };
}

async function profiles(store: Store, snapshot: Snapshot): Promise<Record<(typeof splitNames)[number], SplitProfile>> {
  const [train, validation, test] = await Promise.all(splitNames.map((split) => store.getJson<SplitProfile>(snapshot.profiles[split])));
  return { train, validation, test } as Record<(typeof splitNames)[number], SplitProfile>;
}
