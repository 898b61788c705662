import { type RunStreams, compareRun, differences, failedRun, replaySentence, stepStreams } from '../analysis';
import {
  AssayError,
  type Discrepancy,
  type ExperimentRecord,
  type Manifest,
  type Ref,
  type ReplayAnalysisActivities,
  type ReplayInput,
  type ReplayReport,
  type ReplayRun,
  type ReplayedRun,
  type ResolvedImage,
  type ResolvedSpec,
  type Result,
  type RunOutcome,
  type RunRecord,
  type RunResult,
  refNames,
  replayClasses,
} from '../contract';
import { readNpy } from '../contract/npy';
import { parseEvent } from '../executor';
import type { Store } from '../store';
import { whileHeartbeating } from './heartbeat';

/** Each run of a replay against the run that it repeats, read from the store alone. */
export function createReplayAnalysisActivities({ store }: { store: Store }): ReplayAnalysisActivities {
  return {
    compareReplay: ({ replay, runs, image, startedAt }) =>
      whileHeartbeating(async () => {
        const { experimentId, of, tolerance } = replay;
        const [result, changed] = await Promise.all([store.getJson<Result>(replay.result), changedOf(store, replay)]);
        const compared: ReplayedRun[] = [];
        // In turn: the predictions of one pair are in memory at a time.
        for (const wanted of replay.runs) compared.push(await compare(store, { result, wanted, changed, image, tolerance, runs }));
        const worst = Math.max(0, ...compared.map((run) => replayClasses.indexOf(run.class)));
        const report: ReplayReport = {
          ...{ schema: 'assay.replay/1', experiment: experimentId, of, startedAt, finishedAt: new Date().toISOString() },
          class: replayClasses[worst] ?? 'different',
          sentence: replaySentence(of, compared),
          ...{ tolerance, changed, runs: compared },
        };
        return { experimentId, class: report.class, sentence: report.sentence, report: await store.putJson(report) };
      }),
  };
}

interface Pair {
  result: Result;
  wanted: ReplayRun;
  changed: Discrepancy[];
  image: ResolvedImage | null;
  tolerance: ReplayInput['tolerance'];
  runs: RunOutcome[];
}

async function compare(store: Store, { result, wanted, changed, image, tolerance, runs }: Pair): Promise<ReplayedRun> {
  const { variant, seed } = wanted;
  const original = runOf(result, variant, seed);
  const outcome = runs.find(({ key }) => key.variant === variant && key.seed === seed);
  const trained = outcome?.trained ?? null;
  const of = {
    variant,
    seed,
    hosts: { original: original.host, replay: trained?.host ?? null },
    record: trained?.record ?? null,
    failure: outcome?.failure ?? null,
  };
  if (trained === null) {
    const message = outcome?.failure === undefined || outcome.failure === null ? 'no outcome' : messageOf(outcome.failure);
    return { ...of, ...failedRun([], message, changed) };
  }
  const record = await store.getJson<RunRecord>(trained.record);
  const { predictions, events } = original.artifacts;
  if (predictions === null || events === null)
    throw new AssayError('NotFound', `${variant} seed ${seed} of the original left nothing to compare with`);
  const before = await streamsOf(store, predictions, events, {
    ...original.environment,
    ...placeOf(original.imageId, original.device.model),
  });
  const now = await streamsOf(store, record.artifacts.predictions, record.artifacts.events, {
    ...record.environment,
    ...placeOf(image?.id ?? null, record.devices.length === 0 ? 'cpu' : record.model),
  });
  return { ...of, ...compareRun(before, now, tolerance, changed) };
}

const placeOf = (image: string | null, device: string) => ({ ...(image === null ? {} : { image }), 'device model': device });

const messageOf = ({ type, message }: { type: string; message: string }): string => `${type}: ${message.split('\n', 1)[0]}`;

function runOf(result: Result, variant: string, seed: number): RunResult {
  const run = result.variants.find(({ name }) => name === variant)?.runs.find((each) => each.seed === seed);
  if (run === undefined) throw new AssayError('NotFound', `the result of ${result.experiment} has no run ${variant} seed ${seed}`);
  return run;
}

async function streamsOf(store: Store, predictions: Ref, events: Ref, environment: Record<string, unknown>): Promise<RunStreams> {
  const [text, { files }] = await Promise.all([store.get(events), store.getJson<Manifest>(predictions)]);
  const array = async (name: string) => {
    const file = files.find(({ path }) => path === name);
    if (file === undefined) throw new AssayError('ObjectCorrupt', `the predictions ${predictions.digest} lack ${name}`);
    return readNpy(await store.get(file));
  };
  const [ids, scores] = await Promise.all([array('ids.npy'), array('scores.npy')]);
  const rows = ids.values.length;
  return {
    ...stepStreams(
      text
        .toString('utf8')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : (parseEvent(line) ?? []))),
    ),
    predictions: {
      ids: ids.values as ArrayLike<string | number | bigint>,
      scores: scores.values as ArrayLike<number>,
      classes: rows === 0 ? 0 : scores.values.length / rows,
    },
    environment,
  };
}

/** What is not as the record of the original says; its record, since a replay may be of another machine's experiment. */
async function changedOf(store: Store, replay: ReplayInput): Promise<Discrepancy[]> {
  const found = await store.refs.get<ExperimentRecord>(refNames.experiment(replay.of));
  if (found === null) return [];
  const { spec, snapshot, code } = found.value;
  const [before, now] = await Promise.all([store.getJson<ResolvedSpec>(spec), store.getJson<ResolvedSpec>(replay.spec)]);
  return [
    ...(snapshot !== null && snapshot.digest !== replay.snapshot.digest
      ? [{ what: 'data', original: snapshot.digest, replay: replay.snapshot.digest }]
      : []),
    ...differences(leaves(before), leaves(now)),
    ...(code && code.digest !== replay.code?.digest
      ? [{ what: 'code', original: code.digest, replay: replay.code?.digest ?? 'its folder' }]
      : []),
  ];
}

/** `training.params.rate` and so on; where it ran and who was told has no part in what came out. */
function leaves({ root: _root, notify: _notify, ...spec }: ResolvedSpec): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const walk = (value: unknown, path: string): void => {
    if (value !== null && typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) {
        const name = Array.isArray(value) ? String((inner as { name?: string } | null)?.name ?? key) : key;
        walk(inner, path === '' ? name : `${path}.${name}`);
      }
    else found[path] = value;
  };
  walk(spec, '');
  return found;
}
