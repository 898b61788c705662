import type { Check, SnapshotSummary } from './data';
import type { Effect } from './effect';
import type { HealthCheck, TelemetrySummary } from './gpu';
import type { NotifyTarget } from './notify';
import type { MlflowPlan, Publishing } from './publish';
import type { Lease, LeaseRequest, LeasedDevice, Qos } from './pool';
import type { Ref } from './refs';
import type { ReplayRecord } from './replay';
import type { Provenance, RegisteredPlan, Verdict } from './result';
import type { Remedy, ResolvedImage } from './run';
import type { Approval, AuditEntry } from './steering';

/** What an experiment workflow needs of its spec, small whatever the spec's length. */
export interface ExperimentPlan {
  experimentId: string;
  name: string;
  spec: Ref;
  control: string;
  /** `pretrained` variants are evaluated once, under the first seed. */
  variants: { name: string; control: boolean; pretrained: boolean }[];
  seeds: number[];
  attempts: number;
  /** Longest time one run may take over all attempts, seconds. */
  runTimeoutSeconds: number;
  latency: boolean;
  plan: RegisteredPlan;
  owner: string | null;
  executor: 'process' | 'docker';
  /** As the spec names it; resolved once, before the first run. */
  image: string | null;
  resources: { gpus: number; gpuMemoryBytes: number | null; qos: Qos; experimentGpus: number | null };
  /** Levels of the out-of-memory ladder above 0, in order; empty where the spec allows none. */
  ladder: Remedy[];
  /** A variant may be trained under remedies of its own: declared beforehand, a deviation in the result. */
  unequalRemedies: boolean;
  /** The verdict waits for a person; absent in histories of earlier versions, as `notify`. */
  approval?: boolean;
  notify?: NotifyTarget[];
  /** Absent where nothing is published. */
  mlflow?: MlflowPlan;
  /** What to say of the plan from the start on, a sentence each; absent where there is nothing. */
  findings?: string[];
  /** Absent in histories of earlier versions. */
  links?: Links;
}

/** Addresses for people, null where the server does not know its own. */
export interface Links {
  /** Of the report, at the API (ASSAY_PUBLIC_URL). */
  report: string | null;
  /** In the Temporal UI (ASSAY_TEMPORAL_UI). */
  workflow: string | null;
}

export interface RunKey {
  experimentId: string;
  variant: string;
  seed: number;
}

/** What trainVariant returns: what the workflow needs, and where the rest is. */
export interface TrainedRun {
  epoch: number;
  host: string;
  steps: number;
  model: Ref | null;
  /** A `RunRecord` object. */
  record: Ref;
}

/** The record of one finished run, an object in the store. */
export interface RunRecord {
  schema: 'assay.run/1';
  key: RunKey;
  epoch: number;
  host: string;
  resumedFromStep: number | null;
  steps: number;
  samples: number;
  /** Seconds of training over all attempts. */
  seconds: number;
  peakMemoryBytes: number | null;
  trainerMetrics: Record<string, number>;
  environment: Record<string, unknown>;
  warnings: string[];
  remedy: Remedy;
  image: ResolvedImage | null;
  /** Manifest of the trainer's code, where it was stored. */
  code: Ref | null;
  devices: LeasedDevice[];
  /** Device model, or `cpu`. */
  model: string;
  /** Over all attempts; null without devices. */
  telemetry: TelemetrySummary | null;
  health: HealthCheck[];
  /** Share of step time spent waiting for data, 0 to 1, as the trainer's events say; null where they do not. */
  dataStall: number | null;
  /** What the run left behind after its end (memory, processes, files, handles), a sentence each; empty is as it should be. */
  leaks: string[];
  /** The checkpoint of another run that it started from. */
  warmStart: { run: string; step: number; manifest: Ref } | null;
  /** Starts of its trainers, of all epochs, oldest first; absent in records of earlier versions. */
  starts?: RunStart[];
  /** `predictions` and `model` are manifests of folders. */
  artifacts: { predictions: Ref; events: Ref; model: Ref | null; log: Ref; result: Ref; telemetry: Ref | null };
}

/** A trainer's start: the checkpoint's step (0 for the beginning), the seconds of training behind it, and the remedy's level. */
export interface RunStart {
  epoch: number;
  step: number;
  seconds: number;
  remedy: number;
}

/** What `variantRun` ends with. One shape for success and failure. */
export interface RunOutcome {
  key: RunKey;
  status: 'done' | 'failed';
  /** Trainer starts. */
  attempts: number;
  trained: TrainedRun | null;
  /** Notes such as "late result of epoch 1 discarded" or "checkpoint step-200 was corrupt". */
  findings: string[];
  /** Ended epochs by what ended them; each cause has a budget of its own. */
  failures: FailureCounts;
  /** What ended each epoch before the last one; absent in histories of earlier versions. */
  ends?: { epoch: number; cause: string }[];
  remedy: Remedy;
  failure: { type: string; message: string } | null;
}

export interface FailureCounts {
  /** The trainer died by itself. */
  crash: number;
  /** Host, engine, device, store. */
  infrastructure: number;
  /** It yielded to another run. */
  preemption: number;
  outOfMemory: number;
}

/** Ended epochs of each cause that one run bears before it fails; `crash` is the spec's `training.attempts`, `outOfMemory` the ladder's length. */
export const failureBudgets = { infrastructure: 20, preemption: 100 } as const;

/** Step and loss; null where the trainer gave none, or none that is finite. */
export type CurvePoint = [step: number, loss: number | null];

/** Heartbeat details of trainVariant; `assay watch` reads them from the pending activity. */
export interface TrainProgress {
  epoch: number;
  host: string;
  pid: number | null;
  phase: 'checking' | 'restoring' | 'starting' | 'training' | 'collecting';
  /** What it waits for, e.g. `pulling layer 3 of 7, 41 %` or `the Docker daemon does not answer`; empty when it works. */
  message: string;
  step: number;
  /** As the trainer's `start` event says; null before, and where only time bounds it. */
  totalSteps: number | null;
  /** Seconds of training left at the pace so far; null before it is known. */
  secondsLeft: number | null;
  /** The whole history so far, thinned; absent of workers of earlier versions, as `device`. */
  curve?: CurvePoint[];
  /** What it trains on: `cpu`, or the model of its devices and how many. */
  device?: string;
  loss: number | null;
  /** Samples per second, as the trainer says. */
  throughput: number | null;
  checkpointStep: number | null;
}

export interface ControlActivities {
  /** Reads the spec object, writes refs/experiments/<id>. */
  registerExperiment(input: {
    experimentId: string;
    spec: Ref;
    provenance: Ref;
    code: Ref | null;
    workflow: { id: string; runId: string };
  }): Promise<ExperimentPlan>;
  /** Points refs/experiments/<id> to the result and report, refs/snapshots/latest/<name> to the snapshot. */
  publishResult(input: {
    experimentId: string;
    name: string;
    snapshot: SnapshotSummary;
    result: Ref;
    report: Ref;
    verdict: Verdict;
    /** `PredictionProfile` objects by variant, what the next experiment of this name is compared with. */
    predictions?: Record<string, Ref>;
    /** While it waits the record shows the result, and the experiment goes on. */
    approval?: Approval;
  }): Promise<void>;
  /** Records a failed or cancelled end. */
  publishFailure(input: { experimentId: string; status: 'failed' | 'cancelled'; message: string }): Promise<void>;
}

export interface AnalysisActivities {
  snapshotData(input: { experimentId: string; spec: Ref }): Promise<SnapshotSummary>;
  /** Re-hashes the source and compares it with the snapshot: null when equal, else what changed. */
  verifySource(input: { spec: Ref; snapshot: Ref }): Promise<{ changed: string | null }>;
  /** The checks without their findings, which are an object of their own (`Record<name of the check, DriftFinding[]>`). */
  checkData(input: { experimentId: string; spec: Ref; snapshot: Ref }): Promise<{ checks: Check[]; findings?: Ref | null }>;
  analyseExperiment(
    input: AnalyseInput,
  ): Promise<{ result: Ref; verdict: Verdict; effect: number | null; predictions?: Record<string, Ref> }>;
  renderReport(input: { result: Ref; latency: LatencyOutcome | null }): Promise<{ report: Ref }>;
  /** The result with what a person decided on it. */
  recordDecision(input: { result: Ref; approval: Approval; audit: AuditEntry[] }): Promise<{ result: Ref; verdict: Verdict }>;
}

export interface AnalyseInput {
  plan: ExperimentPlan;
  snapshot: SnapshotSummary;
  sourceChanged: string | null;
  checks: Check[];
  /** What checkData found, by check; absent in histories of earlier versions. */
  findings?: Ref | null;
  runs: RunOutcome[];
  latency: LatencyOutcome | null;
  provenance: Ref;
  workflow: { id: string; runId: string };
  startedAt: string;
  /** What was done to it so far; absent in histories of earlier versions, as `approval`. */
  audit?: AuditEntry[];
  approval?: Approval | null;
}

export interface LatencyOutcome {
  host: string;
  /** Device model, or `cpu`. */
  model: string;
  /** One JSON-lines object a variant, in the form of `out/latency.jsonl`. */
  measurements: { variant: string; lines: Ref }[];
}

export interface GpuActivities {
  trainVariant(input: TrainInput): Promise<TrainedRun>;
  measureLatency(input: {
    plan: ExperimentPlan;
    snapshot: SnapshotSummary;
    models: { variant: string; seed: number; model: Ref | null; remedy: Remedy }[];
    lease: Lease;
    request: LeaseRequest;
    image: ResolvedImage | null;
    code: Ref | null;
  }): Promise<LatencyOutcome>;
}

export interface TrainInput {
  key: RunKey;
  epoch: number;
  spec: Ref;
  snapshot: Ref;
  mode: 'train' | 'evaluate';
  lease: Lease;
  /** What the lease answered, so that a host can report it to a pool that lost its memory. */
  request: LeaseRequest;
  image: ResolvedImage | null;
  code: Ref | null;
  remedy: Remedy;
  /** A process runs in a copy of `code`, wherever the folder of the spec was; absent where it runs in that folder. */
  inCode?: boolean;
}

export interface HostActivities {
  /** Asks the trainer of this epoch to checkpoint and end with exit code 75. */
  yieldRun(input: { key: RunKey; epoch: number; reason: string }): Promise<void>;
  /** Stops what is left of a run on this host, removes its folders and containers, and forgets its lease. */
  cleanUpRun(input: { key: RunKey }): Promise<void>;
}

/** Of the `maintain` workflow, on the analysis queue. */
export interface MaintainActivities {
  /** Re-hashes every object in every replica and repairs from a sound one. */
  scrubStore(input: Record<string, never>): Promise<ScrubSummary>;
  collectGarbage(input: { graceSeconds: number }): Promise<GcSummary>;
}

export interface ScrubSummary {
  objects: number;
  bytes: number;
  repaired: number;
  /** Digests that no replica has whole; the first 20. */
  lost: string[];
  /** One sentence. */
  sentence: string;
}

export interface GcSummary {
  scanned: number;
  reachable: number;
  marked: number;
  deleted: number;
  deletedBytes: number;
  sentence: string;
}

/** On a queue that every gpu worker polls: which host answers does not matter. */
export interface AnyHostActivities {
  /** The image by its digest, pulled if need be, with progress in the heartbeats. */
  resolveImage(input: { reference: string }): Promise<ResolvedImage>;
}

/** refs/experiments/<id>: the record that outlives Temporal. */
export interface ExperimentRecord {
  schema: 'assay.experiment/1';
  experimentId: string;
  name: string;
  owner: string | null;
  startedAt: string;
  finishedAt: string | null;
  status: 'running' | 'done' | 'failed' | 'cancelled';
  workflow: { id: string; runId: string };
  spec: Ref;
  provenance: Ref;
  /** Manifest of the trainer's code; absent in records of earlier versions. */
  code?: Ref | null;
  snapshot: Ref | null;
  /** Every reference that its history holds (`assay.pins/1`), so that nothing of it is garbage; absent before its end. */
  kept?: Ref | null;
  result: Ref | null;
  report: Ref | null;
  verdict: Verdict | null;
  /** What lists show of the result; absent before there is one, and in records of earlier versions. */
  effect?: Effect | null;
  /** Absent where the verdict needs nobody, and before there is one. */
  approval?: Approval;
  /** Where publishing to MLflow stands; absent where it was not asked for. */
  mlflow?: Publishing;
  /** Of a replay, which has neither result nor verdict of its own; absent where it is none. */
  replay?: ReplayRecord;
  message: string | null;
}

export interface ProvenanceObject extends Provenance {
  /** The experiment file as the user wrote it. */
  source: string;
}

/** refs/runs/.../checkpoints: newest last; written only by the current epoch. */
export interface CheckpointRecord {
  schema: 'assay.checkpoints/1';
  epoch: number;
  /** The checkpoint of another run that every epoch of this one began with. */
  warmStart?: { run: string; step: number; manifest: Ref };
  /** Starts of its trainers, the newest 200; absent in records of earlier versions. */
  starts?: RunStart[];
  checkpoints: {
    step: number;
    epoch: number;
    manifest: Ref;
    events: Ref;
    usedSeconds: number;
    /** Level of the remedy it was trained under: another level never resumes it. */
    remedy: number;
    savedAt: string;
    /** Telemetry so far, JSON lines, which the resumed run goes on from. */
    telemetry: Ref | null;
  }[];
}
