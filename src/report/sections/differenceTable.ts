import { type Interval, type IntervalScale, intervalAxis, intervalMark, intervalScale, type Reading, readings } from '../charts/interval';
import { formatDifference, formatDifferenceInterval } from '../formatters';
import { type Html, type HtmlValue, html } from '../html';
import { direction } from '../reading';
import type { Column } from './parts';

export const scaleOf = intervalScale;

/** Three columns of a forest drawn into a table: the number, the drawing on the scale its head shows, and the interval. */
export function differenceColumns(scale: IntervalScale, what = 'Difference'): Column[] {
  return [
    { head: what, number: true },
    { head: html`<span class="ways"><span>◂ worse</span><span>better ▸</span></span>${intervalAxis(scale)}` },
    { head: 'Interval', number: true },
  ];
}

export const differenceCells = (scale: IntervalScale, row: Interval): HtmlValue[] => [
  formatDifference(scale.metric, row.difference),
  intervalMark(scale, row),
  row.reading === 'too-small' && row.low === null ? '–' : formatDifferenceInterval(scale.metric, row.low, row.high),
];

export function readingCell(reading: Reading): Html {
  const { symbol, word } = readings[reading];
  return html`<span class="way ${reading}">${symbol} ${word}</span>`;
}

/** Where nothing was tested the interval alone says which way it points. */
export function withReading<T extends Omit<Interval, 'reading'>>(metric: string, row: T): T & Interval {
  const way = direction({ metric, ...row });
  return { ...row, reading: way === 'unknown' ? 'too-small' : way };
}
