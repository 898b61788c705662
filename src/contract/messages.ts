import type { GcSummary, Links, RunKey, ScrubSummary } from './activities';
import type { Qos } from './pool';
import type { Ref } from './refs';
import type { Verdict } from './result';
import type { RunState, Stage } from './statuses';
import type { Approval, AuditEntry } from './steering';

export interface ExperimentInput {
  experimentId: string;
  spec: Ref;
  provenance: Ref;
  /** Manifest of the trainer's code; null where the image brings it, or none was found to store. */
  code: Ref | null;
}

/** Input of `maintain`. */
export interface MaintainInput {
  /** How long what nothing reaches is kept after it was first seen so, seconds. */
  graceSeconds: number;
}

export interface MaintainOutput {
  scrub: ScrubSummary;
  gc: GcSummary;
}

/** What `experiment` returns. */
export interface ExperimentOutput {
  experimentId: string;
  verdict: Verdict;
  result: Ref;
  report: Ref;
  /** Where the verdict needed a person. */
  approval?: Approval;
}

/** Answer of the `progress` query. */
export interface Progress {
  experimentId: string;
  stage: Stage;
  /** What it waits for and why, in a sentence; empty when it is working. */
  waitingFor: string;
  runs: { variant: string; seed: number; state: RunState; host: string | null; epoch: number; message: string | null }[];
  verdict: Verdict | null;
  /** No run starts, and running ones yield. Absent in answers of earlier versions, as the next two. */
  paused?: boolean;
  approval?: Approval | null;
  audit?: AuditEntry[];
  /** Since when it is in this stage, or waits for this; ISO 8601, the workflow's clock. */
  since?: string;
  /** The stages that it entered so far, in order, and when; ISO 8601, the workflow's clock. */
  stages?: { stage: Stage; at: string }[];
  /** Checks that did not pass and what runs went through, a sentence each. */
  findings?: string[];
  links?: Links;
}

/** Signal from a variantRun to its experiment. */
export interface RunChanged {
  key: RunKey;
  state: RunState;
  host: string | null;
  epoch: number;
  message: string | null;
}

/** Signal from an experiment to its variantRun: what is wanted of it from now on. */
export interface RunSteering {
  paused: boolean;
  /** Of leases not yet granted. */
  qos: Qos;
}

/** Workflow type of the store's maintenance. */
export const maintainWorkflow = 'maintain';

export const names = {
  progress: 'progress',
  runChanged: 'runChanged',
  steerRun: 'steerRun',
} as const;

export const searchAttributes = {
  AssayExperiment: 'Keyword',
  AssayVariant: 'Keyword',
  AssayStage: 'Keyword',
  AssayVerdict: 'Keyword',
  AssaySnapshot: 'Keyword',
  AssaySeries: 'Keyword',
  AssayEffect: 'Double',
  AssayOwner: 'Keyword',
  /** The experiment's name in its file, which all its repetitions share. */
  AssayName: 'Keyword',
} as const;
