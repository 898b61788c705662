import type { SeriesLook, SeriesRecord } from '../contract';
import { formatDifference, formatDifferenceInterval } from '../report/formatters';
import { metricTitle } from '../report/metricInfo';
import { seriesBody } from '../report/series/page';
import { drawn } from '../report/series/reading';
import { type Html, html } from '../report/html';
import { table } from '../report/sections/parts';
import { outcomeMark, plainMark, time } from './words';

export interface SeriesRow {
  record: SeriesRecord;
  /** Where it stands. */
  sentence: string;
}

/** All series: where each stands, and what its last look said. */
export function seriesListBody(rows: readonly SeriesRow[]): Html {
  if (rows.length === 0) return html`<h1>Series</h1>${noSeries}`;
  return html`<h1>Series</h1>
${table(
  'series',
  html`${rows.length === 1 ? '1 series' : `${rows.length} series`} <span class="muted">repeated comparisons, with bounds that hold at every look together</span>`,
  [
    { head: 'Name' },
    { head: 'State' },
    { head: 'Effect so far' },
    { head: 'Looks', number: true },
    { head: 'Last look' },
    { head: 'Last verdict' },
  ],
  rows.map(({ record, sentence }) => {
    const last = record.looks.at(-1);
    return [
      html`<a href="/series/${record.name}"><bdi>${record.name}</bdi></a>`,
      html`${seriesMark(record)}<span class="sub">${sentence}</span>`,
      last === undefined ? '–' : effectOfLook(record, last),
      record.looks.length,
      last === undefined ? '–' : html`<span class="whole">${time(last.when)}</span>`,
      last === undefined ? '–' : outcomeMark(last.verdict, last.variant, false),
    ];
  }),
  'wide',
)}`;
}

/** One series: the effect with its bounds over time, every look, and the way to its experiments. */
export async function seriesPageBody({ record, sentence }: SeriesRow, ui: string | null): Promise<Html> {
  const body = await seriesBody(record, sentence, (id) => `/experiments/${encodeURIComponent(id)}`);
  return html`<p class="crumbs"><a href="/series">Series</a> · <a href="/?series=${encodeURIComponent(record.name)}">its experiments</a> · <a href="/schedules#schedule-${record.name}">its schedule</a>${ui === null ? null : html` · <a href="${ui}" rel="noopener">Temporal UI</a>`}</p>
${body}`;
}

export const noSeries = html`<div class="empty">
<p>No experiment is repeated on a schedule yet. This compares every night, and keeps the error of all nights together within alpha:</p>
<pre>assay schedule create nightly experiment.yaml --cron "0 2 * * *"</pre>
</div>`;

export const seriesMark = ({ state }: Pick<SeriesRecord, 'state'>): Html =>
  state === 'running'
    ? plainMark('active', '▶', 'open')
    : state === 'decided'
      ? plainMark('good', '✓', 'decided')
      : state === 'futile'
        ? plainMark('info', '■', 'keep the control')
        : plainMark('calm', '–', 'budget used');

function effectOfLook({ question: { primary } }: SeriesRecord, look: SeriesLook): Html {
  const { difference, low, high } = drawn(look);
  return html`<span class="whole">${formatDifference(primary, difference)}</span><span class="sub">${formatDifferenceInterval(primary, low, high)} ${metricTitle(primary)}</span>`;
}
