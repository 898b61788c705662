import type { TopLevelSpec } from 'vega-lite';
import type { Breakdown, CalibrationBin, Result } from '../../contract';
import { formatMeanCount, formatPercent } from '../formatters';
import { looks } from '../reading';
import type { Chart } from './render';

const width = 300;
/** Bars of both arms of one bin would hide each other. */
const aside = 3;

/** How often the class predicted is right, by the score it was given: on the diagonal a score means what it says. Below, where the rows are. */
export function calibrationChart(result: Result, { control, variant, calibration }: Breakdown, id: string): Chart {
  const arms = [control, variant];
  const look = looks(result);
  const rows = arms.flatMap((arm, i) =>
    calibration[i === 0 ? 'control' : 'variant'].map((bin) => ({ arm, shift: i === 0 ? -aside : aside, ...bin })),
  );
  const totals = arms.map((arm) => rows.reduce((sum, row) => sum + (row.arm === arm ? row.rows : 0), 0));
  const shares = rows.map((row) => ({
    ...row,
    share: row.rows / (totals[arms.indexOf(row.arm)] || 1),
    tip: `${row.arm}: ${sentence(row)}`,
  }));
  const from = Math.min(...rows.map((row) => row.from));
  const colours = arms.map((arm, i) => look.get(arm)?.colour ?? `var(--v${i})`);
  const x = { type: 'quantitative', scale: { domain: [from, 1], nice: false, zero: false, padding: 0 } } as const;
  const values = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1].filter((tick, i) => tick >= from && (from >= 0.5 || i % 2 === 0));
  const scoreAxis = { title: null, labels: false, ticks: false, values, grid: true } as const;
  const colour = {
    field: 'arm',
    type: 'nominal',
    scale: { domain: arms, range: colours },
    legend: { orient: 'top', title: null, labelLimit: 130, labelColor: 'var(--ink)', labelFontSize: 12, symbolSize: 70, symbolOpacity: 1 },
  } as const;
  const shape = {
    field: 'arm',
    type: 'nominal',
    scale: { domain: arms, range: arms.map((arm, i) => look.get(arm)?.shape ?? (i === 0 ? 'circle' : 'square')) },
    legend: colour.legend,
  } as const;
  const accuracy = {
    type: 'quantitative',
    scale: { domain: [0, 1], nice: false },
    axis: { title: 'share that is right', format: '.0%', tickCount: 5 },
  } as const;
  const curve = arms.flatMap((arm, i) => {
    const own = shares.filter((row) => row.arm === arm);
    const xOffset = i === 0 ? -aside : aside;
    return [
      {
        data: { values: own },
        mark: { type: 'rule', strokeWidth: 1.6, xOffset },
        encoding: {
          x: { ...x, field: 'confidence', axis: scoreAxis },
          y: { ...accuracy, field: 'low' },
          y2: { field: 'high' },
          color: colour,
        },
      },
      {
        data: { values: own },
        mark: { type: 'point', filled: true, size: 55, opacity: 1, xOffset, aria: true },
        encoding: {
          x: { ...x, field: 'confidence', axis: scoreAxis },
          y: { ...accuracy, field: 'accuracy' },
          color: colour,
          shape,
          description: { field: 'tip' },
        },
      },
    ];
  });
  const bars = arms.map((arm, i) => ({
    data: { values: shares.filter((row) => row.arm === arm) },
    mark: {
      type: 'bar',
      orient: 'vertical',
      ...(i === 0
        ? { fill: colours[0], fillOpacity: 0.3, strokeOpacity: 0 }
        : { fill: colours[1], fillOpacity: 0, stroke: colours[1], strokeWidth: 1.6 }),
    },
    encoding: {
      x: { ...x, field: 'from', axis: { title: 'score of the class predicted', format: '.0%', values, grid: true } },
      x2: { field: 'to' },
      y2: { datum: 0 },
      y: { field: 'share', type: 'quantitative', axis: { title: 'rows', format: '.0%', tickCount: 2, titlePadding: 12 } },
    },
  }));
  const spec = {
    spacing: 12,
    vconcat: [
      {
        width,
        height: 230,
        layer: [
          {
            data: {
              values: [
                { score: from, right: from },
                { score: 1, right: 1 },
              ],
            },
            mark: { type: 'line', color: 'var(--muted)', strokeWidth: 1.3, strokeDash: [5, 4] },
            encoding: { x: { ...x, field: 'score', axis: scoreAxis }, y: { ...accuracy, field: 'right' } },
          },
          ...curve,
        ],
      },
      { width, height: 62, layer: bars },
    ],
    resolve: { scale: { x: 'independent' } },
  } as unknown as TopLevelSpec;
  return { id, title: `Calibration of ${control} and ${variant}`, description: describe(arms, calibration), spec };
}

const describe = (arms: readonly string[], { control, variant }: Breakdown['calibration']): string =>
  `On the diagonal a score means what it says. ${arms
    .map((arm, i) => `${arm}: ${(i === 0 ? control : variant).map(sentence).join('; ')}.`)
    .join(' ')}`;

const sentence = (bin: CalibrationBin): string =>
  `at a score of ${formatPercent(bin.confidence)}, ${formatPercent(bin.accuracy)} right of ${formatMeanCount(bin.rows)} rows`;
