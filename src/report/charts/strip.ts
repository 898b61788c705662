import { type Html, html } from '../html';
import type { VariantResult } from '../../contract';
import { formatMetric } from '../formatters';

const width = 180;
const height = 20;

export interface StripScale {
  low: number;
  high: number;
}

/** What the cells of one metric span, so that they can be compared down the column. */
export function stripScale(variants: VariantResult[], metric: string): StripScale | null {
  const values = variants
    .flatMap((variant) => {
      const own = variant.metrics[metric];
      return [own?.estimate, own?.low, own?.high, ...variant.runs.map((run) => run.metrics[metric])];
    })
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  return values.length === 0 ? null : { low: Math.min(...values), high: Math.max(...values) };
}

/** A table cell's drawing: interval as a bar, estimate as a tick, every seed as a dot that says its value. */
export function strip(variant: VariantResult, metric: string, scale: StripScale, colour: string, description: string): Html {
  const own = variant.metrics[metric];
  const reach = scale.high - scale.low || 1;
  const at = (value: number): string => (6 + ((value - scale.low) / reach) * (width - 12)).toFixed(1);
  const bar =
    own?.low != null && own.high != null
      ? html`<line x1="${at(own.low)}" x2="${at(own.high)}" y1="10" y2="10" stroke="${colour}" stroke-width="6" stroke-opacity="0.25"/>`
      : null;
  const tick =
    own?.estimate != null
      ? html`<line x1="${at(own.estimate)}" x2="${at(own.estimate)}" y1="2" y2="18" stroke="${colour}" stroke-width="2"/>`
      : null;
  const dots = variant.runs.map((run) => {
    const value = run.metrics[metric];
    return (
      value != null &&
      html`<circle cx="${at(value)}" cy="10" r="2.6" fill="${colour}" stroke="var(--paper)" stroke-width="0.8" data-tip="${variant.name} seed ${run.seed}: ${formatMetric(metric, value)}"/>`
    );
  });
  return html`<svg class="strip" role="img" aria-label="${description}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${bar}${tick}${dots}</svg>`;
}
