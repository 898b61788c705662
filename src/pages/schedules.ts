import type { SeriesRecord } from '../contract';
import { type Html, html } from '../report/html';
import { noSeries, seriesMark } from './series';
import type { Viewer } from './shell';
import { outcomeMark, plainMark, time } from './words';

export interface ScheduleRow {
  record: SeriesRecord;
  /** When it fires, in words. */
  timing: string;
  /** Null where the Temporal server has none of that name; `unknown` where it does not answer. */
  schedule: { paused: boolean; note: string | null; next: string[]; running: string[]; missed: number; skipped: number } | null | 'unknown';
  /** In the Temporal UI. */
  ui: string | null;
}

export interface Schedules {
  rows: readonly ScheduleRow[];
  viewer: Viewer;
  /** What was just done, a sentence. */
  done: string | null;
}

const shownRuns = 5;

/** When each series runs next and ran last, and the buttons of who may press them. */
export function schedulesBody({ rows, viewer, done }: Schedules): Html {
  return html`<h1>Schedules</h1>
${done === null ? null : html`<p class="said" role="status">${done}</p>`}
${rows.length === 0 ? noSeries : html`<div id="schedules" data-refresh="15">${rows.map((row) => card(row, viewer))}</div>`}`;
}

function card({ record, timing, schedule, ui }: ScheduleRow, viewer: Viewer): Html {
  const { name, gpuHours, runs, failures } = record;
  const known = schedule === 'unknown' ? null : schedule;
  return html`<section class="card" id="schedule-${name}" aria-labelledby="schedule-${name}-heading">
<h2 id="schedule-${name}-heading"><a href="/series/${name}"><bdi>${name}</bdi></a></h2>
<p>${seriesMark(record)} ${known?.paused ? plainMark('ask', '‖', 'paused') : null}${known?.note ? html` <span class="muted"><bdi>${known.note}</bdi></span>` : null}</p>
<dl class="facts">
<div><dt>Fires</dt><dd>${timing}</dd></div>
<div><dt>Next</dt><dd>${nextWords(record, schedule)}</dd></div>
<div><dt>Under way</dt><dd>${runningWords(schedule)}</dd></div>
<div><dt>Runs</dt><dd>${runs}, ${failures.length} without a result, ${Number(gpuHours.toPrecision(3))} GPU-hours${known !== null && known.missed + known.skipped > 0 ? `; ${known.missed} missed, ${known.skipped} skipped for overlap` : ''}</dd></div>
</dl>
${lastRuns(record)}
<div class="actions">${viewer.mayRun ? actions(record, known) : null}${ui === null ? null : html`<a class="button" href="${ui}" rel="noopener">Temporal UI<span class="unseen"> of ${name}</span></a>`}</div>
</section>
`;
}

function nextWords({ state }: SeriesRecord, schedule: ScheduleRow['schedule']): Html | string {
  if (state !== 'running') return 'never: the series has ended';
  if (schedule === 'unknown') return 'not known: the Temporal server does not answer';
  if (schedule === null) return html`never: the Temporal server has no such schedule; <code>assay schedule apply</code> makes it`;
  if (schedule.paused) return 'not while it is paused';
  if (schedule.next.length === 0) return 'never: its times are over';
  return html`${schedule.next.slice(0, 3).map((at, i) => html`${i === 0 ? null : ', '}<span class="whole">${time(at)}</span>`)}`;
}

function runningWords(schedule: ScheduleRow['schedule']): string {
  if (schedule === 'unknown') return 'not known';
  const under = schedule?.running.length ?? 0;
  if (under === 0) return 'nothing';
  return under === 1 ? 'a run' : `${under} runs`;
}

/** Looks and runs without a result, newest first. */
function lastRuns({ looks, failures }: SeriesRecord): Html {
  const all = [
    ...looks
      .slice(-shownRuns)
      .map(({ when, experimentId, verdict, variant }) => ({ when, experimentId, what: outcomeMark(verdict, variant, false) })),
    ...failures.slice(-shownRuns).map(({ when, experimentId, status, message }) => ({
      ...{ when, experimentId },
      what: html`${plainMark(status === 'failed' ? 'bad' : 'calm', status === 'failed' ? '✗' : '■', status)} <span class="muted">${message.split('\n', 1)[0]}</span>`,
    })),
  ].sort((a, b) => (a.when < b.when ? 1 : -1));
  if (all.length === 0) return html`<p class="muted">It has not run yet.</p>`;
  return html`<ul class="runs">${all.slice(0, shownRuns).map(({ when, experimentId, what }) => html`<li><a class="whole" href="/experiments/${encodeURIComponent(experimentId)}">${time(when)}<span class="unseen"> ${experimentId}</span></a> ${what}</li>`)}</ul>`;
}

/** Empty where the Temporal server has not said whether it is paused. */
function actions({ name, state }: SeriesRecord, known: { paused: boolean } | null): Html | null {
  if (state !== 'running') return html`<p class="muted">It has ended: it runs no more.</p>`;
  if (known === null) return null;
  const button = (action: string, word: string, extra: Html | null = null): Html =>
    html`<form method="post" action="/schedules/${name}/${action}">${extra}<button type="submit">${word}<span class="unseen"> ${name}</span></button></form>`;
  const why = html`<label class="unseen" for="why-${name}">Why ${name} is paused</label><input id="why-${name}" name="note" maxlength="200" placeholder="why (optional)" autocomplete="off">`;
  return html`${button('trigger', 'Run now')}${known.paused ? button('resume', 'Go on') : button('pause', 'Pause', why)}`;
}
