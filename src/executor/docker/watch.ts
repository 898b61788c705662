import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { exists, filesOf, readExit } from '../layout';
import { isAlive } from '../proc';
import type { TrainerExit, TrainerIdentity } from '../types';
import { inspect, neverStarted, orNull, runs } from './containers';
import { awayMessage, type Engine, explain, isAway, timed, within } from './engine';
import { gone, readPeak, settle } from './exit';
import { groupMemory } from './memory';
import { containerName, placeOf } from './names';
import { identityIn, readRecord } from './record';

/**
 * One container, looked at four times a second. While its process can be seen on this host the engine is asked now and then whether it
 * is there; else once a second. No look waits long for an answer, so that events are followed also while the engine is away.
 */
export class Watch {
  private identity: TrainerIdentity | null;
  private asking: Promise<void> | null = null;
  private exit: TrainerExit | null = null;
  private error: unknown = null;
  /** Infinite while the trainer can be seen, so that no patience is lost on it. */
  private awaySince: number | null = null;
  private message = '';
  private nextAsk = 0;
  private nextPing = 0;
  private nextSample = 0;
  private samples = 0;
  private peak: number;
  private readonly engine: Engine;
  private readonly dir: string;
  private readonly name: string;

  constructor(engine: Engine, dir: string) {
    this.engine = engine;
    this.dir = dir;
    this.name = containerName(engine.instance, placeOf(dir));
    this.identity = readRecord(dir)?.identity ?? null;
    this.peak = readPeak(dir) ?? 0;
  }

  async look(onMessage: (text: string) => void): Promise<TrainerExit | null> {
    const saved = this.exit ?? readExit(this.dir);
    if (saved) {
      onMessage('');
      return saved;
    }
    const now = performance.now();
    const seen = this.identity !== null && isAlive(this.identity);
    if (seen && now >= this.nextSample) this.sample(groupMemory(this.identity?.pid ?? 0));
    if (now >= (seen ? this.nextPing : this.nextAsk)) {
      this.nextPing = now + pingMs;
      // A process that just died is known to its engine in a moment.
      this.nextAsk = now + (this.identity?.bootId ? 50 : 1000);
      this.asking ??= this.ask(seen).finally(() => {
        this.asking = null;
      });
    }
    if (this.asking && !seen) await Promise.race([this.asking, sleep(answerMs, undefined, { ref: false })]);
    if (this.awaySince === null) this.message = '';
    onMessage(this.message);
    if (this.error !== null) throw this.error;
    return this.exit;
  }

  private async ask(seen: boolean): Promise<void> {
    try {
      if (seen) {
        await timed(15, this.engine.docker.ping());
        this.awaySince = null;
        return;
      }
      const info = await inspect(this.engine, this.name);
      this.awaySince = null;
      if (!info) this.exit = gone(this.name, this.dir);
      else if (neverStarted(info)) throw new TypeError(`no trainer was started in ${this.dir}`);
      else if (!runs(info)) this.exit = await settle(this.engine, this.dir, info);
      else {
        this.identity = identityIn(info);
        if (!this.identity.bootId) await this.askMemory();
      }
    } catch (error) {
      this.failed(error, seen);
    }
  }

  /** A trainer that can be seen goes on without its engine; for one that cannot be seen patience ends. */
  private failed(error: unknown, seen: boolean): void {
    if (seen || isAway(error)) {
      this.message = awayMessage(error, this.engine.docker);
      this.awaySince = seen ? Number.POSITIVE_INFINITY : Math.min(this.awaySince ?? Number.POSITIVE_INFINITY, performance.now());
      if (performance.now() - this.awaySince > this.engine.patienceMs) this.error = explain(error, this.engine.docker);
    } else this.error = error instanceof TypeError ? error : explain(error, this.engine.docker);
  }

  /** Of a container whose process this host does not show. */
  private async askMemory(): Promise<void> {
    if (performance.now() < this.nextSample) return;
    const stats = await orNull(this.engine.docker.getContainer(this.name).stats({ stream: false, 'one-shot': true, ...within(15) }));
    const memory = stats?.memory_stats;
    if (!memory?.usage) return;
    const files = memory.stats?.total_inactive_file ?? (memory.stats as { inactive_file?: number } | undefined)?.inactive_file ?? 0;
    this.sample(memory.usage - files);
  }

  /** Often at first, when a trainer loads; once a second later. */
  private sample(bytes: number | null): void {
    this.samples += 1;
    this.nextSample = performance.now() + Math.min(1000, 10 * 3 ** this.samples);
    if (bytes === null || bytes <= this.peak) return;
    this.peak = bytes;
    // Its next supervisor goes on from it.
    if (exists(this.dir)) writeFileSync(filesOf(this.dir).peak, String(bytes));
  }
}

const pingMs = 5000;
/** Longest one look waits for the engine. */
const answerMs = 200;
