import { ParentClosePolicy, createNexusServiceClient, executeChild, proxyActivities } from '@temporalio/workflow';
import type { ChildExperiment, ExperimentOutput, ExperimentWorkflow, SpecInput } from 'assay';
import { assayProblem, assayService } from 'assay/nexus';

export interface Activities {
  prepare(file: string, key: string): Promise<ChildExperiment>;
}

const { prepare } = proxyActivities<Activities>({ startToCloseTimeout: '5m' });

/** In assay's own namespace: the experiment is a child of this workflow, and is cancelled with it. */
export async function releaseGate(file: string, release: string): Promise<string> {
  const child = await prepare(file, `release/${release}`);
  const { verdict } = await executeChild<ExperimentWorkflow>('experiment', {
    ...child,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
  });
  return verdict.outcome;
}

/** In any namespace of the server: the experiment is an operation of the service assay.v1. */
export async function askAssay(endpoint: string, spec: SpecInput, key: string): Promise<ExperimentOutput | string> {
  const assay = createNexusServiceClient({ endpoint, service: assayService });
  try {
    return await assay.executeOperation('run', { spec, idempotencyKey: key, by: 'example service' });
  } catch (error) {
    // A wrong spec, or an experiment without a result, is an answer; what else goes wrong is not.
    const problem = assayProblem(error);
    if (problem === null) throw error;
    return `${problem.type}: ${problem.message}`;
  }
}
