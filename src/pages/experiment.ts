import { errorCatalogue, isFinal, type Stage, stages } from '../contract';
import { answer, invalidReasons } from '../report/answer';
import { formatSeconds, formatTime } from '../report/formatters';
import { type Html, html } from '../report/html';
import { curvesRegion } from './experimentCurves';
import { filesRegion, logSection, runsRegion } from './experimentRuns';
import { steeringRegion, type Refused } from './experimentSteering';
import type { ExperimentView, LogView } from './experimentView';
import { clock, spanOf } from './experimentWords';
import type { Page, Viewer } from './shell';
import { coded, outcomeMark, stateMark, time, uiLink } from './words';

interface ExperimentPage {
  view: ExperimentView;
  viewer: Viewer;
  /** The log that was asked for. */
  log: LogView | null;
  /** What was asked of it and taken, in a sentence. */
  told: string | null;
  refused: Refused | null;
}

/** The page of one experiment: whole without its script, which keeps the regions up to date. */
export function experimentPage({ view, viewer, log, told, refused }: ExperimentPage): Omit<Page, 'viewer'> {
  const ended = view.status !== 'running';
  const body = html`<div id="experiment" data-page="/experiments/${view.id}" data-events="/v1/experiments/${view.id}/events" data-ended="${String(ended)}">
${region('head', headRegion(view))}
<p id="connection" class="muted">${ended ? 'It has ended: this page will not change.' : `As of ${clock(view.now)} UTC. Load the page again to see what came after.`}</p>
${told === null ? null : html`<p class="said" role="status">${told}</p>`}
${refused === null ? null : html`<div class="alert" role="alert" id="refused"><p><strong>Not done.</strong> ${coded(refused.message)}</p></div>`}
${region('state', stateRegion(view))}
${region('steering', steeringRegion(view, viewer, refused))}
${region('runs', runsRegion(view))}
${region('curves', curvesRegion(view))}
${logSection(view, log)}
${region('trail', trailRegion(view))}
${region('files', filesRegion(view))}
</div>`;
  return { title: view.name, current: 'experiments', body, scripts: ['live.js'], styles: ['experiment.css'], live: true };
}

/** A part that the script takes from a newer page; it may be empty. */
const region = (name: string, content: Html | null): Html => html`<div id="region-${name}" data-region="${name}">${content}</div>`;

function headRegion(view: ExperimentView): Html {
  const { id, name, hypothesis, owner, by, startedAt, finishedAt, temporal } = view;
  const facts = [
    html`<code>${id}</code>`,
    ...(by === null ? [] : [html`started by ${by}`]),
    ...(owner === null ? [] : [html`of ${owner}`]),
    ...(startedAt === null ? [] : [time(startedAt)]),
    ...(startedAt === null || finishedAt === null ? [] : [html`took ${formatSeconds(secondsBetween(startedAt, finishedAt))}`]),
    ...(temporal === null ? [] : [uiLink(temporal, name)]),
  ];
  return html`<h1>${name} <span class="now">${stateOf(view)}</span></h1>
${hypothesis === null ? null : html`<p>${hypothesis}</p>`}
<p class="meta">${facts.map((fact, i) => (i === 0 ? fact : html` · ${fact}`))}</p>`;
}

const stateOf = ({ stage, status, paused }: ExperimentView): Html =>
  html`${stateMark(stage ?? status)}${paused && status === 'running' ? html` <span class="mark ask"><span aria-hidden="true">‖</span> paused</span>` : null}`;

function stateRegion(view: ExperimentView): Html {
  return html`<section aria-labelledby="state-title"><h2 id="state-title">Where it stands</h2>
${verdictOf(view)}
${failureOf(view)}
${waitsOf(view)}
${stageList(view)}
</section>`;
}

function verdictOf({ id, status, result, approval }: ExperimentView): Html | null {
  if (result === null) return null;
  const { outcome, variant, harm, reasons } = result.verdict;
  const invalid = invalidReasons(result);
  const waits = status === 'running' && approval?.state === 'waiting';
  return html`<div class="answer">
<p class="outcome">${outcomeMark(outcome, variant, harm)}${waits ? html` <span class="muted">(waits for approval)</span>` : null}</p>
<p class="sentence"><strong>${answer(result)}</strong></p>
${invalid.length === 0 ? null : html`<div class="alert"><p>The comparison is not valid:</p><ul>${invalid.map((reason) => html`<li>${reason}</li>`)}</ul></div>`}
${invalid.length > 0 || reasons.length === 0 ? null : html`<ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`}
${approval === null || approval.state === 'waiting' ? null : html`<p>${approval.state === 'approved' ? 'Approved' : 'Rejected'} by ${approval.by} on ${formatTime(approval.at ?? '')}${approval.reason === '' ? null : html`: ${approval.reason}`}</p>`}
<p class="links"><a class="button" href="/experiments/${id}/report">Report</a> <a class="button" href="/v1/experiments/${id}/result">result.json</a></p>
</div>`;
}

function failureOf({ status, message }: ExperimentView): Html | null {
  if (status === 'running' || status === 'done') return null;
  const [, type = '', rest = ''] = /^(\w+): ([^]*)$/.exec(message ?? '') ?? [];
  const known = Object.hasOwn(errorCatalogue, type) ? errorCatalogue[type as keyof typeof errorCatalogue] : null;
  const [first = '', ...more] = (known === null ? (message ?? '') : rest).split('\n');
  return html`<div class="alert">
<p><strong>${status === 'cancelled' ? 'It was cancelled.' : (known?.meaning ?? 'It failed.')}</strong> ${coded(first)}</p>
${more.join('').trim() === '' ? null : html`<pre tabindex="0" role="group" aria-label="What was said last">${more.join('\n')}</pre>`}
${known === null ? null : html`<p>What to do: ${coded(known.mend)} <span class="muted">(${type})</span></p>`}
</div>`;
}

/** `class` of the list, not of a colour: sentences of the pool, of hosts, of what failed before. */
function waitsOf({ waits, answers, status, id }: ExperimentView): Html | null {
  if (status !== 'running') return null;
  if (!answers)
    return html`<p class="alert">No pool answers for it, so that what follows is what is known without one. A trainer that runs goes on. See <code>assay doctor</code>, and <code>assay show ${id} --waiting</code>.</p>`;
  return html`<div id="waits">${waits.length === 0 ? html`<p>It works; nothing is waited for.</p>` : html`<p>It waits for:</p><ul>${waits.map((wait) => html`<li>${coded(wait)}</li>`)}</ul>`}</div>`;
}

const usual: readonly Stage[] = ['registering', 'snapshot', 'checks', 'training', 'analysis', 'report', 'done'];

/** What was gone through with its times, where it is, and what comes. */
function stageList({ entered, stage, status, now, finishedAt }: ExperimentView): Html | null {
  if (entered.length === 0 && stage === null) return null;
  const gone = entered.length > 0 ? entered : [{ stage: stage ?? 'registering', at: '' }];
  const last = gone.at(-1)?.stage ?? 'registering';
  const to = status === 'running' ? usual.filter((one) => stages.indexOf(one) > stages.indexOf(last)) : [];
  return html`<ol class="stages" aria-label="Stages">
${gone.map(({ stage: one, at }, i) => {
  const until = gone[i + 1]?.at ?? (isFinal(one) ? at : (finishedAt ?? now));
  const current = i === gone.length - 1 && status === 'running';
  const lasted = at === '' || isFinal(one) ? '' : `${current ? 'for ' : ''}${spanOf(Math.max(0, secondsBetween(at, until)))}`;
  return html`<li class="${current ? 'current' : 'past'}"${current ? html` aria-current="step"` : null}>${current || isFinal(one) ? stateMark(one) : html`<span class="mark"><span aria-hidden="true">✓</span> ${one}</span>`} <span class="muted">${at === '' ? null : html`<time datetime="${at}">${clock(at)}</time> `}${lasted}</span></li>`;
})}
${to.map((one) => html`<li class="to-come muted">${one}</li>`)}
</ol>`;
}

const secondsBetween = (from: string, until: string): number => (Date.parse(until) - Date.parse(from)) / 1000;

function trailRegion({ findings, audit }: ExperimentView): Html | null {
  if (findings.length === 0 && audit.length === 0) return null;
  return html`<section aria-labelledby="trail-title"><h2 id="trail-title">What happened to it</h2>
${audit.length === 0 ? null : html`<ul class="trail">${audit.map(({ at, by, action, detail, reason }) => html`<li>${time(at)} ${by}: ${action}, ${detail}${reason === '' ? null : html` <q>${reason}</q>`}</li>`)}</ul>`}
${findings.length === 0 ? null : html`<h3>Found on the way</h3><ul>${findings.map((finding) => html`<li>${coded(finding)}</li>`)}</ul>`}
</section>`;
}
