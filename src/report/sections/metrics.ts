import type { Result, VariantResult } from '../../contract';
import { strip, stripScale } from '../charts/strip';
import { formatCount, formatInterval, formatMetric } from '../formatters';
import { type Html, html } from '../html';
import { metricInfo, metricTitle } from '../metricInfo';
import { looks } from '../reading';
import { details, plural, scroll, section, table } from './parts';

/** Every metric of every variant with its interval and every seed's dot. */
export function metricsSection(result: Result): Html {
  const metrics = metricNamesOf(result);
  const seeds = [...new Set(result.variants.flatMap((variant) => variant.runs.map((run) => run.seed)))];
  const caption = html`Estimates with their intervals. <span class="muted">n = ${formatCount(result.snapshot.splits.test)} test rows and ${plural(seeds.length, 'seed')}. Dots are seeds, the tick is the estimate, the pale bar its interval; a metric’s rows share one scale.</span>`;
  return section(
    'metrics',
    'Metrics by variant',
    scroll(
      'metric-table',
      html`<table class="wide grouped"><caption id="metric-table">${caption}</caption><thead><tr><th scope="col">Variant</th><th scope="col" class="number">Estimate</th><th scope="col" class="number">Interval</th><th scope="col">Seeds</th><th scope="col">Method</th></tr></thead>${metrics.map((metric) => group(result, metric))}</table>`,
    ),
    details(
      'Every seed’s value',
      table(
        'seed-table',
        `Metrics by seed; n = ${seeds.length} seeds`,
        [{ head: 'Metric' }, { head: 'Variant' }, ...seeds.map((seed) => ({ head: `seed ${seed}`, number: true }))],
        metrics.flatMap((metric) =>
          result.variants.map((variant) => [
            metricInfo(metric).label,
            variant.name,
            ...seeds.map((seed) => {
              const run = variant.runs.find((candidate) => candidate.seed === seed);
              return run === undefined ? 'not run' : formatMetric(metric, run.metrics[metric]);
            }),
          ]),
        ),
      ),
    ),
  );
}

function metricNamesOf(result: Result): string[] {
  return [...new Set([result.plan.primary, ...result.plan.metrics, ...result.variants.flatMap((variant) => Object.keys(variant.metrics))])];
}

function group(result: Result, metric: string): Html {
  const scale = stripScale(result.variants, metric);
  const info = metricInfo(metric);
  const head = html`<tr class="group"><th scope="rowgroup" colspan="5">${metricTitle(metric)} <span class="muted">${info.better} is better</span></th></tr>`;
  return html`<tbody>${head}${result.variants.map((variant) => row(result, variant, metric, scale))}</tbody>
`;
}

function row(result: Result, variant: VariantResult, metric: string, scale: ReturnType<typeof stripScale>): Html {
  const own = variant.metrics[metric];
  const values = variant.runs.map((run) => `seed ${run.seed} ${formatMetric(metric, run.metrics[metric])}`).join(', ');
  const colour = looks(result).get(variant.name)?.colour ?? 'var(--v1)';
  return html`<tr><th scope="row">${variant.name}${variant.control ? html` <span class="role">control</span>` : null}</th><td class="number">${formatMetric(metric, own?.estimate)}</td><td class="number">${formatInterval(metric, own?.low, own?.high)}</td><td>${scale === null ? 'not defined' : strip(variant, metric, scale, colour, values)}</td><td class="muted">${own?.method ?? 'not measured'}</td></tr>`;
}
