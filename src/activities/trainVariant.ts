import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledFailure, Context } from '@temporalio/activity';
import {
  AssayError,
  type GpuActivities,
  type ResolvedSpec,
  type RunRecord,
  type Snapshot,
  type TrainInput,
  type TrainProgress,
  type TrainedRun,
  mediaTypes,
} from '../contract';
import { materialise, readSplit } from '../data';
import { collectOutputs, eventsUpTo, findTrainer, logTail, mapExit, mergeEvents, startTrainer, supervise } from '../executor';
import { runCheckpoints } from './checkpoints';
import { whileHeartbeating } from './heartbeat';
import { type GpuDeps, runDir } from './host';
import { graceSeconds, runFileFor } from './runFile';

/** What was restored before this epoch's trainer started; a successor that adopts it needs the same. */
interface Restored {
  step: number | null;
  usedSeconds: number;
  findings: string[];
  startedAt: number;
}

/**
 * One epoch of one run on this host. A living trainer of the epoch is adopted, one that has ended is collected,
 * and only if none was ever started is one started, from the newest checkpoint that verifies.
 */
export function createTrainVariant(deps: GpuDeps): GpuActivities['trainVariant'] {
  return async (input) => {
    const progress: TrainProgress = {
      epoch: input.epoch,
      host: deps.host,
      pid: null,
      phase: 'starting',
      step: 0,
      totalSteps: null,
      loss: null,
      throughput: null,
      checkpointStep: null,
    };
    const holder = Context.current().info.workflowExecution?.workflowId ?? input.claim.claimId;
    const token = deps.slots.occupy(input.claim, holder);
    try {
      return await whileHeartbeating(
        () => attempt(deps, input, progress),
        () => ({ ...progress }),
      );
    } finally {
      deps.slots.release(input.claim.claimId, token);
    }
  };
}

async function attempt(deps: GpuDeps, input: TrainInput, progress: TrainProgress): Promise<TrainedRun> {
  const { store, host, home } = deps;
  const { key, epoch } = input;
  const context = Context.current();
  const [spec, snapshot] = await Promise.all([store.getJson<ResolvedSpec>(input.spec), store.getJson<Snapshot>(input.snapshot)]);
  const data = await materialise({ snapshotRef: input.snapshot, store, dir: join(home, 'cache', 'snapshots') });
  const dir = join(runDir(home, key), `epoch-${epoch}`);
  const checkpoints = runCheckpoints(store, key);
  const record = await checkpoints.open(epoch);
  await mkdir(dir, { recursive: true });

  let found = await findTrainer(dir);
  if (found.state === 'absent') {
    progress.phase = 'restoring';
    const restored = await restore();
    const { runFile, command, cwd, env } = runFileFor({
      ...{ spec, snapshot, data, key, dir, mode: input.mode, epoch },
      resume: restored.step === null ? null : join(dir, 'resume', `step-${restored.step}`),
      usedSeconds: restored.usedSeconds,
      python: deps.python,
      runtimeDir: deps.runtimeDir,
    });
    progress.phase = 'starting';
    await startTrainer({ dir, runFile, command, cwd, env, limits: { cpus: spec.runtime.cpus } }).catch((error: unknown) => {
      // Another attempt of this epoch was quicker: its trainer is adopted.
      if (!(error instanceof AssayError) || error.details?.reason !== 'already-started') throw error;
    });
    found = await findTrainer(dir);
  }
  const restored = JSON.parse(await readFile(join(dir, 'restored.json'), 'utf8')) as Restored;
  const previous = restored.step === null ? null : await readFile(join(dir, 'restored-events.jsonl'));
  const secondsUsed = (until: number): number => restored.usedSeconds + Math.max(0, until - restored.startedAt) / 1000;

  progress.phase = 'training';
  progress.step = restored.step ?? 0;
  progress.pid = found.state === 'running' ? found.identity.pid : null;
  const stored = new Set(record.checkpoints.filter((c) => c.epoch === epoch).map((c) => c.step));
  const ended = await supervise({
    dir,
    onProgress: (now) => Object.assign(progress, now),
    async onCheckpoint(step, folder) {
      if (stored.has(step)) return;
      const manifest = await store.putFolder(folder);
      const own = await eventsUpTo(join(dir, 'out', 'events.jsonl'), step);
      const events = await store.put(mergeEvents(previous, own, restored.step), mediaTypes.jsonLines);
      await checkpoints.add(epoch, { step, epoch, manifest, events, usedSeconds: secondsUsed(Date.now()) });
      progress.checkpointStep = step;
    },
    signal: context.cancellationSignal,
    // Only a requested cancel stops a trainer; everything else leaves it to the next supervisor.
    onAbort: () => (context.cancellationDetails?.cancelRequested ? 'stop' : 'detach'),
    graceSeconds,
  });
  if (ended.reason !== 'exited')
    throw new CancelledFailure(ended.reason === 'detached' ? 'left to the next supervisor' : 'stopped on request');

  const { exit, peakMemoryBytes, warnings } = ended;
  const failure = mapExit(exit, await logTail(dir, 40));
  if (failure) throw failure;
  progress.phase = 'collecting';
  return collect();

  async function restore(): Promise<Restored> {
    const findings: string[] = [];
    const from = await checkpoints.restore(record, join(dir, 'resume'), findings);
    if (from) await writeFile(join(dir, 'restored-events.jsonl'), from.events);
    const value: Restored = {
      step: from?.checkpoint.step ?? null,
      usedSeconds: from?.checkpoint.usedSeconds ?? 0,
      findings,
      startedAt: Date.now(),
    };
    // By rename: an attempt that dies here leaves none or a whole one.
    await writeFile(join(dir, 'restored.json.new'), JSON.stringify(value));
    await rename(join(dir, 'restored.json.new'), join(dir, 'restored.json'));
    return value;
  }

  async function collect(): Promise<TrainedRun> {
    const test = await readSplit(data.splits.test);
    const outputs = await collectOutputs({
      dir,
      testIds: test.map((row) => row.id),
      labels: test.map((row) => snapshot.classes.indexOf(row.label)),
      classes: snapshot.classes.length,
    });
    const events = mergeEvents(previous, await readFile(outputs.eventsFile), restored.step);
    const artifacts: RunRecord['artifacts'] = {
      predictions: await store.putFolder(outputs.predictionsDir),
      events: await store.put(events, mediaTypes.jsonLines),
      model: outputs.modelDir === null ? null : await store.putFolder(outputs.modelDir),
      log: await store.put(await logTail(dir, 5000), mediaTypes.text),
      result: await store.putJson(outputs.result),
    };
    const run: RunRecord = {
      schema: 'assay.run/1',
      key,
      epoch,
      host,
      resumedFromStep: restored.step,
      steps: outputs.result.steps,
      samples: outputs.result.samples,
      seconds: secondsUsed(Date.parse(exit.endedAt)),
      peakMemoryBytes,
      trainerMetrics: outputs.result.metrics,
      environment: outputs.result.environment,
      warnings: [...restored.findings, ...warnings],
      artifacts,
    };
    // A late result of an old epoch is refused here, before anything refers to it.
    await checkpoints.open(epoch);
    return { epoch, host, steps: run.steps, model: artifacts.model, record: await store.putJson(run) };
  }
}
