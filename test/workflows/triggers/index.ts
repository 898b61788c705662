import { ApplicationFailure, proxyActivities, sleep } from '@temporalio/workflow';
import type { ExperimentInput, ExperimentOutput } from '../../../src/contract';

export { triggers } from '../../../src/workflows/triggers';

/** How long an experiment takes, seconds, and how it ends. */
export interface Conduct {
  seconds: number;
  failure?: string;
}

const { conduct } = proxyActivities<{ conduct(id: string): Promise<Conduct> }>({ taskQueue: 'assay-control', startToCloseTimeout: '10s' });

/** An experiment whose work is made up. */
export async function experiment({ experimentId, spec }: ExperimentInput): Promise<ExperimentOutput> {
  const { seconds, failure } = await conduct(experimentId);
  await sleep(seconds * 1000);
  if (failure !== undefined) throw ApplicationFailure.nonRetryable(failure, 'DataInvalid');
  const verdict = { outcome: 'keep' as const, harm: false, variant: null, sentence: 'No difference was shown.', reasons: [] };
  return { experimentId, verdict, result: spec, report: spec };
}
