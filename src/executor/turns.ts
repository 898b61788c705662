import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError, LatencyLine } from '../contract';
import { mapExit } from './exits';
import { filesOf } from './layout';
import type { AttachedTrainer, Executor, Measured, TurnTrainer, TurnsInput } from './types';

/**
 * The latency phase: all variants loaded at once, one works at a time. Even blocks go forward through the variants, odd ones
 * backward (ABBA), so that a drift of the host touches all alike. The trainers are attached: they end with this process.
 */
export async function runTurns({ executor, trainers, blocks, timeoutSeconds, onTurn, signal }: TurnsInput): Promise<Measured[]> {
  const limits = { ms: timeoutSeconds * 1000, signal };
  const players: Player[] = [];
  try {
    for (const trainer of trainers) players.push(await start(executor, trainer));
    await quiet(players, limits);
    for (let block = 0; block < blocks; block++) {
      for (const player of block % 2 === 0 ? players : [...players].reverse()) {
        await settled(players.filter((other) => other !== player));
        const from = Date.now();
        await turn(player, block, limits);
        onTurn?.({ variant: player.variant, block, from, until: Date.now() });
      }
    }
    return await Promise.all(players.map(async (player) => ({ variant: player.variant, lines: await finish(player, blocks, limits) })));
  } finally {
    await Promise.all(players.map(({ trainer }) => trainer.kill()));
  }
}

interface Player {
  executor: Executor;
  variant: string;
  dir: string;
  trainer: AttachedTrainer;
  /** Next object on standard output; what is no JSON object is the trainer's own chatter. */
  answers: AsyncIterator<Record<string, unknown>>;
}

interface Limits {
  ms: number;
  signal: AbortSignal | undefined;
}

async function start(executor: Executor, turnTrainer: TurnTrainer): Promise<Player> {
  const { variant, dir } = turnTrainer;
  await rm(filesOf(dir).out, { recursive: true, force: true });
  const trainer = await executor.attach(turnTrainer).catch((error: unknown) => {
    throw error instanceof AssayError ? named({ variant, dir }, error) : error;
  });
  // A trainer that died is noticed by its missing answer.
  trainer.stdin.on('error', () => {});
  return { executor, variant, dir, trainer, answers: answersOf(trainer.stdout) };
}

async function* answersOf(stdout: Readable): AsyncGenerator<Record<string, unknown>> {
  for await (const line of createInterface({ input: stdout })) {
    const value = jsonOf(line);
    if (typeof value === 'object' && value !== null) yield value as Record<string, unknown>;
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Waits until all have loaded, that is have worked and then not for a while, so that loading disturbs no turn. */
async function quiet(players: Player[], { ms, signal }: Limits): Promise<void> {
  let before = '';
  let still = 0;
  for (const end = performance.now() + ms; still < 4 && performance.now() < end && !signal?.aborted; await sleep(100)) {
    const seen = await Promise.all(players.map(({ trainer }) => trainer.activity()));
    const now = seen.map((activity) => activity?.ticks ?? 'gone').join();
    const idle = seen.every((activity) => activity === null || (activity.ticks > 0 && !activity.busy));
    still = idle && now === before ? still + 1 : 0;
    before = now;
  }
}

/** Threads of the one that worked last may spin on for a moment. */
async function settled(others: Player[]): Promise<void> {
  const ticks = async (): Promise<string> =>
    (await Promise.all(others.map(async ({ trainer }) => (await trainer.activity())?.ticks))).join();
  for (let before = '', now = await ticks(), tries = 0; tries < 40 && before !== now; tries++, before = now, now = await ticks())
    await sleep(25);
}

async function turn(player: Player, block: number, limits: Limits): Promise<void> {
  player.trainer.stdin.write(`${JSON.stringify({ block })}\n`);
  const what = `its answer to block ${block}`;
  for (;;) {
    const { value, done } = await within(player, player.answers.next(), what, limits);
    if (done) throw await endedEarly(player, what);
    if (!('done' in value)) continue;
    if (value.done === block) return;
    throw await failure(player, `expected {"done": ${block}}, got ${JSON.stringify(value)}`);
  }
}

async function finish(player: Player, blocks: number, limits: Limits): Promise<LatencyLine[]> {
  const { trainer, dir } = player;
  trainer.stdin.end();
  const exit = await within(player, trainer.exit, 'its end', limits);
  if (exit.code !== 0) throw await endedEarly(player, 'its end');
  const path = join(filesOf(dir).out, 'latency.jsonl');
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) throw await failure(player, `expected ${path}, got no such file`);
  const lines: LatencyLine[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const parsed = LatencyLine.safeParse(jsonOf(line));
    if (!parsed.success) throw await failure(player, `${path}:${i + 1}: expected a latency line, got ${line.slice(0, 100)}`);
    lines.push(parsed.data);
  }
  for (let block = 0; block < blocks; block++) {
    if (!lines.some((line) => line.block === block && !line.warmup))
      throw await failure(player, `${path}: expected lines of block ${block}, got none`);
  }
  return lines;
}

/** Rejects when the time is up or the caller aborts. */
async function within<T>(player: Player, promise: Promise<T>, what: string, { ms, signal }: Limits): Promise<T> {
  const over = new AbortController();
  const until = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const timer = sleep(ms, 'late' as const, { signal: until }).catch(() => 'aborted' as const);
  promise.catch(() => {});
  try {
    const first = await Promise.race([promise.then((value) => ({ value })), timer]);
    if (typeof first === 'object') return first.value;
    if (first === 'late') throw await failure(player, `${what} did not come within ${ms / 1000} s`);
    throw signal?.reason instanceof Error ? signal.reason : new AssayError('Preempted', 'the latency phase was stopped');
  } finally {
    over.abort();
  }
}

async function endedEarly(player: Player, what: string): Promise<AssayError> {
  const { executor, trainer, dir } = player;
  const exit = await Promise.race([trainer.exit, sleep(exitPatienceMs, null, { ref: false })]);
  if (exit === null || exit.code === 0) return failure(player, `the trainer ended before ${what}`);
  const mapped = mapExit(exit, await executor.logTail(dir, 20));
  return named(player, mapped ?? new AssayError('TrainerCrashed', `the trainer ended before ${what}`));
}

/** Between the end of its output and its own. */
const exitPatienceMs = 5000;

async function failure(player: Player, message: string): Promise<AssayError> {
  const logs = (await player.executor.logTail(player.dir, 20)).trimEnd();
  return named(player, new AssayError('TrainerCrashed', logs === '' ? message : `${message}\n${logs}`));
}

const named = ({ variant, dir }: { variant: string; dir: string }, { type, message, details }: AssayError): AssayError =>
  new AssayError(type, `latency of ${variant}: ${message}`, { details: { ...details, variant, folder: dirname(dir) } });
