import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { type ErrorType, errorCatalogue } from '../contract';

export interface Cause {
  type: ErrorType;
  message: string;
}

/** The kind of a failure as the catalogue names it, from whatever Temporal wrapped it in. */
export function causeOf(error: unknown): Cause {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return causeOf(error.cause);
  if (error instanceof TimeoutFailure) {
    const waited = error.timeoutType === 'SCHEDULE_TO_START';
    return waited
      ? { type: 'HostLost', message: 'no worker took the work from the host queue in time' }
      : { type: 'HostLost', message: `the work ran out of time (${error.timeoutType})` };
  }
  if (error instanceof ApplicationFailure && error.type && error.type in errorCatalogue) {
    return { type: error.type as ErrorType, message: error.message };
  }
  return { type: 'TrainerFailed', message: error instanceof Error ? error.message : String(error) };
}
