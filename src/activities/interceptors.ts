import { ApplicationFailure } from '@temporalio/common';
import type { WorkerInterceptors } from '@temporalio/worker';
import { payloadProblem } from '../contract/payload';
import { toFailure } from './failure';

/** Names the kind of every failure, and refuses results that are too large for a history. */
export const activityInterceptors: WorkerInterceptors = {
  activity: [
    (context) => ({
      inbound: {
        async execute(input, next) {
          const result = await next(input).catch((error: unknown) => {
            throw toFailure(error);
          });
          const problem = payloadProblem(`the result of activity ${context.info.activityType}`, result);
          if (problem) throw ApplicationFailure.create({ type: 'PayloadTooLarge', message: problem, nonRetryable: true });
          return result;
        },
      },
    }),
  ],
};
