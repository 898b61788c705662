import { ApplicationFailure } from '@temporalio/common';
import type { WorkerInterceptors } from '@temporalio/worker';
import { payloadProblem } from '../contract/payload';
import { carrierOf, withTrace } from '../observability';
import { toFailure } from './failure';
import { observed } from './observe';

/** Observes every attempt, names the kind of every failure, and refuses results that are too large for a history; Nexus callers go on with their trace. */
export const activityInterceptors: WorkerInterceptors = {
  activity: [
    (context) => ({
      inbound: {
        execute: (input, next) =>
          observed(context, input, async () => {
            const result = await next(input).catch((error: unknown) => {
              throw toFailure(error);
            });
            const problem = payloadProblem(`the result of activity ${context.info.activityType}`, result);
            if (problem) throw ApplicationFailure.create({ type: 'PayloadTooLarge', message: problem, nonRetryable: true });
            return result;
          }),
      },
    }),
  ],
  nexus: [
    () => ({
      inbound: {
        startOperation: (input, next) => {
          const { traceparent, tracestate } = input.ctx.headers;
          const parent = carrierOf(traceparent, tracestate);
          return parent === null ? next(input) : withTrace(parent, () => next(input));
        },
      },
    }),
  ],
};
