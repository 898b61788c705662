import {
  ApplicationFailure,
  ContinueAsNew,
  type WorkflowExecuteInput,
  type WorkflowInterceptorsFactory,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import { type ExperimentOutput, type RunOutcome, type SeriesRunInput, type SeriesRunOutput, poolNames } from '../contract';
import { payloadProblem, poolStateLimitBytes } from '../contract/payload';
import { causeOf } from './failures';
import { listen, observe } from './observe';
import { traceInterceptors } from './trace';

/**
 * Hands traces on, counts ends, and refuses oversized values with a clear failure of the workflow; the server would terminate it without one.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  listen();
  const traces = traceInterceptors();
  return {
    inbound: [
      ...(traces.inbound ?? []),
      {
        async execute(input, next) {
          refuse('the workflow input', input.args, workflowInfo().workflowType === poolNames.workflow ? poolStateLimitBytes : undefined);
          try {
            const result = await next(input);
            refuse('the workflow result', result);
            countResult(input, result);
            return result;
          } catch (error) {
            if (!(error instanceof ContinueAsNew)) countFailure(input, error);
            throw error;
          }
        },
      },
    ],
    outbound: [
      ...(traces.outbound ?? []),
      {
        scheduleActivity(input, next) {
          refuse(`the input of activity ${input.activityType}`, input.args);
          return next(input);
        },
        startChildWorkflowExecution(input, next) {
          refuse(`the input of workflow ${input.workflowType}`, input.options.args);
          return next(input);
        },
        signalWorkflow(input, next) {
          refuse(`the signal ${input.signalName}`, input.args);
          return next(input);
        },
      },
    ],
  };
};

function refuse(what: string, value: unknown, limit?: number): void {
  const problem = payloadProblem(what, value, limit);
  if (problem) throw ApplicationFailure.create({ type: 'PayloadTooLarge', message: problem, nonRetryable: true });
}

function countResult({ args }: WorkflowExecuteInput, result: unknown): void {
  switch (workflowInfo().workflowType) {
    case 'experiment': {
      const { outcome } = (result as ExperimentOutput).verdict;
      return observe({ type: 'experimentEnded', status: 'done', error: null, outcome, seconds: secondsOfRun() });
    }
    case 'variantRun':
      return observe({ type: 'runEnded', status: (result as RunOutcome).status });
    case 'seriesRun': {
      const { skipped } = result as SeriesRunOutput;
      return observe({ type: 'seriesRunEnded', series: seriesOf(args), status: skipped === null ? 'done' : 'skipped' });
    }
  }
}

function countFailure({ args }: WorkflowExecuteInput, error: unknown): void {
  const status = isCancellation(error) ? 'cancelled' : 'failed';
  switch (workflowInfo().workflowType) {
    case 'experiment': {
      const type = status === 'failed' ? causeOf(error).type : null;
      return observe({ type: 'experimentEnded', status, error: type, outcome: null, seconds: secondsOfRun() });
    }
    case 'variantRun':
      return observe({ type: 'runEnded', status });
    case 'seriesRun':
      return observe({ type: 'seriesRunEnded', series: seriesOf(args), status });
  }
}

const secondsOfRun = (): number => (Date.now() - workflowInfo().startTime.getTime()) / 1000;

const seriesOf = (args: unknown[]): string => (args[0] as SeriesRunInput).series;
