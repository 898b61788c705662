import type { TopLevelSpec } from 'vega-lite';
import type { Result, VariantResult } from '../../contract';
import { formatNumber, formatPercent } from '../formatters';
import { looks } from '../reading';
import type { Chart } from './render';

export type Quantity = 'loss' | 'accuracy';

interface Point {
  step: number;
  value: number;
  seed: number;
}

/** One panel a variant, one line a seed, a triangle on the axis where a run was resumed. The panels of a quantity share the vertical scale. */
export function curveChart(result: Result, variant: VariantResult, quantity: Quantity, range: [number, number], id: string): Chart {
  const points = curvePoints(variant, quantity);
  const restarts = variant.runs.flatMap((run) =>
    run.resumedFromStep === null ? [] : [{ step: run.resumedFromStep, value: range[0], seed: run.seed }],
  );
  const colour = looks(result).get(variant.name)?.colour ?? 'var(--v1)';
  const x = {
    field: 'step',
    type: 'quantitative',
    scale: { nice: false, zero: true },
    axis: { title: 'step', grid: false, tickCount: 4, format: '~s' },
  } as const;
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { domain: range, nice: false, zero: false },
    axis: { title: null, tickCount: 4, ...(quantity === 'accuracy' ? { format: '.0%' } : {}) },
  } as const;
  const spec = {
    width: 272,
    height: 130,
    data: { values: points },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 1.3, opacity: 0.75, color: colour },
        encoding: { x, y, detail: { field: 'seed', type: 'nominal' } },
      },
      { data: { values: restarts }, mark: { type: 'rule', strokeDash: [2, 3], color: 'var(--bound)' }, encoding: { x } },
      {
        data: { values: restarts },
        mark: { type: 'point', shape: 'triangle-up', filled: true, size: 70, opacity: 1, color: 'var(--bound)', yOffset: -4 },
        encoding: { x, y },
      },
    ],
  } as unknown as TopLevelSpec;
  return { id, title: `${variant.name}: training ${quantity} by step`, description: describe(variant, points, quantity), spec };
}

export function curvePoints(variant: VariantResult, quantity: Quantity): Point[] {
  return variant.runs.flatMap((run) =>
    run.curve.flatMap((point) => {
      const value = point[quantity];
      return value === null || !Number.isFinite(value) ? [] : [{ step: point.step, value: Number(value.toPrecision(5)), seed: run.seed }];
    }),
  );
}

/** What all panels of a quantity span, padded; null where no run logged it. */
export function curveRange(variants: VariantResult[], quantity: Quantity): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const variant of variants) {
    for (const { value } of curvePoints(variant, quantity)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return null;
  const pad = (high - low || Math.abs(high) || 1) * 0.05;
  return [low >= 0 ? Math.max(0, low - pad) : low - pad, quantity === 'accuracy' ? Math.min(1.005, high + pad) : high + pad];
}

function describe(variant: VariantResult, points: Point[], quantity: Quantity): string {
  const show = quantity === 'accuracy' ? formatPercent : formatNumber;
  return variant.runs
    .map((run) => {
      const own = points.filter((point) => point.seed === run.seed);
      const resumed = run.resumedFromStep === null ? '' : `, resumed from step ${run.resumedFromStep}`;
      return `Seed ${run.seed}: from ${show(own[0]?.value)} to ${show(own.at(-1)?.value)} in ${run.steps} steps${resumed}.`;
    })
    .join(' ');
}
