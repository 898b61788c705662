// Free of Node and of the other rooms, so that any team's workflow can import it.
import { operation, service } from 'nexus-rpc';
import { type ErrorType, errorCatalogue } from './errors';
import type { ExperimentOutput, Progress } from './messages';
import type { StartRequest, StartedExperiment } from './service';

/** Which experiment an operation is about. */
export interface ExperimentQuestion {
  experimentId: string;
}

/**
 * assay for workflows of other teams, in any namespace of the server. Without an idempotency key a start is named by its request, so that a
 * retried operation never starts a second one. Refusals are handler errors (`BAD_REQUEST`, `NOT_FOUND`, `UNAUTHORIZED`); an experiment
 * that failed or was cancelled fails its operation. `assayProblem` reads the type and the sentence of both.
 */
export const assayService = service('assay.v1', {
  /** Starts an experiment and returns at once. */
  start: operation<StartRequest, StartedExperiment>(),
  /** Runs an experiment to its verdict. Cancelling the operation cancels the experiment. */
  run: operation<StartRequest, ExperimentOutput>(),
  /** The verdict of an experiment, waited for if need be. Cancelling this operation leaves the experiment alone. */
  result: operation<ExperimentQuestion, ExperimentOutput>(),
  progress: operation<ExperimentQuestion, Progress>(),
  cancel: operation<ExperimentQuestion, void>(),
});

/** What an operation was refused or failed with, for the caller's workflow: the type of `errorCatalogue` and the sentence; null where it is none of ours. */
export function assayProblem(error: unknown): { type: ErrorType; message: string } | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: unknown };
    if (typeof type === 'string' && Object.hasOwn(errorCatalogue, type)) return { type: type as ErrorType, message: at.message };
  }
  return null;
}
