import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Analysis, type AnalysisInput, analyse } from '../analysis';
import { AssayError, type ErrorType } from '../contract';

/** What the thread answers with; an error by what makes it one of ours, since a thread gives back plain data alone. */
export type Answer = { analysis: Analysis } | { error: { type: ErrorType | null; message: string; stack: string | undefined } };

/**
 * `analyse` on a thread of its own, so that the activity's heartbeats go on however long it takes. The runs' scores move there: they are
 * gone from the input afterwards.
 */
export async function analyseApart(input: AnalysisInput): Promise<Analysis> {
  const file = join(__dirname, 'analysisThread.js');
  // Sources that are not compiled, as in tests, have no file that a thread could run.
  if (!existsSync(file)) return analyse(input);
  const buffers = new Set(
    input.variants.flatMap(({ runs }) => runs.flatMap(({ scores }) => (scores === null ? [] : [scores.buffer as ArrayBuffer]))),
  );
  const worker = new Worker(file, { workerData: input, transferList: [...buffers] });
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread of the analysis ended with ${code} and without an answer`)));
    });
    if ('analysis' in answer) return answer.analysis;
    const { type, message, stack } = answer.error;
    throw Object.assign(type === null ? new Error(message) : new AssayError(type, message), { stack });
  } finally {
    await worker.terminate();
  }
}
