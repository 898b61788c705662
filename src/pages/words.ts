import type { Outcome, RunState, Stage } from '../contract';
import { formatTime } from '../report/formatters';
import { type Html, html } from '../report/html';

/** A sign and a word, never a colour alone. */
const mark = (tone: string, sign: string, word: string): Html =>
  html`<span class="mark ${tone}"><span aria-hidden="true">${sign}</span> ${word}</span>`;

const stateSigns: Record<Stage | RunState | 'running', [tone: string, sign: string, word: string]> = {
  registering: ['active', '▶', 'registering'],
  snapshot: ['active', '▶', 'reading data'],
  checks: ['active', '▶', 'checking'],
  training: ['active', '▶', 'training'],
  latency: ['active', '▶', 'timing'],
  analysis: ['active', '▶', 'analysing'],
  report: ['active', '▶', 'reporting'],
  running: ['active', '▶', 'running'],
  waiting: ['calm', '…', 'waiting'],
  starting: ['active', '▶', 'starting'],
  approval: ['ask', '?', 'needs approval'],
  done: ['good', '✓', 'done'],
  failed: ['bad', '✗', 'failed'],
  cancelled: ['calm', '■', 'cancelled'],
};

/** Stage of an experiment, or state of a run. */
export const stateMark = (state: Stage | RunState | 'running'): Html => mark(...stateSigns[state]);

const outcomeSigns: Record<Outcome, [tone: string, sign: string]> = {
  adopt: ['good', '✓'],
  keep: ['info', '■'],
  equivalent: ['info', '≈'],
  inconclusive: ['ask', '?'],
  invalid: ['bad', '✗'],
};

export function outcomeMark(outcome: Outcome, variant: string | null, harm: boolean): Html {
  const [tone, sign] = outcomeSigns[outcome];
  return html`${mark(tone, sign, outcome)}${outcome === 'adopt' && variant !== null ? html` <bdi>${variant}</bdi>` : null}${harm ? html` ${mark('bad', '!', 'harm')}` : null}`;
}

export const plainMark = mark;

/** What stands between backticks is a command or a name; one that is alone stays as it is. */
export function coded(text: string): Html {
  const parts = text.split(/`([^`\n]+)`/);
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** In UTC, as everywhere. */
export const time = (iso: string | null): Html => (iso === null ? html`–` : html`<time datetime="${iso}">${formatTime(iso)}</time>`);

/** "42 s", "3 min", "5 h", "2 d": how long something has lasted. */
export function age(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** A link that opens the Temporal UI, where its address is known. */
export const uiLink = (href: string | null, of: string): Html | null =>
  href === null ? null : html`<a href="${href}" rel="noopener" aria-label="Temporal UI: ${of}">Temporal</a>`;
