// Proves on real processes: one variant works at a time, in ABBA order, and any failure ends all.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTurns, type TurnTrainer } from '../../src/executor';
import { membersOf } from '../../src/executor/process/members';
import { cleanUp, newRunDir, processes, readText, runFile, start } from './helpers';

afterEach(cleanUp);

function players(params: Record<string, Record<string, unknown>>): { trainers: TurnTrainer[]; journal: string; left: () => number } {
  const base = newRunDir();
  const journal = join(base, 'journal');
  mkdirSync(base, { recursive: true });
  const trainers = Object.entries(params).map(([variant, more]) => {
    const dir = join(base, variant);
    const file = runFile(dir, { mode: 'latency', variant, params: { journal, ...more } });
    return { ...start(base, 1), variant, dir, runFile: file };
  });
  return { trainers, journal, left: () => membersOf((run) => run.startsWith(base)).length };
}

test('turns go ABBA over the blocks, one at a time, and every line is collected', async () => {
  const { trainers, journal, left } = players({ a: {}, b: {}, c: {} });
  const measured = await runTurns({ executor: processes, trainers, blocks: 3, timeoutSeconds: 30 });
  const turns = [...['0 a', '0 b', '0 c'], ...['1 c', '1 b', '1 a'], ...['2 a', '2 b', '2 c']];
  expect(readText(journal)).toBe(turns.map((t) => `begin ${t}\nend ${t}\n`).join(''));
  expect(measured.map(({ variant, lines }) => [variant, lines.length])).toEqual([
    ['a', 9],
    ['b', 9],
    ['c', 9],
  ]);
  expect(measured[0]?.lines[0]).toEqual({ block: 0, step: 0, batch: 8, ms: 1.5, warmup: true });
  expect(left()).toBe(0);
});

test.each<[string, Record<string, unknown>, number, string, RegExp]>([
  [
    'dies in the middle',
    { diesInBlock: 1 },
    30,
    'TrainerCrashed',
    /^latency of b: the trainer ended with exit code 3\nthe weights are gone$/,
  ],
  ['hangs', { hangsInBlock: 1 }, 1.5, 'TrainerCrashed', /^latency of b: its answer to block 1 did not come within 1.5 s$/],
  ['writes no lines', { forgets: true }, 30, 'TrainerCrashed', /^latency of b: .*latency\.jsonl: expected lines of block 0, got none$/],
  ['answers out of turn', { answers: 7 }, 30, 'TrainerCrashed', /^latency of b: expected \{"done": 0\}, got \{"done":7\}$/],
])('a variant that %s is named, with what it said last, and all are ended', async (_, params, timeoutSeconds, type, message) => {
  const { trainers, left } = players({ a: {}, b: params });
  await expect(runTurns({ executor: processes, trainers, blocks: 3, timeoutSeconds })).rejects.toMatchObject({
    type,
    message: expect.stringMatching(message),
  });
  expect(left()).toBe(0);
});

test('a command that is not there is named', async () => {
  const { trainers } = players({ a: {} });
  const missing = trainers.map((trainer) => ({ ...trainer, command: ['no-such-program'] }));
  await expect(runTurns({ executor: processes, trainers: missing, blocks: 2, timeoutSeconds: 5 })).rejects.toMatchObject({
    type: 'ExecutorUnavailable',
    message: expect.stringContaining('no-such-program'),
  });
});

test('an abort ends all trainers with the reason given', async () => {
  const { trainers, left } = players({ a: { hangsInBlock: 0 }, b: {} });
  const stop = new AbortController();
  const running = runTurns({ executor: processes, trainers, blocks: 2, timeoutSeconds: 60, signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 500);
  await expect(running).rejects.toThrow('enough');
  expect(left()).toBe(0);
});
