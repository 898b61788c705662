import type { ExperimentPlan, RunOutcome } from './activities';
import type { Ref } from './refs';
import type { Remedy, ResolvedImage } from './run';

/** How alike a run and its repetition are, best first. */
export const replayClasses = ['bit-exact', 'within-tolerance', 'different'] as const;
export type ReplayClass = (typeof replayClasses)[number];

/** What is compared of a run; in the order in which a difference passes from one to the next. `end`: how the run ended. */
export const replayStreams = ['order', 'loss', 'checkpoint', 'predictions', 'end'] as const;
export type ReplayStream = (typeof replayStreams)[number];

/** Differences that still count as the same result. */
export interface ReplayTolerance {
  /** A loss may differ by `atol + rtol * |original|`. */
  rtol: number;
  atol: number;
  /** Largest difference of a score, 0 to 1; every row keeps its class. */
  scores: number;
}

export const defaultTolerance: ReplayTolerance = { rtol: 1e-5, atol: 1e-6, scores: 1e-4 };

/** Input of the `replay` workflow: all that the record of an experiment says of how it was run. */
export interface ReplayInput {
  /** Of the replay itself. */
  experimentId: string;
  /** The experiment that is run again. */
  of: string;
  /** Its `Result` object, whose runs are compared with. */
  result: Ref;
  spec: Ref;
  provenance: Ref;
  /** The `Snapshot` object, taken as it is: no source is read. */
  snapshot: Ref;
  /** Manifest of the trainer's code; null where the image brings it, or the folder of the spec is as it was. */
  code: Ref | null;
  /** By its digest or id; null for processes. */
  image: string | null;
  runs: ReplayRun[];
  tolerance: ReplayTolerance;
}

export interface ReplayRun {
  variant: string;
  seed: number;
  mode: 'train' | 'evaluate';
  /** The level of the out-of-memory ladder that the original ended on. */
  remedy: Remedy;
  /** The very checkpoint that the original started from. */
  warmStart: { run: string; step: number; manifest: Ref } | null;
}

export interface ReplayOutput {
  experimentId: string;
  class: ReplayClass;
  sentence: string;
  /** A `ReplayReport` object. */
  report: Ref;
}

/** Of a replay, in its `ExperimentRecord`. */
export interface ReplayRecord {
  /** The experiment that was run again. */
  of: string;
  /** Null before its end, as the report. */
  class: ReplayClass | null;
  report: Ref | null;
}

/** Two values of one thing. */
export interface Discrepancy {
  what: string;
  original: string;
  replay: string;
}

/** `assay.replay/1`: what `assay replay --json` prints. */
export interface ReplayReport {
  schema: 'assay.replay/1';
  experiment: string;
  of: string;
  startedAt: string;
  finishedAt: string;
  /** The worst of its runs. */
  class: ReplayClass;
  /** One sentence a person would say. */
  sentence: string;
  tolerance: ReplayTolerance;
  /** What was not as the record of the original has it: parameters, data, code. Empty is as it should be. */
  changed: Discrepancy[];
  runs: ReplayedRun[];
}

export interface ReplayedRun {
  variant: string;
  seed: number;
  class: ReplayClass;
  sentence: string;
  /** Where the two first differ in a bit; null where they never do. */
  first: Divergence | null;
  /** Where they first differ by more than the tolerance; null where they never do. */
  beyond: Divergence | null;
  order: StepStream;
  loss: StepStream & { largest: { step: number; absolute: number; relative: number | null } | null };
  checkpoint: StepStream;
  predictions: PredictionStream;
  /** Of the two environments; what only one of them names is left out. */
  environment: Discrepancy[];
  /** What the difference probably comes from, likeliest first; empty where there is none. */
  causes: string[];
  hosts: { original: string | null; replay: string | null };
  /** The `RunRecord` of the replay; null where it did not end well. */
  record: Ref | null;
  /** Why it did not. */
  failure: RunOutcome['failure'];
}

/** `step` is null for predictions and ends, which belong to none. */
export interface Divergence {
  step: number | null;
  stream: ReplayStream;
  original: string;
  replay: string;
}

/** A value a step. */
export interface StepStream {
  /** Both say it. */
  recorded: boolean;
  /** Steps that both have. */
  compared: number;
  /** Of these, steps with another value, and steps that only one has where each has to have them all. */
  differing: number;
}

export interface PredictionStream {
  recorded: boolean;
  /** Rows that both predict. */
  rows: number;
  /** Rows with another score in at least one bit. */
  differing: number;
  /** Rows with another class. */
  classes: number;
  /** Of all scores, 0 to 1. */
  largest: number;
}

export interface ReplayControlActivities {
  /** Writes refs/experiments/<id> of the replay and pins what its runs start from; answers the plan of its spec, which tells nobody. */
  registerReplay(input: { replay: ReplayInput; workflow: { id: string; runId: string } }): Promise<ExperimentPlan>;
  publishReplay(input: { replay: ReplayInput; output: ReplayOutput }): Promise<void>;
}

export interface ReplayAnalysisActivities {
  compareReplay(input: { replay: ReplayInput; runs: RunOutcome[]; image: ResolvedImage | null; startedAt: string }): Promise<ReplayOutput>;
}
