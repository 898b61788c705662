import { workflowUrl } from '../contract/links';
import { ids } from '../contract';
import { formatDifference, formatDifferenceInterval } from '../report/formatters';
import { metricTitle } from '../report/metricInfo';
import { type Html, html } from '../report/html';
import { durationOf, type ExperimentRow, listAddress, type ListQuery, rowsPerPage, type Selection, type SortKey } from './listQuery';
import { age, outcomeMark, stateMark, time, uiLink } from './words';

export interface ExperimentList {
  query: ListQuery;
  selection: Selection;
  /** Experiments in all, before any filter. */
  all: number;
  /** Of the filter; empty where there is none. */
  seriesNames: readonly string[];
  /** What is not known just now, a sentence each. */
  notes: readonly string[];
  /** Where the Temporal UI is; null where that is not known. */
  ui: { url: string | null; namespace: string };
  /** Whether any of them runs, so that the list changes. */
  open: boolean;
  /** What running ones have lasted until, ms. */
  now: number;
}

/** The list with its filters, all of which work as links and a form. */
export function experimentListBody(list: ExperimentList): Html {
  if (list.all === 0) return html`<h1>Experiments</h1>${firstExperiment(list.notes)}`;
  return html`<h1>Experiments</h1>
${filters(list)}
${results(list)}`;
}

const notes = (said: readonly string[]): Html[] => said.map((note) => html`<p class="said" role="note">${note}</p>`);

const firstExperiment = (said: readonly string[]): Html => html`<div id="results" data-open="1" class="empty">
${notes(said)}
<p>There is no experiment in this store yet. In a folder with a classifier to train:</p>
<pre>assay init my-experiment
cd my-experiment
assay run experiment.yaml</pre>
<p>It appears here at once, and its verdict when it has one. <code>assay serve</code> shows the store that <code>ASSAY_STORE</code> names.</p>
</div>`;

function filters({ query, seriesNames }: ExperimentList): Html {
  const { text, state, verdict, series, sort, descending } = query;
  const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}">`;
  const known = series === '' || seriesNames.includes(series) ? seriesNames : [...seriesNames, series];
  return html`<form id="filters" class="filters" action="/" method="get" role="search" aria-label="Filter experiments">
<label>Text <input type="search" name="text" value="${text}" placeholder="name, owner, id" autocomplete="off" spellcheck="false" maxlength="200"></label>
${choice('State', 'state', state ?? '', [
  ['', 'any'],
  ['open', 'running'],
  ['approval', 'needs approval'],
  ['done', 'done'],
  ['failed', 'failed'],
  ['cancelled', 'cancelled'],
])}
${choice('Verdict', 'verdict', verdict ?? '', [
  ['', 'any'],
  ['adopt', 'adopt'],
  ['keep', 'keep'],
  ['equivalent', 'equivalent'],
  ['inconclusive', 'inconclusive'],
  ['invalid', 'invalid'],
  ['none', 'none yet'],
])}
${known.length === 0 ? null : choice('Series', 'series', series, [['', 'any'], ...known.map((name): [string, string] => [name, name])])}
${sort === 'started' ? null : hidden('sort', sort)}${descending === (sort === 'started') ? null : hidden('order', descending ? 'desc' : 'asc')}
<button type="submit">Filter</button>
</form>`;
}

const choice = (label: string, name: string, chosen: string, options: readonly [value: string, word: string][]): Html =>
  html`<label>${label} <select name="${name}">${options.map(([value, word]) => html`<option value="${value}"${value === chosen ? html` selected` : null}>${word}</option>`)}</select></label>`;

function results(list: ExperimentList): Html {
  const { query, selection, now } = list;
  const { rows } = selection;
  return html`<div id="results"${list.open ? html` data-open="1"` : null}>
${notes(list.notes)}
<p class="count" id="count">${countWords(list)}${isFiltered(query) ? html` · <a href="${listAddress({ ...query, text: '', state: null, verdict: null, series: '', page: 1 })}" data-key="all">show all</a>` : null}</p>
${
  rows.length === 0
    ? html`<p class="empty">No experiment fits these filters.</p>`
    : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="count"><table class="wide list">
<thead><tr>${columns.map((column) => heading(column, query))}</tr></thead>
<tbody>${rows.map((row) => rowOf(row, list, now))}</tbody></table></div>`
}
${paging(query, selection)}
</div>`;
}

export function countWords({ selection, all, query }: Pick<ExperimentList, 'selection' | 'all' | 'query'>): string {
  const { total, page, pages } = selection;
  const of = isFiltered(query) ? `${total} of ${all} experiments` : all === 1 ? '1 experiment' : `${all} experiments`;
  if (pages === 1) return of;
  return `${of}, ${(page - 1) * rowsPerPage + 1} to ${Math.min(total, page * rowsPerPage)} shown`;
}

const isFiltered = ({ text, state, verdict, series }: ListQuery): boolean =>
  text.trim() !== '' || state !== null || verdict !== null || series !== '';

interface ListColumn {
  label: string;
  sort?: SortKey;
  /** What the first click asks for. */
  firstDescending?: boolean;
}

const columns: readonly ListColumn[] = [
  { label: 'Name', sort: 'name' },
  { label: 'State', sort: 'state' },
  { label: 'Verdict', sort: 'verdict' },
  { label: 'Effect' },
  { label: 'Series', sort: 'series' },
  { label: 'Owner', sort: 'owner' },
  { label: 'Started', sort: 'started', firstDescending: true },
  { label: 'Duration', sort: 'duration', firstDescending: true },
  { label: 'More' },
];

function heading({ label, sort, firstDescending = false }: ListColumn, query: ListQuery): Html {
  if (sort === undefined) return html`<th scope="col">${label}</th>`;
  const active = query.sort === sort;
  const descending = active ? !query.descending : firstDescending;
  const href = listAddress({ ...query, sort, descending, page: 1 });
  const way = active ? (query.descending ? 'descending' : 'ascending') : null;
  return html`<th scope="col"${way === null ? null : html` aria-sort="${way}"`}><a href="${href}" data-key="sort-${sort}">${label}<span aria-hidden="true">${way === null ? '' : way === 'descending' ? ' ▼' : ' ▲'}</span></a></th>`;
}

function rowOf(row: ExperimentRow, { ui }: ExperimentList, now: number): Html {
  const { id, name, state, outcome, variant, harm, effect, series, owner, startedAt, finishedAt, message, report } = row;
  const duration = durationOf(row, now);
  const at = `/experiments/${encodeURIComponent(id)}`;
  return html`<tr>
<th scope="row"><a href="${at}" data-key="row-${id}"><bdi>${name}</bdi></a><span class="sub">${id}</span></th>
<td>${stateMark(state)}${state === 'failed' && message !== null ? html`<span class="sub why">${firstLine(message)}</span>` : null}</td>
<td>${outcome === null ? '–' : outcomeMark(outcome, variant, harm)}</td>
<td>${effect === null ? '–' : html`<span class="whole">${formatDifference(effect.metric, effect.difference)}</span><span class="sub">${formatDifferenceInterval(effect.metric, effect.low, effect.high)} ${metricTitle(effect.metric)}${effect.variant === variant ? null : html`, <bdi>${effect.variant}</bdi>`}</span>`}</td>
<td>${series === null ? '–' : html`<a href="/series/${encodeURIComponent(series)}">${series}</a>`}</td>
<td>${owner === null ? '–' : html`<bdi>${owner}</bdi>`}</td>
<td class="whole">${time(startedAt)}</td>
<td class="whole">${duration === null ? '–' : finishedAt === null ? `${age(duration)} so far` : age(duration)}</td>
<td class="more">${report ? html`<a href="${at}/report" aria-label="Report: ${name}, ${id}">Report</a> ` : null}${uiLink(workflowUrl(ui.url, ui.namespace, ids.experimentWorkflow(id)), id)}</td>
</tr>
`;
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

function paging(query: ListQuery, { page, pages }: Selection): Html | null {
  if (pages === 1) return null;
  const to = (target: number, label: string, key: string, rel: string): Html =>
    target < 1 || target > pages || target === page
      ? html`<span class="muted">${label}</span>`
      : html`<a href="${listAddress({ ...query, page: target })}" data-key="${key}" rel="${rel}">${label}</a>`;
  return html`<nav class="paging" aria-label="Pages of the list">${to(1, 'First', 'first', 'first')} ${to(page - 1, 'Previous', 'previous', 'prev')} <span>Page ${page} of ${pages}</span> ${to(page + 1, 'Next', 'next', 'next')} ${to(pages, 'Last', 'last', 'last')}</nav>`;
}
