import type { Result } from '../../contract';
import { renderChart } from '../charts/render';
import { heldDown, usageChart, type UsageQuantity, usageQuantities, type UsedRun, usedRuns } from '../charts/usage';
import { formatBytes, formatCount, formatNumber, formatPercent } from '../formatters';
import { type Html, html } from '../html';
import { dashes, looks } from '../reading';
import { details, plural, section, table } from './parts';

/** Memory, use, clock and temperature of the devices over the time of each run. Null where no run's devices were watched. */
export async function usageSection(result: Result): Promise<Html | null> {
  const runs = usedRuns(result);
  if (runs.length === 0) return null;
  const panels: Html[] = [];
  for (const quantity of Object.keys(usageQuantities) as UsageQuantity[]) panels.push(await panel(result, runs, quantity));
  const variants = result.variants.filter(({ name }) => runs.some(({ variant }) => variant === name));
  const more = result.variants.flatMap((variant) => variant.runs).length - runs.length;
  return section(
    'usage',
    'Use of the devices',
    html`<p class="lead">One line a run; seconds count while its devices were watched. A run on several devices has the sum of their memory and the mean of the rest.${more > 0 ? ` Of ${plural(more, 'run')} there is no record.` : null}</p>${legend(result, variants)}<div class="pair">${panels}</div>${variants.map((variant, i) => data(runs, variant.name, `usage-data-${i + 1}`))}`,
  );
}

async function panel(result: Result, runs: readonly UsedRun[], quantity: UsageQuantity): Promise<Html> {
  const { title } = usageQuantities[quantity];
  const caption = html`<figcaption><strong>${title}</strong></figcaption>`;
  const chart = usageChart(result, runs, quantity, `usage-${quantity.toLowerCase()}`);
  if (chart === null) return html`<figure>${caption}<p class="n">The devices do not report it.</p></figure>`;
  const known = runs.filter(({ series }) => series[quantity].some((value) => value !== null));
  const points = known.reduce((sum, { series }) => sum + series[quantity].filter((value) => value !== null).length, 0);
  const held = quantity === 'smClockMhz' && known.some(({ series }) => series.throttled.some((share) => share > 0));
  return html`<figure>${caption}${await renderChart(chart)}<p class="n">n = ${plural(known.length, 'run')}, ${formatCount(points)} points${held ? html`; ${cross} held down by heat or power` : null}.</p></figure>
`;
}

/** As it is drawn on the clock. */
const cross = html`<svg role="img" aria-label="cross" width="10" height="10" viewBox="-1.25 -1.25 2.5 2.5"><path d="${heldDown}" fill="none" stroke="var(--bound)" stroke-width=".45"/></svg>`;

/** What stands for which variant: colour, dashes and the shape at the end of a line. */
function legend(result: Result, variants: Result['variants']): Html {
  const look = looks(result);
  return html`<ul class="legend">${variants.map((variant) => {
    const dash = dashes(result.variants.indexOf(variant)).join(' ');
    return html`<li><svg role="img" aria-label="line of ${variant.name}" width="34" height="10" viewBox="0 0 34 10"><line x1="0" x2="34" y1="5" y2="5" stroke="${look.get(variant.name)?.colour ?? 'var(--v1)'}" stroke-width="2" stroke-dasharray="${dash}"/></svg> ${variant.name}</li>`;
  })}</ul>`;
}

function data(runs: readonly UsedRun[], variant: string, id: string): Html {
  const own = runs.filter((run) => run.variant === variant);
  return details(
    html`Data: ${variant}`,
    table(
      id,
      html`${variant}: its devices by time, the data of the plots`,
      [
        { head: 'Seed' },
        ...['Seconds', 'Memory', 'GPU use', 'SM clock, MHz', 'Temperature, °C', 'Power, W', 'Held down'].map((head) => ({
          head,
          number: true,
        })),
      ],
      own.flatMap(({ seed, series }) =>
        series.seconds.map((seconds, i) => [
          seed,
          formatNumber(seconds),
          cell(series.memoryBytes[i], formatBytes),
          cell(series.utilization[i], formatPercent),
          cell(series.smClockMhz[i], formatCount),
          cell(series.temperatureCelsius[i], formatNumber),
          cell(series.powerWatts[i], formatNumber),
          cell(series.throttled[i], (share) => formatPercent(share, 0)),
        ]),
      ),
      'numbers',
    ),
  );
}

const cell = (value: number | null | undefined, show: (value: number) => string): string => (typeof value === 'number' ? show(value) : '–');
