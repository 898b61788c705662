import { readFile } from 'node:fs/promises';

export type Event = Record<string, unknown> & { type: string };

/** Null where the line is no event. Python writes NaN and Infinity, which JSON does not know: they become null. */
export function parseEvent(line: string): Event | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    try {
      value = JSON.parse(line.replace(/(?<=[:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,}\]])/g, 'null'));
    } catch {
      return null;
    }
  }
  return typeof value === 'object' && value !== null && typeof (value as Event).type === 'string' ? (value as Event) : null;
}

export const stepOf = (event: Event): number | null =>
  typeof event.step === 'number' && Number.isInteger(event.step) && event.step >= 0 ? event.step : null;

/** The events of a file up to and with `step`; a missing file has none. */
export async function eventsUpTo(path: string, step: number): Promise<Buffer> {
  try {
    return join(until(linesOf(await readFile(path)), step));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/**
 * One history out of two: the earlier events up to the step resumed from, then the current ones after it, so that
 * no step is missing or doubled. Lines that are no events, and a last line cut short, are left out.
 */
export function mergeEvents(previous: Buffer | null, current: Buffer, resumedFromStep: number | null): Buffer {
  const own = linesOf(current);
  if (resumedFromStep === null) return join(own);
  return join([
    ...until(linesOf(previous ?? Buffer.alloc(0)), resumedFromStep),
    ...own.filter(({ event }) => (stepOf(event) ?? Number.POSITIVE_INFINITY) > resumedFromStep),
  ]);
}

/** The training curve, thinned evenly to at most `points`, first and last kept. */
export function curveOf(events: Buffer | string, points = 200): { step: number; loss: number | null; accuracy: number | null }[] {
  const all = linesOf(events).flatMap(({ event }) => {
    const step = stepOf(event);
    const [loss, accuracy] = [finite(event.loss), finite(event.accuracy)];
    return event.type !== 'step' || step === null || (loss === null && accuracy === null) ? [] : [{ step, loss, accuracy }];
  });
  if (all.length <= points) return all;
  return Array.from({ length: points }, (_, i) => all[Math.round((i * (all.length - 1)) / (points - 1))]).filter((p) => p !== undefined);
}

export const finite = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

interface Line {
  text: string;
  event: Event;
}

function linesOf(bytes: Buffer | string): Line[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((text) => {
      const event = text === '' ? null : parseEvent(text);
      return event ? [{ text, event }] : [];
    });
}

/** A line without a step belongs to the step before it. */
function until(lines: Line[], step: number): Line[] {
  let last = -1;
  return lines.filter(({ event }) => {
    last = stepOf(event) ?? last;
    return last <= step;
  });
}

const join = (lines: Line[]): Buffer => Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
