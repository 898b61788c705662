import { AssayError, type ErrorType, exitCodes } from '../contract';
import type { TrainerExit } from './types';

/** What an end of the trainer means; null is success. `logs` end with what the trainer said last. */
export function mapExit(exit: TrainerExit, logs: string): AssayError | null {
  const { code, signal, error, lost, outOfMemory, outside } = exit;
  const lines = logs.trimEnd().split('\n').slice(-20);
  const details = { code, signal, log: lines };
  const failure = (type: ErrorType, message: string): AssayError =>
    new AssayError(type, logs.trim() === '' ? `${message}; its logs are empty` : `${message}\n${lines.join('\n')}`, { details });

  if (error === 'superseded') return new AssayError('Preempted', 'the trainer was not started: a newer epoch had begun', { details });
  if (error !== null) return new AssayError('ExecutorUnavailable', `the trainer could not be started: ${error}`, { details });
  if (outOfMemory) return failure('OutOfMemory', `the trainer was killed by the memory limit${limitOf(exit)}`);
  if (outside !== null)
    return failure('ExecutorUnavailable', `the trainer was ended from outside, through no fault of its own: ${outside}`);
  if (lost) return failure('TrainerCrashed', 'the trainer is gone and left no exit code (its shim was killed, or the host restarted)');
  switch (code) {
    case exitCodes.done:
      return null;
    case exitCodes.yielded:
      return new AssayError('Preempted', 'the trainer stopped on request after a checkpoint (exit code 75)', { details });
    case exitCodes.rejected:
      return failure('TrainerRejected', 'the trainer refused its parameters or data (exit code 78)');
    case exitCodes.deviceOutOfMemory:
      return failure('OutOfMemory', 'the device is out of memory (exit code 86)');
    case 126:
      return failure(
        'TrainerFailed',
        'the trainer ended with exit code 126: its command is not executable; correct training.command or the file',
      );
    case 127:
      return failure(
        'TrainerFailed',
        'the trainer ended with exit code 127: command not found; correct training.command, or add it to the image',
      );
    case 139:
      return failure('TrainerCrashed', 'the trainer ended with exit code 139: a segmentation fault');
    case null:
      return failure('TrainerCrashed', `the trainer was killed by ${signal}${signal === 'SIGSEGV' ? ', a segmentation fault' : ''}`);
    default:
      return cannotGetBetter.test(lines.at(-1) ?? '')
        ? failure('TrainerFailed', `the trainer ended with exit code ${code}; trying again would not help`)
        : failure('TrainerCrashed', `the trainer ended with exit code ${code}`);
  }
}

/** Last line of a Python traceback that the same code meets again every time. */
const cannotGetBetter = /^(?:ImportError|ModuleNotFoundError|SyntaxError|IndentationError|TabError)\b/;

const limitOf = ({ memoryLimitBytes }: TrainerExit): string =>
  memoryLimitBytes === undefined ? '' : ` of ${Number((memoryLimitBytes / 2 ** 20).toFixed(1))} MiB`;
