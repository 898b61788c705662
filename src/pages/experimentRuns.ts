import { formatBytes } from '../report/formatters';
import { type Html, html } from '../report/html';
import { type ExperimentView, type LogView, type RunView, runName } from './experimentView';
import { cells, grouped } from './experimentWords';
import { coded, stateMark, uiLink } from './words';

interface Column {
  /** `live.js` fills the cells of that name. */
  name: string;
  head: string;
  number?: boolean;
  text: (run: RunView) => Html | string;
}

const columns: readonly Column[] = [
  { name: 'state', head: 'State', text: ({ state }) => stateMark(state) },
  { name: 'step', head: 'Step', number: true, text: cells.step },
  { name: 'loss', head: 'Loss', number: true, text: cells.loss },
  { name: 'rate', head: 'Samples', number: true, text: cells.rate },
  { name: 'left', head: 'Left', number: true, text: cells.left },
  { name: 'where', head: 'Where', text: where },
  { name: 'starts', head: 'Starts', number: true, text: ({ epoch }) => String(epoch) },
  { name: 'says', head: 'Says', text: says },
];

/** A row a run; a column that no run fills is left out. */
export function runsRegion({ runs, status, id }: ExperimentView): Html {
  const done = runs.filter(({ state }) => state === 'done').length;
  const shown = columns.filter(({ text }) => runs.some((run) => String(text(run)) !== ''));
  return html`<section aria-labelledby="runs-title"><h2 id="runs-title">Runs${runs.length === 0 ? null : html` <span class="muted">${grouped(done)} of ${grouped(runs.length)} done</span>`}</h2>
${
  runs.length === 0
    ? html`<p>${status === 'running' ? 'None has been started yet.' : `What is known of them is in their logs: assay logs ${id}`}</p>`
    : html`<div class="scroll" id="runs-scroll" tabindex="0" role="group" aria-label="Runs"><table class="wide runs"><thead><tr><th scope="col">Run</th>${shown.map(({ head, number }) => html`<th scope="col"${right(number)}>${head}</th>`)}</tr></thead>
<tbody>${runs.map((run) => row(id, run, shown))}</tbody></table></div>`
}
</section>`;
}

function row(id: string, run: RunView, shown: readonly Column[]): Html {
  const { variant, seed, state } = run;
  return html`<tr data-run="${runName(run)}" data-state="${state}"><th scope="row"><a href="/experiments/${id}?log=${encodeURIComponent(runName(run))}#log">${variant} seed ${seed}</a></th>${shown.map(({ name, number, text }) => html`<td data-cell="${name}"${right(number)}>${text(run)}</td>`)}</tr>`;
}

const right = (number: boolean | undefined): Html | null => (number === true ? html` class="number"` : null);

function where({ variant, seed, host, device, temporal }: RunView): Html | string {
  const place = [host, device].filter((part) => part !== null).join(', ');
  if (temporal === null) return place;
  return html`${place === '' ? '–' : place} ${uiLink(temporal, `${variant} seed ${seed}`)}`;
}

/** How it ended or what it does, then why it waits, a line each. */
function says({ message, waits }: RunView): Html | string {
  const [first = '', ...more] = message.trim().split('\n');
  return html`${coded(first)}${waits.map((wait) => html`<span class="sub">${coded(wait)}</span>`)}${more.length === 0 ? null : html`<details><summary>all of it</summary><pre tabindex="0" role="group" aria-label="The whole message">${more.join('\n')}</pre></details>`}`;
}

/** Last lines of one run's trainer: by a form without the script, which otherwise asks for them as they come. */
export function logSection({ runs, id }: ExperimentView, log: LogView | null): Html | null {
  if (runs.length === 0) return html`<section id="log" aria-labelledby="log-title" hidden><h2 id="log-title">Log</h2></section>`;
  const started = runs.find(({ state }) => state === 'training') ?? runs.find(({ state }) => state === 'failed') ?? runs[0];
  const chosen = log ?? started;
  return html`<section id="log" aria-labelledby="log-title"><h2 id="log-title">Log</h2>
<form method="get" action="/experiments/${id}#log" id="log-form"><label for="log-run">Last lines of</label>
<select id="log-run" name="log">${runs.map((run) => html`<option value="${runName(run)}"${chosen !== undefined && runName(chosen) === runName(run) ? html` selected` : null}>${run.variant} seed ${run.seed}</option>`)}</select>
<button type="submit">Show</button></form>
<p id="log-note" class="muted" role="status">${log === null ? 'Choose a run to see what its trainer wrote last.' : (log.problem ?? '')}</p>
<pre id="log-lines" tabindex="0" role="group" aria-label="Last lines of the log"${log?.text ? null : html` hidden`}>${log?.text ?? ''}</pre>
</section>`;
}

/** What the runs left, once the experiment has its result. */
export function filesRegion({ runs }: ExperimentView): Html | null {
  const kept = runs.filter(({ files }) => files.length > 0);
  if (kept.length === 0) return null;
  return html`<section aria-labelledby="files-title"><h2 id="files-title">Files</h2>
<div class="scroll" id="files-scroll" tabindex="0" role="group" aria-label="Files"><table><thead><tr><th scope="col">Run</th><th scope="col">Files</th></tr></thead><tbody>${kept.map(
    ({ variant, seed, files }) =>
      html`<tr><th scope="row">${variant} seed ${seed}</th><td>${files.map(({ name, href, size }, i) => html`${i === 0 ? null : ' · '}<a href="${href}">${name}</a> <span class="muted">${formatBytes(size)}</span>`)}</td></tr>`,
  )}</tbody></table></div></section>`;
}
