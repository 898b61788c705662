import type { TopLevelSpec } from 'vega-lite';
import type { DriftFinding } from '../../contract';
import { formatNumber, formatPercent } from '../formatters';
import type { Chart } from './render';

type Picture = NonNullable<DriftFinding['picture']>;

/** Share of the rows by bin or category, two bars side by side: the reference filled, the current data outlined. */
export function sharesChart(finding: DriftFinding, picture: Picture, sides: [string, string], id: string): Chart {
  const bars = barsOf(picture);
  const values = bars.flatMap((bar) =>
    (['reference', 'current'] as const).map((side, i) => ({
      ...{ label: bar.label, side, share: bar[side] },
      ...halfOf(bar, i),
      tip: `${bar.label}: ${formatPercent(bar.reference)} ${sides[0]}, ${formatPercent(bar.current)} ${sides[1]}`,
    })),
  );
  const x = picture.edges === null ? categories(bars) : bins;
  const y = {
    y: { field: 'share', type: 'quantitative', axis: { title: 'share of rows', format: '.0%', tickCount: 3 } },
    y2: { datum: 0 },
  };
  const layer = (side: 'reference' | 'current', mark: object) => ({
    transform: [{ filter: `datum.side === '${side}'` }],
    mark: { type: 'bar', orient: 'vertical', strokeWidth: 1.4, aria: true, ...mark },
    encoding: { ...x, ...y, description: { field: 'tip' } },
  });
  const spec = {
    width: 300,
    height: 130,
    data: { values },
    layer: [
      layer('reference', { color: 'var(--v0)', fillOpacity: 0.55 }),
      layer('current', { color: 'var(--bound)', fillOpacity: 0.08, stroke: 'var(--bound)' }),
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

/** The left half of a bin is the reference's, the right half the current data's. */
function halfOf({ from, to }: Bar, half: number): { from: number | null; to: number | null } {
  if (from === null || to === null) return { from, to };
  const [middle, gap] = [(from + to) / 2, (to - from) * 0.06];
  return half === 0 ? { from: from + gap, to: middle } : { from: middle, to: to - gap };
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
  xOffset: { field: 'side', type: 'nominal', scale: { domain: ['reference', 'current'], paddingInner: 0.1 } },
});
