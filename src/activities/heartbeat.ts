import { Context } from '@temporalio/activity';

/** Heartbeats while `work` runs, whatever it is doing, so that liveness and progress stay apart. */
export async function whileHeartbeating<T>(work: () => Promise<T>, details: () => unknown = () => undefined): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(details()), 1000);
  context.heartbeat(details());
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
