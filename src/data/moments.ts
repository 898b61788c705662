const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$/;
const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

export const instantLike = 'a date or a time as ISO 8601 writes it, such as 2024-05-31 or 2024-05-31T08:00:00Z';

/** A place on a time axis: microseconds since 1970, or whatever a number counts. */
export interface Moment {
  kind: 'instant' | 'number';
  value: number;
}

/** Reads ISO 8601 (UTC where no zone is written) or a number; null for anything else. */
export function momentOf(text: string): Moment | null {
  const plain = text.trim();
  if (number.test(plain)) {
    const value = Number(plain);
    return Number.isFinite(value) ? { kind: 'number', value } : null;
  }
  const match = iso.exec(plain);
  if (match === null) return null;
  const [, date = '', minutes = '00:00', seconds = '00', fraction = '', zone = 'Z'] = match;
  const [, sign = '+', hours = '00', rest = '00'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  const milliseconds = Date.parse(`${date}T${minutes}:${seconds}Z`);
  // Date.parse takes 31 February for 2 March.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 10) !== date) return null;
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(rest));
  return { kind: 'instant', value: (milliseconds - offset * 60_000) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6)) };
}
