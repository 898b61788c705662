import type { Check, SnapshotSummary } from './data';
import type { Ref } from './refs';
import type { Provenance, RegisteredPlan, Verdict } from './result';

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
  /** `predictions` and `model` are manifests of folders. */
  artifacts: { predictions: Ref; events: Ref; model: Ref | null; log: Ref; result: Ref };
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
  failure: { type: string; message: string } | null;
}

export interface Claim {
  host: string;
  claimId: string;
}

/** Heartbeat details of trainVariant; `assay watch` reads them from the pending activity. */
export interface TrainProgress {
  epoch: number;
  host: string;
  pid: number | null;
  phase: 'restoring' | 'starting' | 'training' | 'collecting';
  step: number;
  totalSteps: number | null;
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
  }): Promise<void>;
  /** Records a failed or cancelled end. */
  publishFailure(input: { experimentId: string; status: 'failed' | 'cancelled'; message: string }): Promise<void>;
}

export interface AnalysisActivities {
  snapshotData(input: { experimentId: string; spec: Ref }): Promise<SnapshotSummary>;
  /** Re-hashes the source and compares it with the snapshot: null when equal, else what changed. */
  verifySource(input: { spec: Ref; snapshot: Ref }): Promise<{ changed: string | null }>;
  checkData(input: { experimentId: string; spec: Ref; snapshot: Ref }): Promise<{ checks: Check[] }>;
  analyseExperiment(input: AnalyseInput): Promise<{ result: Ref; verdict: Verdict; effect: number | null }>;
  renderReport(input: { result: Ref; latency: LatencyOutcome | null }): Promise<{ report: Ref }>;
}

export interface AnalyseInput {
  plan: ExperimentPlan;
  snapshot: SnapshotSummary;
  sourceChanged: string | null;
  checks: Check[];
  runs: RunOutcome[];
  latency: LatencyOutcome | null;
  provenance: Ref;
  workflow: { id: string; runId: string };
  startedAt: string;
}

export interface LatencyOutcome {
  host: string;
  /** One JSON-lines object a variant, in the form of `out/latency.jsonl`. */
  measurements: { variant: string; lines: Ref }[];
}

export interface GpuActivities {
  /** On the claims queue: answers once this host has a free slot, and keeps it for the claimant. */
  claimHost(input: { holder: string; exclusive: boolean }): Promise<Claim>;
  trainVariant(input: TrainInput): Promise<TrainedRun>;
  measureLatency(input: {
    plan: ExperimentPlan;
    snapshot: SnapshotSummary;
    models: { variant: string; seed: number; model: Ref | null }[];
    claim: Claim;
  }): Promise<LatencyOutcome>;
}

export interface TrainInput {
  key: RunKey;
  epoch: number;
  spec: Ref;
  snapshot: Ref;
  mode: 'train' | 'evaluate';
  claim: Claim;
}

export interface HostActivities {
  releaseClaim(input: { claim: Claim }): Promise<void>;
  /** Stops what is left of a run on this host and removes its folders. */
  cleanUpRun(input: { key: RunKey }): Promise<void>;
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
  snapshot: Ref | null;
  result: Ref | null;
  report: Ref | null;
  verdict: Verdict | null;
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
  checkpoints: { step: number; epoch: number; manifest: Ref; events: Ref; usedSeconds: number }[];
}
