import { buildResult } from '../../activities/buildResult';
import type { AnalyseInput, ExperimentRecord, LatencyOutcome, ResolvedSpec, Result, RunOutcome, RunRecord } from '../../contract';
import { experimentPlan } from '../../contract/plan';
import { runFolder } from '../../publish/contents';
import type { Store } from '../../store';
import { withTemporaryFolder } from '../temporaryFolder';

/** Relative; the same program on another processor may differ in the last digits. */
const tolerance = 1e-9;

/** Where the numbers of a result are not those that its stored predictions give, in the order of the result. */
export async function recomputed(store: Store, record: ExperimentRecord, result: Result): Promise<{ name: string; detail: string }[]> {
  const input = await inputOf(store, record, result);
  const { result: again } = await withTemporaryFolder('assay-verify-', (home) => buildResult({ store, uiUrl: null, home }, input, ''));
  const found: { name: string; detail: string }[] = [];
  for (const part of ['variants', 'comparisons', 'breakdowns'] as const) {
    const [stored, now] = [numbersOf(result, part), numbersOf(again, part)];
    for (const [at, value] of now) {
      const told = stored.get(at);
      if (told !== undefined && !same(told, value))
        found.push({ name: at, detail: `the result says ${told}, its predictions give ${value}` });
      if (told === undefined) found.push({ name: at, detail: `the result does not have it, its predictions give ${value}` });
    }
  }
  return found;
}

/** What the analysis was given, as far as its numbers go; what led to its checks is not computed again. */
async function inputOf(store: Store, record: ExperimentRecord, result: Result): Promise<AnalyseInput> {
  const contents = result.contents ?? [];
  const refOf = (name: string) => contents.find((content) => content.name === name) ?? null;
  const spec = await store.getJson<ResolvedSpec>(record.spec);
  if (record.snapshot === null) throw new Error('a result without a snapshot');
  const runs = result.variants.flatMap(({ name: variant, runs: own }) => own.map((run) => ({ variant, run })));
  const outcomes = runs.map(async ({ variant, run }): Promise<RunOutcome> => {
    const ref = refOf(`${runFolder({ variant, seed: run.seed })}/record.json`);
    const { status, attempts, failures, remedy, failure, steps } = run;
    const read = ref === null ? null : await store.getJson<RunRecord>(ref);
    return {
      ...{ status, attempts, failures, remedy, failure, findings: [] },
      key: { experimentId: record.experimentId, variant, seed: run.seed },
      trained:
        ref === null || read === null ? null : { epoch: read.epoch, host: read.host, steps, model: run.artifacts.model, record: ref },
    };
  });
  const measurements = contents.flatMap((lines) => {
    const variant = /^latency\/(.+)\.jsonl$/.exec(lines.name)?.[1];
    return variant === undefined ? [] : [{ variant, lines }];
  });
  const latency: LatencyOutcome | null = measurements.length === 0 ? null : { host: '', model: '', measurements };
  return {
    plan: { ...experimentPlan(spec, record.experimentId, record.spec), seeds: result.plan.seeds, plan: result.plan },
    snapshot: { ref: record.snapshot, digest: result.snapshot.digest, rows: result.snapshot.rows, splits: result.snapshot.splits },
    ...{ sourceChanged: null, checks: [], runs: await Promise.all(outcomes), latency, provenance: record.provenance },
    ...{ workflow: record.workflow, startedAt: result.startedAt, audit: result.audit },
  };
}

/** Every number and null below a part, by where it stands; metrics that runs only told are in there too. */
function numbersOf(result: Result, part: 'variants' | 'comparisons' | 'breakdowns'): Map<string, number | null> {
  const found = new Map<string, number | null>();
  const walk = (value: unknown, at: string): void => {
    if (value === null || typeof value === 'number') found.set(at, value);
    else if (typeof value === 'object') for (const [key, member] of Object.entries(value)) walk(member, `${at}/${key}`);
  };
  if (part === 'variants')
    for (const { name, metrics, perClass, latency, runs } of result.variants)
      walk(
        { metrics, perClass, latency, runs: Object.fromEntries(runs.map(({ seed, metrics: own }) => [`seed-${seed}`, own])) },
        `variants/${name}`,
      );
  else if (part === 'comparisons')
    for (const comparison of result.comparisons) walk(comparison, `comparisons/${comparison.variant}/${comparison.metric}`);
  else for (const breakdown of result.breakdowns ?? []) walk(breakdown, `breakdowns/${breakdown.variant}`);
  return found;
}

const same = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
