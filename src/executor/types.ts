import type { LatencyLine, RunFile, TrainerResult } from '../contract';

/** Names one process for ever: a recycled pid has another start time. */
export interface ProcessIdentity {
  bootId: string;
  pid: number;
  /** Clock ticks since boot (/proc/<pid>/stat, field 22). */
  startTime: string;
}

/** trainer.json */
export interface TrainerIdentity extends ProcessIdentity {
  shimPid: number;
  shimStartTime: string;
  startedAt: string;
}

/** exit.json, or what stands for it where the trainer is gone without one (`lost`). */
export interface TrainerExit {
  code: number | null;
  signal: string | null;
  endedAt: string;
  /** Why no trainer ran: its command could not be started, or a newer epoch had begun (`superseded`). */
  error: string | null;
  /** Largest resident memory of the trainer and its children, bytes, sampled once a second; shared pages count for each process. */
  peakMemoryBytes: number | null;
  lost: boolean;
}

export interface TrainerStart {
  /** `<runs>/<experiment>/<variant>/seed-<n>/epoch-<e>` */
  dir: string;
  runFile: RunFile;
  command: readonly string[];
  cwd: string;
  /** Added to the allow-listed part of this process's environment. */
  env?: Readonly<Record<string, string>>;
  limits?: {
    /** Threads of numeric libraries where the environment does not say; default 1. */
    cpus?: number;
    /** Bytes of stdout.log and of stderr.log before the older half is dropped; default 32 MiB. */
    logBytes?: number;
  };
}

export interface TrainerHandle {
  dir: string;
  epoch: number;
  /** Null where the trainer ended before it could be seen. */
  identity: TrainerIdentity | null;
}

export type FoundTrainer =
  | { state: 'absent' }
  | { state: 'running'; identity: TrainerIdentity }
  | { state: 'exited'; exit: TrainerExit; identity: TrainerIdentity | null }
  | { state: 'lost'; identity: TrainerIdentity | null };

/** Only what is known yet, so that it can be laid over what the caller knew before. */
export interface SupervisedProgress {
  step?: number;
  loss?: number | null;
  /** Samples per second, as the trainer says. */
  throughput?: number | null;
  /** The newest checkpoint that `onCheckpoint` has finished. */
  checkpointStep?: number;
}

export interface SuperviseInput {
  dir: string;
  /** Once a second, whether or not the trainer has moved. */
  onProgress?: (progress: SupervisedProgress) => void;
  /** Each whole checkpoint once, ascending, one at a time, beside the tailing. A rejection ends the supervision, not the trainer. */
  onCheckpoint?: (step: number, dir: string) => Promise<void>;
  signal?: AbortSignal;
  /** Asked once, when `signal` aborts; default: what `signal.reason` says, else stop. */
  onAbort?: () => 'stop' | 'detach';
  /** Time for a last checkpoint when stopped, seconds; default 20. */
  graceSeconds?: number;
  /** Milliseconds between looks; default 250. */
  pollMs?: number;
}

interface Supervised {
  /** Newest step seen in the events; null before the first. */
  step: number | null;
  /** Event lines read. */
  events: number;
  warnings: string[];
  peakMemoryBytes: number | null;
}

export type SuperviseResult =
  | (Supervised & { reason: 'exited' | 'stopped'; exit: TrainerExit })
  | (Supervised & { reason: 'detached'; exit: null });

export interface CollectInput {
  dir: string;
  testIds: readonly (string | number)[];
  /** Class index of each test id, in the same order. */
  labels: ArrayLike<number>;
  classes: number;
}

export interface Outputs {
  result: TrainerResult;
  predictionsDir: string;
  modelDir: string | null;
  /** Always there; empty where the trainer wrote no events. */
  eventsFile: string;
}

export interface TurnTrainer extends TrainerStart {
  variant: string;
}

export interface TurnsInput {
  trainers: readonly TurnTrainer[];
  blocks: number;
  /** Longest turn, warm-up and loading included, seconds. */
  timeoutSeconds: number;
  signal?: AbortSignal;
}

export interface Measured {
  variant: string;
  lines: LatencyLine[];
}
