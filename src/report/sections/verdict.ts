import type { Comparison, Outcome, Result } from '../../contract';
import { answer, invalidReasons, overturn } from '../answer';
import {
  formatConfidence,
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatP,
  formatPercent,
  formatSeconds,
  formatTime,
  withMinus,
} from '../formatters';
import { type Html, html } from '../html';
import { metricTitle } from '../metricInfo';
import { direction, directionWords } from '../reading';
import { approvalSentence } from '../steeringWords';
import { bullets, details, section } from './parts';

export const badges: Record<Outcome, { symbol: string; word: string }> = {
  adopt: { symbol: '✓', word: 'Adopt' },
  keep: { symbol: '■', word: 'Keep the control' },
  equivalent: { symbol: '=', word: 'Equivalent' },
  inconclusive: { symbol: '?', word: 'Inconclusive' },
  invalid: { symbol: '✕', word: 'Invalid' },
};

/** What could overturn the answer; more of it is folded. */
const shownDoubts = 6;

/** The first thing on the page: the answer, what makes it invalid or could overturn it, and only then why. */
export function verdictHeader(result: Result): Html {
  const { verdict } = result;
  const badge = badges[verdict.outcome];
  const invalid = invalidReasons(result);
  // Unequal remedies that the spec declared, and what people changed of the plan: a reader has to know before the verdict.
  const declared = result.checks
    .filter((check) => ['remedies', 'plan-followed'].includes(check.name) && check.status === 'warn')
    .map((check) => check.detail);
  const said = [...result.checks.filter(({ gate, status }) => gate && status === 'fail').map(({ detail }) => detail), ...declared];
  const reasons = verdict.reasons
    .filter((reason) => !said.includes(reason))
    .map(withMinus)
    .filter((reason) => !invalid.includes(reason));
  const approval = approvalSentence(result);
  const minutes = formatSeconds((Date.parse(result.finishedAt) - Date.parse(result.startedAt)) / 1000);
  return html`<header class="verdict ${verdict.outcome}${verdict.harm ? ' harm' : ''}">
${declared.length > 0 ? html`<div class="alert deviation" role="note"><h2>Deviation</h2>${bullets(declared)}</div>` : null}<p class="eyebrow">${result.name}</p>
<p class="badges"><span class="badge">${badge.symbol} ${badge.word}</span>${verdict.harm ? html`<span class="badge harm-badge">▼ Harm shown</span>` : null}</p>
<h1>${answer(result)}</h1>
${
  invalid.length > 0
    ? html`<div class="alert" role="note"><h2>What makes it invalid</h2>${bullets(invalid)}<p>The numbers below are shown to find the cause, not to decide.</p></div>`
    : null
}
${doubts(result)}
${approval === null ? null : html`<div class="alert" role="note"><h2>Approval</h2><p>${approval}</p></div>`}
${reasons.length > 0 ? html`<h2 class="small">${verdict.outcome === 'invalid' ? 'Also' : 'Reasons'}</h2>${bullets(reasons, 'reasons')}` : null}
${result.hypothesis === null ? null : html`<p class="hypothesis"><span>Hypothesis</span> ${result.hypothesis}</p>`}
<p class="meta">${formatTime(result.finishedAt)} · took ${minutes}${result.owner === null ? null : html` · ${result.owner}`} · <code>${result.experiment}</code></p>
</header>
`;
}

function doubts(result: Result): Html | null {
  const told = overturn(result);
  if (told.length === 0) return null;
  const rest = told.slice(shownDoubts);
  const title = result.verdict.outcome === 'invalid' ? 'What has to be mended first' : 'What could overturn it';
  return html`<h2>${title}</h2>${bullets(told.slice(0, shownDoubts), 'doubts')}${rest.length === 0 ? null : details(`${rest.length} more`, bullets(rest))}`;
}

/** The numbers a reader takes along: primary differences, guardrails, and how much evidence there is. */
export function keyNumbers(result: Result): Html {
  const primary = result.comparisons.filter((c) => c.role === 'primary');
  const subject = result.verdict.variant ?? (primary.length === 1 ? primary[0]?.variant : null);
  const guardrails = result.comparisons.filter((c) => c.role === 'guardrail' && (subject == null || c.variant === subject));
  const runs = result.variants.flatMap((variant) => variant.runs);
  const done = runs.filter((run) => run.status === 'done').length;
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const shown = [...primary, ...guardrails].slice(0, 4);
  const improvement = primary.find((c) => c.variant === subject)?.probabilityOfImprovement ?? null;
  return section(
    'key-numbers',
    'Key numbers',
    html`<ul class="cards${shown.length + (improvement === null ? 1 : 2) === 6 ? ' six' : ''}">${shown.map(card)}${
      improvement === null
        ? null
        : html`<li><span class="label">A retrained ${subject} beats a retrained control</span><strong>${formatPercent(improvement)}</strong><span>over all pairs of seeds</span></li>`
    }<li><span class="label">Evidence</span><strong>${formatCount(result.snapshot.splits.test)}</strong><span>test rows</span><span>${done} of ${runs.length} runs finished, ${formatSeconds(seconds)} of training</span></li></ul>`,
  );
}

function card(comparison: Comparison): Html {
  const way = direction(comparison);
  const { symbol, word } = directionWords[way];
  return html`<li class="${way}"><span class="label">${metricTitle(comparison.metric)}, ${comparison.variant} against ${comparison.control}</span><strong>${formatDifference(comparison.metric, comparison.difference)}</strong><span><span class="way">${symbol} ${word}</span>, ${formatP(comparison.adjustedPValue ?? comparison.pValue)}</span><span>${formatConfidence(comparison.confidence)} interval <span class="whole">${formatDifferenceInterval(comparison.metric, comparison.low, comparison.high)}</span></span></li>`;
}
