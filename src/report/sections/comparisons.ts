import type { Comparison, Result } from '../../contract';
import { forestChart } from '../charts/forest';
import { renderChart } from '../charts/render';
import { formatAmount, formatConfidence, formatCount, formatDifference, formatDifferenceInterval, formatPValue } from '../formatters';
import { type Html, html } from '../html';
import { metricInfo, metricTitle } from '../metricInfo';
import { direction, directionWords, limitText } from '../reading';
import { details, section, table } from './parts';

/** One panel a metric, primary first, each on its own scale; then the same numbers as a table. */
export async function comparisonsSection(result: Result): Promise<Html> {
  const metrics = metricsInOrder(result.comparisons);
  const panels: Html[] = [];
  for (const [i, metric] of metrics.entries()) panels.push(await panel(result, metric, `forest-${i + 1}`));
  return section(
    'differences',
    'Differences from the control',
    metrics.length === 0
      ? html`<p>There is no comparison: no variant has both finished runs and a control to stand beside.</p>`
      : html`<p class="lead">Each line is an interval, the mark on it the difference seen. Right of the solid line is better, whatever the metric.</p><div class="panels">${panels}</div>${comparisonTable(result)}`,
  );
}

export function metricsInOrder(comparisons: Comparison[]): string[] {
  const rank = { primary: 0, guardrail: 1, secondary: 2 };
  const sorted = [...comparisons].sort((a, b) => rank[a.role] - rank[b.role]);
  return [...new Set(sorted.map((c) => c.metric))];
}

async function panel(result: Result, metric: string, id: string): Promise<Html> {
  const own = result.comparisons.filter((c) => c.metric === metric);
  const role = own[0]?.role ?? 'secondary';
  const chart = await renderChart(forestChart(result, metric, own, id));
  const unit = metricInfo(metric).source === 'latency' ? 'requests' : 'test rows';
  const counts = [...new Set(own.map((c) => c.n))].map(formatCount).join(' and ');
  return html`<figure class="${role}"><figcaption><strong>${metricTitle(metric)}</strong> <span class="role">${role}</span><span class="hint">${metricInfo(metric).better} is better; better is to the right</span></figcaption>${chart}<p class="n">n = ${counts} ${metricInfo(metric).source === 'run' ? 'runs or rows' : unit}. ${rule(result, metric)}</p>${details(
    'Data',
    table(
      `${id}-data`,
      `${metricTitle(metric)}: differences`,
      [{ head: 'Variant' }, { head: 'Difference', number: true }, { head: 'Interval', number: true }],
      own.map((c) => [c.variant, formatDifference(metric, c.difference), formatDifferenceInterval(metric, c.low, c.high)]),
    ),
  )}</figure>
`;
}

function rule(result: Result, metric: string): string {
  const { plan } = result;
  const parts: string[] = [];
  if (metric === plan.primary && plan.margin > 0)
    parts.push(`Margin: ${limitText(metric, plan.margin, plan.marginRelative)} (${plan.test}).`);
  for (const rail of plan.guardrails) {
    if (rail.metric === metric) parts.push(`Guardrail: at most ${limitText(metric, rail.limit, rail.relative)} worse.`);
  }
  return parts.join(' ');
}

function comparisonTable(result: Result): Html {
  const rows = metricsInOrder(result.comparisons).flatMap((metric) => result.comparisons.filter((c) => c.metric === metric));
  const notes = [...new Set(rows.flatMap((c) => c.notes))];
  const numbers = (c: Comparison): string => c.notes.map((note) => notes.indexOf(note) + 1).join(', ');
  const numbered = table(
    'comparison-table',
    html`Every comparison, variant minus control. <span class="muted">Adjusted p: ${result.plan.correction === 'none' ? 'no correction' : 'adjusted for several candidates, jointly over their resamples or seeds where there are any, else by Holm'}; – stands outside the family. Detectable: the smallest difference this many rows and seeds would show in 4 of 5 experiments.</span>`,
    [
      { head: 'Metric' },
      { head: 'Variant' },
      { head: 'Difference', number: true },
      { head: `${formatConfidence(result.plan.confidence)} interval`, number: true },
      { head: 'Reading' },
      { head: 'p', number: true },
      { head: 'adjusted p', number: true },
      { head: 'Claim, method' },
      { head: 'n', number: true },
      { head: 'Detectable', number: true },
    ],
    rows.map((c) => {
      const way = direction(c);
      return [
        html`${metricInfo(c.metric).label}${c.role === 'secondary' ? null : html` <span class="role">${c.role}</span>`}`,
        c.variant,
        formatDifference(c.metric, c.difference),
        html`${formatDifferenceInterval(c.metric, c.low, c.high)}${c.confidence === result.plan.confidence ? null : html`<span class="sub">${formatConfidence(c.confidence)}</span>`}${c.ratio === null ? null : html`<span class="sub">ratio ${c.ratio.estimate.toFixed(3)} [${c.ratio.low.toFixed(3)}, ${c.ratio.high.toFixed(3)}]</span>`}`,
        html`<span class="way ${way}">${directionWords[way].symbol} ${directionWords[way].word}</span>`,
        formatPValue(c.pValue),
        c.adjustedPValue === null ? '–' : formatPValue(c.adjustedPValue),
        html`${c.claim}<span class="sub note">${c.method}${c.resamples === null ? null : `, ${formatCount(c.resamples)} resamples`}</span>${c.notes.length === 0 ? null : html`<span class="sub">see ${numbers(c)} below</span>`}`,
        formatCount(c.n),
        c.detectableDifference === null ? '–' : formatAmount(c.metric, c.detectableDifference),
      ];
    }),
    'wide',
  );
  if (notes.length === 0) return numbered;
  return html`${numbered}<ol class="notes" aria-label="Notes to the comparisons">${notes.map((note) => html`<li>${note}</li>`)}</ol>`;
}
