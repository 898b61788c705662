import type { Readable, Writable } from 'node:stream';
import type { CurvePoint, LatencyLine, LeasedDevice, ResolvedImage, RunFile, RunKey, TrainerResult } from '../contract';

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
  /** The engine says that the memory limit killed it. */
  outOfMemory: boolean;
  /** The limit that did, bytes. */
  memoryLimitBytes?: number;
  /** It was ended from outside (its engine died, somebody killed its container): a sentence, and no fault of the trainer. */
  outside: string | null;
}

/**
 * Where trainers run: as processes of this host, or in containers. What is the same for both (events, checkpoints, outputs, meaning of
 * an end) lies outside. `dir` is the epoch's folder on this host, `<runs>/<experiment>/<variant>/seed-<n>/epoch-<e>`.
 */
export interface Executor {
  readonly kind: 'process' | 'docker';
  /** At most one trainer an epoch however many supervisors try, and none of an older epoch beside it. */
  start(start: TrainerStart): Promise<void>;
  find(dir: string): Promise<FoundTrainer>;
  /** One cheap look, four times a second: null while it runs. Waits out an engine that does not answer, up to `patience`. */
  ended(dir: string, options?: { onMessage?: (text: string) => void }): Promise<TrainerExit | null>;
  /** SIGTERM, grace for a last checkpoint, SIGKILL to all of it. */
  stop(dir: string, options: { graceSeconds: number }): Promise<void>;
  /** Stops every epoch of a run on this host and removes what is left of it outside the folder. */
  stopRun(runDir: string, options: { graceSeconds: number }): Promise<void>;
  /** Runs with a living trainer below `runsDir`. */
  list(runsDir: string): Promise<FoundRun[]>;
  /** The last lines of stdout, then of stderr. */
  logTail(dir: string, lines: number): Promise<string>;
  /** For turns: a trainer with its standard input and output attached, which ends with this process or soon after. */
  attach(start: TrainerStart): Promise<AttachedTrainer>;
}

export interface FoundRun {
  key: RunKey;
  epoch: number;
  /** Null for a process. */
  leaseId: string | null;
}

export interface AttachedTrainer {
  stdin: Writable;
  stdout: Readable;
  /** Resolves when it has ended. */
  exit: Promise<TrainerExit>;
  /** Processor time used so far and whether it is working just now; null when gone. Turns wait until the others are quiet. */
  activity(): Promise<{ ticks: number; busy: boolean } | null>;
  kill(): Promise<void>;
}

/** What a container needs beyond a process. Paths in `run.json` are then those of `containerPaths`. */
export interface ContainerSettings {
  image: ResolvedImage;
  lease: string;
  /** Folders of this host that the trainer reads, each at its place in `containerPaths`. */
  mounts: { data: string; code: string | null; resume: string | null; model: string | null };
  devices: readonly LeasedDevice[];
  /** CPU limit, cores. */
  cpus: number;
  /** Bytes; null without a limit. */
  memoryBytes: number | null;
  shmBytes: number;
  network: boolean;
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
  /** For the docker executor, which needs it. */
  container?: ContainerSettings;
  /** What a start waits for, e.g. `pulling 3 of 7 layers, 41 %`; empty when it waits no more. */
  onMessage?: (text: string) => void;
  /** Ends the waiting, not a trainer. */
  signal?: AbortSignal;
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
  totalSteps?: number | null;
  /** At the pace of the steps seen so far, without evaluation; null before it is known. */
  secondsLeft?: number | null;
  /** With `SuperviseInput.earlier`. */
  curve?: CurvePoint[];
  /** The newest checkpoint that `onCheckpoint` has finished. */
  checkpointStep?: number;
}

export interface SuperviseInput {
  executor: Executor;
  dir: string;
  /** The curve up to the checkpoint that the trainer resumed from. */
  earlier?: readonly CurvePoint[];
  /** Once a second, whether or not the trainer has moved. */
  onProgress?: (progress: SupervisedProgress) => void;
  /** What it waits for, e.g. `the Docker daemon does not answer (...)`; empty when it waits no more. */
  onMessage?: (text: string) => void;
  /**
   * Each whole checkpoint once, ascending, one at a time, beside the tailing. A rejection ends the supervision, not the trainer; but
   * `StoreUnavailable` is waited out, and of the checkpoints that came meanwhile the newest is then handed in.
   */
  onCheckpoint?: (step: number, dir: string) => Promise<void>;
  signal?: AbortSignal;
  /** Asked once, when `signal` aborts; default: what `signal.reason` says, else stop. */
  onAbort?: () => 'stop' | 'detach';
  /** Time for a last checkpoint when stopped, seconds; default 20. */
  graceSeconds?: number;
  /** Milliseconds between looks; default 250. */
  pollMs?: number;
  /** How long the store may be away after the trainer has ended, milliseconds; default 10 minutes. */
  storePatienceMs?: number;
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
  executor: Executor;
  trainers: readonly TurnTrainer[];
  blocks: number;
  /** Longest turn, warm-up and loading included, seconds. */
  timeoutSeconds: number;
  /** After each turn; milliseconds since 1970. */
  onTurn?: (turn: { variant: string; block: number; from: number; until: number }) => void;
  signal?: AbortSignal;
}

export interface Measured {
  variant: string;
  lines: LatencyLine[];
}
