import { createHash } from 'node:crypto';
import { log } from '@temporalio/activity';
import { alignRun } from '../analysis';
import { addUnits, lookAt, type MeanMetric, noUnits, seriesSummary, type UnitDifference, unitDifferences } from '../analysis/series';
import {
  AssayError,
  type LookActivities,
  type LookDecision,
  type Manifest,
  refNames,
  type Result,
  type SeriesRecord,
  type Snapshot,
  type UnitsSeen,
} from '../contract';
import { readNpy } from '../contract/npy';
import type { SplitRow } from '../data';
import type { Store } from '../store';
import { whileHeartbeating } from './heartbeat';
import { afterRun, gone, knows, seriesRecord } from './series';

export function createLookActivities({ store }: { store: Store }): LookActivities {
  return {
    recordLook: ({ series, experimentId, when, result: ref }) =>
      whileHeartbeating(async () => {
        const result = await store.getJson<Result>(ref);
        const first = await seriesRecord(store, series);
        const inputs = await inputsOf(store, result);
        const differences = first.plan.scheme === 'new-units' ? await unitsOf(store, first, result) : null;
        const record = await written(store, series, async (before) => {
          if (knows(before, experimentId)) return null;
          const sequence = differences === null ? null : addUnits(await seenUnits(store, before), differences);
          const { look, ledger } = lookAt(before, { experimentId, when, result, inputs, sequence });
          const counted = look.sequence !== null && sequence?.units ? await store.putJson(sequence.units) : before.units;
          const run = afterRun(before, look.gpuHours);
          const ended = endOf(look.decision);
          return {
            ...before,
            ...run,
            state: before.state === 'running' && ended !== null ? ended : run.state,
            looks: [...before.looks, look],
            ledger,
            units: counted,
            alerts:
              look.alert === null ? before.alerts : [...before.alerts, { look: look.look, when, sentence: look.alert }].slice(-keptAlerts),
          };
        });
        const look = record.looks.find((each) => each.experimentId === experimentId);
        if (look === undefined) throw new AssayError('Internal', `series ${series} holds ${experimentId} as a failure and as a look`);
        if (look.alert !== null) log.warn(look.alert, { series, experiment: experimentId });
        return { look: look.look, decision: look.decision, alert: look.alert, summary: seriesSummary(record) };
      }),
  };
}

const keptAlerts = 100;

const endOf = (decision: LookDecision): 'decided' | 'futile' | null =>
  decision === 'adopt' || decision === 'equivalent' ? 'decided' : decision === 'keep' ? 'futile' : null;

/** Compare and swap with a change that needs the store; null leaves the record as it is. */
async function written(
  store: Store,
  series: string,
  change: (before: SeriesRecord) => Promise<SeriesRecord | null>,
): Promise<SeriesRecord> {
  const name = refNames.series(series);
  for (;;) {
    const found = await store.refs.get<SeriesRecord>(name);
    if (found === null) throw gone(store, series);
    const next = await change(found.value);
    if (next === null) return found.value;
    try {
      await store.refs.set(name, next, found.version);
      return next;
    } catch (error) {
      // Another run of the series was recorded meanwhile: its look comes first.
      if ((error as Error).name !== 'RefConflict') throw error;
    }
  }
}

/** What a look compares: the snapshot with its splits, and every score. */
async function inputsOf(store: Store, { snapshot, variants }: Result): Promise<string> {
  const hash = createHash('sha256').update(snapshot.record);
  for (const { name, runs } of variants)
    for (const { seed, artifacts } of runs) {
      const files = artifacts.predictions === null ? [] : (await store.getJson<Manifest>(artifacts.predictions)).files;
      // Latencies beside them differ every time.
      const compared = files
        .filter(({ path }) => path === 'scores.npy' || path === 'ids.npy')
        .map(({ path, digest }) => `${path} ${digest}`);
      hash.update(JSON.stringify([name, seed, compared]));
    }
  return hash.digest('hex');
}

const seenUnits = async (store: Store, { units }: SeriesRecord): Promise<UnitsSeen> =>
  units === null ? noUnits : await store.getJson<UnitsSeen>(units);

/** Differences of the candidate on every unit of the test split; null where an arm has no complete predictions. */
async function unitsOf(
  store: Store,
  { question }: SeriesRecord,
  { snapshot: { record }, variants }: Result,
): Promise<{ differences: readonly UnitDifference[]; exact: boolean } | null> {
  const snapshot = await store.getJson<Snapshot>({ digest: record });
  const lines = (await store.get(snapshot.splits.test.ref)).toString('utf8').split('\n').filter(Boolean);
  const rows = lines.map((line) => JSON.parse(line) as SplitRow);
  const test = {
    ids: rows.map(({ id }) => String(id)),
    labels: Int32Array.from(rows, ({ label }) => snapshot.classes.indexOf(label)),
    classes: snapshot.classes.length,
  };
  const scores = async (name: string | undefined): Promise<Float64Array[]> => {
    const runs = variants.find((variant) => variant.name === name)?.runs ?? [];
    const loaded = await Promise.all(runs.flatMap(({ artifacts }) => artifacts.predictions ?? []).map((ref) => aligned(store, ref, test)));
    return loaded.flatMap((each) => each ?? []);
  };
  const [control, variant] = [await scores(question.control), await scores(question.candidates[0])];
  if (control.length === 0 || variant.length === 0 || rows.length === 0) return null;
  return unitDifferences({
    metric: question.primary as MeanMetric,
    ...{ labels: test.labels, classes: test.classes },
    units: rows.map(({ id, unit }) => String(unit ?? id)),
    control: { runs: control },
    variant: { runs: variant },
  });
}

async function aligned(
  store: Store,
  predictions: { digest: string },
  test: { ids: string[]; labels: Int32Array; classes: number },
): Promise<Float64Array | null> {
  const manifest = await store.getJson<Manifest>(predictions);
  const array = async (name: string) => {
    const file = manifest.files.find(({ path }) => path === name);
    return file === undefined ? null : readNpy(await store.get(file)).values;
  };
  const [predIds, predLabels, predScores] = [await array('ids.npy'), await array('labels.npy'), await array('scores.npy')];
  if (predIds === null || predScores === null) return null;
  return alignRun({
    ...test,
    predIds,
    predLabels: predLabels as ArrayLike<number> | null,
    predScores: predScores as ArrayLike<number>,
  }).scores;
}
