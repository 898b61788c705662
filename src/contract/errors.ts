/**
 * The closed catalogue of failures. `type` is stable and travels through Temporal; docs/errors.md lists the same rows.
 * A class is chosen by what the caller does next, not by the module that throws it.
 */
export const errorCatalogue = {
  SpecInvalid: { retryable: false, meaning: 'The experiment file is wrong.', mend: 'Correct the places named and run again.' },
  DataInvalid: {
    retryable: false,
    meaning: 'The data cannot be read as the spec says.',
    mend: 'Correct the file or the spec at the place named.',
  },
  ImageUnpinned: { retryable: false, meaning: 'A container image is named by a tag.', mend: 'Write the digest the message gives.' },
  TrainerFailed: {
    retryable: false,
    meaning: 'The trainer failed more often than its budget allows.',
    mend: 'Read the log lines attached, mend the trainer, run again.',
  },
  TrainerRejected: {
    retryable: false,
    meaning: 'The trainer said its parameters or data are wrong (exit code 78).',
    mend: 'Correct what its last log lines name.',
  },
  PredictionsInvalid: {
    retryable: false,
    meaning: 'The trainer ended without complete, valid predictions.',
    mend: 'Write every test id once, with finite scores that sum to 1.',
  },
  Forbidden: { retryable: false, meaning: 'This caller may not do that.', mend: 'Ask the owner of the server.' },
  Conflict: {
    retryable: false,
    meaning: 'What is asked does not fit the present state.',
    mend: 'Look at the state (`assay show`) and ask again.',
  },
  PayloadTooLarge: {
    retryable: false,
    meaning: 'Data over 256 KB was about to enter a workflow history.',
    mend: 'Store it as an object and pass its reference.',
  },
  NotFound: { retryable: false, meaning: 'No record of that name.', mend: 'Look it up with `assay list`.' },
  Unsupported: { retryable: false, meaning: 'A part that this version does not bring.', mend: 'Use what the message names instead.' },
  Internal: {
    retryable: false,
    meaning: 'assay itself is at fault.',
    mend: 'Report the message with the log of the worker; the rest of the experiment goes on.',
  },
  StoreUnavailable: {
    retryable: true,
    meaning: 'The object store did not answer or is full.',
    mend: 'Free space or mend the store; the run goes on by itself.',
  },
  ObjectCorrupt: {
    retryable: false,
    meaning: 'A stored object does not match its digest.',
    mend: 'Restore the object named from a backup or a replica.',
  },
  ExecutorUnavailable: {
    retryable: true,
    meaning: 'The trainer could not be started on this host.',
    mend: 'Install what the message names on the host.',
  },
  GpuUnhealthy: { retryable: true, meaning: 'A device failed its check.', mend: 'Nothing: another device is taken.' },
  HostLost: {
    retryable: true,
    meaning: 'A worker host stopped answering.',
    mend: 'Nothing: another host takes over from the last checkpoint.',
  },
  Preempted: { retryable: true, meaning: 'The run yielded its place.', mend: 'Nothing: it goes on later.' },
  TrainerCrashed: {
    retryable: true,
    meaning: 'The trainer died.',
    mend: 'Nothing while its budget lasts: it resumes from the last checkpoint.',
  },
  OutOfMemory: {
    retryable: true,
    meaning: 'The device or the memory limit is too small.',
    mend: 'Lower batchSize, or give the run more memory.',
  },
  CheckpointCorrupt: { retryable: true, meaning: 'A checkpoint does not verify.', mend: 'Nothing: the one before it is used.' },
  NotDelivered: {
    retryable: true,
    meaning: 'A receiver of webhooks did not take a message.',
    mend: 'Look at the receiver: it is tried again for up to three days.',
  },
  NotPublished: {
    retryable: true,
    meaning: 'An MLflow server did not take a result.',
    mend: 'Mend what the message names; then `assay publish mlflow ID` goes on where it was.',
  },
  ServerUnavailable: {
    retryable: true,
    meaning: 'No Temporal server answers.',
    mend: 'Start it, or unset TEMPORAL_ADDRESS to use the embedded one.',
  },
} as const satisfies Record<string, { retryable: boolean; meaning: string; mend: string }>;

export type ErrorType = keyof typeof errorCatalogue;

/** An expected failure: what happened, where, and what to do. */
export class AssayError extends Error {
  readonly type: ErrorType;
  /** Plain data for the caller, e.g. the last log lines. */
  readonly details: Record<string, unknown> | undefined;

  constructor(type: ErrorType, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = type;
    this.type = type;
    this.details = options.details;
  }

  get retryable(): boolean {
    return errorCatalogue[this.type].retryable;
  }
}

export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`);
}
