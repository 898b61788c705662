import type { TopLevelSpec } from 'vega-lite';
import type { DriftFinding } from '../../contract';
import { formatNumber, formatPercent } from '../formatters';
import type { Chart } from './render';

type Picture = NonNullable<DriftFinding['picture']>;

/** Share of the rows by bin or category: the reference as filled bars, the current data as outlines over them. */
export function sharesChart(finding: DriftFinding, picture: Picture, sides: [string, string], id: string): Chart {
  const bars = barsOf(picture);
  const x = picture.edges === null ? categories(bars) : bins;
  const shares = (side: 'reference' | 'current') => ({
    y: { field: side, type: 'quantitative', axis: { title: 'share of rows', format: '.0%', tickCount: 3 } },
    y2: { datum: 0 },
  });
  const spec = {
    width: 300,
    height: 130,
    data: { values: bars },
    layer: [
      { mark: { type: 'bar', orient: 'vertical', color: 'var(--v0)', opacity: 0.35 }, encoding: { ...x, ...shares('reference') } },
      {
        mark: { type: 'bar', orient: 'vertical', fillOpacity: 0, stroke: 'var(--bound)', strokeWidth: 1.6 },
        encoding: { ...x, ...shares('current') },
      },
    ],
  } as unknown as TopLevelSpec;
  return {
    id,
    title: `${finding.column}: share of the rows, ${sides[0]} and ${sides[1]}`,
    description: bars
      .map(({ label, reference, current }) => `${label}: ${formatPercent(reference)} and ${formatPercent(current)}`)
      .join('; '),
    spec,
  };
}

export interface Bar {
  label: string;
  from: number | null;
  to: number | null;
  reference: number;
  current: number;
}

export function barsOf({ labels, edges, reference, current }: Picture): Bar[] {
  return reference.map((share, i) => {
    const from = edges?.[i] ?? null;
    const to = edges?.[i + 1] ?? null;
    const label = labels?.[i] ?? (from === null || to === null ? `bin ${i + 1}` : `${formatNumber(from)} to ${formatNumber(to)}`);
    return { label, from, to, reference: share, current: current[i] ?? 0 };
  });
}

const bins = {
  x: { field: 'from', type: 'quantitative', scale: { zero: false, nice: false }, axis: { title: null, tickCount: 5, grid: false } },
  x2: { field: 'to' },
};

const categories = (bars: Bar[]) => ({
  x: {
    field: 'label',
    type: 'nominal',
    sort: bars.map(({ label }) => label),
    axis: { title: null, labelLimit: 90, labelAngle: bars.length > 5 ? -40 : 0 },
  },
});
