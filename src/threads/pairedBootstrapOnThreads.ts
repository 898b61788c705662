import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  type BootstrapMetric,
  drawReplicates,
  type PairedBootstrapInput,
  type PairedBootstrapOptions,
  type PairedBootstrapResult,
  pairedResampler,
  pairedSettings,
  summarisePaired,
} from '../stats';
import { blockSize, drawBlocks, drawOthers, sharedInput, sharedWork, type Work } from './work';

export interface ThreadOptions {
  /** Threads that draw, this one among them. Default: the cores this process may use, at most 8. */
  threads?: number;
  /** Milliseconds that one thread would have to take for others to be started; default 500, below which a start costs more than it saves. */
  worthwhile?: number;
  /** File that a thread runs; default the compiled `worker.js` beside this one, and no threads where there is none. */
  workerFile?: string;
}

/**
 * `pairedBootstrap` with its replicates drawn on several threads; the same result to the bit, since each block of replicates has a stream
 * of its own. The call blocks until all are drawn. A thread that cannot start, fails or stops costs time and no more: what it had claimed
 * is drawn here.
 */
export function pairedBootstrapOnThreads(
  input: PairedBootstrapInput,
  metric: BootstrapMetric,
  options: PairedBootstrapOptions & ThreadOptions = {},
): PairedBootstrapResult {
  const { threads = Math.min(8, availableParallelism()), worthwhile = 500, workerFile = join(__dirname, 'worker.js'), ...own } = options;
  if (!Number.isSafeInteger(threads) || threads < 1) throw new RangeError(`threads must be a whole number of at least 1, got ${threads}`);
  const settings = pairedSettings(own);
  const { method, seed, resamples } = settings;
  const resampler = pairedResampler(input, metric);
  const started = performance.now();
  const first = drawReplicates(resampler, method, seed, 0, Math.min(blockSize, resamples));
  const elapsed = performance.now() - started;
  const blocks = Math.ceil(resamples / blockSize);
  if (blocks === 1) return summarisePaired(resampler, first, settings);
  const helpers = Math.min(threads - 1, blocks - 2);
  if (helpers < 1 || elapsed * (blocks - 1) < worthwhile || !existsSync(workerFile)) {
    const all = first.map((values) => {
      const whole = new Float64Array(resamples);
      whole.set(values);
      return whole;
    });
    drawReplicates(resampler, method, seed, blockSize, resamples).forEach((values, k) => all[k]?.set(values, blockSize));
    return summarisePaired(resampler, all, settings);
  }
  const work = sharedWork(sharedInput(input, metric), metric, { method, seed, resamples }, first);
  const workers = Array.from({ length: helpers }, () => startWorker(workerFile, work));
  try {
    const slowest = drawBlocks(resampler, work);
    drawOthers(resampler, work, Math.max(1000, 2 * Math.max(slowest, elapsed)));
  } finally {
    for (const worker of workers) void worker.terminate();
  }
  return summarisePaired(resampler, work.results, settings);
}

function startWorker(file: string, work: Work): Worker {
  const worker = new Worker(file, { workerData: work, execArgv: [] });
  // What it had claimed is drawn by the caller.
  worker.on('error', () => undefined);
  worker.unref();
  return worker;
}
