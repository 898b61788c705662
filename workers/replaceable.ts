import { CancelledFailure, type Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor, WorkerOptions } from '@temporalio/worker';
import type { Settings } from './settings';

/**
 * How workers end, and which work they take, where another of their build can go on with it: control and analysis. What is still under
 * way after the grace is handed back and starts at once elsewhere; everything they write may be written twice.
 */
export function replaceable({ graceSeconds, deployment }: Settings): Partial<WorkerOptions> {
  return {
    shutdownGraceTime: graceSeconds * 1000,
    shutdownForceTime: (graceSeconds + handBackSeconds) * 1000,
    ...(deployment === null
      ? {}
      : {
          workerDeploymentOptions: {
            useWorkerVersioning: true,
            version: { deploymentName: deployment.name, buildId: deployment.build },
            // Those that live as long as the service say otherwise: src/workflows/versions.ts.
            defaultVersioningBehavior: 'PINNED',
          },
        }),
  };
}

/** An interceptor: an activity that goes on when its worker ends is given back, whatever it is doing. */
export function handBack(context: Context): { inbound: ActivityInboundCallsInterceptor } {
  return {
    inbound: {
      async execute(input, next) {
        const work = next(input);
        const ending = context.cancelled.catch((error: unknown) => {
          // A cancel on request is the activity's own to hear: it stops what it started first.
          if (!(error instanceof CancelledFailure) || !context.cancellationDetails?.workerShutdown) return work;
          throw error;
        });
        const over = Promise.race([work, ending]);
        // Of the two, nobody asks the later.
        work.catch(() => undefined);
        ending.catch(() => undefined);
        return over;
      },
    },
  };
}

/** An interceptor: an activity with a heartbeat timeout is known to be alive, so that the end of its worker is noticed before it is due. */
export function alive(context: Context): { inbound: ActivityInboundCallsInterceptor } {
  return {
    inbound: {
      async execute(input, next) {
        const { heartbeatTimeoutMs } = context.info;
        if (heartbeatTimeoutMs === undefined) return next(input);
        const beating = setInterval(() => context.heartbeat(), heartbeatTimeoutMs / 4);
        try {
          return await next(input);
        } finally {
          clearInterval(beating);
        }
      },
    },
  };
}

const handBackSeconds = 5;
