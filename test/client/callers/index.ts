import { CancellationScope, createNexusServiceClient, executeChild, isCancellation } from '@temporalio/workflow';
import type { ChildExperiment, ExperimentOutput, ExperimentWorkflow, StartRequest, StartedExperiment } from '../../../src/contract';
import { type ExperimentQuestion, assayService } from '../../../src/contract/nexus';

const assay = () => createNexusServiceClient({ endpoint: 'assay', service: assayService });

export const callStart = (request: StartRequest): Promise<StartedExperiment> => assay().executeOperation('start', request);
export const callRun = (request: StartRequest): Promise<ExperimentOutput> =>
  assay().executeOperation('run', request, { cancellationType: 'WAIT_CANCELLATION_COMPLETED' });
export const callResult = (question: ExperimentQuestion): Promise<ExperimentOutput> => assay().executeOperation('result', question);
export const callCancel = (question: ExperimentQuestion): Promise<void> => assay().executeOperation('cancel', question);

/** Waits for a result no longer than it is told to. */
export async function callResultImpatiently(question: ExperimentQuestion): Promise<string> {
  try {
    await CancellationScope.withTimeout(1000, () => assay().executeOperation('result', question, { cancellationType: 'TRY_CANCEL' }));
    return 'ended';
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return 'left';
  }
}

export async function runAsChild(child: ChildExperiment): Promise<ExperimentOutput> {
  return executeChild<ExperimentWorkflow>('experiment', child);
}
