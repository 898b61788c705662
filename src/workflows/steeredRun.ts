import {
  CancellationScope,
  type ChildWorkflowHandle,
  ChildWorkflowCancellationType,
  type ChildWorkflowOptions,
  ParentClosePolicy,
  condition,
  isCancellation,
  startChild,
} from '@temporalio/workflow';
import { type RunOutcome, type RunSteering, ids } from '../contract';
import { steerRun } from './messages';
import { type VariantRunInput, variantRun } from './variantRun';

interface Steer {
  wanted: () => RunSteering;
  isStopped: () => boolean;
}

/** One run as a child, which hears of every change while it lasts; null where somebody stopped it before it had an outcome. */
export async function steeredRun(
  input: Omit<VariantRunInput, 'paused'>,
  { wanted, isStopped }: Steer,
  options: Pick<ChildWorkflowOptions, 'staticSummary' | 'typedSearchAttributes'>,
): Promise<RunOutcome | null> {
  if (isStopped()) return null;
  const { experimentId, variant, seed } = input.key;
  const told = wanted();
  const scope = new CancellationScope();
  let over = false;
  try {
    return await scope.run(async () => {
      const run = await startChild(variantRun, {
        workflowId: ids.variantRunWorkflow(experimentId, variant, seed),
        args: [{ ...input, resources: { ...input.resources, qos: told.qos }, ...(told.paused ? { paused: true } : {}) }],
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        ...options,
      });
      // What ends the run must not end the word of it.
      void CancellationScope.nonCancellable(() => attend(run, told)).catch(() => undefined);
      return await run.result();
    });
  } catch (error) {
    if (isCancellation(error) && isStopped() && !CancellationScope.current().consideredCancelled) return null;
    throw error;
  } finally {
    over = true;
  }

  /** Tells it of each change, in order, until it is over. */
  async function attend(run: ChildWorkflowHandle<typeof variantRun>, first: RunSteering): Promise<void> {
    for (let last = first; ; ) {
      const changed = (): boolean => wanted().paused !== last.paused || wanted().qos !== last.qos;
      await condition(() => over || isStopped() || changed());
      if (over) return;
      if (isStopped()) return scope.cancel();
      last = wanted();
      // One that has just ended needs no word.
      await run.signal(steerRun, last).catch(() => undefined);
    }
  }
}
