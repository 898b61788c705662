import { qosClasses, isRunFinal, type Stage } from '../contract';
import { type Html, html } from '../report/html';
import type { ExperimentView } from './experimentView';
import type { Viewer } from './shell';

/** What was asked and not taken, with what the form held. */
export interface Refused {
  action: SteeringForm;
  message: string;
  fields: Record<string, string>;
}

/** Each is a form of the page, and the last part of the address that it is sent to. */
export const steeringForms = ['pause', 'resume', 'approve', 'reject', 'stop-variant', 'add-seeds', 'priority', 'cancel'] as const;
export type SteeringForm = (typeof steeringForms)[number];

/** What a form that was taken has done, said on the page after it. */
export const toldOf: Record<SteeringForm, string> = {
  pause: 'Paused: no new run starts, and running ones end at their next checkpoint.',
  resume: 'It goes on.',
  approve: 'Approved: the verdict stands.',
  reject: 'Rejected: the verdict does not stand.',
  'stop-variant': 'The variant is being stopped.',
  'add-seeds': 'The seeds are added.',
  priority: 'The class is changed, for leases that are not yet granted.',
  cancel: 'It is being cancelled: its trainers write a last checkpoint and stop.',
};

/** Forms that work without the script; what cannot be asked now, or not by this viewer, is left out. */
export function steeringRegion(view: ExperimentView, viewer: Viewer, refused: Refused | null): Html | null {
  const forms = formsNow(view, viewer);
  if (view.status !== 'running') return null;
  return html`<section id="steering" tabindex="-1" aria-labelledby="steering-title"><h2 id="steering-title">Steer it</h2>
${!viewer.mayRun ? html`<p class="muted">To steer it, <a href="/sign-in?to=/experiments/${view.id}">sign in</a> with a token of the scope run; to approve or reject, of the scope admin.</p>` : null}
${viewer.mayRun && !viewer.mayAdmin && view.approval?.state === 'waiting' ? html`<p class="muted">Its verdict waits for somebody with the scope admin.</p>` : null}
<div class="acts">${forms.map((name) => form(name, view, refused?.action === name ? refused.fields : {}))}</div>
</section>`;
}

/** Stages after the last run: nothing is left to pause, stop or add to. */
const late: ReadonlySet<Stage | null> = new Set(['analysis', 'report', 'approval'] as const);

function formsNow(view: ExperimentView, { mayRun, mayAdmin }: Viewer): SteeringForm[] {
  const { paused, stage, approval, variants } = view;
  const running = !late.has(stage);
  const known = stage !== null && stage !== 'registering';
  const offered: Record<SteeringForm, boolean> = {
    approve: mayAdmin && approval?.state === 'waiting',
    reject: mayAdmin && approval?.state === 'waiting',
    resume: mayRun && paused,
    pause: mayRun && !paused && running && stage !== 'latency',
    'stop-variant': mayRun && running && known && variants.length > 2 && stoppable(view).length > 0,
    'add-seeds': mayRun && running && known,
    priority: mayAdmin && running && known,
    cancel: mayRun,
  };
  const order: SteeringForm[] = ['approve', 'reject', 'resume', 'pause', 'stop-variant', 'add-seeds', 'priority', 'cancel'];
  return order.filter((name) => offered[name]);
}

/** Candidates with a run that has not ended. */
const stoppable = ({ variants, runs }: ExperimentView): string[] =>
  variants.slice(1).filter((variant) => runs.some((run) => run.variant === variant && !isRunFinal(run.state)));

const labels: Record<SteeringForm, { title: string; button: string; reason: 'needed' | 'asked' }> = {
  approve: { title: 'Let the verdict stand', button: 'Approve', reason: 'asked' },
  reject: { title: 'Do not let the verdict stand', button: 'Reject', reason: 'needed' },
  resume: { title: 'Go on', button: 'Resume', reason: 'asked' },
  pause: { title: 'Pause: runs end at their next checkpoint', button: 'Pause', reason: 'asked' },
  'stop-variant': { title: 'Stop a variant', button: 'Stop it', reason: 'needed' },
  'add-seeds': { title: 'Add seeds', button: 'Add', reason: 'asked' },
  priority: { title: 'Change its class', button: 'Change', reason: 'asked' },
  cancel: { title: 'Cancel the experiment', button: 'Cancel it', reason: 'asked' },
};

/** Those that are seldom wanted, or end something, are folded. */
const folded: ReadonlySet<SteeringForm> = new Set(['stop-variant', 'add-seeds', 'priority', 'cancel'] as const);

function form(name: SteeringForm, view: ExperimentView, given: Record<string, string>): Html {
  const { title, button, reason } = labels[name];
  const inner = html`<form method="post" action="/experiments/${view.id}/${name}" class="act">${own(name, view, given)}
<label for="${name}-reason">${reason === 'needed' ? 'Why (the report will say it)' : 'Why (may be empty)'}</label><input id="${name}-reason" name="reason" maxlength="500" value="${given['reason'] ?? ''}" autocomplete="off"${reason === 'needed' ? html` required` : null}>
<button type="submit" id="${name}-button"${name === 'approve' || name === 'resume' ? html` class="primary"` : null}>${button}</button></form>`;
  if (!folded.has(name)) return html`<div class="open"><h3>${title}</h3>${inner}</div>`;
  return html`<details id="${name}-form"${Object.keys(given).length > 0 ? html` open` : null}><summary>${title}</summary>${inner}</details>`;
}

/** What a form asks besides why. */
function own(name: SteeringForm, view: ExperimentView, given: Record<string, string>): Html | null {
  switch (name) {
    case 'stop-variant':
      return html`<label for="stop-variant-variant">Variant</label><select id="stop-variant-variant" name="variant">${stoppable(view).map((variant) => option(variant, given['variant']))}</select>
${confirmation(name, 'End its runs: what they have trained is not compared')}`;
    case 'add-seeds':
      return html`<label for="add-seeds-seeds">Seeds, e.g. 6, 7, 8</label><input id="add-seeds-seeds" name="seeds" required inputmode="numeric" maxlength="1200" autocomplete="off" value="${given['seeds'] ?? ''}">`;
    case 'priority':
      return html`<label for="priority-qos">Class</label><select id="priority-qos" name="qos">${qosClasses.map((qos) => option(qos, given['qos'] ?? view.qos ?? undefined))}</select>`;
    case 'cancel':
      return confirmation(name, 'End it: it will have no verdict');
    default:
      return null;
  }
}

const option = (value: string, chosen: string | undefined): Html =>
  html`<option value="${value}"${value === chosen ? html` selected` : null}>${value}</option>`;

const confirmation = (name: SteeringForm, text: string): Html =>
  html`<label class="confirm" for="${name}-confirm"><input type="checkbox" id="${name}-confirm" name="confirm" value="yes" required> ${text}</label>`;
