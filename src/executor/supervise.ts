import { setTimeout as sleep } from 'node:timers/promises';
import { CheckpointQueue } from './checkpoints';
import { filesOf } from './layout';
import { EventTail } from './tail';
import type { SuperviseInput, SuperviseResult, SupervisedProgress, TrainerExit } from './types';

/** Follows a started trainer to its end. Leaving early, by detaching or by an error, never touches the trainer. */
export async function supervise(input: SuperviseInput): Promise<SuperviseResult> {
  const { executor, dir, onProgress = () => {}, onCheckpoint = async () => {}, signal, graceSeconds = 20, pollMs = 250 } = input;
  const files = filesOf(dir);
  const tail = new EventTail(files.events, input.earlier);
  const checkpoints = new CheckpointQueue(files.checkpoints, onCheckpoint);
  const tell = teller(input.onMessage ?? (() => {}));
  const summary = () => ({ step: tail.step, events: tail.events, warnings: warningsOf(tail, files.events) });
  let stopping: Promise<unknown> | null = null;
  let stopped = false;
  let stopError: unknown = null;
  let exit: TrainerExit | null = null;
  let nextSecond = 0;
  const pace = paceOf(tail);

  try {
    for (;;) {
      if (signal?.aborted && !stopping) {
        const wish = input.onAbort?.() ?? (signal.reason === 'detach' ? 'detach' : 'stop');
        if (wish === 'detach') return { ...summary(), reason: 'detached', exit: null, peakMemoryBytes: null };
        stopped = exit === null;
        stopping = executor.stop(dir, { graceSeconds }).catch((error: unknown) => {
          stopError = error;
        });
      }
      // The end first, then the files: what was written before the end is then read.
      exit ??= await executor.ended(dir, { onMessage: (text) => tell('engine', text) });
      await tail.read();
      checkpoints.look();
      if (checkpoints.error !== null) throw checkpoints.error;
      if (stopError !== null) throw stopError;
      if (exit) checkpoints.finish(stopping ? stopPatienceMs : (input.storePatienceMs ?? storePatienceMs));
      const over = exit !== null && checkpoints.idle;
      if (over || performance.now() >= nextSecond) {
        onProgress({ ...progressOf(tail, checkpoints), ...pace() });
        tell('store', checkpoints.message);
        nextSecond = performance.now() + 1000;
      }
      if (exit && over) {
        await stopping;
        return { ...summary(), reason: stopped ? 'stopped' : 'exited', exit, peakMemoryBytes: exit.peakMemoryBytes };
      }
      await pause(exit ? Math.min(pollMs, 50) : pollMs, stopping ? undefined : signal);
    }
  } finally {
    checkpoints.close();
    tail.close();
  }
}

const storePatienceMs = 10 * 60_000;
/** A cancelled run does not wait long for a store to take its last checkpoint. */
const stopPatienceMs = 60_000;

/** Joins the messages of both sources and passes on what is new. */
function teller(onMessage: (text: string) => void): (source: 'engine' | 'store', text: string) => void {
  const now = { engine: '', store: '' };
  let told = '';
  return (source, text) => {
    now[source] = text;
    const whole = [now.engine, now.store].filter((part) => part !== '').join('; ');
    if (whole !== told) onMessage(whole);
    told = whole;
  };
}

function progressOf(tail: EventTail, checkpoints: CheckpointQueue): SupervisedProgress {
  return {
    ...(tail.step === null ? {} : { step: tail.step, loss: tail.loss, throughput: tail.throughput, curve: tail.curve.points() }),
    ...(checkpoints.handled === null ? {} : { checkpointStep: checkpoints.handled }),
  };
}

/** Steps left by the pace since the first look at a step, so that what came before an adoption does not count. */
function paceOf(tail: EventTail): () => Pick<SupervisedProgress, 'totalSteps' | 'secondsLeft'> {
  let first: { step: number; at: number } | null = null;
  return () => {
    const { step, totalSteps } = tail;
    if (step === null || totalSteps === null) return {};
    first ??= { step, at: performance.now() };
    const seconds = (performance.now() - first.at) / 1000;
    const made = step - first.step;
    return { totalSteps, secondsLeft: made > 0 && seconds > 2 ? Math.max(0, ((totalSteps - step) * seconds) / made) : null };
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
