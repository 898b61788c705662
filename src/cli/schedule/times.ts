import { AssayError, type Calendar, type CalendarField, calendarFields, type OverlapPolicy, type ScheduleTiming } from '../../contract';
import { seconds } from '../../contract/specValues';

export interface TimingOptions {
  cron?: string[];
  every?: string;
  offset?: string;
  calendar?: string[];
  timezone?: string;
  jitter?: string;
  overlap?: OverlapPolicy;
  catchup?: string;
  pauseOnFailure?: boolean;
  startAt?: string;
  endAt?: string;
}

/** The flags over what was there before; naming any time replaces all times before. */
export function timingOf(options: TimingOptions, before: ScheduleTiming = never): ScheduleTiming {
  const { cron = [], every, offset, calendar = [] } = options;
  const named = cron.length > 0 || every !== undefined || calendar.length > 0;
  if (offset !== undefined && every === undefined) throw wrong('--offset', offset, 'it moves the times of --every; give that as well');
  const times = named
    ? {
        cron: cron.map(checkedCron),
        every:
          every === undefined
            ? []
            : [{ every: duration('--every', every), offset: offset === undefined ? 0 : duration('--offset', offset) }],
        calendars: calendar.map(calendarOf),
      }
    : { cron: before.cron, every: before.every, calendars: before.calendars };
  if (Object.values(times).every((each) => each.length === 0))
    throw new AssayError(
      'SpecInvalid',
      'the schedule has no time: give --cron "0 2 * * *", --every 24h or --calendar hour=2,weekday=mon-fri',
    );
  return {
    ...times,
    timezone: options.timezone === undefined ? before.timezone : zone(options.timezone),
    jitter: options.jitter === undefined ? before.jitter : duration('--jitter', options.jitter),
    startAt: options.startAt === undefined ? before.startAt : moment('--start-at', options.startAt).toISOString(),
    endAt: options.endAt === undefined ? before.endAt : moment('--end-at', options.endAt).toISOString(),
    overlap: options.overlap ?? before.overlap,
    catchup: options.catchup === undefined ? before.catchup : window(options.catchup),
    pauseOnFailure: options.pauseOnFailure ?? before.pauseOnFailure,
  };
}

const never: ScheduleTiming = {
  ...{ cron: [], every: [], calendars: [], timezone: null, jitter: 0, startAt: null, endAt: null },
  ...{ overlap: 'skip', catchup: 3600, pauseOnFailure: false },
};

/** In words, as `show` prints it. */
export function timingWords({
  cron,
  every,
  calendars,
  timezone,
  jitter,
  startAt,
  endAt,
  overlap,
  catchup,
  pauseOnFailure,
}: ScheduleTiming): string {
  const times = [
    ...cron.map((each) => `cron ${each}`),
    ...every.map(({ every: period, offset }) => `every ${spoken(period)}${offset > 0 ? ` + ${spoken(offset)}` : ''}`),
    ...calendars.map((calendar) =>
      Object.entries(calendar)
        .map(([field, ranges]) => `${field} ${ranges.map(rangeWords).join(',')}`)
        .join(' '),
    ),
  ];
  return [
    times.join(' · '),
    timezone ?? 'UTC',
    ...(jitter > 0 ? [`up to ${spoken(jitter)} later`] : []),
    ...(startAt === null ? [] : [`from ${startAt}`]),
    ...(endAt === null ? [] : [`until ${endAt}`]),
    `overlap ${overlap}`,
    `made up for within ${spoken(catchup)}`,
    ...(pauseOnFailure ? ['pauses on failure'] : []),
  ].join(' · ');
}

const rangeWords = ({ start, end, step }: { start: number; end: number; step: number }): string =>
  `${start}${end > start ? `-${end}` : ''}${step > 1 ? `/${step}` : ''}`;

function spoken(period: number): string {
  const unit = (
    [
      ['d', 86_400],
      ['h', 3600],
      ['m', 60],
    ] as const
  ).find(([, size]) => period >= size && period % size === 0);
  return unit === undefined ? `${period}s` : `${period / unit[1]}${unit[0]}`;
}

const fieldNames: Record<string, CalendarField> = {
  ...(Object.fromEntries(calendarFields.map((field) => [field, field])) as Record<CalendarField, CalendarField>),
  day: 'dayOfMonth',
  weekday: 'dayOfWeek',
};
const bounds: Record<CalendarField, [number, number]> = {
  ...{ second: [0, 59], minute: [0, 59], hour: [0, 23], dayOfMonth: [1, 31], month: [1, 12], dayOfWeek: [0, 6], year: [2000, 2100] },
};
const words: Partial<Record<CalendarField, string[]>> = {
  month: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  dayOfWeek: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
};

/** `weekday=mon-fri,hour=2`, a value without a name belonging to the field before it; or the same as JSON. */
function calendarOf(text: string): Calendar {
  const given: [string, string[]][] = [];
  if (text.trim().startsWith('{')) {
    let parsed: Record<string, unknown>;
    try {
      parsed = JSON.parse(text) as Record<string, unknown>;
    } catch (cause) {
      throw wrong('--calendar', text, (cause as Error).message);
    }
    for (const [field, value] of Object.entries(parsed)) given.push([field, (Array.isArray(value) ? value : [value]).map(ofJson)]);
  } else {
    for (const part of text.split(',')) {
      const at = part.indexOf('=');
      if (at > 0) given.push([part.slice(0, at).trim(), [part.slice(at + 1).trim()]]);
      else if (given.length > 0) given.at(-1)?.[1].push(part.trim());
      else throw wrong('--calendar', text, 'expected FIELD=VALUES, e.g. weekday=mon-fri,hour=2');
    }
  }
  const calendar: Calendar = {};
  for (const [name, values] of given) {
    const field = fieldNames[name];
    if (field === undefined)
      throw wrong('--calendar', text, `"${name}" is no field; expected second, minute, hour, day, month, weekday or year`);
    calendar[field] = values.map((value) => rangeOf(field, value, text));
  }
  return calendar;
}

function ofJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  const { start, end = start, step = 1 } = value as { start?: unknown; end?: unknown; step?: unknown };
  return `${String(start)}-${String(end)}/${String(step)}`;
}

function rangeOf(field: CalendarField, value: string, text: string): { start: number; end: number; step: number } {
  const [least, most] = bounds[field];
  const found = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/i.exec(value);
  const number = (word: string): number => {
    const index = words[field]?.indexOf(word.toLowerCase().slice(0, 3)) ?? -1;
    return index >= 0 ? index + least : Number(word);
  };
  const [from, to, step] = [found?.[1] ?? '', found?.[2], Number(found?.[3] ?? 1)];
  const start = from === '*' ? least : number(from);
  const end = to !== undefined ? number(to) : from === '*' || found?.[3] !== undefined ? most : start;
  const whole = [start, end, step].every(Number.isInteger);
  if (!whole || start < least || end > most || end < start || step < 1)
    throw wrong(
      '--calendar',
      text,
      `${field} ${value}: expected a value or range within ${least} to ${most}, e.g. ${least}-${Math.min(most, least + 4)}`,
    );
  return { start, end, step };
}

function checkedCron(text: string): string {
  if (!/^@\w+( \S+)?$/.test(text.trim()) && ![5, 6, 7].includes(text.trim().split(/\s+/).length))
    throw wrong('--cron', text, 'expected five fields (minute hour day month weekday), e.g. "0 2 * * *", or @daily');
  return text.trim();
}

function zone(name: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    throw wrong('--timezone', name, 'expected a name such as Europe/Berlin or UTC');
  }
}

/** UTC where the text names no zone, whatever the zone of this machine. */
export function moment(flag: string, text: string): Date {
  const isZoned = /^\d{4}-\d\d-\d\d$|(?:Z|[+-]\d\d:?\d\d)$/i.test(text.trim());
  const date = new Date(isZoned ? text : `${text}Z`);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime()))
    throw wrong(flag, text, 'expected a time such as 2026-11-22T02:00:00Z, or a date');
  return date;
}

/** The server takes no shorter one. */
function window(text: string): number {
  const given = duration('--catchup', text);
  if (given < 10) throw wrong('--catchup', text, 'expected at least 10s');
  return given;
}

function duration(flag: string, text: string): number {
  if (!/^(?=.*[1-9])\d+(?:\.\d+)?\s*(?:s|m|h|d)$/.test(text)) throw wrong(flag, text, 'expected a duration such as 10m, 24h or 7d');
  return seconds(text);
}

const wrong = (flag: string, given: string, mend: string): AssayError => new AssayError('SpecInvalid', `${flag} ${given}: ${mend}`);
