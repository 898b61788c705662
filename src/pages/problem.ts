import { type Html, html } from '../report/html';
import { coded } from './words';

export interface Problem {
  status: number;
  /** Kind, e.g. `not-found`. */
  kind: string;
  title: string;
  detail: string;
}

/** What went wrong, and what to do about it. */
export const problemBody = ({ status, kind, title, detail }: Problem): Html => html`<h1>${title}</h1>
<p class="alert">${coded(detail)}</p>
<p>${mends[kind] ?? 'Go back and try again.'}</p>
<p><a class="button" href="/">All experiments</a></p>
<p class="muted">${status} ${kind}</p>`;

const doctor = html`See what is missing with <code>assay doctor</code>, then load this page again.`;
const mends: Record<string, Html | string> = {
  'not-found': html`Look in the lists of <a href="/">experiments</a>, <a href="/series">series</a> and <a href="/schedules">schedules</a>, or with <code>assay list</code>. Records that were removed, and those of another store, are not shown here.`,
  unauthenticated: html`<a href="/sign-in">Sign in</a> with a token; an administrator makes one with <code>assay token create</code>.`,
  forbidden: html`Ask an administrator for a token with the scope that is needed, <a href="/sign-in">sign in</a> with it, and try again.`,
  conflict: 'It may have changed since the page was loaded: go back and load it again.',
  unavailable: doctor,
  'not-ready': doctor,
  'too-many-requests': 'Wait a minute, then load this page again.',
  internal: html`The log of the server says what happened. ${doctor}`,
};
