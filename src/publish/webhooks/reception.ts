/**
 * How a try without success is gone on from. `away`: the receiver was not there (no answer, 408, 425, 429, 5xx): for three days.
 * `refused`: it or our own rules said no (other 4xx, redirects, hosts that are not allowed): for a day, in which somebody may mend it.
 * `gone`: it said 410 and wants no more: never.
 */
export type Reception = 'away' | 'refused' | 'gone';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

/** How long a message is tried for, milliseconds since the first try was due. */
export const patience: Record<Reception, number> = { away: 3 * day, refused: day, gone: 0 };

const firstDelay = 5 * second;
const longestDelay = hour;
/** What a receiver may ask for; more would outlast the patience after a second answer. */
const longestAsked = day;

/** A try that the receiver did not take. */
export class NotTaken extends Error {
  readonly kind: Reception;
  /** Milliseconds that the receiver asked to wait; null where it did not. */
  readonly retryAfter: number | null;
  /** Null where there was no answer. */
  readonly status: number | null;

  constructor(
    kind: Reception,
    message: string,
    { status = null, retryAfter = null }: { status?: number | null; retryAfter?: number | null } = {},
  ) {
    super(message);
    this.name = 'NotTaken';
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What a status means; null where the message was taken. */
export function receptionOf(status: number): Reception | null {
  if (status >= 200 && status < 300) return null;
  if (status === 410) return 'gone';
  return status >= 500 || status === 408 || status === 425 || status === 429 ? 'away' : 'refused';
}

/** Milliseconds before the try after `tries`: 5 s doubled up to an hour, between half and the whole of it by chance; at least what the receiver asked. */
export function delayAfter(tries: number, retryAfter: number | null, random: number): number {
  const whole = Math.min(longestDelay, firstDelay * 2 ** Math.min(tries - 1, 20));
  return Math.round(Math.max(whole * (0.5 + random / 2), Math.min(retryAfter ?? 0, longestAsked)));
}

/** A Retry-After header, as seconds or as a date, in milliseconds from `now`; null where there is none that can be read. */
export function retryAfterOf(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * second;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
