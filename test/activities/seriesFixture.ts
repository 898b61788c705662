import {
  type Comparison,
  mediaTypes,
  type Outcome,
  type Ref,
  refNames,
  type Result,
  type SeriesLook,
  type SeriesPlan,
  type SeriesRecord,
  type Snapshot,
} from '../../src/contract';
import { writeNpy } from '../../src/contract/npy';
import { normalQuantile, normalSurvival } from '../../src/stats';
import type { Store } from '../../src/store';
import { makeResult } from '../report/fixture';

const somewhere: Ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: mediaTypes.json };

export function seriesOf(plan: Partial<SeriesPlan> = {}, question: Partial<SeriesRecord['question']> = {}): SeriesRecord {
  const { scheme = 'overlapping', alpha = 0.05, maxRuns = null, gpuHours = null } = plan;
  return {
    schema: 'assay.series/1',
    name: 'nightly',
    createdAt: '2026-11-01T00:00:00.000Z',
    experiment: 'digits',
    hypothesis: null,
    spec: somewhere,
    provenance: somewhere,
    code: null,
    question: {
      ...{ primary: 'accuracy', question: 'artifact', test: 'superiority', margin: 0, marginRelative: false },
      ...{ control: 'logistic', candidates: ['mlp'] },
      ...question,
    },
    plan: { scheme, alpha, maxRuns, gpuHours },
    timing: {
      ...{ cron: ['0 2 * * *'], every: [], calendars: [], timezone: null, jitter: 0, startAt: null, endAt: null },
      ...{ overlap: 'skip', catchup: 3600, pauseOnFailure: false },
    },
    state: 'running',
    looks: [],
    ledger: { plan: { scheme: scheme === 'new-units' ? 'always-valid' : 'overlapping', alpha }, looks: [] },
    units: null,
    failures: [],
    runs: 0,
    gpuHours: 0,
    alerts: [],
  };
}

/** Nightly looks whose effect grows while the bounds of the running mean shrink; the sixth turns, the last decides. */
export function nightly(count: number, scheme: SeriesRecord['plan']['scheme'] = 'overlapping'): SeriesRecord {
  const record = seriesOf({ scheme }, { margin: 0.005 });
  record.hypothesis = 'The MLP <stays> ahead & ahead.';
  record.looks = Array.from({ length: count }, (_, i): SeriesLook => {
    const difference = 0.004 + 0.012 * (1 - 1 / (i + 1)) + 0.002 * Math.sin(i * 1.7);
    const half = 0.03 / Math.sqrt(i + 1);
    const day = String((i % 28) + 1).padStart(2, '0');
    return {
      ...{ look: i + 1, experimentId: `digits-202611${day}-020000-ab${i}`, when: `2026-11-${day}T02:00:00.000Z` },
      ...{ snapshot: `sha256:${'3f'.repeat(32)}`, verdict: i > 4 ? 'adopt' : 'inconclusive', variant: 'mlp', metric: 'accuracy' },
      ...{ difference, low: difference - half, high: difference + half, confidence: 0.99, information: 359 * (i + 1), newUnits: 359 },
      ...{ pValue: 0.2 / (i + 1) ** 2, boundary: 0.03 / (i + 1) ** 2, alphaSpent: 0.001, cumulativeAlpha: 0.001 * (i + 1) },
      ...{ decision: i === count - 1 ? 'adopt' : 'continue', note: null, gpuHours: 0, inputs: String(i) },
      sequence: scheme === 'new-units' ? { difference, low: difference - half * 1.2, high: difference + half * 1.2, e: 2 } : null,
      drift: i === 8 ? 'pixel_3_4 moved by 0.21 (KS)' : null,
      alert: i === 5 ? 'The verdict turned from inconclusive to adopt' : null,
    };
  });
  record.alerts = [{ look: 6, when: '2026-11-06T02:00:00.000Z', sentence: 'The verdict turned from inconclusive to adopt' }];
  record.runs = count + 1;
  record.failures = [{ experimentId: 'digits-x', when: '2026-11-09T02:00:00.000Z', status: 'failed', message: 'DataInvalid: no label' }];
  return record;
}

export async function opened(store: Store, record: SeriesRecord): Promise<void> {
  await store.refs.set(refNames.series(record.name), record, null);
}

interface Wanted {
  difference: number;
  standardError: number;
  outcome?: Outcome;
  question?: 'artifact' | 'algorithm';
  test?: Result['plan']['test'];
  margin?: number;
  snapshot?: string;
  n?: number;
}

const one = makeResult({ candidates: ['mlp'], seeds: [1], points: 1 });

/** An experiment that measured this, with a normal interval at 95 % (90 % for equivalence), and the verdict that follows from it. */
export function measured({
  difference,
  standardError,
  question = 'artifact',
  test = 'superiority',
  margin = 0,
  ...wanted
}: Wanted): Result {
  const confidence = test === 'equivalence' ? 0.9 : 0.95;
  const half = -normalQuantile((1 - confidence) / 2) * standardError;
  const [low, high] = [difference - half, difference + half];
  const first = one.comparisons.find(({ role }) => role === 'primary') as Comparison;
  const comparison: Comparison = {
    ...first,
    ...{ difference, low, high, confidence, claim: question, n: wanted.n ?? 1000, ratio: null },
    pValue: Math.min(1, 2 * normalSurvival(Math.abs(difference) / standardError)),
    adjustedPValue: null,
  };
  const outcome = wanted.outcome ?? ruled({ low, high, test, margin });
  return {
    ...one,
    plan: { ...one.plan, question, test, margin, marginRelative: false, guardrails: [] },
    verdict: { outcome, harm: false, variant: outcome === 'adopt' ? 'mlp' : null, sentence: `It is ${outcome}.`, reasons: [] },
    snapshot: { ...one.snapshot, ...(wanted.snapshot === undefined ? {} : { record: wanted.snapshot, digest: wanted.snapshot }) },
    variants: one.variants.map((variant) => ({
      ...variant,
      runs: variant.runs.map((run) => ({ ...run, artifacts: { ...run.artifacts, predictions: null } })),
    })),
    comparisons: [comparison],
    checks: [],
  };
}

function ruled({ low, high, test, margin }: { low: number; high: number; test: string; margin: number }): Outcome {
  if (test === 'equivalence')
    return low > -margin && high < margin ? 'equivalent' : high <= -margin || low >= margin ? 'keep' : 'inconclusive';
  const bound = test === 'superiority' ? margin : -margin;
  return low > bound ? 'adopt' : high <= bound ? 'keep' : 'inconclusive';
}

export interface Row {
  id: string;
  unit?: string;
  label: 0 | 1;
  /** Whether each arm is right. */
  control: boolean;
  variant: boolean;
}

/** An experiment whose test split and predictions are objects in the store, one run an arm. */
export async function experimentOn(store: Store, rows: readonly Row[], outcome: Outcome = 'inconclusive'): Promise<Result> {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  const lines = sorted.map(({ id, unit, label }) => JSON.stringify({ id, label: String(label), ...(unit === undefined ? {} : { unit }) }));
  const test = { rows: rows.length, ref: await store.put(`${lines.join('\n')}\n`, mediaTypes.jsonLines) };
  const snapshot = { schema: 'assay.snapshot/2', classes: ['0', '1'], splits: { test } } as unknown as Snapshot;
  const { digest } = await store.putJson(snapshot);
  const predictions = async (arm: 'control' | 'variant'): Promise<Ref> => {
    const scores = Float64Array.from(sorted.flatMap((row) => (row[arm] === (row.label === 1) ? [0.2, 0.8] : [0.8, 0.2])));
    const files = {
      'ids.npy': writeNpy(sorted.map(({ id }) => id)),
      'labels.npy': writeNpy(Int32Array.from(sorted, ({ label }) => label)),
      'scores.npy': writeNpy(scores, [sorted.length, 2]),
    };
    const stored = await Promise.all(
      Object.entries(files).map(async ([path, bytes]) => {
        const ref = await store.put(Buffer.from(bytes), mediaTypes.npy);
        return { path, size: ref.size, digest: ref.digest };
      }),
    );
    return { ...(await store.putJson({ files: stored })), mediaType: mediaTypes.manifest };
  };
  const arms = { logistic: await predictions('control'), mlp: await predictions('variant') };
  const result = measured({ difference: 0, standardError: 0.01, outcome, snapshot: digest });
  return {
    ...result,
    variants: result.variants.map((variant) => ({
      ...variant,
      runs: variant.runs.map((run) => ({ ...run, artifacts: { ...run.artifacts, predictions: arms[variant.name as keyof typeof arms] } })),
    })),
  };
}

/** The same numbers every time, in [0, 1). */
export function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
