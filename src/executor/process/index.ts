import { logTail } from '../logs';
import type { Executor } from '../types';
import { attachTrainer } from './attach';
import { endedTrainer, findTrainer, listTrainers } from './find';
import { startTrainer } from './start';
import { stopRun, stopTrainer } from './stop';

/** Trainers as processes of this host, each owned by a shim that outlives the worker. */
export function createProcessExecutor(): Executor {
  return {
    kind: 'process',
    async start(start) {
      await startTrainer(start);
    },
    find: findTrainer,
    ended: endedTrainer,
    async stop(dir, options) {
      await stopTrainer(dir, options);
    },
    stopRun,
    list: listTrainers,
    logTail,
    attach: attachTrainer,
  };
}
