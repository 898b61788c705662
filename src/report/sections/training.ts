import type { Result, VariantResult } from '../../contract';
import { curveChart, curvePoints, curveRange, type Quantity, restartsOf } from '../charts/curves';
import { renderChart } from '../charts/render';
import { formatCount, formatNumber, formatPercent, formatSeconds } from '../formatters';
import { type Html, html } from '../html';
import { details, plural, section, table } from './parts';

/** Loss and accuracy by step: a panel a variant, a line a seed. */
export async function trainingSection(result: Result): Promise<Html> {
  const blocks: Html[] = [];
  for (const quantity of ['loss', 'accuracy'] as const) {
    const range = curveRange(result.variants, quantity);
    if (range === null) continue;
    const panels: Html[] = [];
    for (const [i, variant] of result.variants.entries())
      panels.push(await panel(result, variant, quantity, range, `${quantity}-${i + 1}`));
    blocks.push(html`<h3>${quantity === 'loss' ? 'Training loss' : 'Training accuracy'}</h3><div class="panels">${panels}</div>`);
  }
  return section(
    'training',
    'Training',
    blocks.length === 0
      ? html`<p>No training curve: the variants were evaluated only, or their trainers logged no loss and no accuracy.</p>`
      : html`<p class="lead">One line a seed; the panels of a row share their vertical scale. A dashed line with a triangle and ↻ marks the step that a run went on from after a restart.</p>${blocks}${restartTable(result)}`,
  );
}

const mostRestarts = 100;

/** Every restart, also those whose drawing has no room for a name. */
function restartTable(result: Result): Html | null {
  const restarts = result.variants.flatMap((variant) => restartsOf(variant).map((restart) => ({ variant: variant.name, ...restart })));
  if (restarts.length === 0) return null;
  return details(
    plural(restarts.length, 'restart'),
    table(
      'restart-table',
      html`Restarts, n = ${restarts.length}: where each run went on, and what had ended its trainer`,
      [{ head: 'Variant and seed' }, { head: 'From step', number: true }, { head: 'Training before', number: true }, { head: 'Cause' }],
      restarts
        .slice(0, mostRestarts)
        .map(({ variant, seed, step, seconds, cause }) => [
          html`${variant} <span class="muted">seed ${seed}</span>`,
          formatCount(step),
          seconds === null ? '–' : formatSeconds(seconds),
          cause ?? 'not recorded by the version that ran it',
        ]),
    ),
    restarts.length > mostRestarts ? html`<p>${plural(restarts.length - mostRestarts, 'more restart')} in result.json.</p>` : null,
  );
}

async function panel(result: Result, variant: VariantResult, quantity: Quantity, range: [number, number], id: string): Promise<Html> {
  const points = curvePoints(variant, quantity);
  const caption = html`<figcaption><strong>${variant.name}</strong></figcaption>`;
  if (points.length === 0) return html`<figure>${caption}<p class="n">No ${quantity} was logged.</p></figure>`;
  const seeds = [...new Set(points.map((point) => point.seed))];
  const restarts = restartsOf(variant);
  const chart = await renderChart(curveChart(result, variant, quantity, range, id));
  const show = quantity === 'accuracy' ? formatPercent : formatNumber;
  const bySteps = new Map<number, Map<number, number>>();
  for (const point of points) bySteps.set(point.step, (bySteps.get(point.step) ?? new Map<number, number>()).set(point.seed, point.value));
  const steps = [...bySteps.keys()].sort((a, b) => a - b);
  return html`<figure>${caption}${chart}<p class="n">n = ${plural(seeds.length, 'run')}, ${formatCount(points.length)} points${
    restarts.length === 0 ? null : `; ${plural(restarts.length, 'restart')}`
  }.</p>${details(
    'Data',
    table(
      `${id}-data`,
      html`${variant.name}: ${quantity} by step`,
      [{ head: 'Step' }, ...seeds.map((seed) => ({ head: `seed ${seed}` }))],
      steps.map((step) => [formatCount(step), ...seeds.map((seed) => optional(bySteps.get(step)?.get(seed), show))]),
      'numbers',
    ),
  )}</figure>
`;
}

const optional = (value: number | undefined, show: (value: number) => string): string => (value === undefined ? '' : show(value));
