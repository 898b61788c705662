import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError, LatencyLine } from '../contract';
import { trainerEnvironment } from './environment';
import { mapExit } from './exits';
import { filesOf, writeJson } from './layout';
import { logTail } from './logs';
import { killMembers, requireLinux, signalTo, statOf } from './processes';
import type { Measured, TurnTrainer, TurnsInput } from './types';

/**
 * The latency phase: all variants loaded at once, one works at a time. Even blocks go forward through the variants, odd ones
 * backward (ABBA), so that a drift of the host touches all alike. The trainers are direct children: they end with this process.
 */
export async function runTurns({ trainers, blocks, timeoutSeconds, signal }: TurnsInput): Promise<Measured[]> {
  requireLinux();
  const limits = { ms: timeoutSeconds * 1000, signal };
  const players: Player[] = [];
  try {
    for (const trainer of trainers) players.push(await start(trainer));
    await quiet(players, limits);
    for (let block = 0; block < blocks; block++) {
      for (const player of block % 2 === 0 ? players : [...players].reverse()) {
        await settled(players.filter((other) => other !== player));
        await turn(player, block, limits);
      }
    }
    return await Promise.all(players.map(async (player) => ({ variant: player.variant, lines: await finish(player, blocks, limits) })));
  } finally {
    const left = new Set(players.map(({ dir }) => filesOf(dir).run));
    for (const { child } of players) if (child.pid !== undefined && child.exitCode === null) signalTo(-child.pid, 'SIGKILL');
    await killMembers((run) => left.has(run));
  }
}

interface Player {
  variant: string;
  dir: string;
  child: ChildProcessByStdio<Writable, Readable, null>;
  /** Next object on standard output; what is no JSON object is the trainer's own chatter. */
  answers: AsyncIterator<Record<string, unknown>>;
  /** Set when it could not be started. */
  failed: Error | null;
}

interface Limits {
  ms: number;
  signal: AbortSignal | undefined;
}

async function start({ variant, dir, runFile, command, cwd, env = {}, limits }: TurnTrainer): Promise<Player> {
  const files = filesOf(dir);
  await rm(files.out, { recursive: true, force: true });
  await Promise.all([mkdir(files.out, { recursive: true }), mkdir(files.checkpoints, { recursive: true })]);
  writeJson(files.run, runFile);
  const stderr = openSync(files.stderr, 'a');
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd,
    env: trainerEnvironment(env, files.run, limits?.cpus ?? 1),
    detached: true,
    stdio: ['pipe', 'pipe', stderr],
  }) as Player['child'];
  closeSync(stderr);
  const player: Player = { variant, dir, child, answers: answersOf(child.stdout), failed: null };
  child.on('error', (error) => {
    player.failed = error;
  });
  // A trainer that died is noticed by its missing answer.
  child.stdin.on('error', () => {});
  if (child.pid === undefined) {
    await sleep(0);
    throw await endedEarly(player, 'its start');
  }
  return player;
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
  for (const end = Date.now() + ms; still < 4 && Date.now() < end && !signal?.aborted; await sleep(100)) {
    const stats = players.map(({ child }) => (child.pid === undefined ? null : statOf(child.pid)));
    const now = stats.map((stat) => stat?.ticks ?? 'gone').join();
    const idle = stats.every((stat) => stat === null || (stat.ticks > 0 && stat.state !== 'R' && stat.state !== 'D') || stat.state === 'Z');
    still = idle && now === before ? still + 1 : 0;
    before = now;
  }
}

/** Threads of the one that worked last may spin on for a moment. */
async function settled(others: Player[]): Promise<void> {
  const ticks = (): string => others.map(({ child }) => (child.pid === undefined ? 0 : statOf(child.pid)?.ticks)).join();
  for (let before = '', tries = 0; tries < 40 && before !== (before = ticks()); tries++) await sleep(25);
}

async function turn(player: Player, block: number, limits: Limits): Promise<void> {
  player.child.stdin.write(`${JSON.stringify({ block })}\n`);
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
  const { child, dir } = player;
  child.stdin.end();
  if (child.exitCode === null && child.signalCode === null) await within(player, once(child, 'exit'), 'its end', limits);
  if (child.exitCode !== 0) throw await endedEarly(player, 'its end');
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
  const { child, failed } = player;
  if (!failed && child.exitCode === null && child.signalCode === null)
    await Promise.race([once(child, 'exit').catch(() => {}), sleep(1000)]);
  const exit = {
    code: child.exitCode === 0 ? 1 : child.exitCode,
    signal: child.signalCode,
    error: failed?.message ?? null,
    ...{ endedAt: '', peakMemoryBytes: null, lost: false },
  };
  if (child.exitCode === 0) return failure(player, `the trainer ended before ${what}`);
  const mapped = mapExit(exit, await logTail(player.dir, 20));
  return named(player, mapped ?? new AssayError('TrainerCrashed', `the trainer ended before ${what}`));
}

async function failure(player: Player, message: string): Promise<AssayError> {
  const logs = (await logTail(player.dir, 20)).trimEnd();
  return named(player, new AssayError('TrainerCrashed', logs === '' ? message : `${message}\n${logs}`));
}

const named = ({ variant, dir }: Player, { type, message, details }: AssayError): AssayError =>
  new AssayError(type, `latency of ${variant}: ${message}`, { details: { ...details, variant, folder: dirname(dir) } });
