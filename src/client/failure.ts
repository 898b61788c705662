import { TerminatedFailure, TimeoutFailure, type WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { AssayError, type ErrorType, type ExperimentRecord, errorCatalogue } from '../contract';

/** Why an experiment has no result, from its record: the type of its failure, or `Conflict` where it was cancelled. */
export function failureOf({ experimentId, status, message }: ExperimentRecord): AssayError {
  const [, type = '', sentence = message ?? ''] = /^(\w+): ([^]*)$/.exec(message ?? '') ?? [];
  if (status === 'cancelled') return unfinished(experimentId, 'was cancelled');
  return new AssayError(
    Object.hasOwn(errorCatalogue, type) ? (type as ErrorType) : 'TrainerFailed',
    `${experimentId} failed: ${sentence}`,
    {
      details: { experimentId, status },
    },
  );
}

/** The same for one that left no record of its end: it was terminated, or its server ended it. */
export function failureWithoutRecord(experimentId: string, error: WorkflowFailedError): AssayError {
  const { cause } = error;
  if (cause instanceof TerminatedFailure) return unfinished(experimentId, `was terminated (${cause.message})`);
  if (cause instanceof TimeoutFailure) return unfinished(experimentId, 'ran out of time');
  const type = cause instanceof ApplicationFailure && Object.hasOwn(errorCatalogue, cause.type ?? '') ? cause.type : 'Internal';
  return new AssayError(type as ErrorType, `${experimentId} failed: ${cause?.message ?? error.message}`, { cause: error });
}

const unfinished = (experimentId: string, how: string): AssayError =>
  new AssayError('Conflict', `${experimentId} ${how}, so that it has no result; start another one`, { details: { experimentId } });
