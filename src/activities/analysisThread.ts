import { parentPort, workerData } from 'node:worker_threads';
import { type AnalysisInput, analyse } from '../analysis';
import { AssayError } from '../contract';
import { pairedBootstrapOnThreads } from '../threads';
import type { Answer } from './analyseApart';

parentPort?.postMessage(answer(workerData as AnalysisInput));

function answer(input: AnalysisInput): Answer {
  try {
    return { analysis: analyse(input, { bootstrap: pairedBootstrapOnThreads }) };
  } catch (error) {
    const { message, stack } = error as Error;
    return { error: { type: error instanceof AssayError ? error.type : null, message, stack } };
  }
}
