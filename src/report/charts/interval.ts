import { differenceUnit, formatDifference, formatDifferenceInterval, formatTick } from '../formatters';
import { type Html, html } from '../html';
import { metricInfo } from '../metricInfo';

const width = 200;
const height = 22;
/** Room for half a label at either end. */
const margin = 20;

export type Reading = 'better' | 'worse' | 'open' | 'too-small';

export interface Interval {
  difference: number | null;
  low: number | null;
  high: number | null;
  reading: Reading;
}

/** What the cells of one column share; right is better, whatever the metric. */
export interface IntervalScale {
  metric: string;
  from: number;
  to: number;
}

export const readings: Record<Reading, { symbol: string; word: string; colour: string }> = {
  better: { symbol: '▲', word: 'better', colour: 'var(--good)' },
  worse: { symbol: '▼', word: 'worse', colour: 'var(--bad)' },
  open: { symbol: '◇', word: 'not settled', colour: 'var(--ink)' },
  'too-small': { symbol: '○', word: 'too few rows', colour: 'var(--muted)' },
};

/** Rows that are too few to be tested do not stretch the scale: their bars are cut, and an arrow says so. */
export function intervalScale(metric: string, rows: readonly Interval[]): IntervalScale {
  const firm = rows.filter(({ reading, low }) => reading !== 'too-small' && low !== null);
  const values = (firm.length === 0 ? rows : firm).flatMap(({ difference, low, high }) => [difference, low, high]);
  const finite = values.filter((value): value is number => value !== null).concat(0);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const pad = (high - low || 1) * 0.05;
  return { metric, from: low - pad, to: high + pad };
}

/** The column's head: the ticks that all its cells are read by. */
export function intervalAxis(scale: IntervalScale): Html {
  const { scale: unit, suffix } = differenceUnit(scale.metric, Math.max(Math.abs(scale.from), Math.abs(scale.to)));
  const { ticks, step } = ticksBetween(scale.from / unit, scale.to / unit);
  const words = ticks.map((tick) => formatTick(tick, step));
  const marks = ticks.map((tick, i) => {
    const x = at(scale, tick * unit).toFixed(1);
    return html`<line x1="${x}" x2="${x}" y1="17" y2="22" stroke="var(--line)"/><text x="${x}" y="12" text-anchor="middle" font-size="11" font-weight="400" fill="var(--muted)">${words[i] ?? ''}</text>`;
  });
  return html`<svg class="strip" role="img" aria-label="scale: ${words.join(', ')}${suffix}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${marks}</svg>`;
}

/** A cell's drawing: zero as a line, the interval as a bar, the difference as a mark whose shape is the reading. */
export function intervalMark(scale: IntervalScale, row: Interval): Html {
  const { colour, word } = readings[row.reading];
  const { difference, low, high } = row;
  const description =
    difference === null
      ? 'not defined'
      : `${formatDifference(scale.metric, difference)}${low === null ? '' : `, interval ${formatDifferenceInterval(scale.metric, low, high)}`}, ${word}`;
  const zero = at(scale, 0).toFixed(1);
  const drawn =
    difference === null
      ? null
      : outside(scale, difference)
        ? beyond(scale, difference, colour)
        : mark(at(scale, difference), row.reading, colour);
  return html`<svg class="strip" role="img" aria-label="${description}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><line x1="${zero}" x2="${zero}" y1="0" y2="${height}" stroke="var(--muted)"/>${
    low === null || high === null ? null : bar(scale, low, high, colour, row.reading === 'too-small')
  }${drawn === null ? null : html`<g data-tip="${description}">${drawn}</g>`}</svg>`;
}

function bar(scale: IntervalScale, low: number, high: number, colour: string, faint: boolean): Html | null {
  if (high < scale.from || low > scale.to) return null;
  const ends = [low, high].map((value) => ({ x: at(scale, Math.min(scale.to, Math.max(scale.from, value))), cut: outside(scale, value) }));
  const [a, b] = ends.sort((one, other) => one.x - other.x);
  if (a === undefined || b === undefined) return null;
  const line = html`<line x1="${a.x.toFixed(1)}" x2="${b.x.toFixed(1)}" y1="11" y2="11" stroke="${colour}" stroke-width="${faint ? 1.5 : 3}"${faint ? html` stroke-dasharray="3 3"` : null}/>`;
  return html`${line}${end(a.x, a.cut, -1, colour)}${end(b.x, b.cut, 1, colour)}`;
}

/** A difference off the scale: an arrow to where it lies. */
function beyond(scale: IntervalScale, difference: number, colour: string): Html {
  const x = at(scale, difference < scale.from ? scale.from : scale.to);
  return end(x, true, x < width / 2 ? -1 : 1, colour);
}

/** A stop where the interval ends, an arrow where the scale does. */
const end = (x: number, cut: boolean, way: 1 | -1, colour: string): Html =>
  cut
    ? html`<path d="M${(x - way * 5).toFixed(1)},6 L${(x + way).toFixed(1)},11 L${(x - way * 5).toFixed(1)},16" fill="none" stroke="${colour}" stroke-width="1.5"/>`
    : html`<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="6" y2="16" stroke="${colour}" stroke-width="1.5"/>`;

function mark(x: number, reading: Reading, colour: string): Html {
  const point = (dx: number, dy: number): string => `${(x + dx).toFixed(1)},${11 + dy}`;
  switch (reading) {
    case 'better':
      return html`<path d="M${point(-6, 5)} L${point(0, -6)} L${point(6, 5)} Z" fill="${colour}"/>`;
    case 'worse':
      return html`<path d="M${point(-6, -5)} L${point(0, 6)} L${point(6, -5)} Z" fill="${colour}"/>`;
    case 'open':
      return html`<path d="M${point(-5, 0)} L${point(0, -6)} L${point(5, 0)} L${point(0, 6)} Z" fill="var(--paper)" stroke="${colour}" stroke-width="1.5"/>`;
    case 'too-small':
      return html`<circle cx="${x.toFixed(1)}" cy="11" r="3.5" fill="var(--paper)" stroke="${colour}" stroke-width="1.5"/>`;
  }
}

function at({ metric, from, to }: IntervalScale, value: number): number {
  const share = (value - from) / (to - from);
  return margin + (metricInfo(metric).better === 'lower' ? 1 - share : share) * (width - 2 * margin);
}

const outside = ({ from, to }: IntervalScale, value: number): boolean => value < from || value > to;

/** As many round numbers as have room beside each other. */
function ticksBetween(from: number, to: number): { ticks: number[]; step: number } {
  const room = (width - 2 * margin) / (to - from);
  for (let step = niceStep((to - from) / 6); ; step = niceStep(step * 1.5)) {
    const first = Math.ceil(from / step);
    const ticks = Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => (first + i) * step);
    const widest = Math.max(...ticks.map((tick) => formatTick(tick, step).length));
    if (ticks.length < 3 || step * room > widest * 6.5 + 8) return { ticks, step };
  }
}

/** 1, 2 or 5 times a power of ten, at least `wanted`. */
function niceStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * ([1, 2, 5].find((factor) => factor * power >= wanted) ?? 10);
}
