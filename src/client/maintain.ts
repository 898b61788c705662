import { type Client, ScheduleNotFoundError, ScheduleOverlapPolicy, WorkflowNotFoundError } from '@temporalio/client';
import { type MaintainInput, type MaintainOutput, ids, maintainWorkflow, queues } from '../contract';

const staticSummary = 'hash every object again, repair, free what nothing reaches';

/** Runs the maintenance of the store once; one that already runs is joined. */
export async function maintainOnce(client: Client, input: MaintainInput): Promise<MaintainOutput> {
  return client.workflow.execute(maintainWorkflow, {
    workflowId: ids.maintain,
    taskQueue: queues.control,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary,
  }) as Promise<MaintainOutput>;
}

/** Makes or changes the schedule; null removes it. Says whether there was one before. */
export async function scheduleMaintenance(client: Client, everySeconds: number | null, input: MaintainInput): Promise<boolean> {
  const handle = client.schedule.getHandle(ids.maintain);
  const known = await handle.describe().then(
    () => true,
    (error: unknown) => {
      if (error instanceof ScheduleNotFoundError || error instanceof WorkflowNotFoundError) return false;
      throw error;
    },
  );
  if (everySeconds === null) {
    if (known) await handle.delete();
    return known;
  }
  const schedule = {
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: maintainWorkflow,
      workflowId: ids.maintain,
      taskQueue: queues.control,
      args: [input],
      staticSummary,
    },
    // One at a time, and none is made up for: the store is as it is.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' as const },
  };
  if (known) await handle.update((before) => ({ ...schedule, state: before.state }));
  else await client.schedule.create({ scheduleId: ids.maintain, ...schedule });
  return known;
}
