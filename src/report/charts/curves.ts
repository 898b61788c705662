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

/** Restarts that are named in a drawing; the rest only have their line. */
const namedMarks = 6;

/** One panel a variant, one line a seed, a named line where a run went on after a restart. The panels of a quantity share the vertical scale. */
export function curveChart(result: Result, variant: VariantResult, quantity: Quantity, range: [number, number], id: string): Chart {
  const points = curvePoints(variant, quantity);
  const marks = marksOf(variant).map((mark, i) => ({ ...mark, value: range[0], label: i < namedMarks ? mark.label : '' }));
  const last = Math.max(0, ...points.map(({ step }) => step));
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
      { data: { values: marks }, mark: { type: 'rule', strokeDash: [2, 3], color: 'var(--bound)' }, encoding: { x } },
      {
        data: { values: marks },
        mark: { type: 'point', shape: 'triangle-up', filled: true, size: 70, opacity: 1, color: 'var(--bound)', yOffset: -4, aria: true },
        encoding: { x, y, description: { field: 'tip' } },
      },
      {
        data: { values: valuesByStep(points, quantity) },
        mark: { type: 'point', filled: true, size: 30, opacity: 0, color: colour, aria: true },
        encoding: { x, y, description: { field: 'tip' } },
      },
      // Each a line lower than the one before, so that near ones do not cover each other; towards the middle, so that none leaves the drawing.
      ...marks.slice(0, namedMarks).map((mark, i) => ({
        data: { values: [mark] },
        mark: {
          ...{ type: 'text', fontSize: 11, baseline: 'top', color: 'var(--bound)', y: 2 + 13 * i },
          ...(mark.step > last / 2 ? { align: 'right', dx: -4 } : { align: 'left', dx: 4 }),
        },
        encoding: { x, text: { field: 'label' } },
      })),
    ],
  } as unknown as TopLevelSpec;
  return { id, title: `${variant.name}: training ${quantity} by step`, description: describe(variant, points, quantity), spec };
}

/** Steps whose values a pointer can ask for. */
const askedSteps = 40;

/** Unseen marks that say every seed's value at their step. */
function valuesByStep(points: readonly Point[], quantity: Quantity): { step: number; value: number; tip: string }[] {
  const show = quantity === 'accuracy' ? formatPercent : formatNumber;
  const bySteps = new Map<number, Point[]>();
  for (const point of points) bySteps.set(point.step, [...(bySteps.get(point.step) ?? []), point]);
  const every = Math.ceil(bySteps.size / askedSteps);
  return [...bySteps]
    .sort(([a], [b]) => a - b)
    .filter((_, i) => i % every === 0 || i === bySteps.size - 1)
    .map(([step, at]) => ({
      step,
      value: at.reduce((sum, { value }) => sum + value, 0) / at.length,
      tip: `step ${step}: ${at.map(({ seed, value }) => `seed ${seed} ${show(value)}`).join(', ')}`,
    }));
}

interface RestartOfRun {
  seed: number;
  step: number;
  /** Null in results of earlier versions, which know the last one only. */
  seconds: number | null;
  cause: string | null;
}

export const restartsOf = ({ runs }: VariantResult): RestartOfRun[] =>
  runs.flatMap(({ seed, restarts, resumedFromStep }): RestartOfRun[] => {
    if (restarts !== undefined) return restarts.map((restart) => ({ seed, ...restart }));
    return resumedFromStep === null ? [] : [{ seed, step: resumedFromStep, seconds: null, cause: null }];
  });

/** One a step, whichever seeds went on there. */
function marksOf(variant: VariantResult): { step: number; label: string; tip: string }[] {
  const bySteps = new Map<number, RestartOfRun[]>();
  for (const restart of restartsOf(variant)) bySteps.set(restart.step, [...(bySteps.get(restart.step) ?? []), restart]);
  return [...bySteps]
    .sort(([a], [b]) => a - b)
    .map(([step, restarts]) => {
      const seeds = [...new Set(restarts.map(({ seed }) => seed))].join(', ');
      const causes = [...new Set(restarts.flatMap(({ cause }) => cause ?? []))];
      return {
        step,
        label: `↻ seed ${seeds}`,
        tip: `restarted from step ${step}: seed ${seeds}${causes.length === 0 ? '' : `; ${causes.join('; ')}`}`,
      };
    });
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
      const steps = restartsOf({ ...variant, runs: [run] }).map(({ step }) => step);
      const resumed = steps.length === 0 ? '' : `, restarted from step ${steps.join(', ')}`;
      return `Seed ${run.seed}: from ${show(own[0]?.value)} to ${show(own.at(-1)?.value)} in ${run.steps} steps${resumed}.`;
    })
    .join(' ');
}
