import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import {
  AssayError,
  type GpuActivities,
  type HealthCheck,
  type Lease,
  type Ref,
  type ResolvedSpec,
  type RunRecord,
  type Snapshot,
  type TrainInput,
  type TrainProgress,
  type TrainedRun,
  mediaTypes,
  refNames,
} from '../contract';
import { retention } from '../contract/specValues';
import { materialise, readSplit } from '../data';
import { type SuperviseResult, collectOutputs, eventsUpTo, lossCurve, mapExit, mergeEvents, supervise } from '../executor';
import { summarise } from '../gpu';
import { log, traceEnvironment } from '../observability';
import { mustBeDamage, runCheckpoints } from './checkpoints';
import { materialiseCode } from './code';
import { containerFor } from './container';
import { checkDevices, deviceTrouble, devicesGone, diagnosisOf } from './devices';
import { dataStallOf } from './dataStall';
import { toFailure } from './failure';
import { guardFinding, guardStop } from './guard';
import { type BootTime, bootTime, requireTerm } from './guardFile';
import { whileHeartbeating } from './heartbeat';
import { type GpuDeps, codeDir, executorOf, runDir, snapshotsDir } from './host';
import { graceSeconds, runFileFor } from './runFile';
import { readTelemetry, recordTelemetry } from './telemetry';
import { countUpload, followRun } from './runMetrics';
import { placeTrainer, recordTrainer } from './trainerTrace';
import { uploadCheckpoint } from './upload';

/** What stood before this epoch's trainer started; a successor that adopts it needs the same. */
interface Prepared {
  /** Step of the checkpoint it resumed, or null. */
  step: number | null;
  usedSeconds: number;
  findings: string[];
  began: Began;
  health: HealthCheck[];
  warmStart: RunRecord['warmStart'];
  /** Where its process stands in a trace; absent in what earlier versions wrote. */
  trace?: ReturnType<typeof placeTrainer>;
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
      message: '',
      step: 0,
      totalSteps: null,
      secondsLeft: null,
      device: deviceText(input.lease),
      loss: null,
      throughput: null,
      checkpointStep: null,
    };
    deps.book.begin(input.lease, input.request);
    const unfollow = followRun(progress);
    let left = false;
    try {
      return await whileHeartbeating(
        () => attempt(deps, input, progress),
        () => ({ ...progress }),
      );
    } catch (error) {
      left = isTriedAgain(error);
      throw error;
    } finally {
      unfollow();
      // A trainer that is left to the next attempt keeps its lease.
      if (left) deps.book.leave(input.lease.leaseId);
      else deps.book.end(input.lease.leaseId);
    }
  };
}

async function attempt(deps: GpuDeps, input: TrainInput, progress: TrainProgress): Promise<TrainedRun> {
  const { store, host, home, gpus } = deps;
  const { key, epoch, lease, image, remedy } = input;
  const context = Context.current();
  const [spec, snapshot] = await Promise.all([store.getJson<ResolvedSpec>(input.spec), store.getJson<Snapshot>(input.snapshot)]).catch(
    async (error: unknown) => {
      await mustBeDamage(store, refNames.experiment(key.experimentId), error);
      throw error;
    },
  );
  const executor = executorOf(deps, spec);
  const dir = join(runDir(home, key), `epoch-${epoch}`);
  const uuids = lease.devices.map((device) => device.uuid);
  const telemetryFile = join(dir, 'telemetry.jsonl');
  const { training } = spec;
  const checkpoints = runCheckpoints(store, key, { remedy: remedy.level, keep: retention(spec) });

  const data = await materialise({ snapshotRef: input.snapshot, store, dir: snapshotsDir(home), cache: deps.cache });
  // A container mounts it; a process works in its own folder, or in a copy that it may write beside.
  const code = input.code === null || image === null ? null : await materialiseCode(store, input.code, codeDir(home));
  const record = await checkpoints.open(epoch);
  await mkdir(dir, { recursive: true });

  const onMessage = (text: string): void => {
    progress.message = text;
  };

  let found = await executor.find(dir);
  const started = found.state === 'absent';
  if (started) {
    const prepared = await prepare();
    const own = input.inCode && image === null ? input.code : null;
    const folder = own === null ? null : await materialiseCode(store, own, join(dir, 'code'));
    const { runFile, command, cwd, env, mounts } = runFileFor({
      ...{ spec, snapshot, data, key, dir, mode: input.mode, epoch, lease, remedy },
      resume: prepared.step === null ? null : join(dir, 'resume', `step-${prepared.step}`),
      warmStart: prepared.warmStart === null ? null : join(dir, 'warm-start'),
      usedSeconds: prepared.usedSeconds,
      python: deps.python,
      runtimeDir: deps.runtimeDir,
    });
    progress.phase = 'starting';
    // All this took its time: what is superseded or cancelled by now starts nothing.
    await checkpoints.open(epoch, { step: prepared.step ?? 0, seconds: prepared.usedSeconds, remedy: remedy.level });
    if (context.cancellationSignal.aborted) {
      throw new CancelledFailure(context.cancellationDetails?.cancelRequested ? 'stopped on request' : leftBehind);
    }
    requireTerm(home);
    const container = containerFor({ spec, image, lease, code, mounts });
    await executor
      .start({
        ...{ dir, runFile, command, cwd: folder ?? cwd, limits: { cpus: spec.runtime.cpus } },
        env: { ...env, ...traceEnvironment(prepared.trace?.at ?? null) },
        ...(container ? { container } : {}),
        onMessage,
        signal: context.cancellationSignal,
      })
      .catch((error: unknown) => {
        // Another attempt of this epoch was quicker: its trainer is adopted.
        if (!(error instanceof AssayError) || error.details?.reason !== 'already-started') throw error;
      });
    found = await executor.find(dir);
  }
  // Only of a trainer that ended while nobody watched: the calendar of its end is asked, which may have been set since.
  const unwatched = found.state === 'exited' ? secondsAgo(found.exit.endedAt) : 0;
  const prepared = JSON.parse(await readFile(join(dir, 'prepared.json'), 'utf8')) as Prepared;
  const previous = prepared.step === null ? null : await readFile(join(dir, 'restored-events.jsonl'));
  const secondsUsed = (): number => prepared.usedSeconds + secondsSince(prepared.began);

  log.info(started ? 'the trainer has started' : found.state === 'exited' ? 'the trainer had ended' : 'the trainer is adopted', {
    resumedFrom: prepared.step,
  });
  progress.phase = 'training';
  progress.step = prepared.step ?? 0;
  const earlier = previous === null ? [] : lossCurve(previous);
  progress.curve = earlier;
  progress.pid = found.state === 'running' ? found.identity.pid : null;
  const stored = Math.max(-1, ...record.checkpoints.filter((c) => c.epoch === epoch).map((c) => c.step));
  const recording = recordTelemetry(gpus, uuids, telemetryFile);
  let ended: SuperviseResult;
  try {
    ended = await supervise({
      executor,
      dir,
      earlier,
      onProgress: (now) => Object.assign(progress, now),
      onMessage,
      async onCheckpoint(step, folder) {
        // What an adopted trainer keeps beside its newest is stored, or was and is retained no more.
        if (step <= stored) return;
        const manifest = await countUpload(store, step, () => uploadCheckpoint(store, folder));
        const own = await eventsUpTo(join(dir, 'out', 'events.jsonl'), step);
        const events = await store.put(mergeEvents(previous, own, prepared.step), mediaTypes.jsonLines);
        const savedAt = new Date().toISOString();
        await checkpoints.add(epoch, {
          ...{ step, epoch, manifest, events, savedAt },
          usedSeconds: secondsUsed(),
          remedy: remedy.level,
          telemetry: await telemetrySoFar(),
        });
        progress.checkpointStep = step;
      },
      signal: AbortSignal.any([context.cancellationSignal, recording.gone]),
      // Only a requested cancel or a lost device stops a trainer; everything else leaves it to the next supervisor.
      onAbort: () => (context.cancellationDetails?.cancelRequested || !context.cancellationSignal.aborted ? 'stop' : 'detach'),
      graceSeconds,
    });
  } finally {
    await recording.stop();
  }
  if (ended.reason === 'stopped' && !context.cancellationDetails?.cancelRequested) throw devicesGone(recording.lost);
  if (ended.reason !== 'exited') throw new CancelledFailure(ended.reason === 'detached' ? leftBehind : 'stopped on request');

  const { exit, peakMemoryBytes, warnings } = ended;
  const failure = mapExit(exit, await executor.logTail(dir, 40));
  log.info('the trainer has ended', { step: ended.step, code: exit.code, signal: exit.signal });
  recordTrainer(input, { trace: prepared.trace ?? null, startMs: prepared.began.at, steps: ended.step, exit, failure });
  if (failure) throw guardStop(dir) ?? (await deviceTrouble(gpus, lease, failure, recording.lost)) ?? failure;
  progress.phase = 'collecting';
  return collect();

  async function prepare(): Promise<Prepared> {
    progress.phase = 'checking';
    const health = await checkDevices(deps, lease);
    progress.phase = 'restoring';
    const findings: string[] = [];
    const from = await checkpoints.restore(record, join(dir, 'resume'), findings);
    if (from) await writeWhole(join(dir, 'restored-events.jsonl'), from.events);
    if (from?.telemetry) await writeWhole(telemetryFile, from.telemetry);
    const value: Prepared = {
      step: from?.checkpoint.step ?? null,
      usedSeconds: from?.checkpoint.usedSeconds ?? 0,
      findings,
      began: { ...bootTime(), at: Date.now() },
      health,
      // A run that resumes went on from it too.
      warmStart: from === null ? await warmStart(findings) : (record.warmStart ?? null),
      trace: placeTrainer(),
    };
    await writeWhole(join(dir, 'prepared.json'), JSON.stringify(value));
    return value;
  }

  async function warmStart(findings: string[]): Promise<RunRecord['warmStart']> {
    if (training.warmStart === undefined || input.mode !== 'train') return null;
    return checkpoints.warmStart(epoch, training.warmStart, join(dir, 'warm-start'), findings);
  }

  /** None before the first sample. */
  async function telemetrySoFar(): Promise<Ref | null> {
    const lines = await readFile(telemetryFile).catch(() => Buffer.alloc(0));
    return lines.length === 0 ? null : store.put(lines, mediaTypes.jsonLines);
  }

  async function collect(): Promise<TrainedRun> {
    const test = await readSplit(data.splits.test);
    const outputs = await collectOutputs({
      dir,
      testIds: test.map((row) => row.id),
      labels: test.map((row) => snapshot.classes.indexOf(row.label)),
      classes: snapshot.classes.length,
    });
    const events = mergeEvents(previous, await readFile(outputs.eventsFile), prepared.step);
    const samples = await readTelemetry(telemetryFile);
    const guarded = guardFinding(dir);
    // A finished run is not lost for what cannot be read of its devices.
    const unseen = (error: unknown): [] => {
      recording.troubles.push(
        `the devices could not be looked at after the run: ${error instanceof Error ? error.message : String(error)}`,
      );
      return [];
    };
    const xids = await gpus.xids(uuids, new Date(prepared.began.at)).catch(unseen);
    const leaks = await gpus
      .leaksAfter(prepared.health, uuids, {
        pids: progress.pid === null ? [] : [progress.pid],
        // The limits of a shared device are its tenants' own: only processes count there.
        ...(lease.devices.some((device) => device.memoryBytes !== null) ? { marginBytes: null } : {}),
      })
      .catch(unseen);
    const artifacts: RunRecord['artifacts'] = {
      predictions: await store.putFolder(outputs.predictionsDir),
      events: await store.put(events, mediaTypes.jsonLines),
      model: outputs.modelDir === null ? null : await store.putFolder(outputs.modelDir),
      log: await store.put(await executor.logTail(dir, 5000), mediaTypes.text),
      result: await store.putJson(outputs.result),
      telemetry: samples.length === 0 ? null : await store.put(samples.map((s) => `${JSON.stringify(s)}\n`).join(''), mediaTypes.jsonLines),
    };
    const run: RunRecord = {
      schema: 'assay.run/1',
      key,
      epoch,
      host,
      resumedFromStep: prepared.step,
      steps: outputs.result.steps,
      samples: outputs.result.samples,
      seconds: Math.max(0, secondsUsed() - unwatched),
      peakMemoryBytes,
      trainerMetrics: outputs.result.metrics,
      environment: outputs.result.environment,
      warnings: [
        ...prepared.findings,
        // A trainer that knows nothing of warm starts leaves the key unread.
        ...(prepared.warmStart !== null && !/"type": ?"warm-start"/.test(events.toString('utf8'))
          ? [`the trainer did not say that it started from ${prepared.warmStart.run}: it may not have`]
          : []),
        ...(guarded === null ? [] : [guarded.reason]),
        ...warnings,
        ...recording.troubles,
        ...diagnosisOf(samples, events, recording.lost, xids ?? []),
      ],
      remedy,
      image,
      code: input.code,
      devices: lease.devices,
      model: lease.model,
      telemetry: samples.length === 0 ? null : summarise(samples),
      health: prepared.health,
      dataStall: dataStallOf(events),
      leaks,
      warmStart: prepared.warmStart,
      // A late result of an old epoch is refused here, before anything refers to it.
      starts: (await checkpoints.open(epoch)).starts ?? [],
      artifacts,
    };
    return { epoch, host, steps: run.steps, model: artifacts.model, record: await store.putJson(run) };
  }
}

const deviceText = ({ model, devices }: Lease): string => (devices.length > 1 ? `${devices.length} × ${model}` : model);

/** By rename: an attempt that dies here leaves none or a whole one, also to a late attempt beside it. */
async function writeWhole(path: string, content: string | Buffer): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

/** Whether Temporal starts another attempt of the same epoch after this one. */
function isTriedAgain(error: unknown): boolean {
  if (error instanceof CancelledFailure) return error.message === leftBehind;
  const failure = toFailure(error);
  return !(failure instanceof ApplicationFailure && failure.nonRetryable);
}

/** A moment by the clock of the boot and by the calendar. */
interface Began extends BootTime {
  /** Milliseconds since 1970. */
  at: number;
}

/** By the clock that nobody sets; across a restart of the host by the calendar. */
function secondsSince(began: Began): number {
  const now = bootTime();
  return now.bootId === began.bootId ? now.seconds - began.seconds : Math.max(0, (Date.now() - began.at) / 1000);
}

const secondsAgo = (endedAt: string): number => Math.max(0, (Date.now() - Date.parse(endedAt)) / 1000);

const leftBehind = 'left to the next supervisor';
