import { mapExit, type TrainerExit } from '../../src/executor';

const exit = (overrides: Partial<TrainerExit>): TrainerExit => ({
  ...{
    code: null,
    signal: null,
    endedAt: '2026-01-01T00:00:00.000Z',
    error: null,
    peakMemoryBytes: null,
    lost: false,
    outOfMemory: false,
    outside: null,
  },
  ...overrides,
});
const traceback = (last: string): string => `Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n${last}\n`;

test.each<[string, Partial<TrainerExit>, string, string | null]>([
  ['success', { code: 0 }, '', null],
  ['a checkpoint on request', { code: 75 }, '', 'Preempted'],
  ['refused parameters', { code: 78 }, 'lr must be positive\n', 'TrainerRejected'],
  ['a full device', { code: 86 }, '', 'OutOfMemory'],
  ['a crash', { code: 1 }, traceback('ValueError: nope'), 'TrainerCrashed'],
  ['a signal', { signal: 'SIGSEGV' }, '', 'TrainerCrashed'],
  ['a missing module', { code: 1 }, traceback("ModuleNotFoundError: No module named 'torch'"), 'TrainerFailed'],
  ['a failed import', { code: 1 }, traceback('ImportError: cannot import name x'), 'TrainerFailed'],
  ['a wrong syntax', { code: 1 }, traceback('SyntaxError: invalid syntax'), 'TrainerFailed'],
  ['an import error that was survived', { code: 1 }, `${traceback('ImportError: x')}going on without\nboom\n`, 'TrainerCrashed'],
  ['a lost trainer', { lost: true }, '', 'TrainerCrashed'],
  ['the memory limit', { code: 137, outOfMemory: true, memoryLimitBytes: 2 ** 26 }, '', 'OutOfMemory'],
  ['a container that somebody killed', { code: 137, outside: 'container x was ended by SIGKILL' }, '', 'ExecutorUnavailable'],
  ['a container that is gone', { lost: true, outside: 'container x was removed' }, '', 'ExecutorUnavailable'],
  ['a command that is not there', { code: 127 }, 'sh: 1: nope: not found\n', 'TrainerFailed'],
  ['a command that cannot be run', { code: 126 }, '', 'TrainerFailed'],
  ['a segmentation fault in a container', { code: 139 }, '', 'TrainerCrashed'],
  ['a newer epoch', { error: 'superseded' }, '', 'Preempted'],
  ['no such program', { error: 'spawn x ENOENT' }, '', 'ExecutorUnavailable'],
])('%s is told apart', (_, ended, logs, type) => {
  expect(mapExit(exit(ended), logs)?.type ?? null).toBe(type);
});

test('an error carries the last 20 lines of the log, and its message ends with them', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const error = mapExit(exit({ code: 9 }), `${lines.join('\n')}\n`);
  expect(error?.details).toEqual({ code: 9, signal: null, log: lines.slice(30) });
  expect(error?.message).toBe(`the trainer ended with exit code 9\n${lines.slice(30).join('\n')}`);
});

test.each<[Partial<TrainerExit>, RegExp]>([
  [{ code: 137, outOfMemory: true, memoryLimitBytes: 2 ** 26 }, /killed by the memory limit of 64 MiB/],
  [{ code: 137, outside: 'container x was ended by SIGKILL' }, /through no fault of its own: container x was ended by SIGKILL/],
  [{ code: 139 }, /segmentation fault/],
  [{ signal: 'SIGSEGV' }, /segmentation fault/],
  [{ code: 127 }, /command not found; correct training\.command/],
])('the end %j is named in words', (ended, message) => {
  expect(mapExit(exit(ended), '')?.message).toMatch(message);
});
