import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { CurvePoint } from '../contract';
import { GrowingCurve } from './curve';
import { finite, parseEvent, stepOf } from './events';
import { exists } from './layout';

/** Follows events.jsonl from a byte offset; a line counts once its newline is there. */
export class EventTail {
  step: number | null = null;
  loss: number | null = null;
  throughput: number | null = null;
  /** As the trainer's `start` event says. */
  totalSteps: number | null = null;
  readonly curve: GrowingCurve;
  events = 0;
  /** Lines that are no events. */
  invalid = 0;
  firstInvalid: number | null = null;
  private lines = 0;
  private offset = 0;
  private rest: Buffer = Buffer.alloc(0);
  private file: number | null = null;
  private readonly path: string;
  private readonly chunk = Buffer.alloc(chunkBytes);

  /** `earlier` is the curve up to the checkpoint that the trainer resumed from. */
  constructor(path: string, earlier: readonly CurvePoint[] = []) {
    this.path = path;
    this.curve = new GrowingCurve(earlier);
  }

  /** Synchronous reads of a local file: a trip through the thread pool costs more than the read. Long backlogs let others in between. */
  async read(): Promise<void> {
    if (this.file === null) {
      if (!exists(this.path)) return;
      this.file = openSync(this.path, 'r');
    }
    for (;;) {
      const bytes = readSync(this.file, this.chunk, 0, chunkBytes, this.offset);
      this.offset += bytes;
      if (bytes > 0) this.take(Buffer.concat([this.rest, this.chunk.subarray(0, bytes)]));
      if (bytes < chunkBytes) return;
      await setImmediate();
    }
  }

  close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }

  private take(bytes: Buffer): void {
    const end = bytes.lastIndexOf(10);
    this.rest = Buffer.from(bytes.subarray(end + 1));
    if (end < 0) return;
    for (const line of bytes.toString('utf8', 0, end).split('\n')) this.takeLine(line);
  }

  private takeLine(line: string): void {
    this.lines += 1;
    if (line === '') return;
    const event = parseEvent(line);
    if (!event) {
      this.invalid += 1;
      this.firstInvalid ??= this.lines;
      return;
    }
    this.events += 1;
    this.step = stepOf(event) ?? this.step;
    if (event.type === 'start') this.totalSteps = finite(event.total_steps) ?? this.totalSteps;
    if (event.type !== 'step') return;
    this.loss = finite(event.loss);
    this.throughput = finite(event.throughput_samples_per_sec) ?? this.throughput;
    if (this.step !== null) this.curve.add(this.step, this.loss);
  }
}

const chunkBytes = 64 * 1024;
