import { setTimeout as sleep } from 'node:timers/promises';
import { CheckpointQueue } from './checkpoints';
import { findTrainer } from './find';
import { filesOf, readExit, readTrainer } from './layout';
import { isAlive } from './processes';
import { stopTrainer } from './stop';
import { EventTail } from './tail';
import type { SuperviseInput, SuperviseResult, SupervisedProgress, TrainerExit } from './types';

/** Follows a started trainer to its end. Leaving early, by detaching or by an error, never touches the trainer. */
export async function supervise(input: SuperviseInput): Promise<SuperviseResult> {
  const { dir, onProgress = () => {}, onCheckpoint = async () => {}, signal, graceSeconds = 20, pollMs = 250 } = input;
  const files = filesOf(dir);
  const tail = new EventTail(files.events);
  const checkpoints = new CheckpointQueue(files.checkpoints, onCheckpoint);
  const summary = () => ({ step: tail.step, events: tail.events, warnings: warningsOf(tail, files.events) });
  let stopping: Promise<unknown> | null = null;
  let stopError: unknown = null;
  let nextSecond = 0;

  try {
    for (;;) {
      if (signal?.aborted && !stopping) {
        const wish = input.onAbort?.() ?? (signal.reason === 'detach' ? 'detach' : 'stop');
        if (wish === 'detach') return { ...summary(), reason: 'detached', exit: null, peakMemoryBytes: null };
        stopping = stopTrainer(dir, { graceSeconds }).catch((error: unknown) => {
          stopError = error;
        });
      }
      const second = Date.now() >= nextSecond;
      // The end first, then the files: what was written before the end is then read.
      const exit = readExit(dir) ?? (second ? await lostExit(dir) : null);
      await tail.read();
      checkpoints.look();
      if (checkpoints.error !== null) throw checkpoints.error;
      if (stopError !== null) throw stopError;
      if (second || exit) {
        onProgress(progressOf(tail, checkpoints));
        nextSecond = Date.now() + 1000;
      }
      if (exit) {
        await stopping;
        await checkpoints.drained();
        if (checkpoints.error !== null) throw checkpoints.error;
        onProgress(progressOf(tail, checkpoints));
        return { ...summary(), reason: stopping ? 'stopped' : 'exited', exit, peakMemoryBytes: exit.peakMemoryBytes };
      }
      await pause(pollMs, stopping ? undefined : signal);
    }
  } finally {
    tail.close();
  }
}

/** Null while the trainer or its shim lives, or where exit.json tells how it ended. */
async function lostExit(dir: string): Promise<TrainerExit | null> {
  const identity = readTrainer(dir);
  if (identity && isAlive(identity)) return null;
  const found = await findTrainer(dir);
  switch (found.state) {
    case 'running':
      return null;
    case 'exited':
      return found.exit;
    case 'absent':
      throw new TypeError(`no trainer was started in ${dir}`);
    case 'lost':
      return { code: null, signal: null, endedAt: new Date().toISOString(), error: null, peakMemoryBytes: null, lost: true };
  }
}

function progressOf(tail: EventTail, checkpoints: CheckpointQueue): SupervisedProgress {
  return {
    ...(tail.step === null ? {} : { step: tail.step, loss: tail.loss, throughput: tail.throughput }),
    ...(checkpoints.handled === null ? {} : { checkpointStep: checkpoints.handled }),
  };
}

function warningsOf({ invalid, firstInvalid }: EventTail, path: string): string[] {
  if (invalid === 0) return [];
  return [`${path}: ${invalid} ${invalid === 1 ? 'line is' : 'lines are'} not a JSON event and left out (first: line ${firstInvalid})`];
}

/** Ends early when `signal` aborts. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => {});
}
