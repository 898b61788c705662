import { AssayError } from '../contract';
import { epochOf } from './layout';
import type { TrainerExit } from './types';

export const neverRan = (error: string): TrainerExit => ({
  code: null,
  signal: null,
  endedAt: new Date().toISOString(),
  error,
  peakMemoryBytes: null,
  lost: false,
  outOfMemory: false,
  outside: null,
});

export const superseded = (dir: string, newer: number): AssayError =>
  new AssayError('Preempted', `epoch ${epochOf(dir)} in ${dir} is over: epoch ${newer} has begun`, { details: { reason: 'superseded' } });

export const alreadyStarted = (dir: string): AssayError =>
  new AssayError('ExecutorUnavailable', `epoch ${epochOf(dir)} was already started in ${dir}; adopt it, or start the next epoch`, {
    details: { reason: 'already-started' },
  });
