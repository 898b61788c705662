import type { GcSummary, RunKey, ScrubSummary } from './activities';
import type { Ref } from './refs';
import type { Verdict } from './result';
import type { RunState, Stage } from './statuses';

export interface ExperimentInput {
  experimentId: string;
  spec: Ref;
  provenance: Ref;
  /** Manifest of the trainer's code (`training.code`), null where the image brings it. */
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
}

/** Answer of the `progress` query. */
export interface Progress {
  experimentId: string;
  stage: Stage;
  /** What it waits for and why, in a sentence; empty when it is working. */
  waitingFor: string;
  runs: { variant: string; seed: number; state: RunState; host: string | null; epoch: number; message: string | null }[];
  verdict: Verdict | null;
}

/** Signal from a variantRun to its experiment. */
export interface RunChanged {
  key: RunKey;
  state: RunState;
  host: string | null;
  epoch: number;
  message: string | null;
}

/** Workflow type of the store's maintenance. */
export const maintainWorkflow = 'maintain';

export const names = {
  progress: 'progress',
  runChanged: 'runChanged',
} as const;

export const searchAttributes = {
  AssayExperiment: 'Keyword',
  AssayVariant: 'Keyword',
  AssayStage: 'Keyword',
  AssayVerdict: 'Keyword',
  AssaySnapshot: 'Keyword',
  AssaySeries: 'Keyword',
  AssayEffect: 'Double',
} as const;
