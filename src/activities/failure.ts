import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AssayError, type ErrorType } from '../contract';

/**
 * Kinds that the same activity, tried again on the same host, can get over. A crash of the trainer is not one:
 * it needs a new epoch, which the workflow issues.
 */
const retriedInPlace: ReadonlySet<ErrorType> = new Set(['StoreUnavailable', 'ServerUnavailable']);

/** What leaves an activity: our own types by name, so that the workflow can tell them apart. */
export function toFailure(error: unknown): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (error instanceof AssayError) {
    return ApplicationFailure.create({
      type: error.type,
      message: error.message,
      nonRetryable: !retriedInPlace.has(error.type),
      details: error.details ? [error.details] : [],
      cause: error,
    });
  }
  // A mistake of ours is made again by every try.
  if (mistakes.some((kind) => error instanceof kind)) {
    const { name, message, stack } = error as Error;
    return ApplicationFailure.create({ type: 'Internal', message: `${name}: ${message}`, nonRetryable: true, details: [{ stack }] });
  }
  return error instanceof Error ? error : new Error(String(error));
}

const mistakes = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];
