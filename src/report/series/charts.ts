import type { TopLevelSpec } from 'vega-lite';
import type { SeriesRecord } from '../../contract';
import type { Chart } from '../charts/render';
import { differenceUnit, formatDifference, formatDifferenceInterval, formatNumber, formatTime } from '../formatters';
import { metricInfo, metricTitle } from '../metricInfo';
import { boundsOf, drawn, levelWords } from './reading';

const width = 940;
/** In UTC, as every time on the page. */
const x = {
  field: 'when',
  type: 'temporal',
  scale: { type: 'utc' },
  axis: { title: null, grid: false, tickCount: 8, labelOverlap: true, format: '%d %b', formatType: 'utc' },
} as const;

/** The effect over time with the bounds that hold together, zero and the margins; better is up whatever the metric. */
export function effectChart(record: SeriesRecord): Chart {
  const { primary } = record.question;
  const looks = record.looks.map((look) => ({ ...look, ...drawn(look) })).filter(({ difference }) => difference !== null);
  const margins = boundsOf(record);
  const { scale, suffix } = differenceUnit(primary, Math.max(...looks.map(({ difference }) => Math.abs(difference ?? 0)), 0));
  const points = looks.map((look) => ({
    when: look.when,
    look: look.look,
    difference: inUnit(look.difference, scale),
    low: inUnit(look.low, scale),
    high: inUnit(look.high, scale),
    decided: look.decision === 'adopt' || look.decision === 'equivalent' || look.decision === 'keep',
    alert: look.alert !== null,
    drift: look.drift !== null,
    tip: `Look ${look.look}, ${formatTime(look.when)}: ${formatDifference(primary, look.difference)} ${formatDifferenceInterval(primary, look.low, look.high)}, ${look.decision}`,
  }));
  const [bottom, top] = range(
    points,
    margins.map((margin) => margin / scale),
  );
  const lower = metricInfo(primary).better === 'lower';
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    scale: { domain: [bottom, top], reverse: lower, nice: false, zero: false, clamp: true },
    axis: { title: `difference${suffix === '' ? '' : `,${suffix}`}`, tickCount: 6, grid: true },
  });
  const edge = lower ? top : bottom;
  const marks = (kind: 'alert' | 'drift') => points.filter((point) => point[kind]).map(({ when }) => ({ when, at: edge }));
  const spec = {
    width,
    height: 300,
    data: { values: points },
    layer: [
      rule([{ at: 0 }], 'var(--muted)', y('at')),
      rule(
        margins.map((margin) => ({ at: margin / scale })),
        'var(--bound)',
        y('at'),
        [5, 4],
      ),
      ...(record.plan.scheme === 'new-units'
        ? [{ mark: { type: 'area', opacity: 0.18, color: 'var(--v1)' }, encoding: { x, y: y('low'), y2: { field: 'high' } } }]
        : []),
      { mark: { type: 'rule', strokeWidth: 2, color: 'var(--v1)', opacity: 0.75 }, encoding: { x, y: y('low'), y2: { field: 'high' } } },
      { mark: { type: 'line', strokeWidth: 1.5, color: 'var(--v1)' }, encoding: { x, y: y('difference') } },
      {
        mark: { type: 'point', filled: true, size: 60, opacity: 1, color: 'var(--v1)', aria: true },
        encoding: {
          x,
          description: { field: 'tip' },
          y: y('difference'),
          shape: { field: 'decided', type: 'nominal', scale: { domain: [false, true], range: ['circle', 'diamond'] }, legend: null },
          size: { field: 'decided', type: 'nominal', scale: { domain: [false, true], range: [50, 190] }, legend: null },
        },
      },
      sign(marks('alert'), 'triangle-up', 'var(--bad)', x, y('at'), -5),
      sign(marks('drift'), 'square', 'var(--warn)', x, y('at'), -18),
    ],
  } as unknown as TopLevelSpec;
  return { id: 'effect', title: `${metricTitle(primary)} over time`, description: describe(record), spec };
}

/** Alpha spent so far against what the series has. */
export function alphaChart(record: SeriesRecord): Chart {
  const values = record.looks.map(({ look, when, cumulativeAlpha }) => ({
    when,
    spent: cumulativeAlpha,
    tip: `Look ${look}, ${formatTime(when)}: ${formatNumber(cumulativeAlpha)} spent`,
  }));
  const y = {
    field: 'spent',
    type: 'quantitative',
    scale: { domain: [0, record.plan.alpha * 1.1], nice: false },
    axis: { title: 'alpha spent', tickCount: 3, grid: true },
  } as const;
  const spec = {
    width,
    height: 90,
    data: { values },
    layer: [
      rule([{ spent: record.plan.alpha }], 'var(--bound)', { ...y, field: 'spent' }, [5, 4]),
      { mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.8, color: 'var(--v0)' }, encoding: { x, y } },
      {
        mark: { type: 'point', filled: true, size: 30, opacity: 1, color: 'var(--v0)', aria: true },
        encoding: { x, y, description: { field: 'tip' } },
      },
    ],
  } as unknown as TopLevelSpec;
  const last = values.at(-1)?.spent ?? 0;
  return {
    id: 'alpha',
    title: 'Chance of a wrong decision spent so far',
    description: `${formatNumber(last)} of ${formatNumber(record.plan.alpha)} after ${values.length} looks.`,
    spec,
  };
}

function rule(values: object[], color: string, y: object, strokeDash?: number[]): object {
  return { data: { values }, mark: { type: 'rule', strokeWidth: 1.5, color, ...(strokeDash ? { strokeDash } : {}) }, encoding: { y } };
}

function sign(values: object[], shape: string, color: string, x: object, y: object, yOffset: number): object {
  return { data: { values }, mark: { type: 'point', filled: true, shape, size: 80, opacity: 1, color, yOffset }, encoding: { x, y } };
}

/** A wide first look would leave the others no room: the picture spans all estimates and nine tenths of the bounds. */
function range(
  points: readonly { difference: number | null; low: number | null; high: number | null }[],
  margins: number[],
): [number, number] {
  const needed = [...points.flatMap(({ difference }) => difference ?? []), ...margins, 0];
  const ends = points.flatMap(({ low, high }) => [low, high].flatMap((end) => end ?? [])).sort((a, b) => a - b);
  const cut = Math.floor(ends.length * 0.05);
  const low = Math.min(...needed, ends[cut] ?? 0);
  const high = Math.max(...needed, ends[ends.length - 1 - cut] ?? 0);
  const pad = (high - low || 1) * 0.08;
  return [low - pad, high + pad];
}

const inUnit = (value: number | null, scale: number): number | null => (value === null ? null : value / scale);

function describe(record: SeriesRecord): string {
  const { primary } = record.question;
  const said = record.looks.slice(-12).map((look) => {
    const { difference, low, high } = drawn(look);
    return `Look ${look.look}, ${formatTime(look.when)}: ${formatDifference(primary, difference)} ${formatDifferenceInterval(primary, low, high)}, ${look.decision}.`;
  });
  return `${levelWords(record)}. Better is up. ${said.join(' ')}`;
}
