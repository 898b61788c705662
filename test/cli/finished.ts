import { MockActivityEnvironment } from '@temporalio/testing';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createAnalysisActivities } from '../../src/activities/analysis';
import { createControlActivities } from '../../src/activities/control';
import { pin, refsIn } from '../../src/activities/pins';
import { version } from '../../src/cli/version';
import {
  type CheckpointRecord,
  type ExperimentRecord,
  type LatencyOutcome,
  mediaTypes,
  noRemedy,
  type Ref,
  refNames,
  type RunKey,
  type RunOutcome,
  type RunRecord,
} from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import { writeNpy } from '../../src/contract/npy';
import type { SplitRow } from '../../src/data';
import type { Store } from '../../src/store';

export const experimentId = 'flowers-20260102-030405-ab12';
export const classes = ['ash', 'elm', 'oak'];
const seeds = [1, 2, 3];

const spec = `name: flowers
hypothesis: The wide one is more accurate.
owner: garden
data: {source: data.csv, label: label, id: id, slices: [{name: tall, where: "x > 0.8"}]}
training:
  command: [python, train.py]
  seeds: [${seeds.join(', ')}]
  budget: {epochs: 5}
variants:
  - {name: narrow, control: true, params: {width: 1}}
  - {name: wide, params: {width: 8}}
varies: [width]
evaluation: {metrics: [accuracy, f1_macro, log_loss, latency_p95]}
analysis: {resamples: 1000, guardrails: [{metric: latency_p95, maxIncrease: 50%}]}
`;

/** A finished experiment in `store`, made by the activities themselves from what trainers would have left; nothing was trained. */
export async function finishedExperiment(store: Store, folder: string): Promise<ExperimentRecord> {
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const uniform = generator(3);
  const rows = Array.from({ length: 400 }, (_, i) => `r${i},${classes[i % 3]},${uniform().toFixed(4)},${uniform().toFixed(4)}`);
  write('data.csv', `id,label,x,y\n${rows.join('\n')}\n`);
  // More than eight small files are a pack.
  for (let i = 0; i < 9; i++) write(`code/part${i}.py`, `print(${i})\n`);
  const root = join(folder, 'home');
  mkdirSync(root, { recursive: true });

  const resolved = loadSpec(spec, { file: 'experiment.yaml', root: folder });
  const [specRef, code, diff] = [
    await store.putJson(resolved),
    await store.putFolder(join(folder, 'code')),
    await store.put('a diff\n', mediaTypes.text),
  ];
  const provenance = await store.putJson({
    assay: version,
    git: { commit: '4f2a9c1be07d3158a6620b95c77f1e4d80aa3c52', dirty: true, remote: null, diff },
    dvc: null,
    spec: specRef.digest,
    host: 'host-1',
    user: 'mara',
    command: ['assay', 'run', 'experiment.yaml'],
    environment: { node: 'v20' },
    source: spec,
  });
  const workflow = { id: `assay/${experimentId}`, runId: 'run-1' };
  const control = createControlActivities({ store });
  const plan = await control.registerExperiment({ experimentId, spec: specRef, provenance, code, workflow });
  const deps = { store, home: root, python: null, runtimeDir: join(folder, 'runtime'), uiUrl: null };
  const activities = createAnalysisActivities(deps);
  const env = new MockActivityEnvironment();
  const run = <I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> =>
    env.run<[I], O, (input: I) => Promise<O>>(activity, input);
  const snapshot = await run(activities.snapshotData, { experimentId, spec: specRef });
  const { checks, findings } = await run(activities.checkData, { experimentId, spec: specRef, snapshot: snapshot.ref });

  const { splits } = await store.getJson<{ splits: { test: { ref: Ref } } }>(snapshot.ref);
  const test = (await store.get(splits.test.ref))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SplitRow);
  const runs: RunOutcome[] = [];
  for (const variant of ['narrow', 'wide'])
    for (const seed of seeds) runs.push(await trained({ store, write, folder, uniform }, { experimentId, variant, seed }, test, code));
  const latency: LatencyOutcome = { host: 'host-1', model: 'cpu', measurements: [] };
  for (const variant of ['narrow', 'wide']) {
    const lines = Array.from({ length: 200 }, (_, i) =>
      JSON.stringify({ block: Math.floor(i / 20), step: i, batch: 32, ms: 2 + uniform(), warmup: false }),
    );
    latency.measurements.push({ variant, lines: await store.put(`${lines.join('\n')}\n`, mediaTypes.jsonLines) });
  }
  const startedAt = '2026-01-02T03:04:05.000Z';
  const input = { plan, snapshot, sourceChanged: null, checks, findings: findings ?? null, runs, latency, provenance, workflow, startedAt };
  const { result, verdict, predictions } = await run(activities.analyseExperiment, input);
  const { report } = await run(activities.renderReport, { result, latency });
  await pin(store, experimentId, refsIn([specRef, snapshot, runs, latency, result, report, predictions]));
  await control.publishResult({
    experimentId,
    name: plan.name,
    snapshot,
    result,
    report,
    verdict,
    ...(predictions ? { predictions } : {}),
  });
  await store.settle();
  const record = await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId));
  if (record === null) throw new Error('the experiment has no record');
  return record.value;
}

interface Room {
  store: Store;
  folder: string;
  write: (path: string, content: string | Uint8Array) => void;
  uniform: () => number;
}

async function trained({ store, write, folder, uniform }: Room, key: RunKey, test: SplitRow[], code: Ref): Promise<RunOutcome> {
  const run = `runs/${key.variant}-${key.seed}`;
  const right = key.variant === 'wide' ? 0.93 : 0.72;
  const labels = Int32Array.from(test, ({ label }) => classes.indexOf(label));
  const scores = new Float32Array(test.length * classes.length);
  labels.forEach((label, row) => {
    const top = uniform() < right ? label : (label + 1) % classes.length;
    for (let c = 0; c < classes.length; c++) scores[row * classes.length + c] = c === top ? 0.75 : 0.125;
  });
  write(`${run}/predictions/ids.npy`, writeNpy(test.map(({ id }) => String(id))));
  write(`${run}/predictions/labels.npy`, writeNpy(labels));
  write(`${run}/predictions/scores.npy`, writeNpy(scores, [test.length, classes.length]));
  write(`${run}/model/model.bin`, `weights ${run}`);
  write(`${run}/checkpoint/state.bin`, `state ${run}`);
  const json = (value: unknown): string => `${JSON.stringify(value)}\n`;
  const steps = Array.from({ length: 12 }, (_, i) =>
    json({ type: 'step', step: i + 1, loss: 1 / (i + 1), accuracy: 0.5, seed: key.seed, variant: key.variant }),
  );
  const events = await store.put(steps.join(''), mediaTypes.jsonLines);
  const environment = { python: '3.11.7', platform: 'linux', assay_runtime: '1.0.0', numpy: '2.4.1', sklearn: '1.9.0' };
  const [predictions, model, checkpoint] = [
    await store.putFolder(join(folder, run, 'predictions')),
    await store.putFolder(join(folder, run, 'model')),
    await store.putFolder(join(folder, run, 'checkpoint')),
  ];
  const record: RunRecord = {
    ...{ schema: 'assay.run/1', key, epoch: 1, host: 'host-1', resumedFromStep: null, steps: 12, samples: 768, seconds: 12 },
    ...{ peakMemoryBytes: 5e8, trainerMetrics: {}, environment, warnings: [], remedy: noRemedy, image: null, code },
    ...{ devices: [], model: 'cpu', telemetry: null, health: [], dataStall: null, leaks: [], warmStart: null },
    artifacts: {
      ...{ predictions, events, model },
      log: await store.put(`log of ${run}\n`, mediaTypes.text),
      result: await store.put(json({ metrics: {}, steps: 12, samples: 768, environment, run }), mediaTypes.json),
      telemetry: await store.put(json({ timestamp: '2026-01-02T03:04:06Z', uuid: 'GPU-1', run }), mediaTypes.jsonLines),
    },
  } as RunRecord;
  await store.refs.update<CheckpointRecord>(refNames.checkpoints(key.experimentId, key.variant, key.seed), () => ({
    schema: 'assay.checkpoints/1',
    epoch: 1,
    checkpoints: [
      { step: 10, epoch: 1, manifest: checkpoint, events, usedSeconds: 10, remedy: 0, savedAt: '2026-01-02T03:04:06Z', telemetry: null },
    ],
  }));
  const own = await store.putJson(record);
  return {
    ...{ key, status: 'done', attempts: 1, findings: [], remedy: noRemedy, failure: null },
    trained: { epoch: 1, host: 'host-1', steps: 12, model, record: own },
    failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 },
  };
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
