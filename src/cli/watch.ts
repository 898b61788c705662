import type { Client } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { experimentProgress, experimentResult, failureWithoutRecord, placesOf, runProgress } from '../client';
import {
  AssayError,
  type ErrorType,
  type ExperimentRecord,
  type Progress,
  type Result,
  type Stage,
  errorCatalogue,
  isFinal,
  refNames,
} from '../contract';
import { terminalSummary } from '../report';
import type { Store } from '../store';
import { colourful } from './colours';
import { exitCode, exitCodes } from './exitCode';
import { exportReport } from './reportFile';
import { summaryOf, writeVerdict } from './summary';
import { type LiveView, liveView } from './view/liveView';
import { busiestFirst } from './view/runs';
import { keyOf } from './view/state';

export interface WatchOptions {
  json?: boolean;
  /** Outcomes that make the exit code 4; `harm` is one besides the verdicts. */
  failOn?: string[];
  /** File for the comment of a pull request. */
  summary?: string;
}

/** Follows an experiment to its end, or until its verdict waits for a person. Ctrl-C stops the watching, never the experiment. */
export async function watchExperiment(client: Client, store: Store, experimentId: string, options: WatchOptions): Promise<number> {
  const view = liveView(process.stderr, experimentId);
  const interrupted = interruption();
  const failures: WorkflowFailedError[] = [];
  const ended = experimentResult(client, experimentId).then(
    () => 'ended' as const,
    (error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
      failures.push(error);
      return 'ended' as const;
    },
  );
  try {
    for (;;) {
      const what = await Promise.race([ended, interrupted.promise, tick()]);
      // Nobody waits with Ctrl-C for a server that does not answer.
      const stage = what === 'interrupted' ? what : await Promise.race([refresh(client, experimentId, view), interrupted.promise]);
      if (stage === 'interrupted') {
        view.close();
        process.stderr.write(
          `\nThe experiment goes on. Come back with: assay watch ${experimentId}   Stop it with: assay cancel ${experimentId}\n`,
        );
        return exitCodes.interrupted;
      }
      if (what === 'ended' || stage === 'approval') break;
    }
  } finally {
    interrupted.dispose();
    view.close();
  }
  // What was terminated never ends its record.
  const [failure] = failures;
  if (failure !== undefined && (await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId)))?.value.status === 'running')
    throw failureWithoutRecord(experimentId, failure);
  return conclude(store, experimentId, options);
}

/** Prints how an experiment ended, from the store alone. */
export async function conclude(store: Store, experimentId: string, options: WatchOptions): Promise<number> {
  const found = await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId));
  const record = found?.value;
  if (record?.replay && record.status === 'done') return (await import('./replay/conclude.js')).concludeReplay(store, record, options);
  const waits = record?.status === 'running' && record.approval?.state === 'waiting';
  if (!record?.result || !(record.status === 'done' || waits)) {
    throw new AssayError(
      failureType(record),
      `experiment ${experimentId} ${record?.status ?? 'failed'}: ${record?.message ?? 'it left no record'}`,
    );
  }
  const result = await store.getJson<Result>(record.result);
  const path = await exportReport(store, record);
  if (options.summary !== undefined) await writeVerdict(options.summary, summaryOf(result));
  if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else
    process.stdout.write(
      `${terminalSummary(result, { colour: colourful(process.stdout), columns: process.stdout.columns })}\nreport: ${path}\n`,
    );
  return exitCode(result, options.failOn ?? []);
}

/** The kind that the experiment ended with, as its record's message begins. */
function failureType(record: ExperimentRecord | undefined): ErrorType {
  const type = /^(\w+): /.exec(record?.message ?? '')?.[1] ?? '';
  return Object.hasOwn(errorCatalogue, type) ? (type as ErrorType) : 'TrainerFailed';
}

/** The stage it is in; null where nobody answers. */
async function refresh(client: Client, experimentId: string, view: LiveView): Promise<Stage | null> {
  let progress: Progress;
  try {
    progress = await experimentProgress(client, experimentId);
  } catch (error) {
    // The control pool may be starting, or the server restarting: the next tick asks again.
    view.silent(error instanceof Error ? error.message : String(error));
    return null;
  }
  const training = isFinal(progress.stage) ? [] : progress.runs.filter(({ state }) => state === 'training');
  const details = busiestFirst(training)
    .slice(0, view.trainers)
    .map(async (run) => [keyOf(run), await runProgress(client, experimentId, run.variant, run.seed).catch(() => null)] as const);
  const [places, ...trainers] = await Promise.all([placesFor(client, progress, view), ...details]);
  view.show({ progress, places, trainers: new Map(trainers.flatMap(([key, now]) => (now === null ? [] : [[key, now]]))) });
  return progress.stage;
}

/** Asked for only where a run waits and somebody looks. */
async function placesFor(client: Client, { experimentId, runs, stage }: Progress, view: LiveView): Promise<Map<string, string>> {
  const waiting = view.trainers > 0 && stage === 'training' && runs.some(({ state }) => state === 'waiting');
  return waiting ? placesOf(client, experimentId, runs) : new Map();
}

const tick = (): Promise<'tick'> => new Promise((resolve) => setTimeout(() => resolve('tick'), 1000));

function interruption(): { promise: Promise<'interrupted'>; dispose: () => void } {
  let stop: () => void = () => undefined;
  const promise = new Promise<'interrupted'>((resolve) => {
    stop = () => resolve('interrupted');
  });
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return {
    promise,
    dispose: () => {
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}
