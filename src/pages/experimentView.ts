import type { Approval, AuditEntry, CurvePoint, ExperimentRecord, Qos, Result, RunState, Stage } from '../contract';

/** Everything that the page of one experiment shows, as it stands at one moment. */
export interface ExperimentView {
  id: string;
  name: string;
  hypothesis: string | null;
  owner: string | null;
  /** Who started it; null between the start and the first step of the workflow. */
  by: string | null;
  status: ExperimentRecord['status'];
  /** Null where the Temporal server does not answer. */
  stage: Stage | null;
  startedAt: string | null;
  finishedAt: string | null;
  /** The moment that the page was made; ISO 8601. */
  now: string;
  /** In the order in which it entered them, as far as the Temporal server still knows. */
  entered: { stage: Stage; at: string }[];
  /** What it waits for, the nearest cause first. */
  waits: readonly string[];
  /** Whether a pool answered for it; true of one that has ended. */
  answers: boolean;
  paused: boolean;
  qos: Qos | null;
  approval: Approval | null;
  /** Control first. */
  variants: readonly string[];
  runs: RunView[];
  curves: RunCurve[];
  /** Runs whose curves are left out, since there are too many. */
  curvesLeftOut: number;
  findings: readonly string[];
  audit: readonly AuditEntry[];
  /** Of one that has a verdict. */
  result: Result | null;
  /** Why it failed. */
  message: string | null;
  temporal: string | null;
}

export interface RunView {
  variant: string;
  seed: number;
  state: RunState;
  host: string | null;
  device: string | null;
  /** Number of its trainer's start; 0 before the first. */
  epoch: number;
  step: number | null;
  totalSteps: number | null;
  loss: number | null;
  /** Samples a second. */
  throughput: number | null;
  secondsLeft: number | null;
  /** What it is doing or waiting for, or how it ended. */
  message: string;
  waits: readonly string[];
  /** Files of an ended run. */
  files: { name: string; href: string; size: number }[];
  temporal: string | null;
}

export interface RunCurve {
  variant: string;
  seed: number;
  points: readonly CurvePoint[];
}

/** The last lines of a run's trainer, or where they are to be found. */
export interface LogView {
  variant: string;
  seed: number;
  text: string | null;
  problem: string | null;
}

export const runName = ({ variant, seed }: { variant: string; seed: number }): string => `${variant}/${seed}`;
